"""Changes of rows: their statements, and what they set off."""
