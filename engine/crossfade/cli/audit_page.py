"""An audit as Markdown: to be attached to a ticket, or to be read.

What users wrote stays text: cells are escaped, and a fence is longer than any run of backticks in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crossfade.cli.output import moment

if TYPE_CHECKING:
    from datetime import datetime

    from crossfade.workflow.audit import Audit, AuditedStep

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&@!])")
"""What Markdown, HTML in it or a forge's mentions would read as more than text."""


def page(audit: Audit) -> str:
    """The whole document."""
    sections: Sequence[Callable[[Audit], Iterator[str]]] = (
        _head,
        _earlier,
        _phases,
        _steps,
        _batches,
        _approvals,
        _overrides,
        _evaluations,
        _quarantined,
        _plan,
        _sql,
        _events,
    )
    written = ("\n".join(section(audit)).strip("\n") for section in sections)
    return "\n\n".join(text for text in written if text) + "\n"


def escaped(value: object) -> str:
    """A value as the text of one cell or line."""
    if value is None:
        return ""
    if isinstance(value, Mapping | list | tuple):
        value = json.dumps(value, default=str, ensure_ascii=False) if value else ""
    return _SPECIAL.sub(r"\\\1", " ".join(str(value).split()))


def fenced(text: str, language: str) -> Iterator[str]:
    """A fenced block that nothing in the text can end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}{language}"
    yield text
    yield fence


def _head(a: Audit) -> Iterator[str]:
    yield f"# Audit of {escaped(a.name)}"
    yield ""
    facts = [
        ("state", f"{a.state}, since {moment(a.state_since)}"),
        ("database", a.database),
        ("started", f"{moment(a.created_at)} by {a.started_by}, as role {a.created_by}"),
        ("digest of the plan", a.digest),
        ("run", a.run),
        ("accepted of preflight", ", ".join(a.acks)),
        ("paused", a.paused),
        ("failed", a.failed and a.failed.get("message")),
        ("old data kept until", moment(a.retain_until)),
    ]
    yield from _table(("", ""), [fact for fact in facts if fact[1] not in (None, "")])


def _earlier(a: Audit) -> Iterator[str]:
    if not a.earlier:
        return
    yield "## Earlier runs of this name"
    yield ""
    heads = ("run", "state", "started", "by", "ended", "digest")
    yield from _table(
        heads, [(e["id"], e["state"], e["created_at"], e["started_by"], e["ended_at"], e["digest"]) for e in a.earlier]
    )


def _phases(a: Audit) -> Iterator[str]:
    yield "## Phases"
    yield ""
    yield from _table(
        ("phase", "started", "finished"), [(p["phase"], p["started_at"], p["finished_at"]) for p in a.phases]
    )


def _steps(a: Audit) -> Iterator[str]:
    yield "## Steps"
    yield ""
    heads = ("step", "phase", "does", "state", "attempts", "waited for locks", "took", "started", "finished")
    yield from _table(heads, [_step_row(step) for step in a.steps])


def _step_row(s: AuditedStep) -> Sequence[object]:
    begun = s.attempts > 0
    waited, took = (f"{s.lock_wait_ms:.0f} ms", f"{s.duration_ms:.0f} ms") if begun else ("", "")
    return (s.id, s.phase, s.title, s.state, s.attempts or "", waited, took, s.started_at, s.finished_at)


def _batches(a: Audit) -> Iterator[str]:
    yield "## Rows"
    yield ""
    heads = ("table", "rows read", "written", "batches", "WAL bytes", "throttled", "workers", "started", "finished")
    rows = [(*_rows_of(b), f"{b['verified_share']:.0%}" if b["verified_share"] else "") for b in a.batches]
    yield from _table((*heads, "compared"), rows)


def _rows_of(b: Mapping[str, Any]) -> tuple[object, ...]:
    throttled = f"{b['throttled_seconds']:.0f} s"
    workers = ", ".join(b["workers"])
    counts = (b["relation"], b["rows_done"], b["rows_written"], b["batches"], b["wal_bytes"])
    return (*counts, throttled, workers, b["started_at"], b["finished_at"])


def _approvals(a: Audit) -> Iterator[str]:
    yield "## Approvals"
    yield ""
    heads = ("at", "phase", "by", "role", "says", "reason", "database role", "of this plan")
    rows = [
        (
            g["at"],
            g["phase"],
            g["approver"],
            g["role"],
            "withdraws" if g["withdraws"] else "approves",
            g["reason"],
            g["db_user"],
            "yes" if g["is_of_this_plan"] else "no",
        )
        for g in a.approvals
    ]
    yield from _table(heads, rows)


def _overrides(a: Audit) -> Iterator[str]:
    yield "## Overrides"
    yield ""
    heads = ("at", "phase", "gate", "by", "reason", "until", "database role")
    names = ("at", "phase", "gate", "actor", "reason", "until", "db_user")
    yield from _table(heads, [[o[name] for name in names] for o in a.overrides])


def _evaluations(a: Audit) -> Iterator[str]:
    yield "## Verdicts"
    yield ""
    if a.evaluations_left_out:
        yield f"{a.evaluations_left_out} looks at the gates that found the same as the one before are left out."
        yield ""
    if not a.evaluations:
        yield "None."
    for e in a.evaluations:
        on_its_word = f"; on its word ran step {escaped(e['step'])}" if e["step"] else ""
        yield f"### {moment(e['at'])}: {e['phase']} {e['verdict']}{on_its_word}"
        yield ""
        if not e["gates"]:
            yield "No gate stood there."
            yield ""
            continue
        yield from _table(("gate", "verdict", "mode", "reason"), [row for g in e["gates"] for row in _gate_rows(g)])
        yield ""
        seen = {f"{n} {g['kind']}": _evidence(g) for n, g in enumerate(e["gates"], start=1)}
        yield "<details><summary>evidence</summary>"
        yield ""
        yield from fenced(json.dumps(seen, indent=1, default=str, ensure_ascii=False), "json")
        yield ""
        yield "</details>"
        yield ""


def _gate_rows(gate: Mapping[str, Any], depth: int = 0) -> Iterator[Sequence[object]]:
    override = gate.get("override")
    overridden = (
        f"; overridden by {override['by']} until {override['until']} ({override['reason']})" if override else ""
    )
    yield ("> " * depth + gate["kind"], gate["verdict"], gate["mode"], f"{gate['reason']}{overridden}")
    for part in gate.get("gates", ()):
        yield from _gate_rows(part, depth + 1)


def _evidence(gate: Mapping[str, Any]) -> Any:
    parts = [_evidence(part) for part in gate.get("gates", ())]
    return {**gate["evidence"], **({"gates": parts} if parts else {})}


def _quarantined(a: Audit) -> Iterator[str]:
    yield "## Rows set aside"
    yield ""
    if a.quarantined_left_out:
        yield f"The first {len(a.quarantined)}; {a.quarantined_left_out} more are left out."
        yield ""
    heads = ("table", "key", "state", "at", "why", "given up by", "reason")
    names = ("table", "key", "state", "at", "message", "waived_by", "waived_because")
    yield from _table(heads, [[q[name] for name in names] for q in a.quarantined])


def _plan(a: Audit) -> Iterator[str]:
    yield "## Plan"
    yield ""
    yield from fenced(json.dumps(a.plan, indent=2, default=str, ensure_ascii=False), "json")


def _sql(a: Audit) -> Iterator[str]:
    yield "## SQL"
    for row in a.rows:
        yield ""
        yield f"### backfill: the rows of {escaped(row['relation'])}, in batches"
        yield ""
        yield from fenced(f"{row['sql']};", "sql")
    for step in a.steps:
        yield ""
        yield f"### {step.phase}, {escaped(step.id)}: {escaped(step.title)}"
        yield ""
        outside = "" if step.transactional else "-- outside a transaction\n"
        yield from fenced(outside + _script(step.sql), "sql")
        if step.undo:
            yield ""
            yield "Undo:"
            yield ""
            yield from fenced(_script(step.undo), "sql")


def _script(statements: Iterable[str]) -> str:
    return "\n".join(f"{text};" for text in statements)


def _events(a: Audit) -> Iterator[str]:
    yield "## History"
    yield ""
    if a.events_left_out:
        yield f"The latest {len(a.events)}; {a.events_left_out} older events are left out."
        yield ""
    rows = [(e["at"], e["kind"], e["actor"], _facts(e["data"])) for e in a.events]
    yield from _table(("at", "event", "database role", "facts"), rows)


def _facts(data: Mapping[str, Any]) -> str:
    said = {name: value for name, value in data.items() if value not in (None, [], {})}
    return ", ".join(f"{name}={value}" for name, value in said.items())


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    written = [f"| {' | '.join(_cell(value) for value in row)} |" for row in rows]
    if not written:
        yield "None."
        return
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    yield from written


def _cell(value: Any) -> str:
    at: datetime | None = value if hasattr(value, "astimezone") else None
    return moment(at) if at is not None else escaped(value)
