"""Presence sources: one file for each way to see which instances of an app are live, and at which version."""
