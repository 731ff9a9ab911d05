"""The search path that a statement is read under: the users', or our own, which finds nothing but PostgreSQL."""

from __future__ import annotations

from crossfade.postgres.statement import Statement

USERS_PATH = Statement(text="SET LOCAL search_path TO DEFAULT")
"""For a statement that has an expression of the plan in it: names in it mean what they mean to the users."""
OUR_PATH = Statement(text="SET LOCAL search_path TO pg_catalog")
