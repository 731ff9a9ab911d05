"""A plan's own statements: how they run, what is foreseen of them, what speaks against them."""
