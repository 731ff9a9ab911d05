"""Changes of one table that cannot be in one plan, since one takes a column or a name from the other. Pure.

Triggers ask some expressions of a plan until the run is over, by the columns' names of now. And a name that a change
gives away belongs to its column or constraint until contract, or until it is dropped; a change that needs it sooner
would find it taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from crossfade.errors import Refusal
from crossfade.operations.columns import settled_late
from crossfade.operations.columns.planned import Moment, Planned
from crossfade.operations.step import Part, Turn
from crossfade.operations.tables.table_preflight import family_of
from crossfade.plan.changes.add_column import AddColumn
from crossfade.plan.changes.drop_column import DropColumn
from crossfade.plan.changes.set_generated import SetGenerated
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.operations.step import Compiled
    from crossfade.plan.changes.fields import ChangeModel
    from crossfade.postgres.catalog import Catalog, Constraint, Table

_ASKED_BY_TRIGGERS = frozenset({"fill", "into", "reverse", "using"})
"""What the places of such expressions begin with; `fix` is asked in backfill alone, a constraint's by the server."""

_HELD_BY_THE_SERVER = frozenset({"generated", "policies"})
"""The same of expressions that become something which depends on the columns, and does not go with them."""


def refusals(
    changes: Sequence[ChangeModel], compiled: Sequence[Compiled], catalogs: Sequence[Catalog]
) -> Iterator[Refusal]:
    """Every pair that does not go together; `catalogs` are those that the changes were compiled against."""
    planned = [
        Planned(number=n, change=change, compiled=compiled[n - 1], before=catalogs[n - 1])
        for n, change in enumerate(changes, start=1)
        if compiled[n - 1].steps and all(r.ack for r in compiled[n - 1].refusals)
    ]
    for one in planned:
        for other in planned:
            if one is not other:
                yield from _read_and_taken(one, other)
            if one.number < other.number:
                yield from _made_over_and_lost(one, other)
                yield from _made_late_and_replaced(one, other)
                yield from _settled_late_and_moved(one, other)
                yield from settled_late.refusals(one, other)
                yield from _numbered_and_replaced(one, other)
                yield from _name_in_use(one, other)


def _read_and_taken(reader: Planned, taker: Planned) -> Iterator[Refusal]:
    """A column that a trigger reads for one change, while another takes it away or puts another in its place."""
    read = _read(reader)
    if not read:
        return
    is_later = taker.number > reader.number
    taken = frozenset(_taken(taker, is_later=is_later))
    for (table, column), places in read.items():
        if (table.oid, column) in taken:
            yield Refusal(
                code="not_together",
                object=taker.shown,
                message=f"at contract it takes {table.name}.{quoted(column)} away or puts another column in its place, "
                f"and {' and '.join(places)} of {reader.shown} reads that column until the run is over.",
                instead=_apart(reader, taker)
                if is_later
                else f"Put {reader.shown} into a plan of its own, before this one or after it.",
            )


def _apart(reader: Planned, taker: Planned) -> str:
    if isinstance(reader.change, AddColumn) and isinstance(taker.change, DropColumn):
        return (
            "Use change_type with `into`, split_column or merge_columns, which keep the two columns in step: what old "
            "versions write to this one once a row is filled would be lost with it."
        )
    return f"Put {taker.shown} into a plan of its own, after this one."


def _read(reader: Planned) -> dict[tuple[Table, str], list[str]]:
    """Columns that triggers read, and the places of the expressions that name them."""
    found: dict[tuple[Table, str], list[str]] = {}
    for name in reader.change.tables[:1]:
        table = reader.before.resolve(name.schema, name.name)
        if table is not None and table.oid:
            for place, expression in reader.change.expressions:
                asked = place.partition(".")[0] in _ASKED_BY_TRIGGERS
                for column in expression.columns if asked else ():
                    if table.column(column) is not None:
                        found.setdefault((table, column), []).append(f"`{place}`")
    return found


