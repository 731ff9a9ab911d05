"""`sources` of the roster: names and entries, their round trips, their order, and what is refused."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from crossfade.errors import InvalidPlan
from crossfade.plan.digest import plan_digest
from crossfade.plan.load import parse_plan
from crossfade.plan.model import Plan
from crossfade.plan.schema import plan_json_schema
from crossfade.plan.selectors import parse_selector
from crossfade.plan.sources import KubernetesWorkloads

ALL = """
    - heartbeat
    - activity: {pattern: "(?P<app>[a-z]+):(?P<version>.+)"}
    - record
    - pgbouncer: {url_env: CROSSFADE_PGBOUNCER_URL}
    - kubernetes: {namespace: shop, selector: "app=api", version: image, container: api}
    - kubernetes: {namespace: shop, selector: "app=api", version: label, label: release, context: eu}
    - prometheus: {url: "http://prometheus:9090", query: 'app_info{app="api"}', token_env: PROM_TOKEN, timeout: 2s}
    - http: {urls: ["http://10.0.0.7/version", "http://10.0.0.8/version"], path: build.version}
"""
SELECTED = {"app": "api", "tier": "web", "canary": ""}


def plan(sources: str) -> Plan:
    return parse_plan(text(sources), "plan.yaml")


def text(sources: str) -> str:
    return (
        "crossfade: 1\nname: users-email\nchanges:\n  - rename_column: {table: users, from: email, to: mail}\n"
        f'apps: {{api: {{scheme: semver, new: ">=2.0.0", sources: {sources}}}}}\n'
    )


def block(entries: str) -> str:
    head, _, _ = text("[]").rpartition("apps:")
    return f'{head}apps:\n  api:\n   scheme: semver\n   new: ">=2.0.0"\n   sources:{entries}'


def test_every_kind_round_trips_and_fits_the_schema() -> None:
    full = parse_plan(block(ALL), "plan.yaml")
    assert Plan.from_json(full.as_json()) == full
    assert plan_digest(Plan.from_json(full.as_json())) == plan_digest(full)
    jsonschema.validate(full.as_json(), plan_json_schema())
    assert full.apps is not None
    assert full.apps["api"].source_kinds == (
        "heartbeat", "activity", "record", "pgbouncer", "kubernetes", "prometheus", "http",
    )  # fmt: skip


def test_names_stay_names() -> None:
    names = plan("[record, activity, heartbeat]")
    assert names.as_json()["apps"]["api"]["sources"] == ["heartbeat", "activity", "record"]
    assert names.apps is not None
    assert names.apps["api"].sources == ("heartbeat", "activity", "record")


def test_the_digests_of_plans_with_names_stay_what_they_were() -> None:
    assert plan_digest(plan("[heartbeat]")) == "7f68ef1e0d4a02547d464efb1e3f072dabe2b831a8f728d5c6b1c06b25004c5a"
    assert plan_digest(plan("[activity]")) == "46e0d1ebd334d7221bbf23033225bb3055e20eb4316809b2c1c446c65532c677"
    assert (
        plan_digest(plan("[activity, heartbeat]")) == "793777ca775679ebb0f6bf059a9115a21ab8515ccb22ba0c15e5167de375abcf"
    )


def test_order_and_defaults_say_nothing_and_all_else_does() -> None:
    entry = 'http: {urls: ["http://10.0.0.7/"]'
    same = plan(f"[heartbeat, {{{entry}}}}}]")
    assert plan_digest(plan(f"[{{{entry}, path: version, timeout: 5s}}}}, heartbeat, heartbeat]")) == plan_digest(same)
    assert plan_digest(plan(f"[heartbeat, {{{entry}, path: v}}}}]")) != plan_digest(same)
    assert plan_digest(plan("[heartbeat]")) != plan_digest(same)


@pytest.mark.parametrize(
    ("sources", "column", "words"),
    [
        ("[http]", 56, ("needs keys of its own", "`http: {…}`")),
        ("[{heartbeat: {}}]", 56, ("has no keys", "write `heartbeat` alone")),
        ("[{record: {env: prod}}]", 56, ("has no keys", "write `record` alone")),
        ("[{htp: {}}]", 56, ("unknown source `htp`", "did you mean `http`?")),
        ("[7]", 56, ("expected a source", "`7`")),
        ("[{http: {}}]", 57, ("`urls` is missing in `http`",)),
        ("[{http: {urls: []}}]", 70, ("`urls` is empty",)),
        ('[{http: {urls: ["ftp://a/"]}}]', 71, ("not a web address",)),
        ('[{http: {urls: ["http://u:p@a/"]}}]', 71, ("a user or a password",)),
        ('[{http: {urls: ["http://a/"], token: x}}]', 85, ("unknown key `token`", "did you mean `token_env`?")),
        ('[{http: {urls: ["http://a/"], token_env: "s3cret!"}}]', 96, ("not the name of an environment variable",)),
        ("[{pgbouncer: {}}]", 57, ("`url_env` is missing in `pgbouncer`", "CROSSFADE_PGBOUNCER_URL")),
        ('[{pgbouncer: {url_env: "postgresql://u:p@h/"}}]', 78, ("not the name of an environment variable",)),
        ('[{prometheus: {url: "http://p/?a=b", query: up}}]', 75, ("a query of its own",)),
        ('[{prometheus: {url: "http://p/", query: up, timeout: 31s}}]', 108, ("100ms to 30s",)),
        ("[{activity: {}}]", 57, ("`pattern` is missing in `activity`",)),
        ('[{activity: {pattern: "("}}]', 77, ("not a regular expression",)),
        ('[{activity: {pattern: "(?P<app>.*)"}}]', 77, ("no group `version`",)),
        ('[activity, {activity: {pattern: "(?P<app>.)(?P<version>.)"}}]', 66, ("`activity` is listed twice",)),
        ('[{kubernetes: {namespace: a, selector: "a in b"}}]', 94, ("no requirement of a label selector",)),
        ('[{kubernetes: {namespace: a, selector: ""}}]', 94, ("an empty text",)),
        ('[{kubernetes: {namespace: a, selector: "a", version: label}}]', 108, ("needs `label`",)),
        ('[{kubernetes: {namespace: a, selector: "a", label: b}}]', 106, ("says nothing with `version: image`",)),
        (
            '[{kubernetes: {namespace: a, selector: "a"}}, {kubernetes: {namespace: a, selector: "a"}}]',
            101,
            ("`kubernetes` source is listed twice",),
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_where_it_stands(sources: str, column: int, words: tuple[str, ...]) -> None:
    with pytest.raises(InvalidPlan) as refused:
        plan(sources)
    (problem,) = refused.value.problems
    said = f"{problem.message} {problem.hint}"
    assert all(word in said for word in words), said
    assert (problem.line, problem.column) == (5, column)
    assert "s3cret" not in said
    assert "u:p@" not in said


@pytest.mark.parametrize(
    ("selector", "selects"),
    [
        ("app=api", True),
        ("app==api", True),
        ("app = api , tier!=db", True),
        ("app=worker", False),
        ("app!=api", False),
        ("other!=x", True),
        ("other=x", False),
        ("app in (api, worker)", True),
        ("app notin (api,worker)", False),
        ("other notin (x)", True),
        ("canary", True),
        ("!canary", False),
        ("! other", True),
        ("canary=", True),
        ("app in (api),tier in (db)", False),
        ("app.kubernetes.io/name!=api,app", True),
    ],
)
def test_a_selector_selects_as_kubernetes_does(selector: str, selects: bool) -> None:
    assert parse_selector(selector)(SELECTED) is selects


@pytest.mark.parametrize("text", ["", ",", "app=", "a=b=c", "a in", "a in b", "a in (b", "a,,b", "=b", "a>1", "a b"])
def test_what_is_no_selector_is_refused(text: str) -> None:
    made: dict[str, Any] = {"namespace": "shop", "selector": text}
    if text == "app=":
        assert KubernetesWorkloads.model_validate(made).selector == text
        return
    with pytest.raises(ValueError, match="selector"):
        KubernetesWorkloads.model_validate(made)
