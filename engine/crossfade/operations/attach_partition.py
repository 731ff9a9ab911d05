"""`attach_partition`: a table becomes a partition of another one, in expand, and nothing is read while anybody waits.

ATTACH would read the whole table to see that its rows are within the bounds, the default partition to see that none of
its rows are, build each index that is missing, and check the foreign keys, all under ACCESS EXCLUSIVE. So a CHECK on
each of the two proves the rows, the indexes are built concurrently and the foreign keys validated before; ATTACH then
finds all of it, and takes a moment. The CHECKs go in the same transaction. That of the default partition refuses the
rows that the app still writes there, so it comes last, and goes again with whatever fails behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.columns.column_preflight import SMALL_TABLE
from crossfade.operations.constraints import unvalidated
from crossfade.operations.constraints.unvalidated import Unvalidated
from crossfade.operations.indexes import index_build, index_preflight
from crossfade.operations.indexes.chosen_names import relation_name
from crossfade.operations.indexes.index_build import IndexBuild, regclass
from crossfade.operations.step import Caution, Compiled, Part, Step, all_or_none
from crossfade.operations.tables import partition_bounds, partition_preflight
from crossfade.operations.tables.partition_trial import bounds_trial
from crossfade.operations.tables.table_preflight import table_refusals
from crossfade.operations.trial import ViolationLook
from crossfade.postgres.names import QualifiedName, quoted
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.operations.tables.partition_bounds import Bounds
    from crossfade.plan.changes import AttachPartition
    from crossfade.postgres.catalog import Catalog, Constraint, Index, Table


def compile_change(change: AttachPartition, place: Place, catalog: Catalog) -> Compiled:
    """The proofs, the indexes and the attaching; refusals instead where it would take more than a moment."""
    parent = catalog.resolve(change.table.schema, change.table.name)
    partition = catalog.resolve(change.partition.schema, change.partition.name)
    refusals = tuple(r for name in change.tables for r in table_refusals(name, catalog))
    if refusals or parent is None or partition is None:
        return Compiled(refusals=refusals, catalog=catalog)
    refusals = (*partition_preflight.attach_refusals(parent, partition), *_exchanged(parent, partition))
    if refusals:
        return Compiled(refusals=refusals, catalog=catalog)
    within = partition_bounds.conditions(parent, change.bounds)
    default = partition_preflight.default_partition(parent, catalog)
    refusals = tuple(_read_under_lock(within, partition, default))
    missing = tuple(_missing(parent, partition, catalog))
    after = _afterwards(catalog, parent, partition, change.bounds, missing)
    trial = bounds_trial(parent, partition, change.bounds, catalog)
    # All of it is in expand, by the names until contract.
    parent, partition = (replace(table, name=table.staged) for table in (parent, partition))
    bounds = tuple(_bounds(place, partition, within))
    others = tuple(_others(place, default, within))
    return Compiled(
        steps=(
            *all_or_none(step for check in bounds for step in unvalidated.steps(place, check)),
            *_indexes(place, partition, missing),
            *_foreign_keys(place, parent, partition),
            *all_or_none(
                (
                    *(step for check in others for step in unvalidated.steps(place, check)),
                    _attach(place, parent, partition, change.bounds, (*bounds, *others)),
                )
            ),
        ),
        refusals=refusals,
        cautions=tuple(_refused_meanwhile(partition, default, within)),
        trials=(trial,),
        looks=tuple(_looks(partition, default, within)),
        catalog=after,
    )


def _exchanged(*tables: Table) -> Iterator[Refusal]:
    """Columns that have another name until contract: until then the two tables are not alike."""
    for table in tables:
        for column in table.columns:
            if column.until_contract is not None:
                yield Refusal(
                    code="in_another_run",
                    object=f"{table.name}.{quoted(column.name)}",
                    message="an earlier change of this plan gives it another name or type at contract.",
                    instead="Attach the partition in an earlier change, or in a plan of its own.",
                )


def _read_under_lock(within: Bounds | None, partition: Table, default: Table | None) -> Iterator[Refusal]:
    if within is not None:
        return
    for table in (partition, default):
        if table is not None and table.size_bytes > SMALL_TABLE:
            yield Refusal(
                code="blocking",
                object=str(table.name),
                message=f"the bounds are a default's, a hash's, or over more than one column: PostgreSQL reads the "
                f"table ({table.size_bytes // 2**20} MB) while reads and writes wait.",
                instead="Attach it in a maintenance window.",
            )


def _bounds(place: Place, partition: Table, within: Bounds | None) -> Iterator[Unvalidated]:
    """The proof that the table's rows are within the bounds."""
    if within is not None:
        yield _check(place, "bounds", partition, within.inside)


def _others(place: Place, default: Table | None, within: Bounds | None) -> Iterator[Unvalidated]:
    """The proof that the default partition's are not."""
    if within is not None and default is not None:
        yield _check(place, "default", default, within.outside)


def _check(place: Place, what: str, table: Table, condition: sql.Composable) -> Unvalidated:
    return Unvalidated(
        table=replace(table, name=table.staged),
        name=place.name(what, table.name.schema, table.name.name),
        definition=sql.SQL("CHECK ({})").format(condition),
        id=what,
        comment=place.mark,
        part=Part.EXPAND,
    )


def _refused_meanwhile(partition: Table, default: Table | None, within: Bounds | None) -> Iterator[Caution]:
    if within is not None and default is not None:
        yield Caution(
            code="refused_meanwhile",
            object=str(default.name),
            message=f"while it is read right before {partition.name} is attached, and as long as older transactions "
            "make that last, a write of a row that belongs into the new partition fails, if it gets there at all.",
        )


