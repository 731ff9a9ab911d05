"""What `explain` prints: the program as a page, as SQL, or as a document."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.operations.rows.data_statement import statement
from crossfade.operations.step import Copy, Delete, Part, Phase
from crossfade.plan.durations import format_duration
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.operations.step import RowWork, Step
    from crossfade.postgres.statement import Statement
    from crossfade.workflow.program import Program
    from crossfade.workflow.results import Explanation

_PARTS = {
    Part.EXPAND: "Make the new shape beside the old one",
    Part.SEAL: "Once every row is filled",
    Part.HIDE: "Compare every row once more, then hide the old shape; `crossfade revert` brings it back",
    Part.DROP: "Drop what was hidden",
}


def document(found: Explanation) -> dict[str, Any]:
    """The document of `explain --json`."""
    program = found.program
    return {
        "name": program.plan,
        "phases": {phase.value: _phase_document(found, phase) for phase in Phase},
        "cautions": [{"code": c.code, "object": c.object, "message": c.message, "ack": c.ack} for c in found.cautions],
    }


def page(found: Explanation) -> str:
    """All of it, for a person."""
    program = found.program
    seen = "as this database would see it"
    if found.state is not None:
        seen = f"as it was compiled when its run began; the run is {found.state}"
    lines = [f"Plan {program.plan}, {seen}.", ""]
    for phase in Phase:
        lines += [*_phase_lines(found, phase), ""]
    if found.cautions:
        lines += ["What can go wrong"]
        for caution in found.cautions:
            ack = f" (--ack {caution.ack} takes note of it)" if caution.ack else ""
            lines.append(f"  - {caution.object}: {caution.message}{ack}")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def script(found: Explanation) -> str:
    """Only the SQL, in the order in which it runs."""
    program = found.program
    blocks = [f"-- {program.plan}: what crossfade executes, without its ledger, lock slices and batches"]
    for part in Part:
        if part is Part.SEAL:
            blocks += [_row_script(row) for row in program.work]
        blocks += [_step_script(step) for step in program.of(part)]
    return "\n\n".join(blocks) + "\n"


def _phase_document(found: Explanation, phase: Phase) -> dict[str, Any]:
    described: dict[str, Any] = {
        "steps": [_step_document(step) for step in found.program.in_phase(phase)],
        "gates": list(found.gates.get(phase, ())),
    }
    if phase is Phase.BACKFILL:
        described["rows"] = [{"relation": _relation(row), "sql": statement(row)} for row in found.program.work]
    return described


def _step_document(step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "title": step.title,
        "part": step.part.value,
        "sql": [s.text for s in step.statements],
        "transactional": step.transactional,
        "locks": [{"relation": lock.relation, "mode": lock.mode.words} for lock in step.locks],
        "rewrites": step.rewrites,
        "scans": step.scans,
        "undo": [s.text for s in step.undo],
        "irreversible": step.irreversible,
    }


def _relation(row: RowWork) -> str:
    return render(sql.Identifier(row.schema, row.table))


def _phase_lines(found: Explanation, phase: Phase) -> Iterator[str]:
    program = found.program
    yield phase.value.upper()
    if program.is_empty(phase):
        yield "  Nothing to do; the run passes through."
        return
    for gate in found.gates.get(phase, ()):
        yield f"  gate: {gate}"
    number = 0
    if phase is Phase.BACKFILL:
        yield from _rows_lines(program)
    for part in Part:
        steps = [step for step in program.of(part) if step.phase is phase]
        if steps:
            yield ""
            yield f"  {_PARTS[part]}{_when(found, part)}:"
        for step in steps:
            number += 1
            yield from _step_lines(step, number)
    if phase is Phase.BACKFILL and (program.rows or program.copies):
        yield ""
        yield "  Then both sides are compared over every row; reads only."


def _when(found: Explanation, part: Part) -> str:
    if part is not Part.DROP:
        return ""
    retain = found.plan.retain
    return f" after it was retained for {format_duration(retain)}" if retain else ", at once, since `retain` is 0s"


def _rows_lines(program: Program) -> Iterator[str]:
    for row in program.work:
        yield ""
        yield f"  The rows of {_relation(row)}, in batches, each with its own short transaction:"
        yield indent(f"{statement(row)};", " " * 6)
        yield f"     locks: {_row_locks(row)}"


def _row_locks(row: RowWork) -> str:
    match row.write:
        case Copy(into=into, locking=str(locking)) if locking:
            return f"ROW EXCLUSIVE on {into}, and the rows of the batch while they are copied"
        case Copy(into=into):
            return f"ROW EXCLUSIVE on {into}; {_relation(row)} is only read"
        case Delete(archive=str(archive)):
            return f"ROW EXCLUSIVE, on {archive} too, and the rows of the batch while they are deleted"
        case Delete():
            return "ROW EXCLUSIVE, and the rows of the batch while they are deleted"
    return "ROW EXCLUSIVE, and the rows of the batch while it is written"


def _step_lines(step: Step, number: int) -> Iterator[str]:
    yield ""
    yield f"  {number}. {step.title}  [{step.id}]"
    yield from _statement_lines(step.statements)
    for lock in step.locks:
        yield f"     lock: {lock.mode.words} on {lock.relation}: blocks {lock.mode.blocks}, {_how_long(step)}"
    if not step.transactional:
        leftover = "; an invalid leftover is dropped and built again" if step.cleanup else ""
        yield f"     outside a transaction{leftover}"
    if step.rewrites:
        yield "     rewrites the table"
    if step.irreversible:
        yield f"     cannot be taken back once it is done: {step.irreversible}"
    if step.undo:
        yield "     undo:"
        yield from _statement_lines(step.undo)


def _statement_lines(statements: tuple[Statement, ...]) -> Iterator[str]:
    for one in statements:
        yield indent(f"{one.text};", " " * 6)


def _how_long(step: Step) -> str:
    if step.rewrites:
        return "while the whole table is written anew"
    return "while the table is read" if step.scans else "for an instant"


def _row_script(row: RowWork) -> str:
    return f"-- backfill: the rows of {_relation(row)}; crossfade does it in batches\n{statement(row)};"


def _step_script(step: Step) -> str:
    lines = [f"-- {step.phase}, {step.id}: {step.title}"]
    statements = [f"{one.text};" for one in step.statements]
    if step.transactional and len(statements) > 1:
        statements = ["BEGIN;", *statements, "COMMIT;"]
    return "\n".join([*lines, *statements])
