"""`create_table`: a new table, with its constraints, indexes and rights, in expand.

It stands there before anybody needs it. A foreign key takes a short SHARE ROW EXCLUSIVE lock on the table that it
references. A rollback drops the table, unless it has rows by then: those exist nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.step import Compiled, Guard, Part, Step
from crossfade.operations.sync.paths import OUR_PATH, USERS_PATH
from crossfade.operations.tables import new_table, new_table_references, new_table_trial, second_name, table_names
from crossfade.operations.tables.new_table import Elements
from crossfade.operations.tables.second_name import identifier
from crossfade.operations.tables.table_preflight import table_refusals
from crossfade.postgres.catalog import QualifiedName
from crossfade.postgres.own_names import LEDGER_SCHEMA
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import CreateTable
    from crossfade.postgres.catalog import Catalog


def compile_change(change: CreateTable, place: Place, catalog: Catalog) -> Compiled:
    """The step of one new table against a catalog; refusals instead where it cannot be made."""
    schema = change.name.schema or next(iter(catalog.search_path), None)
    if schema is None:
        return Compiled(refusals=(_nowhere(change),), catalog=catalog)
    name = QualifiedName(schema, change.name.name)
    found = new_table_references.references(change, catalog)
    refusals = (*_refusals(change, name, catalog), *new_table_references.refusals(found))
    if refusals:
        return Compiled(refusals=refusals, catalog=catalog)
    return Compiled(
        steps=(_step(change, place, name, catalog),),
        trials=(
            table_names.trial(place, name, str(name)),
            new_table_trial.whole(change, name),
            *new_table_references.trials(change, str(name), found),
        ),
        catalog=catalog.with_table(new_table.as_table(change, name, catalog)),
    )


def _step(change: CreateTable, place: Place, name: QualifiedName, catalog: Catalog) -> Step:
    relation = identifier(name)
    elements = Elements(change, new_table.targets(change, name, catalog))
    return Step(
        id=place.id("create"),
        part=Part.EXPAND,
        title=f"create table {name}",
        statements=(
            USERS_PATH,
            *_rendered((elements.create(relation), *elements.indexes(relation))),
            OUR_PATH,
            *_rendered((*_comments(change, relation), *elements.grants(relation))),
        ),
        undo=(Statement(text=render(sql.SQL("DROP TABLE IF EXISTS {}").format(relation))),),
        guards=(
            Guard(
                relation=str(name),
                query=render(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(relation)),
                what=f"the rows of {name}, which the plan created",
            ),
        ),
        done=second_name.is_table(name),
    )


def _rendered(composed: Iterable[sql.Composable]) -> Iterator[Statement]:
    for text in composed:
        yield Statement(text=render(text))


def _comments(change: CreateTable, relation: sql.Identifier) -> Iterator[sql.Composable]:
    if change.comment is not None:
        yield sql.SQL("COMMENT ON TABLE {} IS {}").format(relation, sql.Literal(change.comment))
    for name, column in change.columns.items():
        if column.comment is not None:
            place = sql.SQL("{}.{}").format(relation, sql.Identifier(name))
            yield sql.SQL("COMMENT ON COLUMN {} IS {}").format(place, sql.Literal(column.comment))


def _nowhere(change: CreateTable) -> Refusal:
    return Refusal(
        code="no_schema",
        object=str(change.name),
        message="the role's search_path has no schema that exists, so there is no place for it.",
        instead="Write the table as schema.name.",
    )


def _refusals(change: CreateTable, name: QualifiedName, catalog: Catalog) -> Iterator[Refusal]:
    if name.schema == LEDGER_SCHEMA:
        yield Refusal(
            code="unsupported_table",
            object=str(name),
            message="it would be in the schema of crossfade's ledger, which says what was done.",
            instead="Make it in a schema of your own.",
        )
    for taken in (name.name, *change.relations):
        if QualifiedName(name.schema, taken) in catalog.relation_names:
            yield table_names.name_taken(QualifiedName(name.schema, taken))
    for table in change.tables:
        yield from table_refusals(table, catalog)
