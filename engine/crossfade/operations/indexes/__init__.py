"""Indexes that are built, copied and made constraints of without blocking anybody."""
