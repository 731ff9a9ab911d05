"""Dumps that are equal wherever two schemas are, the order of columns aside."""

from __future__ import annotations

import pglast

_ANY_ORDER = ("ALTER PUBLICATION", "CREATE STATISTICS")
"""Statements that list columns in the table's order, whatever the user wrote."""


def canonical(dump: str) -> str:
    """The statements of a dump in alphabetical order, and the lines of each CREATE TABLE as well."""
    text = "".join(line for line in dump.splitlines(keepends=True) if not line.startswith("--"))
    return "\n\n".join(sorted(_statement(s) for s in pglast.split(text, with_parser=False)))


def _statement(text: str) -> str:
    text = text.strip()
    if text.startswith(_ANY_ORDER):
        return " ".join(sorted(text.replace(",", " ").replace("(", " ( ").replace(")", " ) ").split()))
    if not text.startswith(("CREATE TABLE", "CREATE UNLOGGED TABLE", "CREATE FOREIGN TABLE")):
        return text
    first, *lines = text.splitlines()
    end = next((n for n, line in enumerate(lines) if line.startswith(")")), len(lines))
    body = sorted(line.rstrip(",") for line in lines[:end])
    return "\n".join((first, *body, *lines[end:]))
