"""What speaks against statements of a plan's own: what they would do to those who use their tables. Pure.

A typed change knows how to do its work beside everybody; a statement does what it says. So a statement that keeps
writes waiting while a table is read or written anew is refused with the kind that does it better, one that may do
anything is refused until somebody answers for it, and rows in bulk belong to `backfill`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from crossfade.errors import Refusal
from crossfade.operations.acks import BREAKS, OPAQUE, REWRITE, ROWS
from crossfade.operations.columns.column_preflight import SMALL_TABLE, no_column
from crossfade.operations.raw_sql import sql_names
from crossfade.operations.raw_sql.sql_foretold import made_by
from crossfade.operations.step import Caution
from crossfade.operations.tables.ownership import owner_refusals
from crossfade.operations.tables.table_names import name_taken
from crossfade.plan.nodes import below, kind_of, strings
from crossfade.plan.sql_statements import is_of_the_server
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.own_names import LEDGER_SCHEMA
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.operations.raw_sql.sql_foretold import Foretold
    from crossfade.postgres.catalog import Catalog, Table
    from crossfade.postgres.forecast import Schema

_WRITES = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
_OF_OWNER_TEXT = """
    AlterTableStmt IndexStmt RenameStmt CreatePolicyStmt AlterPolicyStmt RuleStmt CommentStmt CreateStatsStmt