def _taken(taker: Planned, *, is_later: bool) -> Iterator[tuple[int, str]]:
    """Columns by the names of before it, to one that comes before it; by those that it leaves, to one after it."""
    for before, after in taker.of_tables():
        until = {c.name: c.until_contract for c in before.columns}
        moved = {c.name for c in after.columns if c.until_contract not in (None, until.get(c.name))}
        gone = {c.name for c in before.columns if after.column(c.name) is None}
        for member in family_of(before, taker.before):
            yield from ((member.oid, name) for name in (moved | gone if is_later else moved))


def _made_over_and_lost(maker: Planned, taker: Planned) -> Iterator[Refusal]:
    """A column that the plan makes something over which PostgreSQL does not let go with it, and then lets go."""
    over = dict(_made_over(maker))
    lost = frozenset(_lost(taker)) if over else frozenset()
    for (table, column), what in over.items():
        if (table.oid, column) in lost:
            yield Refusal(
                code="not_together",
                object=taker.shown,
                message=f"it drops {table.name}.{quoted(column)} or puts another column in its place, and {what} of "
                f"{maker.shown} is over that column, so that PostgreSQL would not let it go.",
                instead=f"Put {taker.shown} into a plan of its own, after this one.",
            )


def _made_over(maker: Planned) -> Iterator[tuple[tuple[Table, str], str]]:
    for name in maker.change.tables[:1]:
        table = maker.before.resolve(name.schema, name.name)
        for place, expression in maker.change.expressions if table is not None else ():
            held = place.partition(".")[0] in _HELD_BY_THE_SERVER or isinstance(maker.change, SetGenerated)
            if table is not None and held:
                yield from (((table, column), f"`{place}`") for column in expression.columns)
    before = {t.name: {c.name for c in t.constraints} for t in maker.before.tables}
    for table in maker.compiled.catalog.tables:
        for key in table.constraints:
            other = maker.before.table(key.referenced) if key.referenced is not None else None
            if other is not None and key.name not in before.get(table.name, ()):
                yield from (((other, column), f"foreign key {quoted(key.name)}") for column in key.referenced_columns)


def _made_late_and_replaced(maker: Planned, taker: Planned) -> Iterator[Refusal]:
    """What comes in contract over a column that another takes the place of: made over that, it would come sooner."""
    replaced = frozenset(_replaced(taker))
    made = {after.oid: (before, after) for before, after in maker.of_tables()} if replaced else {}
    for before, after in made.values():
        constraints = ((c.name, c.columns) for c in after.constraints if c.name not in _named(before.constraints))
        indexes = ((i.name.name, tuple(i.references)) for i in after.indexes if before.index(i.name.name) is None)
        for name, columns in dict((*indexes, *constraints)).items():
            if any((after.oid, column) in replaced for column in columns) and _is_added_late(maker, name):
                yield Refusal(
                    code="not_together",
                    object=taker.shown,
                    message=f"it puts another column in the place of one that {quoted(name)} of {maker.shown} is over, "
                    "which comes only in contract and could not be carried over before.",
                    instead=f"Write it before {maker.shown}, or put it into a plan of its own, after this one.",
                )


def _settled_late_and_moved(maker: Planned, taker: Planned) -> Iterator[Refusal]:
    """A column that one still has to change, by its name of now, when `retain` is over."""
    late = list(Part).index(Part.DROP)
    altered = frozenset(c for at, node in maker.statements() if at[0] >= late for c in _altered(node))
    taken = (
        {column for _, column in _taken(taker, is_later=True)} if altered and maker.shares_table_with(taker) else set()
    )
    for column in sorted(altered & taken):
        yield Refusal(
            code="not_together",
            object=taker.shown,
            message=f"at contract it takes column {quoted(column)} away, renames it or puts another in its place, and "
            f"{maker.shown} changes that column once `retain` is over.",
            instead=f"Put {taker.shown} into a plan of its own, after this one.",
        )


def _altered(node: Any) -> Iterator[str]:
    """The columns that a statement makes ordinary ones."""
    if kind(node) == "AlterTableStmt":
        yield from (c.name for c in node.cmds if c.subtype.name in {"AT_DropIdentity", "AT_DropExpression"})


