"""Who keeps a gate from passing, from its document: one row for each, whatever the kind. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crossfade.cli.output import moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocking:
    """One that blocks, as a table shows it; empty where the gate does not know."""

    who: str
    version: str = ""
    instance: str = ""
    host: str = ""
    since: str = ""
    by: str = ""


def blocking(gate: Mapping[str, Any]) -> list[Blocking]:
    """Those that the gate has seen, the parts of `all`, `any` and `not` included; none where it passes."""
    return list(_found(gate)) if gate["verdict"] != "PASS" else []


def _found(gate: Mapping[str, Any]) -> Iterator[Blocking]:
    evidence = gate["evidence"]
    match gate["kind"]:
        case "app_version":
            yield from map(_instance, _in_the_way(evidence))
        case "legacy_writes":
            yield from map(_writer, evidence.get("writers", ()))
        case "violating_writes":
            yield from map(_violating_writer, evidence.get("writers", ()))
        case "strangers":
            yield from map(_stranger, evidence.get("strangers", ()))
        case "long_transactions":
            yield from map(_transaction, evidence.get("transactions", ()))
    for part in gate.get("gates", ()):
        yield from blocking(part)


def _in_the_way(evidence: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (s for s in evidence.get("sightings", ()) if s["fresh"] and s["needs"] != "new")


def _instance(sighting: Mapping[str, Any]) -> Blocking:
    return Blocking(
        who=sighting["app"],
        version=sighting["version"],
        instance=sighting["instance"],
        host=sighting["host"] or "",
        since=_time(sighting["first_seen"]),
        by=sighting["source"],
    )


def _writer(writer: Mapping[str, Any]) -> Blocking:
    return Blocking(
        who=writer["application_name"] or f"role {writer['role']}",
        instance=f"{writer['relation']}.{writer['column']}",
        host=writer["address"] or "",
        since=_time(writer["last_at"]),
        by="trigger",
    )


def _violating_writer(writer: Mapping[str, Any]) -> Blocking:
    return Blocking(
        who=writer["application_name"] or f"role {writer['role']}",
        instance=f"{writer['constraint']} on {writer['relation']}",
        host=writer["address"] or "",
        since=_time(writer["last_at"]),
        by="trigger",
    )


def _stranger(stranger: Mapping[str, Any]) -> Blocking:
    return Blocking(
        who=stranger["application_name"] or f"role {stranger['role']}",
        instance="" if stranger["pid"] is None else f"pid {stranger['pid']}",
        host=stranger["address"] or "",
        since=_time(stranger["since"]),
        by=stranger["by"] or "",
    )


def _transaction(transaction: Mapping[str, Any]) -> Blocking:
    return Blocking(
        who=transaction["name"] or f"role {transaction['role']}",
        instance="" if transaction["pid"] is None else f"pid {transaction['pid']}",
        host=f"database {transaction['database']}",
        since=_time(transaction["since"]),
        by="activity",
    )


def _time(text: str | None) -> str:
    return "" if text is None else moment(datetime.fromisoformat(text))
