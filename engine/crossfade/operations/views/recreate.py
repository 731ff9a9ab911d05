"""Views that have to go while a column under them is exchanged or altered, and come back exactly as they were.

`over` finds them, `around` gives the statements for the transaction that needs them gone. What `create` makes has the
same dump as the view that was read. A materialised view comes back empty: `refill` reads all its rows, and belongs
outside that transaction. What cannot be made again is told by `recreate_preflight`.

The statements name no locks: whoever puts them into a step knows which of the relations exist before it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.rights.recreate_rights import rights
from crossfade.operations.tables.table_preflight import family_of
from crossfade.operations.views.deparsed import repeatable
from crossfade.postgres.own_names import own_name
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Catalog, Column, ExtendedStatistics, Index, QualifiedName, Table
    from crossfade.postgres.catalog_views import Use, View

_KINDS = {"view": sql.SQL("VIEW"), "materialized view": sql.SQL("MATERIALIZED VIEW")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a transaction does before and after the statements that the views would stand in the way of."""

    before: tuple[Statement, ...]
    after: tuple[Statement, ...]


def over(catalog: Catalog, table: Table, columns: Collection[str]) -> tuple[View, ...]:
    """The views that cannot stay while these columns of the table are exchanged or altered, what they need first.

    A view counts if the server has recorded that it uses one of the columns, here or in a partition or child, or if it
    uses the row as a whole; one that only counts rows stays. With a view goes every view on top of it.
    """
    family = {member.name for member in family_of(table, catalog)}
    gone: dict[QualifiedName, View] = {}
    pending = [view for view in catalog.views if _touched(view.uses, family, columns)]
    while pending:
        view = pending.pop()
        if view.name not in gone:
            gone[view.name] = view
            pending += [above for above in catalog.views if above.uses_of(view.name)]
    return tuple(view for view in catalog.views if view.name in gone)


def _touched(uses: Iterable[Use], family: Collection[QualifiedName], columns: Collection[str]) -> bool:
    return any(use.relation in family and (use.whole_row or not use.columns.isdisjoint(columns)) for use in uses)


def around(views: tuple[View, ...]) -> Around:
    """Drop these views and create them again; they come in the catalog's order."""
    return Around(
        before=tuple(drop(view) for view in reversed(views)),
        after=tuple(statement for view in views for statement in create(view)),
    )


def drop(view: View) -> Statement:
    """Without CASCADE: what nobody knew of stops it."""
    return _statement(sql.SQL("DROP {} {}").format(_KINDS[view.kind], _identifier(view.name)))


def create(view: View) -> tuple[Statement, ...]:
    """Everything to make the view as it was, by the role that read the catalog."""
    made = (
        _definition(view),
        *_owner(view),
        *_column_settings(view),
        *(sql for index in view.indexes for sql in _index(view, index)),
        *_replica_identity(view),
        *(sql for statistics in view.extended_statistics for sql in _statistics(view, statistics)),
        *(_trusted(repeatable(trigger.definition)) for trigger in view.triggers),
        *(_trusted(repeatable(rule.definition)) for rule in view.rules),
        *_comments(view),
        *rights(view),
    )
    return tuple(_statement(composed) for composed in made)


def refill(view: View) -> Statement:
    """Fill a materialised view from its query."""
    text = sql.SQL("REFRESH MATERIALIZED VIEW {}").format(_identifier(view.name))
    return Statement(text=render(text), rewrites=True)


def hide(view: View, name: str) -> tuple[Statement, ...]:
    """Give the view this name of ours, and its indexes and statistics others, so that a second one can have theirs."""
    alter = sql.SQL("ALTER {} {} RENAME TO {}")
    renames = [(*pair, _hidden(pair[1], name)) for pair in _named_parts(view)]
    return (
        _statement(alter.format(_KINDS[view.kind], _identifier(view.name), sql.Identifier(name))),
        *(_statement(alter.format(k, _identifier(n), sql.Identifier(to))) for k, n, to in renames),
    )


def unhide(view: View, name: str) -> tuple[Statement, ...]:
    """Undo `hide` with the same name."""
    alter = sql.SQL("ALTER {} {} RENAME TO {}")
    hidden = sql.Identifier(view.name.schema, name)
    renames = [(k, sql.Identifier(n.schema, _hidden(n, name)), n.name) for k, n in _named_parts(view)]
    return (
        _statement(alter.format(_KINDS[view.kind], hidden, sql.Identifier(view.name.name))),
        *(_statement(alter.format(k, there, sql.Identifier(to))) for k, there, to in renames),
    )


def _named_parts(view: View) -> Iterator[tuple[sql.SQL, QualifiedName]]:
    """What has a name of its own in a schema."""
    yield from ((sql.SQL("INDEX"), index.name) for index in view.indexes)
    yield from ((sql.SQL("STATISTICS"), statistics.name) for statistics in view.extended_statistics)


def _hidden(name: QualifiedName, view: str) -> str:
    """A name of ours for a part of the view that is hidden under this name."""
    return own_name("hidden", view, name.schema, name.name)


def _statement(composed: sql.Composable) -> Statement:
    return Statement(text=render(composed))


def _identifier(name: QualifiedName) -> sql.Identifier:
    return sql.Identifier(name.schema, name.name)


def _trusted(text: str) -> sql.SQL:
    """Text of the server's own deparse."""
    return sql.SQL(text)


def _alter(view: View, action: sql.Composable) -> sql.Composed:
    return sql.SQL("ALTER {} {} {}").format(_KINDS[view.kind], _identifier(view.name), action)


