"""Suspects: functions whose text names a table and its old column.

A body that is a text to the server leaves no trace in pg_depend, so only reading can tell; and a text that has the two
words in it need not use them. That is for a person to say. As in preflight, a name counts where it stands as a word of
its own, in whatever case, or in SQL's quotes. What a text puts together, or runs from elsewhere, is not seen.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

from crossfade.gates.queries import query

if TYPE_CHECKING:
    import psycopg


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFunction:
    """A function with a body that is a text."""

    name: str
    """With its schema and arguments: `public.report(integer)`."""
    language: str
    body: str
    uses: bool
    """Whether the server knows that it is about the table: it serves a trigger there, or takes or gives its rows."""

    @property
    def digest(self) -> str:
        """What tells this text from another one of the same function."""
        return hashlib.sha256(self.body.encode()).hexdigest()[:12]

    def names(self, tables: Iterable[str], column: str) -> bool:
        """Whether its text names the column, and is about one of the tables. Pure."""
        return _names(self.body, column) and (self.uses or any(_names(self.body, table) for table in tables))


def find(
    connection: psycopg.Connection[Any], oids: Iterable[int], tables: Iterable[str], column: str
) -> tuple[TextFunction, ...]:
    """The functions that name a column of these relations. Raises psycopg.Error."""
    with connection.cursor(row_factory=class_row(TextFunction)) as cursor:
        cursor.execute(query("text_functions"), {"oids": list(oids), "words": list(_spellings(column))})
        return tuple(f for f in cursor if f.names(tables, column))


def _names(text: str, identifier: str) -> bool:
    return any(
        re.search(rf"(?<![\w$]){re.escape(word)}(?![\w$])", text, re.IGNORECASE) for word in _spellings(identifier)
    )


def _spellings(identifier: str) -> tuple[str, ...]:
    """As it is, and as it stands between double quotes."""
    return tuple(dict.fromkeys((identifier, identifier.replace('"', '""'))))
