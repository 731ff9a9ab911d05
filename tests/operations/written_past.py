"""A write that our triggers do not see, since somebody switched them off for a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from psycopg import sql

if TYPE_CHECKING:
    from ..fixtures.database import Database

NAMES = "SELECT tgname::text FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal"


def write_past(database: Database, table: LiteralString, statement: LiteralString) -> None:
    """Run the statement without the table's triggers; afterwards all of them fire as before, which is always."""
    relation = sql.Identifier(table)
    database.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(relation))
    database.execute(statement)
    for (name,) in database.execute(NAMES, [table]):
        again = sql.SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}")
        database.execute(again.format(relation, sql.Identifier(str(name))))
