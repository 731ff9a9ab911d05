"""Views and what else is made again, exactly as it was."""
