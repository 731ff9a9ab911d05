"""What a plan's program changes of what the project's settings say is fixed, on its way and on its way back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossfade.errors import Refusal
from crossfade.lint.bodies import body_of
from crossfade.migrations.script import Script, Source
from crossfade.operations.rows.data_statement import statement
from crossfade.plan.fixed import Fixed, FixedEntry
from crossfade.postgres.changed import Changed
from crossfade.postgres.changed_objects import changed_by_text
from crossfade.postgres.forecast import Schema
from crossfade.postgres.forecast.trees import NotOneStatement, kind, one_statement
from crossfade.postgres.new_names import foreseen
from crossfade.postgres.outlines import outlined
from crossfade.postgres.own_names import is_own_name

if TYPE_CHECKING:
    import psycopg

    from crossfade.operations.step import RowWork, Step
    from crossfade.postgres.catalog import Catalog
    from crossfade.workflow.program import Program


def fixed_refusals(
    connection: psycopg.Connection[Any], program: Program, catalog: Catalog, fixed: Fixed
) -> Iterator[Refusal]:
    """One for each thing that is fixed and that the program would make, change, drop or write to."""
    if fixed.entries:
        yield from refusals_of(_changed(program, outlined(connection, Schema.of(catalog))), fixed)


def refusals_of(changes: Iterable[Changed], fixed: Fixed) -> Iterator[Refusal]:
    """One for each thing that is fixed among what is changed."""
    found: dict[str, tuple[Changed, FixedEntry]] = {}
    for changed in changes:
        entry = fixed.entry_for(changed.schema, changed.name)
        if entry is not None:
            found.setdefault(str(changed), (changed, entry))
    # What we make there on the way says nothing to whoever reads what else is changed.
    theirs = [(changed, entry) for changed, entry in found.values() if not is_own_name(changed.name or "")]
    for changed, entry in theirs or found.values():
        yield Refusal(
            code="fixed",
            object=str(changed),
            message=f"the plan {changed.does} it, which the project's settings have under `fixed`: {entry.text}.",
            instead="Let the app see it otherwise: by a view in a schema of your own, by @map in schema.prisma or "
            "another name in a Drizzle schema, by a typed query; crossfade types prints its types as it is.",
        )


def _changed(program: Program, first: Schema) -> Iterator[Changed]:
    schema = first
    for step in program.steps:
        schema = schema.seen_by_others()
        for each in step.statements:
            yield from changed_inside(schema, each.text)
            schema = foreseen(schema, each.text)
        yield from _on_the_way_back(step, schema.seen_by_others())
    # Once more by the names that there are before the first statement.
    yield from _rows(program.work, first)


def _on_the_way_back(step: Step, schema: Schema) -> Iterator[Changed]:
    """What its undo does; a cleanup removes only what the step itself has left."""
    for each in step.undo:
        yield from changed_inside(schema, each.text)
        schema = foreseen(schema, each.text)


def changed_inside(schema: Schema, text: str) -> Iterator[Changed]:
    """What a statement changes, and what those of a DO block do."""
    for each in (text, *_inside(text)):
        yield from changed_by_text(schema, each)


def _inside(text: str) -> Iterator[str]:
    """The statements of a DO block."""
    try:
        is_block = kind(one_statement(text)) == "DoStmt"
    except NotOneStatement:
        return
    for block in Script(source=Source(Path(), text)).statements if is_block else ():
        body = body_of(block)
        yield from (inner.sql for inner in body.statements) if body is not None and body.runs_now else ()


def _rows(work: Iterable[RowWork], schema: Schema) -> Iterator[Changed]:
    for each in work:
        yield from changed_by_text(schema, statement(each))
