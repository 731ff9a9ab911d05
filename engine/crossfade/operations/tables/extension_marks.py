"""The mark `DEPENDS ON EXTENSION`, by which something goes with an extension: set again on what is made anew."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from crossfade.postgres.statement import Statement, render


def marked(what: sql.Composable, extensions: tuple[str, ...]) -> Iterator[Statement]:
    """The statements that mark it; `what` is as ALTER names it: `INDEX i`, `TRIGGER a ON t`."""
    for extension in extensions:
        text = sql.SQL("ALTER {} DEPENDS ON EXTENSION {}").format(what, sql.Identifier(extension))
        yield Statement(text=render(text))