def _definition(view: View) -> sql.Composed:
    parts: list[sql.Composable] = [sql.SQL("CREATE {} {}").format(_KINDS[view.kind], _identifier(view.name))]
    if view.columns:
        names = sql.SQL(", ").join(sql.Identifier(column.name) for column in view.columns)
        parts.append(sql.SQL("({})").format(names))
    if view.kind == "materialized view" and view.access_method is not None:
        parts.append(sql.SQL("USING {}").format(sql.Identifier(view.access_method)))
    if view.options:
        parts.append(sql.SQL("WITH ({})").format(sql.SQL(", ").join(_option(option) for option in view.options)))
    if view.tablespace is not None:
        parts.append(sql.SQL("TABLESPACE {}").format(sql.Identifier(view.tablespace)))
    parts.append(sql.SQL("AS {}").format(_trusted(repeatable(view.definition))))
    if view.kind == "materialized view":
        parts.append(sql.SQL("WITH NO DATA"))
    return sql.SQL(" ").join(parts)


def _option(stored: str) -> sql.Composed:
    """`name=value` as it is stored, for WITH (…) or SET (…)."""
    name, _, value = stored.partition("=")
    return sql.SQL("{} = {}").format(sql.Identifier(*name.split(".")), sql.Literal(value))


def _owner(view: View) -> Iterator[sql.Composed]:
    if view.owner != view.creator:
        yield _alter(view, sql.SQL("OWNER TO {}").format(sql.Identifier(view.owner)))


def _column_settings(view: View) -> Iterator[sql.Composed]:
    for column in view.columns:
        for action in _one_column(view, column):
            yield _alter(view, sql.SQL("ALTER COLUMN {} {}").format(sql.Identifier(column.name), action))


def _one_column(view: View, column: Column) -> Iterator[sql.Composable]:
    if column.default is not None:
        yield sql.SQL("SET DEFAULT {}").format(_trusted(column.default.expression))
    if view.kind == "view":
        return
    if column.statistics_target is not None:
        yield sql.SQL("SET STATISTICS {}").format(sql.Literal(column.statistics_target))
    if not column.storage_is_default:
        yield sql.SQL("SET STORAGE {}").format(_STORAGE[column.storage])
    if column.compression is not None:
        yield sql.SQL("SET COMPRESSION {}").format(sql.Identifier(column.compression))
    if column.options:
        yield sql.SQL("SET ({})").format(sql.SQL(", ").join(_option(option) for option in column.options))


_STORAGE = {
    "plain": sql.SQL("PLAIN"),
    "external": sql.SQL("EXTERNAL"),
    "extended": sql.SQL("EXTENDED"),
    "main": sql.SQL("MAIN"),
}


def _index(view: View, index: Index) -> Iterator[sql.Composable]:
    name = _identifier(index.name)
    yield _trusted(repeatable(index.definition))
    if index.tablespace is not None:
        yield sql.SQL("ALTER INDEX {} SET TABLESPACE {}").format(name, sql.Identifier(index.tablespace))
    for position, target in index.statistics_targets:
        yield sql.SQL("ALTER INDEX {} ALTER COLUMN {} SET STATISTICS {}").format(
            name, sql.Literal(position), sql.Literal(target)
        )
    if index.clustered:
        yield _alter(view, sql.SQL("CLUSTER ON {}").format(sql.Identifier(index.name.name)))
    yield from _comment(sql.SQL("INDEX {}").format(name), index.comment)


def _replica_identity(view: View) -> Iterator[sql.Composed]:
    """Those that a materialised view can have besides the default: its columns are nullable, so that no index fits."""
    if view.kind == "materialized view" and view.replica_identity == "full":
        yield _alter(view, sql.SQL("REPLICA IDENTITY FULL"))
    if view.kind == "materialized view" and view.replica_identity == "nothing":
        yield _alter(view, sql.SQL("REPLICA IDENTITY NOTHING"))


def _statistics(view: View, statistics: ExtendedStatistics) -> Iterator[sql.Composable]:
    name = _identifier(statistics.name)
    yield _trusted(repeatable(statistics.definition))
    if statistics.target is not None:
        yield sql.SQL("ALTER STATISTICS {} SET STATISTICS {}").format(name, sql.Literal(statistics.target))
    yield from _comment(sql.SQL("STATISTICS {}").format(name), statistics.comment)
    if statistics.owner != view.creator:
        yield sql.SQL("ALTER STATISTICS {} OWNER TO {}").format(name, sql.Identifier(statistics.owner))


def _comments(view: View) -> Iterator[sql.Composed]:
    name = _identifier(view.name)
    yield from _comment(sql.SQL("{} {}").format(_KINDS[view.kind], name), view.comment)
    for column in view.columns:
        place = sql.Identifier(view.name.schema, view.name.name, column.name)
        yield from _comment(sql.SQL("COLUMN {}").format(place), column.comment)
    for trigger in view.triggers:
        yield from _comment(sql.SQL("TRIGGER {} ON {}").format(sql.Identifier(trigger.name), name), trigger.comment)
    for rule in view.rules:
        yield from _comment(sql.SQL("RULE {} ON {}").format(sql.Identifier(rule.name), name), rule.comment)


def _comment(on: sql.Composable, comment: str | None) -> Iterator[sql.Composed]:
    if comment is not None:
        yield sql.SQL("COMMENT ON {} IS {}").format(on, sql.Literal(comment))
