"""What a run is going to hide and drop, and what takes the place of it, from the statements of its steps. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from crossfade.operations.step import Part
from crossfade.postgres.own_names import is_own_name, mark
from crossfade.workflow.affected_names import (
    columns_after,
    columns_of,
    forwards,
    identifiers,
    names_made,
    successors_of,
    tables_after,
    types_after,
)
from crossfade.workflow.change_bearing import Columns

if TYPE_CHECKING:
    from crossfade.plan.model import Plan
    from crossfade.workflow.program import Program


def columns_of_run(plan: Plan, program: Program, states: Mapping[str, str]) -> Columns:
    """What the steps that are to come go for; `states` is the ledger's word for each step that was begun."""
    hiding = program.of(Part.HIDE)
    texts = forwards(step for step in hiding if states.get(step.id) != "done")
    pending = forwards(s for s in program.of(Part.EXPAND, Part.SEAL, Part.HIDE) if states.get(s.id) != "done")
    planned = columns_of(plan.as_json()["changes"])
    reached = frozenset(name for rows in program.rows for name in (*rows.old, *rows.new))
    asked = identifiers((*pending, *(watch.violated for watch in program.watches)))
    # An index may stand for its table.
    indexes = {table.name for change in plan.changes for table in change.tables}
    columns = Columns(
        planned=planned | reached,
        mark=mark(program.plan),
        made=names_made(pending),
        named=frozenset(
            (kind, name)
            for kind, names in (("column", reached | planned), ("index", indexes))
            for name in asked.intersection(names)
        ),
    )
    gone = going(columns, texts)
    # A table that has stepped aside goes as well.
    aside = {new for new in tables_after(forwards(hiding)).values() if _is_ours(new)}
    return replace(gone, tables=gone.tables | aside)


def going(columns: Columns, texts: tuple[str, ...]) -> Columns:
    """With what gets names of ours by these statements, and what takes the names of that."""
    renamed, tables, types = columns_after(texts), tables_after(texts), types_after(texts)
    taken = {old for old, new in renamed.items() if is_own_name(new) and not is_own_name(old)}
    gone = {old for old, new in tables.items() if _is_ours(new) and not _is_ours(old)}
    return replace(
        columns,
        taken=frozenset(taken),
        successors=successors_of(texts),
        tables=frozenset(gone),
        replacing={new: old for old, new in tables.items() if new in gone},
        types=frozenset(old for old, new in types.items() if _is_ours(new) and not _is_ours(old)),
    )


def types_that_go(program: Program, states: Mapping[str, str]) -> tuple[str, ...]:
    """The types that steps to come hide, in SQL's quoting."""
    hiding = forwards(step for step in program.of(Part.HIDE) if states.get(step.id) != "done")
    return tuple(old for old, new in types_after(hiding).items() if _is_ours(new))


def _is_ours(name: str) -> bool:
    """Whether a name with its schema, in SQL's quoting, is one of ours."""
    return is_own_name(name.rpartition(".")[2])
