"""What a fact becomes: the document of a webhook, the message of a chat, and whether it is told at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crossfade.notify.facts import Fact
from crossfade.notify.messages import is_due, payload_of, slack_message
from crossfade.plan.notify import Webhook

from ..docs.pages import DOCS, fences

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def fact(event: str, **known: Any) -> Fact:
    usual = {"run_id": 1, "run": "users-email", "notify": [], "database": "shop", "occurrence": event, "at": NOW}
    return Fact(**{**usual, "event": event, "phase": "contract", "state": "backfilled", **known})


FACTS = {
    "phase_finished": fact("phase_finished", phase="expand", state="expanded", seconds=61.04),
    "blocked": fact("blocked", reasons=("api 1.4.0 is live", "2 legacy writes"), seconds=5400.0),
    "approval_wanted": fact("approval_wanted", reasons=("waits for an approval (role dba)",), seconds=0.0),
    "failed": fact("failed", phase="expand", state="expanding", reasons=("no lock on users",), code="lock_timeout"),
}


def test_the_document_says_what_happened_and_what_to_do_next() -> None:
    assert payload_of(FACTS["blocked"]) == {
        "event": "blocked",
        "run": "users-email",
        "phase": "contract",
        "state": "backfilled",
        "at": "2026-03-01T12:00:00+00:00",
        "reason": "api 1.4.0 is live; 2 legacy writes",
        "reasons": ["api 1.4.0 is live", "2 legacy writes"],
        "command": "crossfade gate users-email --phase contract",
        "database": "shop",
        "seconds": 5400.0,
    }
    commands = {event: payload_of(one)["command"] for event, one in FACTS.items()}
    assert commands == {
        "phase_finished": "crossfade backfill users-email",
        "blocked": "crossfade gate users-email --phase contract",
        "approval_wanted": "crossfade approve users-email --phase contract --as NAME",
        "failed": "crossfade status users-email",
    }
    assert payload_of(fact("phase_finished", state="contracted", seconds=1.0))["command"] is None
    assert payload_of(FACTS["failed"])["code"] == "lock_timeout"
    assert "seconds" not in payload_of(FACTS["failed"])


LINES = {
    "phase_finished": "expand of users-email is done, in 1 min 1 s: expanded, in database shop",
    "blocked": "contract of users-email has been blocked for 1 h 30 min, in database shop",
    "approval_wanted": "contract of users-email wants an approval, in database shop",
    "failed": "expand of users-email failed (lock_timeout), in database shop",
}


@pytest.mark.parametrize("event", LINES)
def test_a_chat_gets_a_line_the_reasons_and_the_command(event: str) -> None:
    payload = payload_of(FACTS[event])
    message = slack_message(payload)
    assert message["text"] == LINES[event]
    sections = [block["text"]["text"] for block in message["blocks"]]
    assert all(block["type"] == "section" and block["text"]["type"] == "mrkdwn" for block in message["blocks"])
    assert sections[0] == f"*{LINES[event]}*"
    assert sections[1:-1] == (["\n".join(f"• {r}" for r in payload["reasons"])] if payload["reasons"] else [])
    assert sections[-1] == f"Next: `{payload['command']}`"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (3600, "1 h"), (3659, "1 h"), (90061, "1 d 1 h")],
)
def test_a_span_has_its_two_largest_units(seconds: float, words: str) -> None:
    assert f"done, in {words}:" in slack_message(payload_of(fact("phase_finished", seconds=seconds)))["text"]


def test_what_comes_from_outside_cannot_mention_or_link_in_a_chat() -> None:
    hostile = fact("failed", reasons=("<!channel> & <https://evil|here>\n\n*x*",), code="<b>", database="a<b>")
    text = json.dumps(slack_message(payload_of(hostile)), ensure_ascii=False)
    assert "&lt;!channel&gt; &amp; &lt;https://evil|here&gt; *x*" in text
    assert "<" not in text


def test_a_chat_gets_ten_short_reasons_and_a_program_all() -> None:
    many = fact("blocked", reasons=tuple(f"{n} {'<' * 5000}" for n in range(12)), seconds=1.0)
    payload = payload_of(many)
    assert [len(r) > 5000 for r in payload["reasons"]] == [True] * 12
    sections = [block["text"]["text"] for block in slack_message(payload)["blocks"]]
    assert max(map(len, sections)) <= 3000
    few = fact("blocked", reasons=tuple(f"reason {n}" for n in range(12)), seconds=1.0)
    assert slack_message(payload_of(few))["blocks"][1]["text"]["text"].endswith("• reason 9\n• and 2 more")


def test_the_page_shows_the_keys_of_the_document() -> None:
    (shown,) = fences(DOCS / "howto" / "notifications.md", "json")
    assert json.loads(shown).keys() == payload_of(FACTS["blocked"]).keys()


def test_a_password_in_a_reason_is_masked() -> None:
    leaky = fact("failed", reasons=("cannot reach postgresql://boss:s3cret@db/shop",), code="x")
    assert "s3cret" not in json.dumps(payload_of(leaky))
    assert "boss:***@db" in payload_of(leaky)["reason"]


@pytest.mark.parametrize(("seconds", "due"), [(None, False), (1799.0, False), (1800.0, True), (1e6, True)])
def test_a_blockage_is_told_once_it_lasts_and_an_approval_at_once(seconds: float | None, due: bool) -> None:
    target = Webhook(url="http://h")
    assert is_due(fact("blocked", seconds=seconds), target) is due
    assert is_due(fact("approval_wanted", seconds=seconds), target)
    patient = target.model_copy(update={"blocked_for": timedelta(days=12)})
    assert not is_due(fact("blocked", seconds=1e6), patient)


@pytest.mark.parametrize("event", FACTS)
def test_only_what_is_asked_for_is_told(event: str) -> None:
    everything, nothing_else = Webhook(url="http://h"), Webhook(url="http://h", on=("failed",))
    assert is_due(FACTS[event], everything)
    assert is_due(FACTS[event], nothing_else) is (event == "failed")
