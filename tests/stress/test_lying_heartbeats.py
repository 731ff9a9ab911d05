"""Instances that say what is not so: a new version that writes the old name, a clock that is off, another's name."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from ..scenarios.users_table import RUN, alive, make_users, sight, state, succeed, write_plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..fixtures.command import Cli
    from ..fixtures.database import Database

HOLD = 3.0
TTL = 20.0
"""Longer than a few commands take on a busy machine."""
ROSTER = f'apps:\n  api: {{scheme: semver, new: ">=2.0.0", ttl: {TTL:.0f}s}}\nhold: {HOLD:.0f}s\n'
BLOCKED, UNKNOWN = 3, 4
HOURS_OFF = [-26, 14]


@pytest.fixture
def backfilled(database: Database, cli: Cli, tmp_path: Path) -> Database:
    """Up to the gate of contract, with a roster."""
    make_users(database)
    succeed(cli, "advance", write_plan(tmp_path, ROSTER), "--to", "backfilled")
    return database


def verdicts(cli: Cli) -> tuple[str, dict[str, tuple[str, str]]]:
    """The phase's verdict, and of each gate its verdict and reason."""
    found = cli("gate", RUN, "--phase", "contract", "--json").json()
    return found["verdict"], {g["kind"]: (g["verdict"], g["reason"]) for g in found["gates"]}


def assert_contract_never_passes(cli: Cli, code: int, seconds: float = 3 * HOLD) -> None:
    """Not at once, and not by waiting for several times `hold`."""
    refused = cli("contract", RUN, "--confirm", RUN, "--wait", f"{seconds:.0f}s", "--json")
    assert refused.code == code, refused
    assert state(cli) == "backfilled"


@contextmanager
def writing(database: Database, statement: str, every: float) -> Iterator[None]:
    """A pod of "2.0.0" that has its statement from somewhere else."""
    over = threading.Event()

    def write() -> None:
        with psycopg.connect(database.url, autocommit=True, application_name="api@2.0.0/liar") as connection:
            while not over.is_set():
                connection.execute(statement.encode())
                over.wait(every)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


ONE_ROW = "UPDATE users SET email = 'w' || clock_timestamp() WHERE id = 7"
MANY_ROWS = """
INSERT INTO users (id, email) SELECT g, clock_timestamp()::text FROM generate_series(1, 50) g
ON CONFLICT (id) DO UPDATE SET email = excluded.email
"""
HALF_ROLLED_BACK = """
DO $$ BEGIN
    UPDATE users SET email = clock_timestamp()::text WHERE id = 7;
    RAISE division_by_zero;
EXCEPTION WHEN division_by_zero THEN
    UPDATE users SET email = clock_timestamp()::text WHERE id = 8;
END $$
"""
OLD_WRITES = {
    "often": (ONE_ROW, 0.05),
    "just within hold": (ONE_ROW, HOLD * 0.8),
    "by upserts of many rows": (MANY_ROWS, 1.0),
    "of which the first is rolled back": (HALF_ROLLED_BACK, 1.0),
}


@pytest.mark.parametrize("lie", OLD_WRITES)
def test_a_new_version_that_writes_the_old_name_holds_contract_up(backfilled: Database, cli: Cli, lie: str) -> None:
    statement, every = OLD_WRITES[lie]
    with alive(backfilled, "api", "2.0.0", "liar"):
        with writing(backfilled, statement, every):
            time.sleep(2 * HOLD)  # its version has long passed for `hold`
            assert_contract_never_passes(cli, BLOCKED)
            verdict, gates = verdicts(cli)
            assert verdict == "BLOCKED"
            assert gates["app_version"][0] == "PASS"
            assert gates["legacy_writes"][0] == "BLOCKED"
            assert "api@2.0.0/liar" in gates["legacy_writes"][1]
            assert "users.email" in gates["legacy_writes"][1]
        # Found and repaired: after `hold` without such a write nothing is in the way.
        succeed(cli, "contract", RUN, "--confirm", RUN, "--wait", "60s")
    assert state(cli) == "contracted"


