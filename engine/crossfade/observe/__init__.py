"""What happens, as events, and who listens."""
