"""A rehearsed backfill as a person reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crossfade.backfill.hints import size
from crossfade.cli.output import moment, table
from crossfade.observe.situation import span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import RenderableType

    from crossfade.backfill.rehearsal import Example, Forecast, Measured, Rehearsal, Sample
    from crossfade.operations.rows.row_effects import FiredTrigger

_RELATIONS = ("  RELATION", "KEY", "ROWS", "TO WRITE", "TIME", "WAL", "TABLE GROWS", "INDEXES GROW", "HOT")
_SAMPLES = ("  RELATION", "BATCH AT THE", "ROWS", "WRITTEN", "TOOK", "WAL", "")
_TRIGGERS = ("  TRIGGER", "TABLE", "FIRES", "FUNCTION", "ENABLED", "WHAT IS KNOWN OF IT")
_LONGEST = 60
"""Characters of a value that are shown."""


def page(found: Rehearsal) -> RenderableType:
    """Everything that was found."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text("\n".join(_head(found)))]
    for title, rows in _tables(found):
        parts += [Text(""), Text(title, style="bold"), rows]
    for title, lines in _lists(found):
        parts += [Text(""), Text(title, style="bold"), Text("\n".join(f"  {line}" for line in lines))]
    return Group(*parts)


def _head(found: Rehearsal) -> Iterator[str]:
    state = "not started yet" if found.state is None else found.state
    total = found.total
    yield f"{found.name}, {state}: what its backfill would come to. Nothing of it was kept."
    yield f"rows to write: {_count(total.rows_to_write)}" + ("" if total.rows is None else f" of {total.rows:,}")
    yield f"time: {_between(total.seconds_p50, total.seconds_p90)} (p50 to p90), with the plan's rests and limits"
    if total.seconds_p50 is not None:
        yield f"done by: {moment(total.finish_p50) or 'never'} (p50), {moment(total.finish_p90) or 'never'} (p90)"
    yield f"WAL: {_size(total.wal_bytes)}"
    yield f"growth about: tables {_size(total.table_bytes)}, indexes {_size(total.index_bytes)}"


def _tables(found: Rehearsal) -> Iterator[tuple[str, RenderableType]]:
    yield "relations", table(_RELATIONS, [_relation_row(m, f) for m, f in found.relations])
    samples = [_sample_row(m, s) for m, _ in found.relations for s in m.samples]
    if samples:
        yield "batches that were tried and rolled back", table(_SAMPLES, samples)
    if found.triggers:
        yield "triggers that fire", table(_TRIGGERS, [_trigger_row(t) for t in found.triggers])


def _lists(found: Rehearsal) -> Iterator[tuple[str, Sequence[str]]]:
    examples = [line for m, _ in found.relations for e in m.examples for line in _example_lines(m, e)]
    if examples:
        yield "some of the rows", examples
    # Two batches of a short table may overlap.
    refused = dict.fromkeys(
        f"{m.relation} {r.key}: {r.message} ({r.sqlstate})"
        for m, _ in found.relations
        for s in m.samples
        for r in s.refused
    )
    if refused:
        yield "rows that are refused", tuple(refused)
    if found.foreign_keys:
        yield "foreign keys that are checked", [f"{k.name} on {k.table}: {k.definition}" for k in found.foreign_keys]
    if found.missing_rights:
        yield "rights that are missing", [f"{grant};" for grant in found.missing_rights]
    if found.notes:
        yield "notes", [f"- {note.about}: {note.message}" for note in found.notes]


def _relation_row(measured: Measured, expected: Forecast) -> Sequence[object]:
    return (
        f"  {measured.relation}",
        ", ".join(measured.key) or ("by place" if measured.skipped is None else "not known"),
        _count(measured.rows if measured.skipped is None else None),
        ("" if expected.rows_to_write_exact or expected.rows_to_write is None else "about ")
        + _count(expected.rows_to_write),
        _between(expected.seconds_p50, expected.seconds_p90),
        _size(expected.wal_bytes),
        _size(expected.table_bytes),
        _size(expected.index_bytes),
        "" if expected.hot_share is None else f"{expected.hot_share:.0%}",
    )


def _sample_row(measured: Measured, sample: Sample) -> Sequence[object]:
    if sample.skipped is not None:
        return (f"  {measured.relation}", sample.place, "", "", "", "", sample.skipped)
    refused = f"{len(sample.refused)} refused" if sample.refused else ""
    took = f"{sample.seconds * 1000:.0f} ms"
    return (f"  {measured.relation}", sample.place, sample.rows, sample.written, took, size(sample.wal_bytes), refused)


def _trigger_row(trigger: FiredTrigger) -> Sequence[object]:
    known = trigger.effects or "nothing: look at its function"
    if trigger.kept:
        known += f"; crossfade puts back {', '.join(trigger.kept)}"
    return (f"  {trigger.name}", trigger.table, trigger.timing, trigger.function, trigger.enabled, known)


def _example_lines(measured: Measured, example: Example) -> Iterator[str]:
    yield f"{measured.relation} {example.key}"
    if measured.writes == "update":
        for column, value in example.before.items():
            then = "" if example.after is None else f" → {_value(example.after.get(column))}"
            yield f"  {column}: {_value(value)}{then}"
    else:
        word, row = ("deleted", example.before) if measured.writes == "delete" else ("copied as", example.after or {})
        yield f"  {word}: {_row(row)}"


def _row(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{column}={_value(value)}" for column, value in row.items())


def _value(value: Any) -> str:
    import json

    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _between(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "not known"
    first, last = span(low), span(high)
    return first if first == last else f"{first} to {last}"


def _count(rows: int | None) -> str:
    return "not known" if rows is None else f"{rows:,}"


def _size(count: int | None) -> str:
    return "not known" if count is None else size(count)
