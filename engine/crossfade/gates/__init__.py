"""Conditions in front of a phase."""
