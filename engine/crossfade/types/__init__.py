"""Types for apps, of a schema as it is or as a phase of a plan leaves it.

    catalog, type facts → known (→ followed: the statements of a plan) → model → typescript, python: a text

All of it is pure; what is printed depends on the schema and the options alone.
"""