def _looks(partition: Table, default: Table | None, within: Bounds | None) -> Iterator[ViolationLook]:
    if within is None:
        return
    sides = [(partition, within.inside, "that are not within the bounds")]
    if default is not None:
        sides.append((default, within.outside, f"that belong into {partition.name}"))
    for table, condition, what in sides:
        yield ViolationLook(
            table=str(table.staged),
            violated=render(sql.SQL("({}) IS FALSE").format(condition)),
            what=what,
            then="Expand stops at them: move or correct them before.",
        )


def _missing(parent: Table, partition: Table, catalog: Catalog) -> Iterator[tuple[Index, QualifiedName]]:
    """The parent's indexes that the table has nothing like, and what PostgreSQL would call its own."""
    taken = catalog.relation_names | {i.name for t in catalog.tables for i in t.indexes}
    used: set[QualifiedName] = set()
    for index in parent.indexes:
        own = next((i for i in partition.indexes if i.name not in used and _serves(i, index)), None)
        if own is not None:
            used.add(own.name)
            continue
        label = "pkey" if index.primary else "key" if index.constraint else "idx"
        columns = () if index.primary else tuple(c or "expr" for c in index.columns)
        name = QualifiedName(partition.name.schema, relation_name(partition.name, columns, label, taken))
        taken = taken | {name}
        yield index, name


def _serves(own: Index, index: Index) -> bool:
    """Whether ATTACH takes it for the partition's part of the parent's index."""
    same_constraint = (own.constraint is None) == (index.constraint is None) and own.primary == index.primary
    return own.valid and same_constraint and index_preflight.are_alike(own.definition, index.definition)


def _indexes(place: Place, partition: Table, missing: tuple[tuple[Index, QualifiedName], ...]) -> Iterator[Step]:
    relation = {"relname": partition.name.name, "schemaname": partition.name.schema, "inh": True}
    for index, name in missing:
        build = IndexBuild(
            id=name.name,
            name=QualifiedName(partition.name.schema, name.name),
            definition=index_build.defined(index.definition, name=name.name, relation=relation),
            partitioned=False,
            title=f"build index {name.name} on {partition.name}, for {index.name.name}",
            undone=True,
        )
        yield from index_build.steps(place, (build,), Part.EXPAND)
        if index.constraint is not None:
            yield _constraint(place, partition, index, name.name)


def _constraint(place: Place, partition: Table, index: Index, name: str) -> Step:
    action = sql.SQL("ADD CONSTRAINT {0} {1} USING INDEX {0}").format(
        sql.Identifier(name), sql.SQL("PRIMARY KEY" if index.primary else "UNIQUE")
    )
    return Step(
        id=place.id(f"constraint/{name}"),
        part=Part.EXPAND,
        title=f"make it constraint {name} of {partition.name}",
        statements=(_alter(partition, action),),
        undo=(_alter(partition, sql.SQL("DROP CONSTRAINT IF EXISTS {}").format(sql.Identifier(name))),),
        done=unvalidated.exists(partition, name),
    )


def _foreign_keys(place: Place, parent: Table, partition: Table) -> Iterator[Step]:
    own = {_key(c) for c in partition.constraints if c.validated}
    for constraint in parent.constraints:
        if constraint.kind == "foreign" and _key(constraint) not in own:
            added = Unvalidated(
                table=partition,
                name=constraint.name,
                definition=sql.SQL(constraint.definition),
                id=f"foreign_key/{constraint.name}",
                comment=None,
                part=Part.EXPAND,
            )
            yield from unvalidated.steps(place, added)


def _key(constraint: Constraint) -> tuple[str, str]:
    return constraint.kind, constraint.definition


def _attach(place: Place, parent: Table, partition: Table, bounds: str, checks: tuple[Unvalidated, ...]) -> Step:
    child = sql.Identifier(partition.name.schema, partition.name.name)
    gone = (_alter(check.table, sql.SQL("DROP CONSTRAINT {}").format(sql.Identifier(check.name))) for check in checks)
    return Step(
        id=place.id("attach"),
        part=Part.EXPAND,
        title=f"attach {partition.name} to {parent.name}",
        statements=(
            _alter(parent, sql.SQL("ATTACH PARTITION {} {}").format(child, sql.SQL(bounds))),
            *gone,
        ),
        undo=(_alter(parent, sql.SQL("DETACH PARTITION {}").format(child)),),
        done=is_attached(parent, partition),
    )


def is_attached(parent: Table, partition: Table) -> str:
    """A query: is the table a partition of the other, and nobody detaching it?"""
    return render(
        sql.SQL(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_inherits WHERE inhparent = pg_catalog.to_regclass({}) "
            "AND inhrelid = pg_catalog.to_regclass({}) AND NOT inhdetachpending)"
        ).format(regclass(parent.name), regclass(partition.name))
    )


def _alter(table: Table, action: sql.Composable) -> Statement:
    relation = sql.Identifier(table.name.schema, table.name.name)
    return Statement(text=render(sql.SQL("ALTER TABLE {} {}").format(relation, action)))


def _afterwards(
    catalog: Catalog, parent: Table, partition: Table, bounds: str, missing: tuple[tuple[Index, QualifiedName], ...]
) -> Catalog:
    built = tuple(
        replace(index, name=name, oid=0, parent=index.name, constraint=index.constraint and name.name)
        for index, name in missing
    )
    attached = replace(
        partition,
        partition_parent=parent.name,
        partition_bound=bounds,
        bound_columns=(*parent.bound_columns, *parent.partition_key_columns),
        indexes=(*partition.indexes, *built),
    )
    catalog = catalog.with_table(replace(parent, partitions=(*parent.partitions, partition.name)))
    return catalog.with_table(attached)
