"""Shapes, columns and tables kept in step by triggers, and writes seen by them."""
