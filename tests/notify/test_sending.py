"""One try at a target, against real servers: what is sent, and what every answer and failure means."""

from __future__ import annotations

import json
import logging
import threading
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from crossfade.notify.outbox import Notification
from crossfade.notify.sending import Outcome, in_words, send
from crossfade.notify.signature import signature
from crossfade.plan.notify import Slack, Target, Webhook

from .receiver import closing_at_once, receiving, refusing

if TYPE_CHECKING:
    from collections.abc import Mapping

DELIVERY = UUID("0191e4d2-0000-4000-8000-000000000001")
PAYLOAD = {
    "event": "failed",
    "run": "users-email",
    "phase": "expand",
    "state": "expanding",
    "at": "2026-03-01T12:00:00+00:00",
    "reason": "größer",
    "reasons": ["größer"],
    "command": "crossfade status users-email",
    "database": "shop",
    "code": "lock_timeout",
}
LONG, SHORT = 30.0, 0.2
"""A time-out that only a defect reaches, and one that is meant to be reached."""


def tried(
    target: Target, *, attempts: int = 1, environment: Mapping[str, str] | None = None, seconds: float = LONG
) -> Outcome:
    one = Notification(id=1, target=target.key, payload=PAYLOAD, delivery=DELIVERY, attempts=attempts)
    return send(target, one, environment or {}, seconds=seconds)


def test_a_webhook_gets_the_document_signed_and_with_its_delivery() -> None:
    with receiving() as receiver:
        target = Webhook(url=f"{receiver.url}/hooks?token=a%20b", secret_env="KEY")
        assert tried(target, environment={"KEY": " s3cret\n"}) == Outcome(state="sent")
        (request,) = receiver.requests
    assert request.path == "/hooks?token=a%20b"
    assert request.json() == PAYLOAD
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Crossfade-Delivery"] == str(DELIVERY)
    said = request.headers["Crossfade-Signature"]
    at = int(said.partition(",")[0].removeprefix("t="))
    assert said == signature("s3cret", at, request.body)


def test_a_webhook_without_a_secret_is_not_signed() -> None:
    with receiving() as receiver:
        assert tried(Webhook(url=receiver.url)).state == "sent"
        assert "Crossfade-Signature" not in receiver.requests[0].headers


def test_a_chat_gets_its_own_format_at_the_address_of_the_environment() -> None:
    with receiving() as receiver:
        target = Slack(url_env="CHAT")
        assert tried(target, environment={"CHAT": f"{receiver.url}/services/x\n"}).state == "sent"
        (request,) = receiver.requests
    assert request.path == "/services/x"
    assert set(request.json()) == {"text", "blocks"}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (200, "sent"),
        (204, "sent"),
        (301, "failed"),
        (307, "failed"),
        (400, "failed"),
        (404, "failed"),
        (410, "failed"),
        (429, "waiting"),
        (500, "waiting"),
        (503, "waiting"),
    ],
)
def test_an_answer_means(status: int, state: str) -> None:
    with receiving() as other, receiving((status, {"Location": other.url})) as receiver:
        outcome = tried(Webhook(url=receiver.url))
        assert outcome.state == state
        assert outcome.reason == (None if state == "sent" else f"answered {status}")
        assert not other.requests, "a redirect is not followed"


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [("120", 120, 120), ("999999", 3600, 3600), ("Wed, 21 Oct 2026 07:28:00 GMT", 1, 2), ("-5", 1, 2), ("²", 1, 2)],
)
def test_a_target_may_ask_for_time(header: str, least: float, most: float) -> None:
    with receiving((429, {"Retry-After": header.encode().decode("latin-1")})) as receiver:
        assert least <= tried(Webhook(url=receiver.url)).again_after <= most


def test_the_more_often_it_was_tried_the_longer_it_waits() -> None:
    target = Webhook(url=refusing())
    waits = [tried(target, attempts=n).again_after for n in (1, 3, 6, 10, 500)]
    assert waits == sorted(waits)
    assert 1 <= waits[0] <= 2
    assert waits[-1] == 600


def test_a_target_that_cannot_be_reached_is_tried_again() -> None:
    with closing_at_once() as closing:
        outcomes = [tried(Webhook(url=url)) for url in (refusing(), closing)]
    assert [o.state for o in outcomes] == ["waiting", "waiting"]
    assert outcomes[0].reason == "Connection refused"
    assert outcomes[1].reason


def test_a_target_that_hangs_is_left_after_the_time_out() -> None:
    with receiving(holds=threading.Event()) as receiver:
        outcome = tried(Webhook(url=receiver.url), seconds=SHORT)
        assert (outcome.state, outcome.reason) == ("waiting", "no answer within 0.2 s")
        assert receiver.wait_for(1)


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({}, "the environment variable CHAT is not set"),
        ({"CHAT": "  "}, "the environment variable CHAT is not set"),
        ({"CHAT": "s3cret"}, "the environment variable CHAT has no web address"),
        ({"CHAT": "http://boss:s3cret@h/"}, "the environment variable CHAT has no web address"),
    ],
)
def test_a_variable_that_is_no_good_is_a_failed_try(environment: dict[str, str], reason: str) -> None:
    outcome = tried(Slack(url_env="CHAT"), environment=environment)
    assert (outcome.state, outcome.reason) == ("waiting", reason)


def test_a_secret_that_is_not_set_sends_nothing() -> None:
    with receiving() as receiver:
        outcome = tried(Webhook(url=receiver.url, secret_env="KEY"))
        assert (outcome.state, outcome.reason) == ("waiting", "the environment variable KEY is not set")
        assert not receiver.requests


def test_no_log_and_no_reason_has_the_address_or_the_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with receiving((500, {}), (404, {})) as receiver, closing_at_once() as closing:
        environment = {"KEY": "s3cret-key", "A": f"{receiver.url}/s3cret?t=s3cret", "B": f"{refusing()}/s3cret"}
        environment |= {"C": f"{closing}/s3cret", "D": "http://nowhere.invalid/s3cret"}
        outcomes = [
            tried(Webhook(url_env=name, secret_env="KEY"), environment=environment) for name in (*"AAA", *"BCD")
        ]
        assert [r.path for r in receiver.requests] == ["/s3cret?t=s3cret"] * 3
    assert [o.state for o in outcomes] == ["waiting", "failed", "sent", "waiting", "waiting", "waiting"]
    assert "s3cret" not in caplog.text
    assert "s3cret" not in json.dumps([o.reason for o in outcomes])
    assert in_words(Webhook(url="https://h:8443/s3cret?t=s3cret")) == "webhook at https://h:8443/"
    assert in_words(Slack(url_env="A")) == "slack of A"
