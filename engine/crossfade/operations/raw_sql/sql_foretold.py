"""Statements of a plan's own beside what is foreseen of each, in the schema that the ones before it leave. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from crossfade.plan.changes.sql import SqlRun
from crossfade.plan.nodes import kind_of
from crossfade.postgres.catalog import QualifiedName
from crossfade.postgres.forecast import Schema

if TYPE_CHECKING:
    from crossfade.plan.changes.sql import RawSql
    from crossfade.plan.sql_statements import SqlStatement
    from crossfade.postgres.catalog import Catalog, Table
    from crossfade.postgres.forecast import Forecast


_MAKERS_TEXT = """
    CreateEnumStmt CreateDomainStmt CompositeTypeStmt CreateRangeStmt CreateFunctionStmt CreateRoleStmt CreateSchemaStmt
    CreateSeqStmt
"""
MAKERS = frozenset(_MAKERS_TEXT.split())
"""Kinds of statements that make a type, function, role, schema or sequence, which what is tried later may need."""
QUERIES = frozenset({"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
AS_IT_IS = frozenset(
    {"CreateStmt", "ViewStmt", "IndexStmt", "CreateTrigStmt", "CreatePolicyStmt", "CreateStatsStmt", "RuleStmt"}
)
"""Kinds that make something of tables, and no more."""
_OTHERS_TEXT = """
    AlterTableStmt DropStmt TruncateStmt CommentStmt GrantStmt GrantRoleStmt DropRoleStmt
    AlterOwnerStmt AlterPolicyStmt AlterSeqStmt VacuumStmt LockStmt ReindexStmt ClusterStmt
    RefreshMatViewStmt CreateTableAsStmt VariableSetStmt AlterRoleStmt AlterRoleSetStmt AlterFunctionStmt
    AlterDefaultPrivilegesStmt AlterStatsStmt AlterPublicationStmt
"""
_MAKING_NO_NAMES = (QUERIES | AS_IT_IS | frozenset(_OTHERS_TEXT.split())) - {"CreateStatsStmt"}
"""They make nothing but relations, and what is on them, that a later statement might name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foretold:
    """One statement, with what it will do."""

    run: SqlRun
    place: str
    """Where it stands in the entry: `expand.0`."""
    forecast: Forecast
    before: Schema
    """The schema as it finds it."""
    after: Schema
    """The schema as it leaves it."""
    undo_alone: bool
    """Its undo cannot run in a transaction."""

    @property
    def statement(self) -> SqlStatement:
        """The statement."""
        return self.run.run

    @property
    def relations(self) -> tuple[QualifiedName, ...]:
        """The relations that it names, as the search_path finds them."""
        return tuple(self.before.qualify(name.schema, name.name) for name in self.statement.relations)

    def table(self, name: QualifiedName) -> Table | None:
        """The table as the statement finds it; None where it is new in this change, so that nobody else sees it."""
        return self.before.tables.get(name) if name in self.before.origins else None


def run_of(statement: SqlStatement) -> SqlRun:
    """The statement, with nothing that takes it back."""
    return SqlRun.model_validate({"run": statement.text})


def made_by(tree: Any) -> Any:
    """The RangeVar of the table or view that a statement makes; None for any other statement."""
    match kind_of(tree):
        case "CreateStmt":
            return tree.relation
        case "ViewStmt":
            return tree.view
        case "CreateTableAsStmt":
            return tree.into.rel
    return None


def undoing(told: Foretold) -> Iterator[Foretold]:
    """What takes the statement back, as it finds the schema right behind it."""
    if told.run.undo is not None:
        undo = run_of(told.run.undo)
        forecast, after = told.after.foresee(undo.run.text)
        yield Foretold(
            run=undo,
            place=f"{told.place}.undo",
            forecast=forecast,
            before=told.after,
            after=after,
            undo_alone=told.undo_alone,
        )


def foretell(phase: str, runs: Iterable[SqlRun], schema: Schema) -> tuple[tuple[Foretold, ...], Schema]:
    """The statements of one phase, and the schema as they leave it."""
    told: list[Foretold] = []
    for at, run in enumerate(runs):
        forecast, after = schema.foresee(run.run.text)
        undo_alone = run.undo is not None and not after.foresee(run.undo.text)[0].transactional
        place = f"{phase}.{at}"
        told.append(
            Foretold(run=run, place=place, forecast=forecast, before=schema, after=after, undo_alone=undo_alone)
        )
        schema = after
    return tuple(told), schema


def in_order(change: RawSql, catalog: Catalog) -> Iterator[tuple[Foretold, tuple[SqlStatement, ...]]]:
    """Each statement with those before it that made types, functions and the like, or set something for the
    transaction; what takes it back follows it.

    None behind one of which nobody can say what it makes.
    """
    schema = Schema.of(catalog)
    made: tuple[SqlStatement, ...] = ()
    for phase, runs, back in (
        ("expand", change.expand, change.rollback),
        ("contract", change.contract, change.revert),
        ("drop", map(run_of, change.drop), ()),
    ):
        told, schema = foretell(phase, runs, schema)
        for one in told:
            yield one, made
            if one.statement.kind in MAKERS or one.statement.kind == "VariableSetStmt":
                made = (*made, one.statement)
            elif _makes_other_names(one.statement):
                return
            yield from ((undo, made) for undo in undoing(one))
        undone, _ = foretell("rollback" if phase == "expand" else "revert", map(run_of, back), schema)
        yield from ((one, made) for one in undone)


def makes_other_names(change: RawSql) -> bool:
    """Whether its statements may make what a later change names, and what is not there to be tried with."""
    expand = (run.run for run in change.expand if run.run.kind not in MAKERS)
    return any(map(_makes_other_names, (*expand, *(run.run for run in change.contract), *change.drop)))


def _makes_other_names(statement: SqlStatement) -> bool:
    """Roles, types, functions or operators, by making them, by another name or schema, or by other attributes."""
    from pglast.enums import ObjectType

    tree = statement.tree()
    match statement.kind:
        case "RenameStmt" | "AlterObjectSchemaStmt":
            # An attribute's type is written like a table.
            return tree.relation is None or getattr(tree, "renameType", None) == ObjectType.OBJECT_ATTRIBUTE
        case "AlterTableStmt":
            return bool(tree.objtype == ObjectType.OBJECT_TYPE)
    return statement.kind not in _MAKING_NO_NAMES


def catalog_after(catalog: Catalog, before: Schema, after: Schema) -> Catalog:
    """The catalog as the statements leave it, for the plan's later changes, as far as the forecast models it.

    That is tables with their columns, constraints and indexes, the names of relations, domains and volatile functions.
    """
    for gone in before.tables.keys() - set(after.origins.values()):
        catalog = catalog.without_table(gone)
    for name, table in after.tables.items():
        was = after.origins.get(name)
        if was is not None and before.tables.get(was) == table:
            continue
        read = catalog.table(was) if was is not None else None
        if was is None or read is not None:
            catalog = catalog.with_table(table)
    known = after.tables.keys() | after.other_relations | {i.name for t in after.tables.values() for i in t.indexes}
    unread = {i.name for t in before.tables.values() for i in t.indexes} - known
    return replace(
        catalog,
        relation_names=(catalog.relation_names | known) - unread,
        domains=after.domains,
    )
