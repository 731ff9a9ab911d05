"""`crossfade backfill --dry-run` as a person and as a script read it."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from crossfade.backfill.rehearsal import NOTHING_KNOWN, Measured, Rehearsal, outlook
from crossfade.cli.output import console
from crossfade.cli.rehearsal_page import page
from crossfade.plan.model import Backfill

if TYPE_CHECKING:
    from pathlib import Path

    from ..fixtures.command import Cli
    from ..fixtures.database import Database

SETUP = """
CREATE TABLE users (id int PRIMARY KEY, email text CHECK (email <> 'e77'), updated_at timestamptz DEFAULT now());
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.updated_at := now(); RETURN NEW; END';
CREATE TRIGGER stamp BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION stamp();
INSERT INTO users SELECT g, 'E' || g FROM generate_series(1, 3000) g;
ANALYZE users;
"""
LOWER = "update_rows: {table: users, set: {email: lower(email)}, where: email <> lower(email)}"
RENAME = "rename_column: {table: users, from: email, to: mail}"


@pytest.fixture
def plan(tmp_path: Path, database: Database) -> Path:
    database.execute(SETUP)
    file = tmp_path / "plan.yaml"
    file.write_text(f"crossfade: 1\nname: lower\nchanges:\n  - {LOWER}\n", encoding="utf-8")
    return file


def test_the_page_says_what_it_would_come_to(cli: Cli, plan: Path) -> None:
    found = cli("backfill", plan, "--dry-run")
    assert found.code == 0, found
    lines = [" ".join(line.split()) for line in found.stdout.splitlines()]
    assert lines[0] == "lower, not started yet: what its backfill would come to. Nothing of it was kept."
    assert "rows to write: 3,000 of 3,000" in lines
    for place in ("beginning", "middle", "end"):
        assert any(line.startswith(f"public.users {place} 1000 ") for line in lines), found
    assert (
        "stamp public.users before each row public.stamp enabled sets updated_at to the present time; "
        "crossfade puts back updated_at" in lines
    )
    assert 'email: "E1" → "e1"' in lines
    assert any(line.startswith("public.users id=77: new row for relation") for line in lines)
    assert found.stderr == ""


def test_the_document_has_every_number_and_nothing_was_started(cli: Cli, plan: Path, database: Database) -> None:
    document = cli("backfill", plan, "--dry-run", "--json").json()
    assert set(document) == {
        *("name", "state", "stands_in", "relations", "total"),
        *("triggers", "foreign_keys", "missing_rights", "notes"),
    }
    [relation] = document["relations"]
    assert (relation["relation"], relation["rows_to_write"], relation["key"]) == ("public.users", 3000, ["id"])
    assert [s["place"] for s in relation["samples"]] == ["beginning", "middle", "end"]
    assert document["total"]["seconds_p90"] >= document["total"]["seconds_p50"] > 0
    assert document["total"]["finish_p50"] is not None
    assert database.execute("SELECT to_regclass('crossfade.runs')") == [(None,)]
    assert database.execute("SELECT count(*) FROM users WHERE email = lower(email)") == [(0,)]


@pytest.mark.long
def test_a_run_is_rehearsed_by_its_name(cli: Cli, plan: Path) -> None:
    plan.write_text(f"crossfade: 1\nname: rename\nchanges:\n  - {RENAME}\n", encoding="utf-8")
    before = cli("backfill", plan, "--dry-run", "--json").json()
    assert (before["state"], before["stands_in"]) == (None, True)
    assert "not there before expand" in before["notes"][0]["message"]
    assert cli("expand", plan, "--ack", "dependents").code == 0
    after = cli("backfill", "rename", "--dry-run", "--json").json()
    assert (after["state"], after["stands_in"], after["total"]["rows_to_write"]) == ("expanded", False, 3000)
    assert cli("status", "rename", "--json").json()["state"] == "expanded"


def test_options_that_mean_nothing_to_it_are_refused(cli: Cli, plan: Path) -> None:
    found = cli("backfill", plan, "--dry-run", "--max-duration", "1m", "--json")
    assert found.code == 2
    assert "--max-duration" in found.json()["error"]["hint"]


def test_what_is_not_known_is_said_to_be_so() -> None:
    """Never a time, or a number of rows, of a table that could not be looked at."""
    unseen = Measured(change="1", relation="public.users", writes="update", skipped="it took longer than 2 s")
    found = Rehearsal(
        name="lower",
        state=None,
        relations=((unseen, NOTHING_KNOWN),),
        total=outlook([unseen], [NOTHING_KNOWN], Backfill(), datetime(2026, 11, 26, tzinfo=UTC)),
    )
    said = io.StringIO()
    console(said).print(page(found))
    lines = [" ".join(line.split()) for line in said.getvalue().splitlines()]
    assert "rows to write: not known" in lines
    assert "time: not known (p50 to p90), with the plan's rests and limits" in lines
    assert not any(line.startswith("done by:") for line in lines)
    assert "public.users not known not known not known not known not known not known not known" in lines
