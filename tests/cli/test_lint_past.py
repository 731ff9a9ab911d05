"""`crossfade lint` with what is known of the past: histories as tools make them, and a commit."""

from __future__ import annotations

import json
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..fixtures.command import Cli, Outcome
    from ..fixtures.database import Database

HISTORIES = Path(__file__).parents[1] / "workflow" / "tool_histories.sql"
QUIET = "SET lock_timeout = '2s';\nCREATE TABLE made (id bigint PRIMARY KEY);\n"
MORE = """
INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name)
VALUES ('a', repeat('b', 64), now(), '20260103000000_later'), ('b', repeat('c', 64), now(), '20260102100000_gone');
INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES (repeat('b', 64), 3000);
INSERT INTO flyway_schema_history VALUES
    (2, '3', 'later', 'SQL', 'V3__later.sql', 1, 'someone', now(), 1, true),
    (3, '2.5', 'gone', 'SQL', 'V2_5__gone.sql', 1, 'someone', now(), 1, true);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (3, true), (7, true);
INSERT INTO __diesel_schema_migrations (version) VALUES ('20260103000000');
INSERT INTO pgmigrations (name, run_on) VALUES ('1767398400000_later', now());
UPDATE schema_migrations SET version = 7;
"""
FOLDERS = {
    "prisma": {
        "migration_lock.toml": 'provider = "postgresql"\n',
        **{f"2026010{n}000000_{name}/migration.sql": QUIET for n, name in ((1, "init"), (2, "mid"), (3, "later"))},
    },
    "drizzle": {
        **{f"000{n}_{name}.sql": QUIET for n, name in enumerate(("init", "later", "mid"))},
        "meta/_journal.json": json.dumps(
            {
                "dialect": "postgresql",
                "entries": [
                    {"tag": tag, "when": when}
                    for tag, when in (("0000_init", 1000), ("0001_later", 3000), ("0002_mid", 2000))
                ],
            }
        ),
    },
    "flyway": {f"V{n}__{name}.sql": QUIET for n, name in ((1, "init"), (2, "mid"), (3, "later"))},
    "goose": {f"0000{n}_{name}.sql": f"-- +goose Up\n{QUIET}" for n, name in ((1, "init"), (2, "mid"), (3, "later"))},
    "diesel": {f"2026-01-0{n}-000000_{name}/up.sql": QUIET for n, name in ((1, "init"), (2, "mid"), (3, "later"))},
    "node": {
        f"{n}_{name}.sql": f"-- Up Migration\n{QUIET}"
        for n, name in ((1767225600000, "init"), (1767312000000, "mid"), (1767398400000, "later"))
    },
    "golang": {f"{n}_{name}.up.sql": QUIET for n, name in ((1, "init"), (2, "mid"), (3, "later"))},
}
WANTED = {
    ("error", "migration-changed", "prisma/20260101000000_init/migration.sql"): "asks to reset the database",
    ("error", "migration-changed", "prisma/20260103000000_later/migration.sql"): "public._prisma_migrations",
    ("warning", "migration-changed", "prisma"): "20260102100000_gone is applied by public._prisma_migrations",
    ("warning", "migration-order", "prisma/20260102000000_mid/migration.sql"): "Prisma runs it all the same",
    ("error", "migration-changed", "drizzle/0000_init.sql"): "Drizzle does not run it again, and says nothing",
    ("error", "migration-changed", "drizzle/0001_later.sql"): "drizzle.__drizzle_migrations has the checksum of",
    ("error", "migration-order", "drizzle/0002_mid.sql"): "before 0001_later",
    ("error", "migration-changed", "flyway/V1__init.sql"): "Flyway stops at its checksum",
    ("error", "migration-changed", "flyway/V3__later.sql"): "V3__later is applied",
    ("error", "migration-changed", "flyway"): "V2_5__gone.sql is applied",
    ("error", "migration-order", "flyway/V2__mid.sql"): "outOfOrder",
    ("warning", "migration-changed", "goose"): "7 is applied by public.goose_db_version",
    ("error", "migration-order", "goose/00002_mid.sql"): "-allow-missing",
    ("warning", "migration-order", "diesel/2026-01-02-000000_mid/up.sql"): "Diesel runs it all the same",
    ("error", "migration-order", "node/1767312000000_mid.sql"): "--no-check-order",
    ("error", "migration-changed", "golang"): "version 7 is applied by public.schema_migrations",
}


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def told(outcome: Outcome) -> dict[tuple[str, str, str], str]:
    """What the rules about the past say, by severity, rule and file; each only once."""
    found: list[Any] = [f for f in outcome.json()["findings"] if f["rule"] in {"migration-changed", "migration-order"}]
    by_place = {(f["severity"], f["rule"], f["file"]): f["message"] for f in found}
    assert len(by_place) == len(found)
    assert {f["line"] for f in found} <= {1}
    return by_place


