"""Constraints that come without a pause, and what stands in their way."""
