"""Columns that are added, altered or dropped, and what stands in the way."""