@pytest.fixture
def histories(database: Database) -> Database:
    """A database in which all tools have a history."""
    database.execute(HISTORIES.read_text(encoding="utf-8"))
    return database


def test_each_tools_history_tells_what_changed_and_what_comes_too_late(
    offline: Cli, histories: Database, tmp_path: Path
) -> None:
    histories.execute(MORE)
    for folder, files in FOLDERS.items():
        write(tmp_path / folder, files)

    found = told(offline("lint", *FOLDERS, "--database", histories.url, "--json"))

    assert found.keys() == WANTED.keys()
    for place, words in WANTED.items():
        assert words in found[place], place


def test_a_version_above_those_of_all_files_stops_flyway_from_nothing(
    offline: Cli, histories: Database, tmp_path: Path
) -> None:
    write(tmp_path / "flyway", {"V1__init.sql": QUIET})
    histories.execute("UPDATE flyway_schema_history SET checksum = NULL")
    histories.execute(
        "INSERT INTO flyway_schema_history VALUES (2, '3', 'x', 'SQL', 'V3__x.sql', 1, 'x', now(), 1, true)"
    )
    assert told(offline("lint", "flyway", "--database", histories.url, "--json")) == {
        ("warning", "migration-changed", "flyway"): "V3__x.sql is applied by public.flyway_schema_history, and no file "
        "here makes it: Flyway takes it for a newer release's, and goes on with a warning."
    }


def test_files_as_they_were_applied_are_no_findings(offline: Cli, histories: Database, tmp_path: Path) -> None:
    write(tmp_path / "prisma", FOLDERS["prisma"])
    # A checkout on another system has other line ends than what was applied.
    summed = sha256(QUIET.replace("\n", "\r\n").encode()).hexdigest()
    histories.execute("UPDATE _prisma_migrations SET checksum = %s", [summed])
    clean = offline("lint", "prisma", "--database", histories.url, "--json")
    assert (clean.code, told(clean)) == (0, {}), clean

    (tmp_path / "crossfade.toml").write_text("[lint]\nexclude = ['*_init']\n", encoding="utf-8")
    histories.execute("UPDATE _prisma_migrations SET checksum = 'x'")
    assert told(offline("lint", "prisma", "--database", histories.url, "--json")) == {}


def test_what_is_applied_is_not_looked_at_again(offline: Cli, histories: Database, tmp_path: Path) -> None:
    histories.execute("CREATE TABLE users (id bigint PRIMARY KEY, mail text)")
    reason = "-- crossfade: allow drop-column because nobody reads it\n"
    old = f"{reason}ALTER TABLE users DROP name;\nCREATE INDEX u ON users (id);\n"
    write(tmp_path / "golang", {"1_old.up.sql": old, "2_new.up.sql": "CREATE INDEX m ON users (mail);\n"})
    entry = {"file": "golang/1_old.up.sql", "rule": "index-not-concurrently", "fingerprint": "0", "about": ""}
    write(tmp_path, {"old.json": json.dumps({"crossfade_lint_baseline": 1, "findings": [entry]})})

    done = offline("lint", "golang", "--database", histories.url, "--baseline", "old.json", "--json")

    found = [(f["rule"], f["file"]) for f in done.json()["findings"]]
    assert found == [("index-not-concurrently", "golang/2_new.up.sql"), ("lock-timeout-missing", "golang/2_new.up.sql")]


