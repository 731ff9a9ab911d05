"""A verdict written down: a file for each form, each with one function from `Verdict` to text. Pure."""