def test_an_open_transaction_that_wrote_the_old_name_holds_contract_up_however_old_it_is(
    backfilled: Database, cli: Cli
) -> None:
    writer = backfilled.connect(application_name="api@2.0.0/slow")
    writer.execute("UPDATE users SET email = 'in the night' WHERE id = 7")
    with alive(backfilled, "api", "2.0.0", "slow"):
        time.sleep(2 * HOLD)  # the write itself is older than `hold`
        assert_contract_never_passes(cli, BLOCKED)
        assert "api@2.0.0/slow" in verdicts(cli)[1]["legacy_writes"][1]
        writer.commit()
        succeed(cli, "contract", RUN, "--confirm", RUN, "--wait", "60s")
    assert backfilled.execute("SELECT email_address FROM users WHERE id = 7") == [("in the night",)]


def clock(directory: Path, hours: int) -> dict[str, str]:
    """An environment in which Python's clock is off by so many hours, and the session's time zone too."""
    (directory / "sitecustomize.py").write_text(
        f"import time\ngenuine = time.time\ntime.time = lambda: genuine() + {hours} * 3600\n", encoding="utf-8"
    )
    zone = "Etc/GMT+12" if hours < 0 else "Pacific/Kiritimati"
    path = os.pathsep.join([str(directory), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {"PYTHONPATH": path, "TZ": zone, "PGTZ": zone}


@pytest.mark.parametrize("hours", HOURS_OFF)
def test_an_instance_or_a_runner_whose_clock_is_off_changes_nothing(
    backfilled: Database, cli: Cli, tmp_path: Path, hours: int
) -> None:
    off = clock(tmp_path, hours)
    beat = ("versions", "heartbeat", "api")
    assert cli(*beat, "2.0.0", "--instance", "new-pod").code == 0
    assert cli(*beat, "1.9.0", "--instance", "old-pod", env=off).code == 0
    # The old pod was seen now, whatever its own clock says, and whatever that of the runner says.
    for environment in (None, off):
        refused = cli("contract", RUN, "--confirm", RUN, "--json", env=environment)
        assert refused.code == BLOCKED, refused
        assert "old-pod" in refused.json()["error"]["message"]
    time.sleep(TTL + 1)
    # Nothing fresh is left, neither for a runner that lives in the past nor for one in the future.
    for environment in (None, off):
        refused = cli("contract", RUN, "--confirm", RUN, "--json", env=environment)
        assert refused.code == UNKNOWN, refused
    with alive(backfilled, "api", "2.0.0", "new-pod"):
        done = cli("contract", RUN, "--confirm", RUN, "--wait", "60s", env=off)
        assert done.code == 0, done
    [(early, late)] = backfilled.execute(
        "SELECT min(last_seen) > now() - interval '10 min', max(last_seen) <= now() FROM crossfade.sightings"
    )
    assert (early, late) == (True, True)


@pytest.mark.parametrize("app", ["web", "API", "api-worker", "apis"])
def test_a_heartbeat_of_another_app_is_no_proof(backfilled: Database, cli: Cli, app: str) -> None:
    with alive(backfilled, app, "2.0.0", "pod-1"):
        assert_contract_never_passes(cli, UNKNOWN, HOLD + 2)
        verdict, gates = verdicts(cli)
        assert verdict == "UNKNOWN"
        assert "nothing reports" in gates["app_version"][1]


@pytest.mark.parametrize("app", ["web", "API"])
def test_an_old_version_of_another_app_is_no_obstacle(backfilled: Database, cli: Cli, app: str) -> None:
    with alive(backfilled, "api", "2.0.0", "pod-1"), alive(backfilled, app, "1.0.0", "pod-2"):
        succeed(cli, "contract", RUN, "--confirm", RUN, "--wait", "60s")
    assert state(cli) == "contracted"


def test_one_old_instance_among_many_new_ones_holds_contract_up(backfilled: Database, cli: Cli) -> None:
    with alive(backfilled, "api", "1.9.9", "the-last"):
        for number in range(50):
            sight(backfilled, "api", "2.0.0", f"pod-{number}")
        refused = cli("contract", RUN, "--confirm", RUN, "--json")
        assert refused.code == BLOCKED, refused
        assert "the-last" in refused.json()["error"]["message"]
