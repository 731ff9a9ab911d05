"""The gate `http`: an address answers with a status, and with a value in its JSON if the plan names one.

A redirect is an answer like any other and is not followed: that of a login page would end in a 200. The address is
shown without its query, which may have a token.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
    body: str = ""
    failure: str | None = None
    """Why there is no answer."""


def observe(_subject: Subject, entry: Http, _look: Look) -> Observation:
    """Ask once; every failure is part of the answer."""
    import httpx

    timeout = entry.timeout.total_seconds()
    try:
        with (
            httpx.Client(timeout=timeout, follow_redirects=False) as client,
            client.stream("GET", entry.url, headers={"Accept": "application/json"}) as response,
        ):
            read = bytearray()
            for piece in response.iter_bytes():
                read += piece
                if len(read) > _LARGEST:
                    return Observation(failure=f"the answer is larger than {_LARGEST} bytes")
            return Observation(status=response.status_code, body=read.decode(errors="replace"))
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return Observation(failure=str(error).strip() or type(error).__name__)


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


def _judge_value(body: str, entry: Http, address: str, evidence: dict[str, Any]) -> Judgement:
    assert entry.path is not None
    try:
        value = _value_at(json.loads(body), entry.path)
    except ValueError:
        return Judgement(verdict=Verdict.ERROR, reason=f"{address} does not answer with JSON", evidence=evidence)
    except LookupError:
        reason = f"there is no {entry.path} in the answer of {address}"
        return Judgement(verdict=Verdict.UNKNOWN, reason=reason, evidence=evidence)
    shown = json.dumps(value)[:_MOST_SHOWN]
    evidence = {**evidence, "path": entry.path, "value": shown}
    if value is None:
        return Judgement(verdict=Verdict.UNKNOWN, reason=f"{entry.path} of {address} is null", evidence=evidence)
    # In Python, 1 == True; in JSON it is not.
    equal = value == entry.equals and type(value) is type(entry.equals)
    wanted = "" if equal else f", not {json.dumps(entry.equals)}"
    verdict = Verdict.PASS if equal else Verdict.BLOCKED
    return Judgement(verdict=verdict, reason=f"{entry.path} of {address} is {shown}{wanted}", evidence=evidence)


def _value_at(document: Any, path: str) -> Any:
    for step in path.split("."):
        if isinstance(document, Mapping):
            document = document[step]
        elif isinstance(document, Sequence) and not isinstance(document, str) and step.isdecimal():
            document = document[int(step)]
        else:
            raise LookupError(step)
    return document


def in_words(entry: Http) -> str:
    """For `explain`."""
    value = f" with {entry.path} {json.dumps(entry.equals)}" if entry.path else ""
    return f"{shown_address(entry.url)} answers {entry.status}{value}"