def test_a_history_of_another_project_says_nothing(offline: Cli, histories: Database, tmp_path: Path) -> None:
    write(tmp_path / "prisma", {"20270101000000_other/migration.sql": QUIET})
    write(tmp_path / "dbmate", {"20260101000000_init.sql": f"-- migrate:up\n{QUIET}"})
    # schema_migrations is golang-migrate's here: dbmate's has other columns, and is not on the search path.
    assert told(offline("lint", "prisma", "dbmate", "--database", histories.url, "--json")) == {}


def test_a_table_that_may_not_be_read_is_said(offline: Cli, histories: Database, tmp_path: Path) -> None:
    write(tmp_path / "prisma", FOLDERS["prisma"])
    histories.execute("CREATE ROLE looker LOGIN; GRANT USAGE ON SCHEMA public TO looker")
    url = histories.server.url(histories.name, user="looker")
    done = offline("lint", "prisma", "--database", url, "--json")
    assert told(done) == {}
    assert "public._prisma_migrations may not be read by this role" in done.stderr


def test_a_history_of_another_name_is_named(offline: Cli, histories: Database, tmp_path: Path) -> None:
    write(tmp_path / "prisma", FOLDERS["prisma"])
    histories.execute("ALTER TABLE _prisma_migrations RENAME TO done")
    asked = ("lint", "prisma", "--json", "--database", histories.url)
    assert told(offline(*asked)) == {}
    assert "is another one now than public.done has the checksum of" in str(told(offline(*asked, "--history", "done")))
    assert "has no column" in offline(*asked, "--history", "goose_db_version").json()["error"]["message"]
    assert offline("lint", "prisma", "--history", "done").code == 2


def git(directory: Path, *words: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *words], cwd=directory, check=True, capture_output=True)


def test_a_commit_tells_it_as_a_warning_that_can_be_an_error(offline: Cli, tmp_path: Path) -> None:
    write(tmp_path, {"db/1_a.up.sql": QUIET, "db/3_b.up.sql": QUIET.replace("made", "b"), "db/4_c.up.sql": "SELECT 1;"})
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "old")
    (tmp_path / "db/4_c.up.sql").unlink()
    gone = offline("lint", "db", "--git-diff", "HEAD", "--json")
    assert (gone.code, gone.json()["files"]) == (0, [])
    assert told(gone) == {
        ("warning", "migration-changed", "db"): "4_c is in HEAD and not here: where it is applied, "
        "golang-migrate stops, if that is the version of the database."
    }
    kept = ("--git-diff", "HEAD", "--baseline", "old.json")
    assert offline("lint", "db", *kept, "--write-baseline").code == 0
    assert offline("lint", "db", *kept, "--json").json()["findings"] == []
    (tmp_path / "db/3_b.up.sql").unlink()
    # What is gone besides is another finding.
    assert ("warning", "migration-changed", "db") in told(offline("lint", "db", *kept, "--json"))
    write(tmp_path, {"db/1_a.up.sql": f"{QUIET}SELECT 1;\n", "db/2_d.up.sql": QUIET.replace("made", "d")})
    write(tmp_path, {"crossfade.toml": "[lint]\nseverity = {migration-changed = 'error'}\n"})
    done = offline("lint", "db", "--git-diff", "HEAD", "--json")
    assert done.code == 1
    assert told(done).keys() == {
        ("error", "migration-changed", "db/1_a.up.sql"),
        ("error", "migration-changed", "db"),
        ("error", "migration-order", "db/2_d.up.sql"),
    }
    [changed] = [f for f in done.json()["findings"] if f["file"] == "db/1_a.up.sql"]
    assert changed["instead"].endswith("`git restore --source HEAD -- db/1_a.up.sql` puts it back.")

    allowed = f"-- crossfade: allow-file migration-changed because it was applied nowhere\n{QUIET}SELECT 1;\n"
    write(tmp_path, {"db/1_a.up.sql": allowed})
    done = offline("lint", "db", "--git-diff", "HEAD", "--json")
    assert ("error", "migration-changed", "db/1_a.up.sql") not in told(done)
    assert done.json()["allowed"] == 1
