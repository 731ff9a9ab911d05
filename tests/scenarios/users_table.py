"""What the command-line scenarios are about: a table of users, plans that rename its column, and apps that report."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from ..fixtures.command import Cli, Outcome, Process
    from ..fixtures.database import Database

RUN = "users-email-address"
BOTH = ["id", "email", "name", "email_address"]
"""The columns of `users` while both names are served."""
ROSTER = 'apps:\n  api: {scheme: semver, new: ">=2.0.0", ttl: 5s}\n'
SECONDS = 60.0


def make_users(database: Database, rows: int = 200) -> None:
    """The table, with rows `1: user1@example.org …`."""
    database.execute("CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL, name text)")
    database.execute(
        "INSERT INTO users SELECT g, 'user' || g || '@example.org', 'name ' || g FROM generate_series(1, %s) g", [rows]
    )


def write_plan(
    directory: Path,
    extra: str = "",
    *,
    file: str = "plan.yaml",
    run: str = RUN,
    table: str = "users",
    old: str = "email",
    new: str = "email_address",
) -> Path:
    """A plan file that renames one column; `extra` is more YAML at the top level."""
    # What json writes is YAML, with everything quoted that has to be.
    change = f"{{table: {json.dumps(table)}, from: {json.dumps(old)}, to: {json.dumps(new)}}}"
    path = directory / file
    text = f"crossfade: 1\nname: {run}\nchanges:\n  - rename_column: {change}\n{extra}"
    path.write_text(text, encoding="utf-8")
    return path


def succeed(cli: Cli, *arguments: str | Path, env: Mapping[str, str] | None = None) -> Outcome:
    """Run a command that has to succeed."""
    done = cli(*arguments, env=env)
    assert done.code == 0, done
    assert "Traceback" not in done.stderr
    return done


def fail(cli: Cli, code: int, *arguments: str | Path, env: Mapping[str, str] | None = None) -> str:
    """Run a command that has to fail with this exit code, without a traceback; what it said on standard error."""
    done = cli(*arguments, env=env)
    assert done.code == code, done
    assert "Traceback" not in done.stdout + done.stderr, done
    assert done.stderr.strip(), "a failure says why"
    return done.stderr


def state(cli: Cli, run: str = RUN) -> str:
    """The state that `status --json` says."""
    text: str = succeed(cli, "status", run, "--json").json()["state"]
    return text


def columns(database: Database, table: str = "users") -> list[str]:
    """The live columns of a table, in order."""
    query = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
    return [str(name) for (name,) in database.execute(query + " ORDER BY attnum", [table])]


def values(database: Database, column: str, table: str = "users") -> list[tuple[object, ...]]:
    """What a column holds, by id."""
    query = sql.SQL("SELECT id, {} FROM {} ORDER BY id").format(sql.Identifier(column), sql.Identifier(table))
    return database.execute(query)


def has_ledger(database: Database) -> bool:
    """Whether schema crossfade exists."""
    return database.execute("SELECT to_regnamespace('crossfade') IS NOT NULL") == [(True,)]


def sight(database: Database, app: str, version: str, instance: str) -> None:
    """One heartbeat, as an app sends it."""
    database.execute("SELECT crossfade.heartbeat(%s, %s, %s)", [app, version, instance])


@contextmanager
def alive(database: Database, app: str, version: str, instance: str) -> Iterator[None]:
    """An instance of an app that reports itself for the time of the block."""
    over = threading.Event()

    def beat() -> None:
        with psycopg.connect(database.url, autocommit=True) as connection:
            while not over.is_set():
                connection.execute("SELECT crossfade.heartbeat(%s, %s, %s)", [app, version, instance])
                over.wait(0.2)

    sight(database, app, version, instance)
    beating = threading.Thread(target=beat)
    beating.start()
    try:
        yield
    finally:
        over.set()
        beating.join()


SLOW = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END $$;
CREATE TRIGGER a_slow BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION slow();
"""
IN_SMALL_BATCHES = "backfill: {batch_rows: 5, target: 10ms}\n"
"""With `SLOW` every batch is small, so that there is time to do something while a backfill runs."""


def await_batches(database: Database, least: int = 2) -> None:
    """Wait until a backfill has committed some batches."""
    query = "SELECT count(*) >= %s FROM crossfade.batches WHERE state = 'done'"
    await_that(lambda: database.execute(query, [least]) == [(True,)], "no batch was committed")


def await_that(has_happened: Callable[[], bool], otherwise: str, *, pause: float = 0.02) -> None:
    """Look again and again, with so many seconds between; the test fails, and says this, where it does not happen."""
    until = time.monotonic() + SECONDS
    while not has_happened():
        assert time.monotonic() < until, otherwise
        time.sleep(pause)


def await_line(process: Process, words: str) -> str:
    """The next line on standard error with these words in it; a process that does not say it in time is killed."""
    assert process.stderr is not None
    limit = threading.Timer(SECONDS, process.kill)
    limit.start()
    try:
        line = next((line for line in process.stderr if words in line), None)
    finally:
        limit.cancel()
    assert line is not None, f"never said {words!r}, exit code {process.wait(SECONDS)}"
    return line
