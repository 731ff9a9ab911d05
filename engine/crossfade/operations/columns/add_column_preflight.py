"""What stands in the way of a new column, and what a person should know before it: pure functions over the catalog."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.acks import REWRITE
from crossfade.operations.columns import constant_value
from crossfade.operations.columns.column_in_place import moving_sources, ownership_refusals
from crossfade.operations.columns.column_preflight import (
    SMALL_TABLE,
    name_refusals,
    order_refusals,
    own_triggers,
    replication_refusals,
    right_refusals,
    shape_refusals,
)
from crossfade.operations.constraints import foreign_key_preflight
from crossfade.operations.constraints.key_trial import key_trial
from crossfade.operations.step import Caution, Part
from crossfade.operations.sync import fill_trigger
from crossfade.operations.trial import TRIAL_TABLE, Trial
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.operations.columns.added_column import Added

_FIRST_WITH_VIRTUAL = 180000
_MEGABYTE = 2**20


def refusals(added: Added) -> tuple[Refusal, ...]:
    """Every reason against adding the column."""
    rights = right_refusals(added.family) if added.change.unique else ownership_refusals(added.family)
    return (
        *name_refusals(added.change.name, added.table, added.family),
        *_shape(added),
        *rights,
        *_virtual(added),
        *_rewrites(added),
        *_fill(added),
        *_alike(added),
        *_referenced(added),
        *replication_refusals(added.table, added.catalog),
    )


def _shape(added: Added) -> Iterator[Refusal]:
    if added.table.partition_parent is not None:
        yield Refusal(
            code="inherited_column",
            object=added.shown,
            message="it is a partition, which has the columns of its parent and no others.",
            instead=f"Name the parent in the plan: {added.table.partition_parent}.",
        )
    if added.table.typed_of:
        yield Refusal(
            code="unsupported_table",
            object=str(added.table.name),
            message=f"it is a typed table of {added.table.typed_of}.",
            instead="Add an attribute to the type.",
        )
    if added.change.identity is not None and len(added.family) > 1:
        yield Refusal(
            code="unsupported_table",
            object=str(added.table.name),
            message="it has partitions or children, each of which would need an identity of its own.",
            instead="Give the column a `default` that draws from a sequence.",
        )


def _virtual(added: Added) -> Iterator[Refusal]:
    generated = added.change.generated
    if generated is None or generated.kind != "virtual" or added.catalog.server_version >= _FIRST_WITH_VIRTUAL:
        return
    yield Refusal(
        code="server_version",
        object=added.shown,
        message="PostgreSQL has virtual generated columns from 18 on; this server is "
        f"{added.catalog.server_version_text}.",
        instead="Add an ordinary column with `fill`, or a view with the expression.",
    )


def _rewrites(added: Added) -> Iterator[Refusal]:
    """What PostgreSQL does only by writing or reading the whole table behind a lock that everybody waits for."""
    change = added.change
    stored = change.generated is not None and change.generated.kind == "stored"
    virtual = change.generated is not None and not change.nullable and not stored
    reasons = (
        (stored, "a stored generated column is computed for each row", "an ordinary column with `fill`"),
        (change.identity is not None, "each row gets its number", "`default: nextval(…)` of a sequence of your own"),
        (added.type.constrained, f"{added.type.spelling} is a domain that checks each row", "the type under it"),
        (added.is_volatile_by_itself, f"{added.type.spelling} gives each row its own value", "a `default`"),
        (virtual, "NOT NULL of a virtual column is looked at in each row", "`nullable: true`"),
    )
    for stands, why, instead in reasons:
        if stands and added.table.size_bytes > SMALL_TABLE:
            yield Refusal(
                code="rewrite",
                object=added.shown,
                message=f"{why}, of {added.table.size_bytes // _MEGABYTE} MB, while reads and writes wait.",
                instead=f"Take {instead}, or do it in a maintenance window.",
                ack=REWRITE,
            )


def _alike(added: Added) -> Iterator[Refusal]:
    """All rows would get the same value, in a column that is unique."""
    key, value = ("default", added.change.default) if added.change.fill is None else ("fill", added.change.fill)
    is_same = (
        value is not None and not value.columns and not value.is_null and not (key == "default" and added.is_volatile)
    )
    if added.change.unique and is_same and added.table.size_bytes and added.table.rows_estimate not in (0, 1):
        yield Refusal(
            code="duplicates",
            object=added.shown,
            message=f"it is `unique`, and `{key}` gives every row the same value.",
            instead="Give a `fill` that tells the rows apart, or leave `unique` out.",
        )


def _fill(added: Added) -> Iterator[Refusal]:
    fill = added.change.fill
    if fill is None:
        return
    yield from (r for member, trigger in own_triggers(added.family) for r in order_refusals(member, trigger))
    yield from moving_sources(added.table, fill.columns)
    yield from fill_trigger.gives_nothing(added.shown, fill)
    if added.default_of_domain is not None:
        yield Refusal(
            code="has_value",
            object=added.shown,
            message=f"{added.type.spelling} is a domain with a default, so that no row would be without a value that "
            "`fill` could give.",
            instead="Take the type under it, or leave `fill` out.",
        )
    yield from (
        r
        for column in added.table.columns[:1]
        for r in shape_refusals(column, added.table, added.family)
        if r.code == "foreign_partition"
    )
    for name in fill.columns:
        column = added.table.column(name)
        if column is not None and column.generated:
            yield Refusal(
                code="generated_column",
                object=f"{added.table.name}.{name}",
                message="`fill` names it, and it has no value yet when a row is written.",
                instead="Write its own expression.",
            )


def _referenced(added: Added) -> Iterator[Refusal]:
    references = added.change.references
    other = None if references is None else added.catalog.resolve(references.table.schema, references.table.name)
    if references is not None and references.column is not None and other is not None:
        yield from foreign_key_preflight.of_columns(other, (references.column,), 1)


def cautions(added: Added) -> Iterator[Caution]:
    """What a person should know."""
    change = added.change
    if change.fill is not None and change.default is not None:
        yield Caution(
            code="fill_before_default",
            object=added.shown,
            message="until contract a row that leaves the column out gets `fill`, whoever writes it: nothing tells an "
            "old version from a new one that relies on the default.",
        )
    late = [
        what
        for what, part in (("CHECK", change.check and added.checked_in), ("REFERENCES", _references(added)))
        if part is Part.HIDE
    ]
    if late:
        yield Caution(
            code="late_constraint",
            object=added.shown,
            message=f"{' and '.join(late)} come in contract, since a row of an old version could break them; rows "
            "and writes that do are counted, and contract waits for them (`violating_writes`).",
        )


def _references(added: Added) -> Part | None:
    return None if added.change.references is None else added.constrained_in


def trials(added: Added) -> Iterator[Trial]:
    """Everything that the plan says in SQL, on an empty table with the columns that there are."""
    change = added.change
    column, spelling = added.column, sql.SQL(added.type.spelling)
    alone = ((change.name, added.type.spelling),)
    yield from _default_trials(added)
    if change.fill is not None:
        action = sql.SQL("UPDATE {} SET {} = ({})").format(sql.SQL(TRIAL_TABLE), column, sql.SQL(change.fill.sql))
        tried = _trial(added, "fill", change.fill.text, action)
        tried = replace(tried, value=change.fill.sql, functions=change.fill.functions)
        yield constant_value.tried(tried, added.made, change.fill, ())
    if change.generated is not None and not tuple(_virtual(added)):
        kind, expression = sql.SQL(change.generated.kind.upper()), change.generated.expression
        action = sql.SQL("ADD COLUMN {} {} GENERATED ALWAYS AS ({}) {}").format(
            column, spelling, sql.SQL(expression.sql), kind
        )
        # No generated column can be computed from another.
        ordinary = tuple((c.name, c.type) for c in added.table.columns if c.generated is None)
        yield replace(_trial(added, "generated", expression.text, _altered(action)), columns=ordinary)
    if change.check is not None:
        action = _altered(sql.SQL("ADD CHECK ({})").format(sql.SQL(change.check.sql)))
        rows = tuple(constant_value.insert(change.name, value) for value in added.constants_under_its_check)
        tried = _trial(added, "check", change.check.text, sql.SQL("; ").join((action, *rows)))
        yield replace(tried, columns=alone) if rows else tried
    if change.unique:
        action = sql.SQL("CREATE UNIQUE INDEX ON {} ({})").format(sql.SQL(TRIAL_TABLE), column)
        yield _trial(added, "unique", change.name, action)
    yield from _reference_trials(added)
    if change.collation is not None:
        names = (n for n in (change.collation.schema, change.collation.name) if n is not None)
        action = sql.SQL("ALTER COLUMN {} TYPE {} COLLATE {}").format(column, spelling, sql.Identifier(*names))
        yield _trial(added, "collation", str(change.collation), _altered(action))


def _default_trials(added: Added) -> Iterator[Trial]:
    """The default, and a row that gets it; what is volatile is not called before its time."""
    change, column = added.change, added.column
    if change.default is None:
        return
    action = _altered(sql.SQL("ALTER COLUMN {} SET DEFAULT {}").format(column, sql.SQL(change.default.sql)))
    if not added.is_volatile:
        if added.is_not_null_at_once:
            action = sql.SQL("{}, ALTER COLUMN {} SET NOT NULL").format(action, column)
        action = sql.SQL("{}; INSERT INTO {} DEFAULT VALUES").format(action, sql.SQL(TRIAL_TABLE))
    alone = ((change.name, added.type.spelling),)
    yield replace(_trial(added, "default", change.default.text, action), columns=alone)


def _reference_trials(added: Added) -> Iterator[Trial]:
    """The foreign key, between empty tables."""
    change, references = added.change, added.change.references
    other = None if references is None else added.catalog.resolve(references.table.schema, references.table.name)
    if references is None or other is None:
        return
    names = (references.column,) if references.column is not None else foreign_key_preflight.primary_key(other)
    columns = {c.name: c.type for c in added.table.columns} | {change.name: added.type.spelling}
    where = f"references of add_column on {added.table.name}"
    for target in (column for name in names[:1] if (column := other.column(name)) is not None):
        yield key_trial(where, f"to {other.name}.{target.name}", columns, (change.name,), (target,))


def _altered(action: sql.Composable) -> sql.Composed:
    return sql.SQL("ALTER TABLE {} {}").format(sql.SQL(TRIAL_TABLE), action)


def _trial(added: Added, key: str, shown: str, statement: sql.Composable) -> Trial:
    """What a key of the plan says, tried on a table that has the column already."""
    columns = (*((c.name, c.type) for c in added.table.columns), (added.change.name, added.type.spelling))
    where = f"{key} of add_column on {added.table.name}"
    return Trial(where=where, shown=shown, columns=columns, statement=render(statement))