def _numbered_and_replaced(maker: Planned, taker: Planned) -> Iterator[Refusal]:
    """A column that becomes an identity column, and whose place another takes with its sequence."""
    replaced = frozenset(_replaced(taker))
    for before, after in maker.of_tables() if replaced else ():
        ordinary = {c.name for c in before.columns if c.identity is None}
        for column in after.columns:
            if column.identity and column.name in ordinary and (after.oid, column.name) in replaced:
                yield Refusal(
                    code="not_together",
                    object=taker.shown,
                    message=f"it puts another column in the place of {after.name}.{quoted(column.name)}, which "
                    f"{maker.shown} makes an identity column, and cannot hand a sequence over that is not there yet.",
                    instead=f"Put {taker.shown} into a plan of its own, before this one.",
                )


def _named(constraints: Sequence[Constraint]) -> frozenset[str]:
    return frozenset(c.name for c in constraints)


def _replaced(taker: Planned) -> Iterator[tuple[int, str]]:
    """Columns whose place another takes, with all that hangs on them."""
    there = {(after.oid, c.number) for _, after in taker.of_tables() for c in after.columns}
    numbers = {(t.oid, c.name): (t.oid, c.number) for t, _ in taker.of_tables() for c in t.columns}
    yield from (at for at in _lost(taker) if numbers.get(at) in there)


def _is_added_late(maker: Planned, name: str) -> bool:
    late = list(Part).index(Part.HIDE)
    return any(at[0] >= late and kind(node) != "RenameStmt" and name in _made(node) for at, node in maker.statements())


def _lost(taker: Planned) -> Iterator[tuple[int, str]]:
    """Columns that are not there any more once the change is through, by whatever name."""
    for before, after in taker.of_tables():
        stays = {c.number: c.until_contract for c in after.columns}
        for column in before.columns:
            if column.number not in stays or stays[column.number] not in (None, column.name, column.until_contract):
                yield from ((member.oid, column.name) for member in family_of(before, taker.before))


def _name_in_use(giver: Planned, taker: Planned) -> Iterator[Refusal]:
    """A name that one gives away later than the other needs it."""
    brought = {after.oid: (before, after) for before, after in taker.of_tables()}
    for before, after in giver.of_tables():
        if after.oid in brought:
            earlier, later = brought[after.oid]
            given = _names(before) - _names(after)
            for what, name in sorted(given & (_names(later) - _names(earlier))):
                if _comes_at(taker, name) < _goes_at(giver, name):
                    yield _still_in_use(f"{what} {quoted(name)} of {before.name}", giver, taker)


def _names(table: Table) -> frozenset[tuple[str, str]]:
    columns = (("column", c.name) for c in table.columns)
    return frozenset((*columns, *(("constraint", c.name) for c in table.constraints)))


def _still_in_use(what: str, giver: Planned, taker: Planned) -> Refusal:
    return Refusal(
        code="name_in_use_until_contract",
        object=taker.shown,
        message=f"it needs the name of {what}, which {giver.shown} gives away only at contract, or once `retain` is "
        "over.",
        instead=f"Take another name, or put {taker.shown} into a plan of its own, after this one.",
    )


def _comes_at(planned: Planned, name: str) -> Moment:
    """When the change makes something of this name; as early as can be where that is not seen."""
    moments = (at for at, node in planned.statements() if name in _made(node))
    return min(moments, default=(0, Turn.BEFORE))


def _goes_at(planned: Planned, name: str) -> Moment:
    """When the change gives the name away; with its last step where that is not seen."""
    seen = tuple(planned.statements())
    return min((at for at, node in seen if name in _let_go(node)), default=max(at for at, _ in seen))


def _made(node: Any) -> Iterator[str]:
    """The names of columns, constraints and indexes that a statement brings."""
    match kind(node):
        case "AlterTableStmt":
            for command in node.cmds:
                if command.subtype.name == "AT_AddColumn":
                    yield command.def_.colname
                elif command.subtype.name == "AT_AddConstraint":
                    yield command.def_.conname
        case "RenameStmt":
            yield node.newname
        case "IndexStmt":
            yield node.idxname


def _let_go(node: Any) -> Iterator[str]:
    """The names of columns and constraints that are free after a statement."""
    match kind(node):
        case "AlterTableStmt":
            yield from (c.name for c in node.cmds if c.subtype.name in {"AT_DropColumn", "AT_DropConstraint"})
        case "RenameStmt":
            yield node.subname
