"""Rows migrated in batches."""
