"""The gate `http`: an address answers with a status, and with a value in its JSON if the plan names one.

A redirect is an answer like any other and is not followed: that of a login page would end in a 200. The body is read
only where the plan names a value in it, up to 1 MiB and never compressed. All of it has to happen within `timeout`.
The address is shown without its query, which may have a token; what a library says of a failure could repeat it, and
is not shown.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crossfade.gates.json_path import value_at
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.plan.addresses import shown_address
from crossfade.plan.durations import format_duration

if TYPE_CHECKING:
    from crossfade.gates.subject import Look, Subject
    from crossfade.plan.gates import Http

_LARGEST = 1 << 20
"""Bytes of an answer that are read."""
_MOST_SHOWN = 100
_GRACE_SECONDS = 0.2
"""For the library's own time-outs, one for each step: they close a connection whose handshake hangs, and the end of
all does not."""
_NOT_COMPRESSED = "identity"
_HEADERS = {"Accept": "application/json", "Accept-Encoding": _NOT_COMPRESSED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What came back."""

    status: int | None = None
    body: bytes = b""
    """Empty where the plan names no value in it, and with another status than the plan's."""
    failure: str | None = None
    """Why there is no answer."""


def observe(_subject: Subject, entry: Http, _look: Look) -> Observation:
    """Ask once; every failure is part of the answer. Looking up the host's name can take longer than the time-out."""
    return asyncio.run(_ask_in_time(entry))


async def _ask_in_time(entry: Http) -> Observation:
    import httpx

    try:
        async with asyncio.timeout(entry.timeout.total_seconds() + _GRACE_SECONDS):
            return await _ask(entry)
    except (httpx.TimeoutException, TimeoutError):
        return Observation(failure=f"no answer within {format_duration(entry.timeout)}")
    # A ValueError is that of a proxy in the environment which is no address.
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return Observation(failure=_in_words(error))


async def _ask(entry: Http) -> Observation:
    import httpx

    # The query goes into the request alone, since the library logs the address.
    whole = {"target": httpx.URL(entry.url).raw_path}
    async with (
        httpx.AsyncClient(timeout=entry.timeout.total_seconds(), follow_redirects=False) as client,
        client.stream("GET", shown_address(entry.url), headers=_HEADERS, extensions=whole) as response,
    ):
        status = response.status_code
        if entry.path is None or status != entry.status:
            return Observation(status=status)
        if response.headers.get("Content-Encoding", _NOT_COMPRESSED).strip().lower() != _NOT_COMPRESSED:
            return Observation(failure="the answer is compressed, although that was not asked for")
        body = bytearray()
        async for piece in response.aiter_raw():
            body += piece
            if len(body) > _LARGEST:
                return Observation(failure=f"the answer is larger than {_LARGEST} bytes")
        return Observation(status=status, body=bytes(body))


def _in_words(error: Exception) -> str:
    """The system's word for the failure at the bottom of this error."""
    import httpx

    words = "it does not speak HTTP, or ended before its answer did" if isinstance(error, httpx.ProtocolError) else ""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        if isinstance(cause, OSError) and cause.errno is not None:
            # These two have numbers of their own.
            own = isinstance(cause, ssl.SSLError | socket.gaierror)
            words = cause.strerror or words if own else os.strerror(cause.errno)
        cause = cause.__cause__ or cause.__context__
    return words or type(error).__name__


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
        value = value_at(_parsed(body), entry.path)
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


def _parsed(body: bytes) -> Any:
    """The document. Raises ValueError for what is no JSON, NaN too, and for an object that has a key twice."""
    return json.loads(body.decode(), object_pairs_hook=_with_each_key_once, parse_constant=_refuse_constant)


def _with_each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def in_words(entry: Http) -> str:
    """For `explain`."""
    value = f" with {entry.path} {json.dumps(entry.wanted)}" if entry.path else ""
    return f"{shown_address(entry.url)} answers {entry.status}{value}"
