"""`drop_table`: a table that nobody uses any more goes, after its counters have been at rest.

    contract  hide: the table gets a name of ours, with all its rows and all that hangs on it; `revert` renames it back
              drop: DROP TABLE, without CASCADE

The gate `table_activity` stands in front of contract by itself; it has to pass for the plan's `hold`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.step import Caution, Compiled, Part, Step
from crossfade.operations.tables import second_name
from crossfade.operations.tables.ownership import owner_refusals
from crossfade.operations.tables.second_name import identifier
from crossfade.operations.tables.table_preflight import family_of, table_refusals
from crossfade.postgres.catalog import QualifiedName
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import DropTable
    from crossfade.postgres.catalog import Catalog, Table

_GOES_ALONG = frozenset({"policy", "publication", "statistics", "trigger", "generated column", "rule", "foreign key"})
"""Kinds of dependents that DROP TABLE takes with it, or that are judged by themselves."""


def compile_change(change: DropTable, place: Place, catalog: Catalog) -> Compiled:
    """The steps of one drop against a catalog; refusals instead where it cannot be done."""
    unusable = tuple(table_refusals(change.table, catalog))
    table = catalog.resolve(change.table.schema, change.table.name)
    if unusable or table is None:
        return Compiled(refusals=unusable, catalog=catalog)
    family = family_of(table, catalog)
    return Compiled(
        steps=(_hide(place, table), _drop(place, table)),
        refusals=tuple(_refusals(table, family)),
        cautions=tuple(_cautions(table, family)),
        catalog=_without(catalog, family),
    )


def _hide(place: Place, table: Table) -> Step:
    old, hidden = table.name, _hidden(place, table)
    return Step(
        id=place.id("hide"),
        part=Part.HIDE,
        title=f"take {old} out of reach under a name of crossfade's",
        statements=(
            _rename(old, hidden.name),
            _comment(hidden, place.mark),
        ),
        undo=(
            _comment(hidden, table.comment),
            _rename(hidden, old.name),
        ),
        done=second_name.is_table(hidden),
    )


def _drop(place: Place, table: Table) -> Step:
    hidden = _hidden(place, table)
    return Step(
        id=place.id("drop"),
        part=Part.DROP,
        title=f"drop what was {table.name}",
        statements=(Statement(text=render(sql.SQL("DROP TABLE IF EXISTS {}").format(identifier(hidden)))),),
        done=render(sql.SQL("SELECT NOT ({})").format(sql.SQL(second_name.is_table(hidden)))),
    )


def _hidden(place: Place, table: Table) -> QualifiedName:
    return QualifiedName(table.name.schema, place.name("dropped"))


def _rename(table: QualifiedName, to: str) -> Statement:
    return Statement(text=render(sql.SQL("ALTER TABLE {} RENAME TO {}").format(identifier(table), sql.Identifier(to))))


def _comment(table: QualifiedName, comment: str | None) -> Statement:
    return Statement(text=render(sql.SQL("COMMENT ON TABLE {} IS {}").format(identifier(table), sql.Literal(comment))))


def _without(catalog: Catalog, family: tuple[Table, ...]) -> Catalog:
    for member in family:
        catalog = catalog.without_table(member.name)
    return catalog


def _refusals(table: Table, family: tuple[Table, ...]) -> Iterator[Refusal]:
    names = {member.name for member in family}
    if table.until_contract is not None:
        yield Refusal(
            code="in_another_run",
            object=str(table.name),
            message="an earlier change of this plan gives it another name.",
            instead="Drop it in a plan of its own.",
        )
    parents = (*((table.partition_parent,) if table.partition_parent else ()), *table.inherits)
    if parents:
        yield Refusal(
            code="unsupported_table",
            object=str(table.name),
            message=f"it is a partition or child of {parents[0]}, which shows its rows under whatever name it has.",
            instead="Detach it first (detach_partition, ALTER TABLE … NO INHERIT).",
        )
    yield from owner_refusals(family)
    for member in family:
        for key in member.incoming_foreign_keys:
            if key.table not in names:
                yield _in_the_way(f"foreign key {key.name} of {key.table}", table)
        for dependent in member.dependents:
            if dependent.kind not in _GOES_ALONG:
                yield _in_the_way(f"{dependent.kind} {dependent.name}", table)
    if table.kind == "table" and table.children:
        children = ", ".join(map(str, table.children))
        yield Refusal(
            code="table_dependent",
            object=str(table.name),
            message=f"other tables inherit from it: {children}.",
            instead="Let them go on by themselves first: ALTER TABLE … NO INHERIT.",
        )


def _in_the_way(name: str, table: Table) -> Refusal:
    return Refusal(
        code="table_dependent",
        object=name,
        message=f"it depends on {table.name}, which could be dropped with CASCADE only.",
        instead="Drop it first, in a plan or a migration of its own.",
    )


def _cautions(table: Table, family: tuple[Table, ...]) -> Iterator[Caution]:
    going = [str(member.name) for member in family if member is not table]
    going += [f"{d.kind} {d.name}" for d in table.dependents if d.kind == "publication"]
    if going:
        yield Caution(
            code="goes_along",
            object=str(table.name),
            message=f"with it go: {', '.join(going)}.",
        )
    for function in table.text_functions:
        yield Caution(
            code="function_text",
            object=f"function {function.name}",
            message=f"its text may name {table.name}; PostgreSQL does not track that. It fails after contract.",
        )
