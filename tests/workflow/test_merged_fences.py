"""The fences of contracted runs: what a later one says, too, is asked once, and every answer stays what it was."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.types.json import Jsonb

from crossfade.gates import fence
from crossfade.plan.versions import Scheme
from crossfade.workflow import ledger

from .version_ranges import database_with_ledger, in_python, read

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from ..fixtures.servers import Server

    Connection = psycopg.Connection[Any]

pytestmark = pytest.mark.every_server

RANGES: dict[Scheme, list[str]] = {
    "semver": [
        ">=2.0.0",
        ">=2",
        ">=2.0.0-rc.1",
        ">=2.1.0",
        ">=2.1.0-a",
        ">=2.0.0 <3",
        "2.1.0",
        "<3",
        ">2.0.0",
        ">=10.0.0",
    ],
    "pep440": [">=2.0", ">=2.0rc1", ">=2.1", ">=2.0.post1", ">=2.1.dev1", "~=2.0", "==2.*", ">2.0", ">=2.0, <3"],
    "calver": [">=2026.1", ">=2026.1.0", ">=2026.10", ">=2026.9.1", "<2027"],
    "integer": [">=4", ">=12", "4", ">3"],
    "ordered": [">=green", ">=red", ">=blue", "green"],
    "git": ["4f2c91e", "4f2c91e, 07ad3b5", "07ad3b5"],
}
VERSIONS: dict[Scheme, list[str]] = {
    "semver": [
        "1.9.9",
        "2.0.0-a",
        "2.0.0-rc.1",
        "2.0.0",
        "2.0.1",
        "2.1.0-a",
        "2.1.0-b",
        "2.1.0",
        "3.0.0-a",
        "3.0.0",
        "10.0.0",
        "x",
    ],
    "pep440": [
        "1.9",
        "2.0.dev1",
        "2.0a1",
        "2.0rc1",
        "2.0",
        "2.0+local.1",
        "2.0.post1",
        "2.1.dev1",
        "2.1",
        "3.0",
        "1!2.0",
        "x",
    ],
    "calver": ["2025.12", "2026.1", "2026.1.1", "2026.9.1", "2026.10", "2027", "x"],
    "integer": ["3", "4", "5", "12", "13", "x"],
    "ordered": ["blue", "green", "red", "Grün", "x"],
    "git": ["4f2c91e", "4f2c91e0", "07ad3b5", "07ad3b50", "1234567", "x"],
}
COVERED = [
    ("semver", ">=2.0.0", ">=2"),
    ("semver", ">=2.0.0", ">=2.1.0"),
    ("semver", ">=2.0.0-rc.1", ">=2.1.0"),
    ("semver", ">=2.0.0 <3", ">=2.0.0 <3"),
    ("pep440", ">=2.0", ">=2.1"),
    ("calver", ">=2026.9.1", ">=2026.10"),
    ("integer", ">=4", ">=12"),
    ("ordered", ">=green", ">=red"),
    ("git", "4f2c91e", "4f2c91e"),
]


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[Connection]:
    with database_with_ledger(server) as made:
        yield made


@pytest.fixture(autouse=True)
def _no_runs(connection: Connection) -> None:
    connection.execute("DELETE FROM crossfade.runs")


def is_covered(connection: Connection, scheme: Scheme, wanted: str, later: str) -> bool:
    ranges = [Jsonb({**read(scheme, text).as_json(), "text": text}) for text in (wanted, later)]
    row = connection.execute("SELECT crossfade.is_covered(%s, %s)", ranges).fetchone()
    assert row is not None
    assert isinstance(row[0], bool)
    return row[0]


def contract(connection: Connection, name: str, **fences: str) -> int:
    """A run that has just become contracted, with the range of each of its apps."""
    ranges = {app: {**read("semver", text).as_json(), "text": text} for app, text in fences.items()}
    run: int = ledger.add_run(connection, name=name, digest="", plan={}, acks=(), program={}, fences=ranges)
    connection.execute("UPDATE crossfade.runs SET state = 'contracted' WHERE id = %s", [run])
    return run


def left(connection: Connection) -> dict[str, dict[str, str]]:
    """Of each run that has any fences their texts."""
    rows = connection.execute("SELECT run, wanted FROM crossfade.fences ORDER BY run_id").fetchall()
    return {run: {app: wanted["text"] for app, wanted in ranges.items()} for run, ranges in rows}


@pytest.mark.parametrize(("scheme", "wanted", "later"), COVERED)
def test_a_range_is_covered_by_the_same_or_a_later_beginning(
    connection: Connection, scheme: Scheme, wanted: str, later: str
) -> None:
    assert is_covered(connection, scheme, wanted, later)


@pytest.mark.parametrize("scheme", RANGES)
def test_what_covers_a_range_admits_nothing_that_it_does_not(connection: Connection, scheme: Scheme) -> None:
    for wanted, later in product(RANGES[scheme], repeat=2):
        if is_covered(connection, scheme, wanted, later):
            for version in VERSIONS[scheme]:
                said, before = (in_python(read(scheme, text), version) for text in (later, wanted))
                assert said is None if before is None else before or not said, (wanted, later, version)


def test_ranges_of_two_schemes_or_orders_say_nothing_of_each_other(connection: Connection) -> None:
    calver, integer = (read(s, ">=4").as_json() for s in ("calver", "integer"))
    orders = [
        {**read("ordered", ">=green").as_json(), "order": order} for order in (["green", "red"], ["red", "green"])
    ]
    for pair in ((calver, integer), orders):
        row = connection.execute("SELECT crossfade.is_covered(%s, %s)", [Jsonb(each) for each in pair]).fetchone()
        assert row == (False,)


def test_hundreds_of_contracted_runs_leave_one_fence(connection: Connection) -> None:
    for number in range(30):
        contract(connection, f"run-{number}", api=f">=2.{number}.0")
    assert left(connection) == {"run-29": {"api": ">=2.29.0"}}
    for version, allowed in (("2.0.0", False), ("2.28.9", False), ("2.29.0", True), ("10.0.0", True)):
        assert fence.ask(connection, "api", version).allowed is allowed
        assert connection.execute("SELECT crossfade.can_i_run('api', %s)", [version]).fetchone() == (allowed,)


def test_only_the_app_that_is_covered_is_taken_out(connection: Connection) -> None:
    contract(connection, "both", api=">=2.0.0", worker=">=5.0.0")
    contract(connection, "api-only", api=">=2.1.0")
    contract(connection, "lower", api=">=1.0.0", other=">=1.0.0")
    assert left(connection) == {
        "both": {"worker": ">=5.0.0"},
        "api-only": {"api": ">=2.1.0"},
        "lower": {"api": ">=1.0.0", "other": ">=1.0.0"},
    }
    assert fence.ask(connection, "worker", "4.9.9").allowed is False


@pytest.mark.parametrize("state", ["retained", "dropping", "reverting", "backfilled"])
def test_a_run_that_can_still_go_back_keeps_its_own(connection: Connection, state: str) -> None:
    undecided = contract(connection, "undecided", api=">=2.0.0")
    connection.execute("UPDATE crossfade.runs SET state = %s WHERE id = %s", [state, undecided])
    contract(connection, "later", api=">=3.0.0")
    kept = connection.execute("SELECT fences -> 'api' ->> 'text' FROM crossfade.runs WHERE id = %s", [undecided])
    assert kept.fetchone() == (">=2.0.0",)
