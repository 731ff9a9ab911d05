"""Lint says error of each statement that was measured to work on rows while writes wait, and of no other one.

The measurements of `locks.json`, on 15 and 18, over the schema that they were made on as an earlier migration.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crossfade.migrations.migration import Transaction
from crossfade.postgres.catalog import Catalog
from crossfade.postgres.forecast import Schema

from .told import Written, after, errors, rules, told

MEASURED = Path(__file__).parents[1] / "fixtures" / "locks"
CASES: list[dict[str, Any]] = json.loads((MEASURED / "locks.json").read_text(encoding="utf-8"))
FIXTURE = (MEASURED / "locks-fixture.sql").read_text(encoding="utf-8").replace(":schema", "fx").replace(":rows", "0")
WRITES_WAIT = {"S", "SRX", "X", "AX"}
NOT_A_TABLES = {"sq"}
"""A sequence is written anew in no time."""
NOBODY_WRITES = {"REFRESH MATVIEW CONCURRENTLY"}
"""Its lock is one that only writes wait for, and nobody writes a materialized view."""
MAJORS = ("15", "18")


def works_while_others_wait(measured: dict[str, Any], case: dict[str, Any]) -> bool:
    """What was measured: rows read or written, or an index built, behind a lock that writes wait for."""
    if "concurrently" in case["stmt"] or case["name"] in NOBODY_WRITES:
        return False
    waits = {name for name, mode in measured["locks"].items() if mode in WRITES_WAIT and "(new)" not in name}
    work = {*measured["rewritten"], *measured["tuples_scanned"], *measured["indexes_rebuilt"]} - NOT_A_TABLES
    return bool(waits and work)


def cases(major: str) -> list[dict[str, Any]]:
    return [c for c in CASES if c.get(major) and not c[major]["error"]]


def filled(text: str) -> str:
    return text.replace("@N@", "0").replace("@S@", "fx")


def said(case: dict[str, Any], major: str, earlier: Schema) -> list[str]:
    """The errors of the statement; what was committed before it is a migration of its own, `pre` is not."""
    statement = filled(case["stmt"])
    there = after(f"set search_path = fx;\n{filled(case['setup'])};", Written(schema=earlier))
    own = f"set search_path = fx;\n{filled(case['pre'])};\n{statement};"
    transaction = Transaction.ALWAYS if case["pre"] or case["in_tx"] == "yes" else Transaction.NEVER
    found = told(own, written=Written(transaction=transaction, schema=there))
    return rules(errors([f for f in found if f.position.line > own.count("\n") - statement.count("\n")]))


@pytest.fixture(scope="module", params=MAJORS)
def major(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def earlier(major: str) -> Schema:
    """The measured schema as lint's own model has it after the migration that makes it."""
    empty = Schema.of(Catalog(server_version=int(major) * 10000, time_zone="Europe/Berlin"))
    made = after(FIXTURE, Written(transaction=Transaction.NEVER, schema=empty))
    return replace(made, search_path=("public",), default_path=("public",), is_complete=True)


@pytest.fixture(scope="module")
def verdicts(major: str, earlier: Schema) -> dict[str, list[str]]:
    """The rules that call each measured statement an error."""
    return {case["name"]: said(case, major, earlier) for case in cases(major)}


def test_errors_are_those_that_were_measured(major: str, verdicts: dict[str, list[str]]) -> None:
    measured = cases(major)
    missed, alarms = [], []
    for case in measured:
        expected, found = works_while_others_wait(case[major], case), verdicts[case["name"]]
        if expected and not found:
            missed.append(f"{case['name']}: {case['stmt']}")
        elif found and not expected:
            alarms.append(f"{case['name']}: {case['stmt']} {found}")
    agreed = len(measured) - len(missed) - len(alarms)
    sys.stdout.write(f"PostgreSQL {major}: {agreed} of {len(measured)} measured statements agree\n")
    assert (missed, alarms) == ([], [])


def test_each_error_comes_from_a_rule_of_its_own(verdicts: dict[str, list[str]]) -> None:
    """The rule for the rest speaks only where no other one knows the statement."""
    assert [name for name, found in verdicts.items() if "table-work-behind-lock" in found] == []
