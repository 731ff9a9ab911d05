"""`crossfade fleet` as a user has it: exit codes, the table, the document, signals, a terminal, no secrets."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from ..cli.terminal import Terminal
from ..fixtures.command import Cli
from ..scenarios.users_table import IN_SMALL_BATCHES, SECONDS, SLOW, await_batches
from .conftest import PLAN, RUN, UNREACHABLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .servers import Shops

COMMANDS = ("check", "start", "expand", "backfill", "contract", "advance", "status")


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Cli]:
    """The command where nothing says which single database is meant."""
    command = Cli("", tmp_path)
    yield command
    command.close()


@pytest.mark.long
def test_the_way_of_a_plan(fleet: Cli, shops: Shops, listed: Path, plan_file: Path) -> None:
    done = fleet("fleet", "check", plan_file, "--databases", listed)
    assert done.code == 0, done
    assert done.stdout.splitlines()[-1] == f"{RUN} in 3 databases: 3 done."
    done = fleet("fleet", "advance", plan_file, "--databases", listed, "--canary", "c", "--to", "backfilled")
    assert done.code == 0, done
    assert "c (canary)" in done.stdout
    assert done.stdout.count("200/200 100.0%") == 3
    ended = [line for line in done.stderr.splitlines() if "database_ended" in line]
    assert "database=c" in ended[0]
    assert f"run=c/{RUN}" in done.stderr
    document = fleet("fleet", "status", RUN, "--databases", listed, "--json").json()
    assert [(d["name"], d["state"], d["exit_code"], d["error"]) for d in document["databases"]] == [
        (name, "backfilled", 0, None) for name in shops
    ]
    assert document["summary"]["states"] == {"backfilled": 3}
    done = fleet("fleet", "contract", RUN, "--databases", listed, "--confirm", RUN)
    assert done.code == 3, done
    assert done.stdout.count("waits for an approval") == 3


def test_contract_wants_to_be_confirmed(fleet: Cli, listed: Path, plan_file: Path, shops: Shops) -> None:
    done = fleet("fleet", "contract", plan_file, "--databases", listed, "--yes")
    assert done.code == 2, done
    assert "in 3 databases" in done.stderr
    assert f"--confirm {RUN}" in done.stderr
    done = fleet("fleet", "contract", plan_file, "--databases", listed, "--confirm", "users")
    assert done.code == 2, done


@pytest.mark.long
@pytest.mark.parametrize("command", COMMANDS)
def test_which_databases_has_to_be_said_once(fleet: Cli, plan_file: Path, command: str) -> None:
    none = fleet("fleet", command, plan_file)
    assert (none.code, "--databases-query" in none.stderr) == (2, True), none
    both = fleet("fleet", command, plan_file, "--databases", "x", "--databases-query", "x", "--json")
    assert (both.code, both.json()["error"]["code"]) == (2, "usage")


def test_a_time_to_bake_needs_a_canary(fleet: Cli, listed: Path, plan_file: Path) -> None:
    done = fleet("fleet", "expand", plan_file, "--databases", listed, "--bake", "1h")
    assert (done.code, "--canary" in done.stderr) == (2, True), done
    done = fleet("fleet", "expand", plan_file, "--databases", listed, "--canary", "d")
    assert (done.code, "there is no database `d`" in done.stderr) == (2, True), done


@pytest.mark.long
def test_a_password_is_never_shown(fleet: Cli, listed: Path, plan_file: Path) -> None:
    listed.write_text(f"{listed.read_text()}gone = {UNREACHABLE}\n")
    for words in (("expand",), ("expand", "--json"), ("status",), ("check", "--log-level", "debug")):
        done = fleet("fleet", words[0], plan_file, "--databases", listed, *words[1:])
        assert done.code == 1, done
        assert "unreachable" in done.stdout
        assert "s3cret" not in done.stdout + done.stderr


@pytest.mark.long
def test_a_registry_gives_the_databases(fleet: Cli, shops: Shops, plan_file: Path) -> None:
    registry = shops["c"]
    registry.execute("CREATE TABLE tenants (name text, url text)")
    for name in ("a", "b"):
        registry.execute("INSERT INTO tenants VALUES (%s, %s)", [name, shops[name].url])
    query = "SELECT name, url FROM tenants ORDER BY name DESC"
    done = fleet("fleet", "expand", plan_file, "--databases-query", query, "--database", registry.url, "--json")
    assert done.code == 0, done
    assert [d["name"] for d in done.json()["databases"]] == ["b", "a"]
    missing = fleet("fleet", "expand", plan_file, "--databases-query", "SELECT", "--database", registry.url)
    assert (missing.code, "gives 0 columns" in missing.stderr) == (2, True), missing


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)])
def test_a_signal_ends_all_in_good_order(
    fleet: Cli, shops: Shops, listed: Path, plan_file: Path, number: signal.Signals
) -> None:
    plan_file.write_text(PLAN + IN_SMALL_BATCHES)
    for shop in shops.values():
        shop.execute(SLOW)
    assert fleet("fleet", "expand", plan_file, "--databases", listed).code == 0
    process = fleet.spawn("fleet", "backfill", plan_file, "--databases", listed, "--concurrency", "2", "--json")
    for name in ("a", "b"):
        await_batches(shops[name])
    process.send_signal(number)
    out, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    document = json.loads(out)
    assert [d["outcome"] for d in document["databases"]] == ["interrupted", "interrupted", "not_begun"]
    assert document["summary"]["stopped"] == "interrupted"
    for shop in shops.values():
        shop.execute("DROP FUNCTION slow CASCADE")
    done = fleet("fleet", "backfill", plan_file, "--databases", listed)
    assert done.code == 0, done
    for shop in shops.values():
        assert shop.execute("SELECT count(*) FROM users WHERE email_address IS DISTINCT FROM email") == [(0,)]


@pytest.mark.long
def test_on_a_terminal_lines_follow_what_goes_on(fleet: Cli, shops: Shops, listed: Path, plan_file: Path) -> None:
    terminal = Terminal(fleet)
    try:
        plan_file.write_text(PLAN + IN_SMALL_BATCHES)
        for shop in shops.values():
            shop.execute(SLOW)
        assert fleet("fleet", "expand", plan_file, "--databases", listed).code == 0
        terminal.start(
            "fleet", "backfill", plan_file, "--databases", listed, "--concurrency", "2", "--canary", "a", "--bake", "5s"
        )
        terminal.until("0 of 3 databases done, 1 in hand")
        terminal.until("  a: backfilling; Rows: ")
        terminal.until("✓ a: backfilled")
        terminal.until("s if a stay done")
        terminal.until("1 of 3 databases done, 2 in hand")
        assert terminal.end() == 0
        assert f"{RUN} in 3 databases: 3 done." in terminal.shown
    finally:
        terminal.close()
