"""Whether CREATE OR REPLACE does for what may be there already: PostgreSQL lets it change only so much. Pure.

takes(command)               what a function takes, of its DROP and of its CREATE; None for anything else
goes_on(gone, made)          a view that has the columns of the one that may be there, and maybe more behind them
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from crossfade.postgres.forecast.trees import below, kind, names
from crossfade.postgres.forecast.type_names import read_type

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.postgres.catalog import Table
    from crossfade.postgres.forecast import Schema

Takes: TypeAlias = "tuple[bool, tuple[str, ...] | None]"
"""Whether it is a procedure, and the types of what is given to it; None where a DROP leaves them out."""
_OUTPUT = frozenset({"FUNC_PARAM_OUT", "FUNC_PARAM_TABLE"})


def takes(command: Command) -> Takes | None:
    """What tells functions of one name apart."""
    node = command.node
    if command.does == "CreateFunctionStmt":
        inputs = (p.argType for p in node.parameters or () if p.mode.name not in _OUTPUT)
        return bool(node.is_procedure), tuple(map(_spelled, inputs))
    if command.does == "DropStmt" and kind(node.objects[0]) == "ObjectWithArgs":
        (function,) = node.objects
        types = None if function.args_unspecified else tuple(map(_spelled, function.objargs or ()))
        return node.removeType.name == "OBJECT_PROCEDURE", types
    return None


def _spelled(type_name: Any) -> str:
    return read_type(type_name).spelled


def goes_on(gone: Command, made: Command) -> bool:
    """Whether the new view begins with the old one's columns; as far as is known, nothing is there that has others."""
    old = gone.before.find(made.node.view.schemaname, made.node.view.relname)
    if old is None:
        return True
    new = _columns(made.node, made.before)
    begin: list[tuple[str, str | None]] = [(column.name, column.type) for column in old.columns]
    return bool(begin) and new[: len(begin)] == begin


def _columns(view: Any, schema: Schema) -> list[tuple[str, str | None]]:
    """The names and types of a view's columns as far as they are columns of tables; none where it reads more."""
    query, aliases = view.query, names(view.aliases)
    sources = list(below(query.fromClause))
    if query.withClause or any(kind(n).startswith("Range") and kind(n) != "RangeVar" for n in sources):
        return []
    tables = {
        n.alias.aliasname if n.alias else n.relname: schema.find(n.schemaname, n.relname)
        for n in sources
        if kind(n) == "RangeVar"
    }
    found = [column for target in query.targetList or () for column in _shown(target, tables)]
    return [(aliases[n] if n < len(aliases) else name, type_) for n, (name, type_) in enumerate(found)]


def _shown(target: Any, tables: Mapping[str, Table | None]) -> Iterator[tuple[str, str | None]]:
    """The columns that one part of a SELECT's list gives."""
    value = target.val
    *of, name = names(value.fields) or [""] if kind(value) == "ColumnRef" else [""]
    if kind(value) == "ColumnRef" and kind(value.fields[-1]) == "A_Star":
        meant = [tables.get(name)] if name else [*tables.values()]
        yield from ((c.name, c.type) for table in meant if table is not None for c in table.columns)
        return
    meant = [tables.get(of[-1])] if of else [*tables.values()]
    types = [c.type for table in meant if table is not None and (c := table.column(name)) is not None]
    yield target.name or name, types[0] if len(types) == 1 else None
