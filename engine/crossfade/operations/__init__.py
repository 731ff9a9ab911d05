"""What a kind of change compiles to."""
