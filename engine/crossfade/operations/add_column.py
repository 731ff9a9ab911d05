"""`add_column`: a column comes without a pause for anybody.

    expand    the column: with its default, where that is the same for all rows; else empty, and then its default is
              set, or a trigger gives `fill` to rows of old versions, which leave it out
    backfill  rows of before are filled; NOT NULL is proven by a CHECK, which is validated while everybody goes on
    contract  NOT NULL; last of all the default beside a `fill`, and the trigger goes

Constraints are added NOT VALID and then validated, unique ones as an index that is built concurrently: in expand where
only a new version can break them, else in contract, and then the writes that they would refuse are counted until there.
Where nothing is left for backfill and contract the column is there
for good after expand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.columns import add_column_preflight, named_columns
from crossfade.operations.columns.added_column import Added
from crossfade.operations.columns.column_in_place import attribute_is
from crossfade.operations.constraints import added_constraints
from crossfade.operations.step import Compiled, Guard, Part, RowFill, Step, Turn
from crossfade.operations.sync import fill_trigger, watching
from crossfade.operations.sync.paths import OUR_PATH, USERS_PATH
from crossfade.operations.sync.sameness import differs, is_exact_type
from crossfade.operations.tables.table_preflight import descendants_by_inheritance, table_refusals
from crossfade.operations.twins.exchange import column_exists
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import AddColumn
    from crossfade.plan.expressions import Expression
    from crossfade.postgres.catalog import Catalog


def compile_change(change: AddColumn, place: Place, catalog: Catalog) -> Compiled:
    """The steps of one new column against a catalog; refusals instead where it cannot come without a pause."""
    unusable = tuple(r for name in change.tables for r in table_refusals(name, catalog))
    table = catalog.resolve(change.table.schema, change.table.name)
    if unusable or table is None:
        return Compiled(refusals=unusable, catalog=catalog)
    data_type = catalog.type(change.type.sql)
    if data_type is None:
        return Compiled(refusals=(_no_type(change, catalog),), catalog=catalog)
    columns = [c.name for c in table.columns]
    unseen = tuple(named_columns.unknown(place, table, (("fill", change.fill, columns),)))
    if unseen:
        return Compiled(refusals=unseen, catalog=catalog)
    added = Added(change=change, place=place, table=table, type=data_type, catalog=catalog)
    constraints = added_constraints.compiled(added)
    return Compiled(
        steps=(_add(added), *constraints.steps, *_not_null(added), *_finish(added)),
        fills=_fills(added),
        watches=tuple(watching.watch(w) for w in constraints.watched),
        refusals=(*add_column_preflight.refusals(added), *constraints.refusals),
        cautions=tuple(add_column_preflight.cautions(added)),
        trials=tuple(add_column_preflight.trials(added)),
        catalog=_afterwards(added, constraints),
    )


def _no_type(change: AddColumn, catalog: Catalog) -> Refusal:
    return Refusal(
        code="no_such_type",
        object=change.type.text,
        message=f"there is no type {change.type.text} in database {catalog.database}.",
        instead=f"Names are looked up on the search_path ({', '.join(catalog.search_path)}); write others with their "
        "schema. A modifier has to be one that the type takes.",
    )


def _add(added: Added) -> Step:
    change = added.change
    statements = [USERS_PATH, added.alter(Part.EXPAND, sql.SQL("ADD COLUMN {}").format(_definition(added)))]
    if added.is_volatile and change.fill is None and change.default is not None:
        # In a statement of its own, so that rows of before stay as they are.
        statements.append(_set_default(added, Part.EXPAND))
    statements.append(OUR_PATH)
    if change.comment is not None:
        text = sql.SQL("COMMENT ON COLUMN {}.{} IS {}").format(
            added.relation(Part.EXPAND), added.column, sql.Literal(change.comment)
        )
        statements.append(Statement(text=render(text)))
    if added.filling is not None:
        statements += fill_trigger.create(added.filling)
    gone = added.alter(Part.EXPAND, sql.SQL("DROP COLUMN IF EXISTS {}").format(added.column))
    at_staged = replace(added.table, name=added.table.staged)
    return Step(
        id=added.place.id("add"),
        part=Part.EXPAND,
        title=f"add {change.name} to {added.table.name}",
        statements=tuple(statements),
        undo=(*(fill_trigger.drop(added.filling) if added.filling else ()), gone),
        done=column_exists(at_staged, change.name),
        guards=_guards(added),
    )


def _definition(added: Added) -> sql.Composable:
    """What follows ADD COLUMN."""
    change = added.change
    parts: list[sql.Composable] = [added.column, sql.SQL(added.type.spelling)]
    if change.collation is not None:
        names = (n for n in (change.collation.schema, change.collation.name) if n is not None)
        parts.append(sql.SQL("COLLATE {}").format(sql.Identifier(*names)))
    if added.has_default_at_once and change.default is not None:
        parts.append(sql.SQL("DEFAULT {}").format(sql.SQL(change.default.sql)))
    if change.generated is not None:
        # Over the columns that stay, which have their names of then only at contract.
        expression = change.generated.expression.over({c.name: c.staged for c in added.table.columns})
        parts.append(
            sql.SQL("GENERATED ALWAYS AS ({}) {}").format(
                sql.SQL(expression.sql), sql.SQL(change.generated.kind.upper())
            )
        )
    if change.identity is not None:
        parts.append(sql.SQL("GENERATED {} AS IDENTITY").format(sql.SQL(change.identity.upper())))
    if added.is_not_null_at_once:
        parts.append(sql.SQL("NOT NULL"))
    return sql.SQL(" ").join(parts)


def _set_default(added: Added, part: Part) -> Statement:
    value = added.change.default
    assert value is not None
    return added.alter(part, sql.SQL("ALTER COLUMN {} SET DEFAULT {}").format(added.column, sql.SQL(value.sql)))


def _guards(added: Added) -> tuple[Guard, ...]:
    """Values that no default and no `fill` gives exist nowhere else."""
    change = added.change
    if change.generated is not None or change.identity is not None:
        return ()
    column, what = added.column, f"values of {change.name} in {added.table.name} that only new versions wrote"
    written: sql.Composable = sql.SQL("{} IS NOT NULL").format(column)
    if added.filling is not None:
        what = (
            f"values of {change.name} in {added.table.name} that differ from what its fill gives now: new versions "
            "wrote them, or the columns that fill names were changed after it"
        )
        written = sql.SQL("{} AND {}").format(written, added.filling.is_another())
    elif not added.default_can_be_told:
        what = f"values of {change.name} in {added.table.name}, which cannot be told from those of its default"
    else:
        defaults = (change.default, *added.later_defaults)
        written = sql.SQL(" AND ").join(_is_another(added, default) for default in dict.fromkeys(defaults))
    relation = render(added.relation(Part.EXPAND))
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {})").format(sql.SQL(relation), written)
    return (Guard(relation=relation, query=render(query), what=what),)


def _is_another(added: Added, default: Expression | None) -> sql.Composable:
    """Whether the column has another value than this default gives it."""
    if default is None:
        return sql.SQL("{} IS NOT NULL").format(added.column)
    value = sql.SQL("({})::{}").format(sql.SQL(default.sql), sql.SQL(added.type.spelling))
    return differs(added.column, value, exact=is_exact_type(added.type))


def _fills(added: Added) -> tuple[RowFill, ...]:
    if not added.is_filled:
        return ()
    pending: sql.Composable = sql.SQL("{} IS NULL").format(added.column)
    value: sql.Composable = sql.SQL("DEFAULT")
    if added.filling is not None:
        value = added.filling.value()
        if added.change.nullable:
            # Where `fill` gives NULL there is nothing to do.
            pending = sql.SQL("{} AND {}").format(pending, added.filling.is_another())
    table = added.table.staged
    return (
        RowFill(
            id=added.place.id("rows"),
            schema=table.schema,
            table=table.name,
            assignment=render(sql.SQL("{} = {}").format(added.column, value)),
            pending=render(pending),
            touched=(added.change.name,),
        ),
    )


def _not_null(added: Added) -> Iterator[Step]:
    """SET NOT NULL and dropping its proof are two statements: in one, all rows would be read."""
    if added.change.nullable or not added.is_filled:
        return
    proof = sql.Identifier(added_constraints.proof_name(added))
    column = sql.SQL("ALTER COLUMN {} {}")
    again = sql.SQL("ADD CONSTRAINT {} CHECK ({} IS NOT NULL) NOT VALID").format(proof, added.column)
    yield Step(
        id=added.place.id("not_null"),
        part=Part.HIDE,
        turn=max(Turn.AMONG, added.turn_over(())),
        title=f"make {added.change.name} of {added.table.name} NOT NULL, which the validated CHECK proves",
        statements=(
            added.alter(Part.HIDE, column.format(added.column, sql.SQL("SET NOT NULL"))),
            added.alter(Part.HIDE, sql.SQL("DROP CONSTRAINT {}").format(proof)),
        ),
        undo=(
            added.alter(Part.HIDE, column.format(added.column, sql.SQL("DROP NOT NULL"))),
            added.alter(Part.HIDE, again),
            added_constraints.mark_proof(added),
        ),
        done=attribute_is(added.table.name, added.change.name, "attnotnull"),
    )


def _finish(added: Added) -> Iterator[Step]:
    """The trigger goes once all that the plan asks of the column is enforced, and the default takes over."""
    if added.filling is None:
        return
    filling = added.filling.found_at((added.table.name, *descendants_by_inheritance(added.catalog, added.table)))
    statements, undo = [*fill_trigger.drop(filling)], [*fill_trigger.create(filling)]
    if added.change.default is not None:
        statements += (USERS_PATH, _set_default(added, Part.HIDE), OUR_PATH)
        undo.append(added.alter(Part.HIDE, sql.SQL("ALTER COLUMN {} DROP DEFAULT").format(added.column)))
    yield Step(
        id=added.place.id("finish"),
        part=Part.HIDE,
        turn=Turn.LAST,
        title=f"finish {added.change.name} of {added.table.name}: what only filling it took goes",
        statements=tuple(statements),
        undo=tuple(undo),
        done=column_exists(added.table, added.change.name),
    )


def _afterwards(added: Added, constraints: added_constraints.Constraints) -> Catalog:
    catalog = added.catalog
    for member in added.family:
        catalog = catalog.with_table(added.made_on(member))
    table = catalog.table(added.table.name)
    assert table is not None
    return catalog.with_table(
        replace(
            table,
            constraints=(*table.constraints, *constraints.made),
            indexes=(*table.indexes, *constraints.indexes),
        )
    )
