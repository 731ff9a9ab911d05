"""What to do about a gate that does not pass, in one line, by what it saw. Pure.

Kinds whose reason says it already, `approval`, `strangers`, `dependents` and `replication`, have nothing here, nor have
`all`, `any` and `not`, whose parts say it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

_MOST_NAMED = 3
Evidence = Mapping[str, Any]


def next_step(kind: str, verdict: str, evidence: Evidence, *, holding: bool) -> str | None:
    """The next step; None where the reason says it, or nothing is to be done.

    `verdict` is the gate's, `holding` whether nothing but time is missing.
    """
    if verdict == "PASS":
        return None
    if holding:
        return "nothing is to be done but to wait"
    step = _STEPS.get((kind, verdict))
    return step(evidence) if step is not None else None


def _app_version_blocked(evidence: Evidence) -> str | None:
    old = [s for s in evidence.get("sightings", ()) if s["fresh"] and s["needs"] == "old"]
    live = [s for s in old if s["source"] != "record"]
    apps = " and ".join(dict.fromkeys(s["app"] for s in live))
    if live:
        return f"finish the rollout of {apps}, or stop {_named([s['instance'] for s in live])}"
    if old:
        return f"record what has replaced it: crossfade versions record {old[0]['app']} VERSION"
    return None


def _app_version_unknown(evidence: Evidence) -> str:
    failures = evidence.get("failures", ())
    if failures:
        broken = _named([f"{f['source']} of {f['app']}" for f in failures])
        return f"let {broken} answer, with every instance"
    unread = [s for s in evidence.get("sightings", ()) if s["fresh"] and s["needs"] == "unknown"]
    if unread:
        named = _named([s["instance"] for s in unread])
        return f"stop {named}, or let it report a version as the plan's `scheme` reads it"
    apps = _named(list(evidence.get("apps", ()))) or "the apps"
    return f"let each instance of {apps} call crossfade.heartbeat(app, version, instance) more often than its `ttl`"


def _legacy_writes_blocked(evidence: Evidence) -> str | None:
    pids = [str(t["pid"]) for t in evidence.get("open_transactions", ()) if t["pid"] is not None]
    if pids:
        return f"let the transaction of pid {_named(pids)} end"
    writers = evidence.get("writers", ())
    if not writers:
        return None
    name = writers[0]["application_name"] or f"what logs in as {writers[0]['role']}"
    return f"stop {name}, or let it write the new name instead of {writers[0]['column']}"


def _violating_writes_blocked(evidence: Evidence) -> str | None:
    pids = [str(t["pid"]) for t in evidence.get("open_transactions", ()) if t["pid"] is not None]
    if pids:
        return f"let the transaction of pid {_named(pids)} end"
    if evidence.get("writers"):
        return "stop these writers, or let them write what the constraint allows"
    return "repair these rows by an UPDATE of your own; nothing writes more of them"


def _legacy_reads_blocked(_evidence: Evidence) -> str:
    return "stop what sends these queries, or let it read the new name"


def _table_activity_blocked(_evidence: Evidence) -> str:
    return "find out who uses it still: pg_stat_activity shows who is connected, and the log what they send"


def _triggers(_evidence: Evidence) -> str:
    return "enable the triggers again: ALTER TABLE … ENABLE ALWAYS TRIGGER …; if one is gone, only a rollback is safe"


def _parity_blocked(_evidence: Evidence) -> str:
    return "write the right value to one of the two columns in these rows; the triggers carry it to the other"


def _long_transactions_blocked(evidence: Evidence) -> str:
    pids = [t["pid"] for t in evidence.get("transactions", ()) if t["pid"] is not None]
    if not pids:
        return "end it: COMMIT PREPARED or ROLLBACK PREPARED"
    return f"let it end, or end it: SELECT pg_terminate_backend({pids[0]})"


def _sql_blocked(_evidence: Evidence) -> str:
    return "bring about what the plan's query asks for; it has to give true"


def _sql_unknown(_evidence: Evidence) -> str:
    return "the query has to give true or false for the data that is there"


def _exec_blocked(_evidence: Evidence) -> str:
    return "run the command by hand to see what it misses; it has to end with 0"


def _http_blocked(_evidence: Evidence) -> str:
    return "see at that address what it waits for"


def _window_blocked(_evidence: Evidence) -> str:
    return "wait until the window is open"


def _soak_blocked(evidence: Evidence) -> str:
    if evidence.get("since"):
        return "wait until it has been there for long enough"
    return "bring the run to that state first: crossfade advance RUN"


def _plan_closed(_evidence: Evidence) -> str:
    return "bring the other run to that state first; crossfade status shows where it stands"


_STEPS: Mapping[tuple[str, str], Callable[[Evidence], str | None]] = {
    ("app_version", "BLOCKED"): _app_version_blocked,
    ("app_version", "UNKNOWN"): _app_version_unknown,
    ("legacy_writes", "BLOCKED"): _legacy_writes_blocked,
    ("legacy_writes", "ERROR"): _triggers,
    ("violating_writes", "BLOCKED"): _violating_writes_blocked,
    ("violating_writes", "ERROR"): _triggers,
    ("legacy_reads", "BLOCKED"): _legacy_reads_blocked,
    ("table_activity", "BLOCKED"): _table_activity_blocked,
    ("parity", "BLOCKED"): _parity_blocked,
    ("long_transactions", "BLOCKED"): _long_transactions_blocked,
    ("sql", "BLOCKED"): _sql_blocked,
    ("sql", "UNKNOWN"): _sql_unknown,
    ("exec", "BLOCKED"): _exec_blocked,
    ("http", "BLOCKED"): _http_blocked,
    ("window", "BLOCKED"): _window_blocked,
    ("soak", "BLOCKED"): _soak_blocked,
    ("plan", "BLOCKED"): _plan_closed,
    ("plan", "UNKNOWN"): _plan_closed,
}


def _named(names: Sequence[str]) -> str:
    """A few of the names, each once, and how many more there are."""
    different = list(dict.fromkeys(names))
    more = f" and {len(different) - _MOST_NAMED} more" if len(different) > _MOST_NAMED else ""
    return ", ".join(different[:_MOST_NAMED]) + more