"""
_OF_OWNER = frozenset(_OF_OWNER_TEXT.split())
SAFER_SUBCOMMANDS = {
    "AT_AlterColumnType": "change_type",
    "AT_SetNotNull": "set_not_null",
    "AT_AddColumn": "add_column",
    "AT_AttachPartition": "attach_partition",
}
SAFER_CONSTRAINTS = {
    "CONSTR_CHECK": "add_check",
    "CONSTR_FOREIGN": "add_foreign_key",
    "CONSTR_UNIQUE": "add_unique",
    "CONSTR_PRIMARY": "add_primary_key",
    "CONSTR_EXCLUSION": "add_exclusion",
}
SAFER_STATEMENTS = {"IndexStmt": "create_index", "ReindexStmt": "reindex"}
_BREAKING_SUBCOMMANDS = {
    "AT_DropColumn": "drops a column",
    "AT_AlterColumnType": "changes the type of a column",
    "AT_SetNotNull": "refuses rows without a value",
}
_RELATIONS = frozenset({"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE"})


def of_statements(told: Iterable[Foretold], catalog: Catalog) -> Iterator[Refusal | Caution]:
    """What holds for a statement wherever it stands."""
    for one in told:
        yield from _unforeseen(one, catalog)
        yield from _taken(one, catalog)
        yield from _commented(one)
        yield from _of_the_ledger(one)
        yield from _without_right(one)
        yield from _in_the_way(one, catalog)
        yield from _rows(one, catalog)


def of_expand(told: Iterable[Foretold], before: Schema) -> Iterator[Refusal]:
    """Statements that a live version may fail on: nothing asks whether one is left before they run."""
    for one in told:
        if not any(name in before.origins for name in one.relations):
            continue
        for what in _breaking(one.statement.tree()):
            yield Refusal(
                code="breaks_live_versions",
                object=one.place,
                message=f"{one.statement.short}: it {what}, on which a live version may fail.",
                instead="Put it under `contract`, which waits until nothing live needs the old shape.",
                ack=BREAKS,
            )


def of_staged_names(early: Iterable[Foretold], late: Iterable[Foretold], catalog: Catalog) -> Iterator[Refusal]:
    """Names that earlier changes of the plan give away at contract: before it one is right, after it the other."""
    renamed: dict[str, str] = {}
    for table in catalog.tables:
        renamed |= {table.name.name: table.staged.name} if table.name != table.staged else {}
        renamed |= {c.name: c.staged for c in table.columns if c.name != c.staged}
    for told, wrong in ((early, set(renamed)), (late, set(renamed.values()) - set(renamed))):
        for one in told:
            for name in sorted(_names(one.statement.tree()) & wrong):
                yield Refusal(
                    code="other_name",
                    object=one.place,
                    message=f"{one.statement.short}: an earlier change of this plan gives away the name {name} at "
                    "contract, and it means something else then or nothing.",
                    instead="Put this change before that one, or into a plan of its own.",
                )


def _unforeseen(told: Foretold, catalog: Catalog) -> Iterator[Refusal]:
    why = told.forecast.unknown
    missing = tuple(_missing(told, catalog)) if why is not None else ()
    yield from missing
    if why is not None and not missing:
        yield Refusal(
            code="opaque",
            object=told.place,
            message=f"{told.statement.short}: {why}, so nobody can say which locks it takes and for how long.",
            instead="Write out the statements that it would run.",
            ack=OPAQUE,
        )


def _missing(told: Foretold, catalog: Catalog) -> Iterator[Refusal]:
    for name in told.statement.relations:
        if not is_of_the_server(name):
            yield from sql_names.missing(told, catalog, told.before.qualify(name.schema, name.name))


def _commented(told: Foretold) -> Iterator[Refusal]:
    """COMMENT on a column that the table does not have."""
    tree = told.statement.tree()
    if kind_of(tree) == "CommentStmt" and tree.objtype.name == "OBJECT_COLUMN":
        *above, name = strings(tree.object)
        table = told.before.find(above[-2] if len(above) > 1 else None, above[-1]) if above else None
        if table is not None and table.columns and table.column(name) is None:
            yield no_column(table, name)


def _taken(told: Foretold, catalog: Catalog) -> Iterator[Refusal]:
    """It makes a relation, and not only where there is none of that name."""
    name = _made(told)
    if name is not None and sql_names.is_relation(told.before, name, catalog):
        yield name_taken(name)


def _made(told: Foretold) -> QualifiedName | None:
    """But for an index built beside writes, of which `sql_alone` says what is there."""
    tree, schema = told.statement.tree(), told.before
    if getattr(tree, "if_not_exists", False) or getattr(tree, "replace", False):
        return None
    match kind_of(tree):
        case "CreateSeqStmt":
            return schema.place_of(tree.sequence)
        case "IndexStmt" if tree.idxname is not None and not tree.concurrent:
            table = schema.qualify(tree.relation.schemaname, tree.relation.relname)
            return QualifiedName(table.schema, tree.idxname)
    relation = made_by(tree)
    return None if relation is None else schema.place_of(relation)


def _of_the_ledger(told: Foretold) -> Iterator[Refusal]:
    for name in told.relations:
        if name.schema == LEDGER_SCHEMA:
            yield Refusal(
                code="unsupported_table",
                object=str(name),
                message="it is part of crossfade's ledger, which says what was done.",
                instead="Leave it alone; crossfade's commands say and change what is in it.",
            )


def _without_right(told: Foretold) -> Iterator[Refusal]:
    if told.statement.kind in _OF_OWNER:
        tables = (told.table(name) for name in told.relations[:1])
        yield from owner_refusals([t for t in tables if t is not None and t.oid])


def _in_the_way(told: Foretold, catalog: Catalog) -> Iterator[Refusal]:
    """The table is read or written anew while writes wait."""
    forecast = told.forecast
    if told.statement.kind == "TruncateStmt":
        return
    modes = {lock.relation: lock.mode for lock in forecast.locks}
    for relation in dict.fromkeys((*forecast.rewrites, *forecast.scans)):
        mode = modes.get(relation, LockMode.ACCESS_SHARE)
        table = next((t for t in catalog.tables if str(t.name) == relation), None)
        if mode < LockMode.SHARE or _is_small(table):
            continue
        done = "written anew" if relation in forecast.rewrites else "read"
        size = f" ({table.size_bytes // 2**20} MB)" if table is not None else ""
        kind = _safer(told.statement.tree())
        yield Refusal(
            code="rewrite",
            object=relation,
            message=f"{told.statement.short}: the whole table{size} is {done} while {mode.blocks} wait.",
            instead=f"Use a {kind} change, which does it beside them." if kind else "Do it in a maintenance window.",
            ack=REWRITE,
        )


def _is_small(table: Table | None) -> bool:
    """A table that was not read may be of any size."""
    return table is not None and table.size_bytes <= SMALL_TABLE


def _rows(told: Foretold, catalog: Catalog) -> Iterator[Refusal | Caution]:
    """Rows that are changed in one transaction, which holds them until it ends."""
    tree = told.statement.tree()
    writes = [node for node in below(tree) if kind_of(node) in _WRITES]
    if not writes or all(_gives_values(node) for node in writes):
        return
    for name in told.relations:
        origin = told.before.origins.get(name)
        table = catalog.table(origin) if origin is not None else None
        if table is not None and not _is_small(table):
            yield Refusal(
                code="rows_at_once",
                object=str(name),
                message=f"{told.statement.short}: it may change or read every row of a table of "
                f"{table.size_bytes // 2**20} MB in one transaction.",
                instead="Put rows under `backfill`, or into a plan with update_rows, delete_rows or copy_rows: those "
                "work in batches.",
                ack=ROWS,
            )
            return
    yield Caution(
        code="rows_at_once",
        object=told.place,
        message=f"{told.statement.short}: its rows are changed in one transaction, and are locked until it ends.",
    )


def _gives_values(node: Any) -> bool:
    """An INSERT of rows that stand in the statement."""
    if kind_of(node) != "InsertStmt" or (node.onConflictClause is not None and node.onConflictClause.targetList):
        return False
    select = node.selectStmt
    return select is None or (bool(select.valuesLists) and not any(kind_of(n) == "SubLink" for n in below(select)))


def _safer(tree: Any) -> str | None:
    """The kind of change that does what the statement does, without the wait."""
    if kind_of(tree) == "AlterTableStmt":
        for command in tree.cmds:
            subcommand = command.subtype.name
            if subcommand == "AT_AddConstraint":
                return SAFER_CONSTRAINTS.get(command.def_.contype.name)
            if subcommand in SAFER_SUBCOMMANDS:
                return SAFER_SUBCOMMANDS[subcommand]
    return SAFER_STATEMENTS.get(kind_of(tree))


def _breaking(tree: Any) -> Iterator[str]:
    match kind_of(tree):
        case "AlterTableStmt":
            subcommands = (command.subtype.name for command in tree.cmds)
            yield from (_BREAKING_SUBCOMMANDS[name] for name in subcommands if name in _BREAKING_SUBCOMMANDS)
        case "RenameStmt" if tree.renameType.name in _RELATIONS | {"OBJECT_COLUMN"}:
            yield "takes a name away"
        case "DropStmt" if tree.removeType.name in _RELATIONS:
            yield "drops what may be in use"
        case "AlterObjectSchemaStmt" if tree.objectType.name in _RELATIONS:
            yield "takes a table out of its schema"
        case "TruncateStmt":
            yield "destroys rows"


def _names(tree: Any) -> set[str]:
    """Every name in the tree, of whatever object."""
    found: set[str] = set()
    for node in below(tree):
        for slot in node:
            value = getattr(node, slot)
            if isinstance(value, str):
                found.add(value)
    return found
