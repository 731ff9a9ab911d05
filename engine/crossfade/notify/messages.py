"""What a target is told of a fact, as JSON for programs and in Slack's format for people. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from crossfade.postgres.connect import masked

if TYPE_CHECKING:
    from crossfade.notify.facts import Fact
    from crossfade.plan.notify import Target

_MOST_REASONS = 10
_LONGEST_REASON = 300
"""Characters of a reason in a chat; a program gets all of it."""
_LONGEST_SECTION = 3000
"""Characters that Slack takes in one section."""
_NEXT = {"expanded": "crossfade backfill {run}", "backfilled": "crossfade contract {run}"}
_COMMANDS = {
    "blocked": "crossfade gate {run} --phase {phase}",
    "approval_wanted": "crossfade approve {run} --phase {phase} --as NAME",
    "failed": "crossfade status {run}",
}


def is_due(fact: Fact, target: Target) -> bool:
    """Whether the target is to be told of this by now."""
    held = timedelta(seconds=fact.seconds or 0.0)
    return target.wants(fact.event) and (fact.event != "blocked" or held >= target.blocked_for)


def payload_of(fact: Fact) -> dict[str, Any]:
    """The document that a webhook gets.

    `seconds` is there where a span is known, and `code` for a failure; `command` is None where nothing is left to do.
    """
    command = _NEXT.get(fact.state) if fact.event == "phase_finished" else _COMMANDS[fact.event]
    reasons = [masked(reason) for reason in fact.reasons]
    document = {
        "event": fact.event,
        "run": fact.run,
        "phase": fact.phase,
        "state": fact.state,
        "at": fact.at.isoformat(),
        "reason": "; ".join(reasons) or None,
        "reasons": reasons,
        "command": command and command.format(run=fact.run, phase=fact.phase),
        "database": fact.database,
    }
    known = {"code": fact.code, "seconds": None if fact.seconds is None else round(fact.seconds, 1)}
    return document | {key: value for key, value in known.items() if value is not None}


def slack_message(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The same for an incoming webhook of Slack: a line, the reasons, and what to do next."""
    line = _line(payload)
    reasons = [f"• {_cut(reason)}" for reason in payload["reasons"][:_MOST_REASONS]]
    more = len(payload["reasons"]) - _MOST_REASONS
    if more > 0:
        reasons.append(f"• and {more} more")
    command = [f"Next: `{_escaped(payload['command'])}`"] if payload["command"] else []
    parts = (f"*{line}*", "\n".join(reasons), *command)
    return {"text": line, "blocks": [_section(part) for part in parts if part]}


def _line(payload: Mapping[str, Any]) -> str:
    run, phase = _escaped(payload["run"]), _escaped(payload["phase"] or "run")
    span = _span(payload["seconds"]) if "seconds" in payload else ""
    what = {
        "phase_finished": f"{phase} of {run} is done, in {span}: {payload['state']}",
        "blocked": f"{phase} of {run} has been blocked for {span}",
        "approval_wanted": f"{phase} of {run} wants an approval",
        "failed": f"{phase} of {run} failed ({_escaped(payload.get('code') or 'error')})",
    }[payload["event"]]
    return f"{what}, in database {_escaped(payload['database'])}"


def _span(seconds: float) -> str:
    """For people: the two largest units."""
    whole = round(seconds)
    for large, small, size, unit in (("d", "h", 86400, 3600), ("h", "min", 3600, 60), ("min", "s", 60, 1)):
        if whole >= size:
            rest = whole % size // unit
            return f"{whole // size} {large} {rest} {small}" if rest else f"{whole // size} {large}"
    return f"{whole} s"


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:_LONGEST_SECTION]}}


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return _escaped(line if len(line) <= _LONGEST_REASON else f"{line[: _LONGEST_REASON - 1]}…")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
