"""Who is excepted from the roster: what an entry of `ignore` is about, and what it makes of an address not seen."""

from __future__ import annotations

from typing import Any

import pytest

from crossfade.plan.digest import plan_digest
from crossfade.plan.ignore import Ignored
from crossfade.plan.load import parse_plan
from crossfade.plan.model import Plan

from .bad_plans import ROSTER


def fits(
    entry: dict[str, Any],
    *,
    role: str | None = "metabase",
    name: str = "psql - anna",
    address: str | None = "10.20.0.7",
) -> bool | None:
    return Ignored.model_validate(entry).fits(role=role, names=(name,), address=address)


@pytest.mark.parametrize(
    ("entry", "answer"),
    [
        ({"role": "metabase"}, True),
        ({"role": "meta*"}, True),
        ({"role": "*base"}, True),
        ({"role": "m*b*e"}, True),
        ({"role": "meta"}, False),
        ({"role": "Metabase"}, False),
        ({"role": "m.tabase"}, False),
        ({"role": "[m]etabase"}, False),
        ({"application_name": "psql*"}, True),
        ({"application_name": "psql"}, False),
        ({"application_name": "*anna"}, True),
        ({"address": "10.20.0.7"}, True),
        ({"address": "10.20.0.8"}, False),
        ({"address": "10.20.0.0/16"}, True),
        ({"address": "10.21.0.0/16"}, False),
        ({"address": "local"}, False),
        ({"address": "::/0"}, False),
        ({"role": "metabase", "address": "10.20.0.0/16"}, True),
        ({"role": "metabase", "address": "10.21.0.0/16"}, False),
        ({"role": "other", "address": "10.20.0.0/16"}, False),
        ({"role": "metabase", "application_name": "psql*"}, True),
        ({"role": "metabase", "application_name": "dbeaver*"}, False),
    ],
)
def test_an_entry_is_about_what_all_of_its_keys_fit(entry: dict[str, Any], answer: bool) -> None:
    assert fits(entry) is answer


@pytest.mark.parametrize(
    ("entry", "address", "answer"),
    [
        ({"address": "10.0.0.0/8"}, None, None),
        ({"role": "metabase", "address": "10.0.0.0/8"}, None, None),
        ({"role": "other", "address": "10.0.0.0/8"}, None, False),
        ({"role": "metabase"}, None, True),
        ({"address": "local"}, None, None),
        ({"address": "local"}, "local", True),
        ({"address": "10.0.0.0/8"}, "local", False),
        ({"address": "fe80::/10"}, "fe80::1", True),
        ({"address": "10.0.0.0/8"}, "ip-10-0-0-7", False),
    ],
)
def test_an_address_that_is_not_seen_answers_nothing(
    entry: dict[str, Any], address: str | None, answer: bool | None
) -> None:
    assert fits(entry, address=address) is answer


def test_a_role_that_is_gone_is_none() -> None:
    assert fits({"role": "metabase"}, role=None) is False


def test_names_with_a_line_break_are_whole() -> None:
    assert fits({"application_name": "psql*"}, name="psql\nx") is True
    assert fits({"application_name": "psql"}, name="psql\n") is False


def test_the_order_and_the_spelling_of_an_address_say_nothing() -> None:
    def read(entries: str) -> Plan:
        return parse_plan(f"{ROSTER}ignore: [{entries}]\n", "p.yaml")

    plan = read("{role: a}, {address: 10.0.0.7}")
    assert plan_digest(plan) == plan_digest(read("{address: 10.0.0.7/32}, {role: a}"))
    assert plan_digest(plan) != plan_digest(read("{role: a}"))
    assert Plan.from_json(plan.as_json()) == plan


def test_the_roles_of_an_app_are_a_set() -> None:
    def read(roles: str) -> Plan:
        return parse_plan(ROSTER.replace("}}", f", roles: [{roles}]}}}}"), "p.yaml")

    assert plan_digest(read("b, a, b")) == plan_digest(read("a, b"))
    assert (read("b, a").apps or {})["api"].roles == ("a", "b")
