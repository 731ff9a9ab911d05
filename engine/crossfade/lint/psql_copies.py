"""`\\copy … FROM` of psql, as the statement that psql sends for it: COPY … FROM STDIN. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import TYPE_CHECKING

from crossfade.migrations.psql_text import COPY_FROM
from crossfade.migrations.script import SqlStatement
from crossfade.postgres.forecast.trees import NotOneStatement, one_statement

if TYPE_CHECKING:
    from crossfade.migrations.script import Script, Unsent


def with_copies(script: Script) -> Sequence[SqlStatement]:
    """The statements of a script in order, with those that psql sends for its own command."""
    copies = [copy for part in script.unsent if (copy := _copy(part)) is not None]
    return sorted((*script.statements, *copies), key=attrgetter("begin")) if copies else script.statements


def _copy(part: Unsent) -> SqlStatement | None:
    found = COPY_FROM.match(part.text)
    if found is None:
        return None
    sql = f"COPY {found['into']} FROM STDIN"
    try:
        tree = one_statement(sql)
    except NotOneStatement:
        return None
    # The names stand where they stand in the file.
    origin = part.begin + found.start("into") - len("COPY ")
    return SqlStatement(source=part.source, begin=part.begin, end=part.end, sql=sql, tree=tree, origin=origin)
