"""The story of examples/many-databases, told by its own script and plan over three databases of one server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from ruamel.yaml import YAML

from ..fixtures.command import FOREIGN, Cli
from ..fleet.servers import fresh_databases
from ..scenarios.users_table import alive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..fixtures.servers import Server
    from ..fleet.servers import Shops

EXAMPLE = Path(__file__).parents[2] / "examples" / "many-databases"
RUN = "users-email-address"
NAMES = ("own", "acme", "zenith")


@pytest.fixture
def shops(server: Server) -> Iterator[Shops]:
    """The example's databases with its tables in them."""
    with fresh_databases(server, *NAMES) as made:
        for shop in made.values():
            with psycopg.connect(shop.url) as connection:
                connection.execute((EXAMPLE / "schema.sql").read_bytes())
        yield made


@pytest.fixture
def listed(shops: Shops, tmp_path: Path) -> Path:
    """The example's list, with the URLs of these databases."""
    entries = YAML(typ="safe").load((EXAMPLE / "databases.yaml").read_text(encoding="utf-8"))
    assert [entry["name"] for entry in entries] == list(NAMES)
    for entry in entries:
        entry["url"] = shops[entry["name"]].url
    path = tmp_path / "databases.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(entries, file)
    return path


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Cli]:
    command = Cli("", tmp_path)
    yield command
    command.close()


def roll_out(listed: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the example's script, with `crossfade` on the path."""
    programs = listed.parent / "bin"
    programs.mkdir(exist_ok=True)
    program = programs / "crossfade"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m crossfade "$@"\n')
    program.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    plan = listed.parent / "plan.yaml"
    text = (EXAMPLE / "plan.yaml").read_text(encoding="utf-8")
    assert text.count("hold: 10m") == 1
    plan.write_text(text.replace("hold: 10m", "hold: 0s"), encoding="utf-8")
    own = {"PLAN": str(plan), "DATABASES": str(listed), "PATH": f"{programs}:{os.environ['PATH']}"}
    environment = {**kept, **env, **own}
    command = [str(EXAMPLE / "roll-out.sh")]
    return subprocess.run(command, env=environment, cwd=listed.parent, text=True, capture_output=True, timeout=120)


@pytest.mark.long
def test_the_story(fleet: Cli, shops: Shops, listed: Path) -> None:
    done = roll_out(listed, BAKE="1s")
    assert done.returncode == 0, done
    assert done.stdout.count("20,000/20,000 100.0%") == 6, "after the backfill, and in the status"
    ended = [line for line in done.stderr.splitlines() if "database_ended" in line]
    assert "database=own" in ended[0]
    document = fleet("fleet", "status", RUN, "--databases", listed, "--json").json()
    assert [(d["name"], d["canary"], d["state"]) for d in document["databases"]] == [
        (name, name == "own", "backfilled") for name in NAMES
    ]
    with alive(shops["own"], "api", "2.0.0", "api-2"), alive(shops["acme"], "api", "1.0.0", "api-1"):
        contracted = fleet("fleet", "contract", RUN, "--databases", listed, "--confirm", RUN, "--json")
    assert contracted.code in (3, 4), contracted
    assert [d["state"] for d in contracted.json()["databases"]] == ["contracted", "backfilled", "backfilled"]


@pytest.mark.long
def test_told_again_it_does_nothing_more(shops: Shops, listed: Path) -> None:
    assert roll_out(listed, BAKE="1s").returncode == 0
    again = roll_out(listed, BAKE="1s")
    assert (again.returncode, "batch" in again.stderr) == (0, False), again


def test_without_a_canary_that_is_well_no_other_is_begun(shops: Shops, listed: Path) -> None:
    shops["own"].execute("CREATE VIEW addresses AS SELECT email FROM users")
    done = roll_out(listed)
    assert done.returncode == 2, done
    assert "expand" not in done.stderr, "the check has found it"
    for name in NAMES:
        assert shops[name].execute("SELECT to_regnamespace('crossfade')") == [(None,)]
