"""`rename_constraint`: in contract, behind the gates, since a version may name it in `ON CONFLICT ON CONSTRAINT`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.operations.constraints import constraint_preflight, unvalidated
from crossfade.operations.step import Caution, Compiled, Part, Step
from crossfade.operations.tables.table_preflight import family_of, other_runs
from crossfade.operations.tables.turn import turn_of
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import RenameConstraint
    from crossfade.postgres.catalog import Catalog, Constraint, Table


def compile_change(change: RenameConstraint, place: Place, catalog: Catalog) -> Compiled:
    """The step of one constraint that gets another name; refusals instead where it cannot."""
    table = constraint_preflight.find(change.table, catalog)
    if isinstance(table, tuple):
        return Compiled(refusals=table, catalog=catalog)
    constraint = constraint_preflight.existing(table, change.from_)
    if isinstance(constraint, Refusal):
        return Compiled(refusals=(constraint,), catalog=catalog)
    refusals = tuple(_refusals(change, table, constraint, catalog))
    if refusals:
        return Compiled(refusals=refusals, catalog=catalog)
    step = Step(
        id=place.id("rename"),
        part=Part.HIDE,
        turn=turn_of(table, constraint.columns, table.index(constraint.index or "")),
        title=f"rename constraint {change.from_} of {table.name} to {change.to}",
        statements=(unvalidated.rename(table, change.from_, change.to),),
        undo=(unvalidated.rename(table, change.to, change.from_),),
        done=unvalidated.exists(table, change.to),
    )
    return Compiled(
        steps=(step,),
        cautions=tuple(_cautions(change, table, constraint)),
        catalog=_afterwards(change, table, constraint, catalog),
    )


def _refusals(change: RenameConstraint, table: Table, constraint: Constraint, catalog: Catalog) -> Iterator[Refusal]:
    family = family_of(table, catalog)
    yield from constraint_preflight.owned(family)
    yield from other_runs(family, constraint.columns)
    for member in family:
        if change.to in member.constraint_names:
            yield constraint_preflight.name_taken(member, change.to)
    if constraint.index is not None and QualifiedName(table.name.schema, change.to) in catalog.relation_names:
        yield Refusal(
            code="name_taken",
            object=f"{table.name.schema}.{change.to}",
            message="the constraint's index gets its name, and a relation of that name is there already.",
            instead="Choose another name.",
        )


def _cautions(change: RenameConstraint, table: Table, constraint: Constraint) -> Iterator[Caution]:
    if constraint.kind in ("primary", "unique", "exclusion"):
        yield Caution(
            code="named_in_statements",
            object=f"constraint {change.from_} on {table.name}",
            message=f"`ON CONFLICT ON CONSTRAINT {change.from_}` fails from the rename on, and "
            f"`ON CONFLICT ON CONSTRAINT {change.to}` before it. A version that names the columns instead, "
            f"`ON CONFLICT ({', '.join(constraint.columns)})`, works with either name.",
        )
    else:
        yield Caution(
            code="named_in_errors",
            object=f"constraint {change.from_} on {table.name}",
            message="a version that tells errors apart by the constraint's name has to know both names.",
        )


def _afterwards(change: RenameConstraint, table: Table, constraint: Constraint, catalog: Catalog) -> Catalog:
    named = replace(constraint, name=change.to, index=change.to if constraint.index else None)
    after = replace(
        table,
        constraints=tuple(named if c.name == constraint.name else c for c in table.constraints),
        indexes=tuple(
            replace(i, name=QualifiedName(i.name.schema, change.to), constraint=change.to)
            if i.constraint == constraint.name
            else i
            for i in table.indexes
        ),
        columns=tuple(
            replace(c, not_null_constraint=change.to) if c.not_null_constraint == constraint.name else c
            for c in table.columns
        ),
    )
    return catalog.with_table(after)
