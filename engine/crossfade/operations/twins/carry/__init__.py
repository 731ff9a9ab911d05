"""What travels with a column when another takes its place: a file for each kind of thing that hangs on columns.

Each has one function, `carry(exchange) -> Carried`. What cannot travel is refused there, by name.
"""
