"""The gate `http`: an address answers with a status, and with a value in its JSON if the plan names one.

The body is read only where the plan names a value in it, up to 1 MiB. All of it has to happen within `timeout`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crossfade.gates import request
from crossfade.gates.json_path import parsed, value_at
from crossfade.gates.request import NoAnswer
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.plan.addresses import shown_address

if TYPE_CHECKING:
    from crossfade.gates.subject import Look, Subject
    from crossfade.plan.gates import Http

_LARGEST = 1 << 20
"""Bytes of an answer that are read."""
_MOST_SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What came back."""

    status: int | None = None
    body: bytes = b""
    """Empty where the plan names no value in it, and with another status than the plan's."""
    failure: str | None = None
    """Why there is no answer."""


def observe(_subject: Subject, entry: Http, _look: Look) -> Observation:
    """Ask once; every failure is part of the answer."""
    wants_body = entry.path is not None
    try:
        page = request.get(
            entry.url,
            timeout=entry.timeout,
            largest=_LARGEST,
            reads=lambda status: wants_body and status == entry.status,
        )
    except NoAnswer as error:
        return Observation(failure=str(error))
    return Observation(status=page.status, body=page.body)


def judge(observation: Observation, entry: Http) -> Judgement:
    """PASS for the status and the value that the plan names."""
    o, address = observation, shown_address(entry.url)
    evidence: dict[str, Any] = {"url": address, "status": o.status}
    if o.status is None:
        return Judgement(verdict=Verdict.ERROR, reason=f"{address}: {o.failure}", evidence=evidence)
    if o.status != entry.status:
        # A server that is in trouble, or asks to wait, has said nothing about the question.
        verdict = Verdict.ERROR if o.status >= 500 or o.status == 429 else Verdict.BLOCKED
        reason = f"{address} answers {o.status}, not {entry.status}"
        return Judgement(verdict=verdict, reason=reason, evidence=evidence)
    if entry.path is None:
        return Judgement(verdict=Verdict.PASS, reason=f"{address} answers {o.status}", evidence=evidence)
    return _judge_value(o.body, entry, address, evidence)


def _judge_value(body: bytes, entry: Http, address: str, evidence: dict[str, Any]) -> Judgement:
    assert entry.path is not None
    try:
        value = value_at(parsed(body), entry.path)
        shown = json.dumps(value)[:_MOST_SHOWN]
    except (ValueError, RecursionError):
        reason = f"{address} does not answer with JSON that has one meaning"
        return Judgement(verdict=Verdict.ERROR, reason=reason, evidence=evidence)
    except LookupError:
        reason = f"there is no {entry.path} in the answer of {address}"
        return Judgement(verdict=Verdict.UNKNOWN, reason=reason, evidence=evidence)
    evidence = {**evidence, "path": entry.path, "value": shown}
    if value is None:
        return Judgement(verdict=Verdict.UNKNOWN, reason=f"{entry.path} of {address} is null", evidence=evidence)
    # In Python, 1 == True; in JSON it is not.
    equal = value == entry.wanted and type(value) is type(entry.wanted)
    wanted = "" if equal else f", not {json.dumps(entry.wanted)}"
    verdict = Verdict.PASS if equal else Verdict.BLOCKED
    return Judgement(verdict=verdict, reason=f"{entry.path} of {address} is {shown}{wanted}", evidence=evidence)


def in_words(entry: Http) -> str:
    """For `explain`."""
    value = f" with {entry.path} {json.dumps(entry.wanted)}" if entry.path else ""
    return f"{shown_address(entry.url)} answers {entry.status}{value}"
