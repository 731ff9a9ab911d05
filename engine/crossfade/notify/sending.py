"""Sending one notification to its target: one POST request, and what its answer means.

A redirect is an answer like any other and is not followed. Of the answer only the status and `Retry-After` are read.
Addresses and keys are read from the environment when they are needed; what a library says of a failure could repeat
them, and is not shown.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from tenacity import RetryCallState, Retrying, wait_exponential_jitter

from crossfade.gates.request import failure_in_words
from crossfade.notify.messages import slack_message
from crossfade.notify.signature import signature
from crossfade.plan.notify import Slack, Webhook

if TYPE_CHECKING:
    from crossfade.notify.outbox import Notification
    from crossfade.plan.notify import Target

_WAIT = wait_exponential_jitter(initial=1, max=600, jitter=1)
_LONGEST_ASKED = 3600
"""Seconds for which a target may ask to be left alone."""
_TOO_MANY = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a try."""

    state: Literal["sent", "waiting", "failed"]
    """`waiting` is to be tried again; `failed` is an answer that another try would not change."""
    reason: str | None = None
    """Why it was not sent. No secret."""
    again_after: float = 0.0
    """Seconds."""


def send(target: Target, notification: Notification, environment: Mapping[str, str], *, seconds: float) -> Outcome:
    """Try once; every failure is part of the outcome.

    Each step, such as the connection or the answer, may take so many seconds; all together have no limit here.
    """
    import httpx

    missing = [name for name in target.variables if not environment.get(name, "").strip()]
    if missing:
        return again(notification, f"the environment variable {missing[0]} is not set")
    address = target.address(environment)
    if address is None:
        return again(notification, f"the environment variable {target.url_env} has no web address")
    body = _body(target, notification.payload)
    try:
        # The path may be a secret and goes into the request alone, since the library logs the address.
        whole = {"target": httpx.URL(address).raw_path}
        with (
            httpx.Client(timeout=seconds, follow_redirects=False) as client,
            client.stream(
                "POST",
                shown_host(address),
                content=body,
                headers=_headers(target, notification, body, environment),
                extensions=whole,
            ) as response,
        ):
            return _meaning(notification, response.status_code, response.headers.get("Retry-After", ""))
    except httpx.TimeoutException:
        return again(notification, no_answer(seconds))
    # A ValueError is that of a proxy in the environment which is no address.
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return again(notification, failure_in_words(error))


def again(notification: Notification, reason: str, *, asked: float = 0.0) -> Outcome:
    """To be tried again: the longer, the more often it was tried; and not before the target wants to be asked."""
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = notification.attempts
    return Outcome(state="waiting", reason=reason, again_after=max(_WAIT(state), asked))


def no_answer(seconds: float) -> str:
    """Why a try that took longer failed."""
    return f"no answer within {seconds:g} s"


def shown_host(address: str) -> str:
    """The address without its path and query, either of which may be a secret."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}/"


def in_words(target: Target) -> str:
    """The target, for the log. No secret."""
    return f"{target.kind} of {target.url_env}" if target.url is None else f"{target.kind} at {shown_host(target.url)}"


def _body(target: Target, payload: Mapping[str, Any]) -> bytes:
    document = slack_message(payload) if isinstance(target, Slack) else dict(payload)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _headers(target: Target, notification: Notification, body: bytes, environment: Mapping[str, str]) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "crossfade",
        "Crossfade-Delivery": str(notification.delivery),
    }
    if isinstance(target, Webhook) and target.secret_env is not None:
        # A receiver compares the time with its own clock, so it is this host's and not the database's.
        headers["Crossfade-Signature"] = signature(environment[target.secret_env].strip(), int(time.time()), body)
    return headers


def _meaning(notification: Notification, status: int, retry_after: str) -> Outcome:
    if 200 <= status < 300:
        return Outcome(state="sent")
    if status != _TOO_MANY and status < 500:
        return Outcome(state="failed", reason=f"answered {status}")
    asked = min(int(retry_after), _LONGEST_ASKED) if retry_after.isascii() and retry_after.isdigit() else 0
    return again(notification, f"answered {status}", asked=asked)
