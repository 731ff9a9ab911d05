"""`notify` of a plan and of a project's settings: who is told, of what, and without a secret."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crossfade.errors import InvalidPlan
from crossfade.plan.digest import plan_digest
from crossfade.plan.load import parse_plan
from crossfade.plan.model import Plan
from crossfade.plan.notify import BLOCKED_FOR, HAPPENINGS, Slack, Webhook, targets_of

from .bad_plans import GOOD

URL = "https://ops.example.com/hooks"


def read(*entries: str) -> Plan:
    return parse_plan(GOOD + "notify:\n" + "".join(f"  - {entry}\n" for entry in entries), "p.yaml")


def test_targets_are_read_and_stored_with_the_plan() -> None:
    plan = read(
        f'webhook: {{url: "{URL}", secret_env: KEY, on: [failed, blocked], blocked_for: 2h}}',
        "slack: {url_env: SLACK_URL}",
    )
    webhook, slack = plan.notify
    assert isinstance(webhook, Webhook)
    assert isinstance(slack, Slack)
    assert (webhook.url, webhook.secret_env, webhook.blocked_for) == (URL, "KEY", timedelta(hours=2))
    assert [h for h in HAPPENINGS if webhook.wants(h)] == ["blocked", "failed"]
    assert (slack.url_env, slack.blocked_for) == ("SLACK_URL", BLOCKED_FOR)
    assert all(slack.wants(h) for h in HAPPENINGS)
    assert Plan.from_json(plan.as_json()) == plan
    assert targets_of(plan.as_json()["notify"]) == plan.notify


@pytest.mark.parametrize("kind", ["webhook", "slack"])
def test_one_that_is_told_of_some_things_only_is_stored_too(kind: str) -> None:
    plan = read(f'{kind}: {{url: "{URL}", on: [failed]}}')
    assert Plan.from_json(plan.as_json()) == plan


def test_the_order_and_a_list_of_everything_mean_the_same() -> None:
    def digest(keys: str) -> str:
        return plan_digest(read(f'webhook: {{url: "{URL}"{keys}}}'))

    assert digest(", on: [failed, blocked]") == digest(", on: [blocked, failed]")
    assert digest("") == digest(", on: [failed, blocked, approval_wanted, phase_finished], blocked_for: 30m")
    assert digest("") != digest(", on: [failed]")
    assert plan_digest(parse_plan(GOOD, "p.yaml")) == plan_digest(parse_plan(f"{GOOD}notify: []\n", "p.yaml"))


def test_a_targets_key_is_that_of_its_address_and_has_none_of_it() -> None:
    def key(entry: str) -> str:
        return read(entry).notify[0].key

    one = key(f'webhook: {{url: "{URL}?token=s3cret"}}')
    assert one == key(f'webhook: {{url: "{URL}?token=s3cret", on: [failed]}}')
    assert one == key(f'webhook: {{url: "{URL}?token=s3cret", blocked_for: 1h}}')
    others = {
        key(f'webhook: {{url: "{URL}"}}'),
        key(f'slack: {{url: "{URL}?token=s3cret"}}'),
        key("slack: {url_env: A}"),
    }
    assert len(others | {one}) == 4
    assert "s3cret" not in one
    assert "example" not in one


BAD = {
    "webhook: {}": "without an address",
    f'webhook: {{url: "{URL}", url_env: A}}': "two addresses",
    "webhook: {url: }": "a key without a value",
    "webhook: {url: ops.example.com}": "not a web address",
    "webhook: {url: 'http://boss:s3cret@h'}": "a user or a password",
    "webhook: {url: 'https://hooks.slack.com/services/s3cret'}": "write `url_env`",
    "slack: {url: 'https://hooks.slack.com/services/s3cret'}": "write `url_env`",
    "slack: {url: 'https://HOOKS.slack-gov.com/services/s3cret'}": "write `url_env`",
    "slack: {url_env: 'https://hooks.slack.com/services/s3cret'}": "not the name of an environment variable",
    f'slack: {{url: "{URL}", secret_env: A}}': "unknown key `secret_env`",
    f"webhook: {{url: '{URL}', secret_env: 's3cret!'}}": "not the name of an environment variable",
    f"webhook: {{url: '{URL}', on: []}}": "`on` is empty",
    f"webhook: {{url: '{URL}', on: failed}}": "expected a list",
    f"webhook: {{url: '{URL}', on: [fail]}}": "did you mean `failed`?",
    f"webhook: {{url: '{URL}', on: [failed, failed]}}": "listed twice",
    f"webhook: {{url: '{URL}', on: [failed], blocked_for: 1h}}": "`on` has no `blocked`",
    f"webhook: {{url: '{URL}', blocked_for: 0s}}": "`0s`",
    f"webhook: {{url: '{URL}', blocked_for: 30}}": "add the unit",
    f"webhook: {{url: '{URL}', blocked_of: 1h}}": "did you mean `blocked_for`?",
    "mail: {to: me}": "unknown target `mail`",
    "webhook": "a mapping with one key",
}


@pytest.mark.parametrize(("entry", "words"), BAD.items(), ids=BAD)
def test_a_target_that_is_no_good_is_refused_in_its_line(entry: str, words: str) -> None:
    with pytest.raises(InvalidPlan) as raised:
        read(entry)
    (problem,) = raised.value.problems
    assert (problem.line, problem.column >= 5) == (6, True)
    assert words in f"{problem.message} ({problem.hint})"
    assert problem.hint
    assert "s3cret" not in str(raised.value)


def test_the_same_target_twice_is_refused_and_another_at_its_host_is_not() -> None:
    read(f'webhook: {{url: "{URL}/a"}}', f'webhook: {{url: "{URL}/b"}}', f'slack: {{url: "{URL}/a"}}')
    with pytest.raises(InvalidPlan, match=r"p\.yaml:7:5: this `webhook` is listed twice"):
        read(f'webhook: {{url: "{URL}"}}', f'webhook: {{url: "{URL}", on: [failed]}}')
