"""The snippets of examples/heartbeats, each in the small app of its README, run word for word as a process.

Those of Drizzle and Prisma, whose packages take longest: CROSSFADE_LONG=1 pytest tests/examples/test_heartbeats.py
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString
from urllib.parse import quote, urlencode

import psycopg
import pytest
from psycopg import conninfo, sql

from crossfade.plan.versions import parse_range
from crossfade.postgres.connect import connect
from crossfade.workflow import ledger, roles
from crossfade.workflow.states import State

from ..docs.pages import fences
from ..fixtures.command import FOREIGN
from ..fixtures.long import few_of
from ..fixtures.pgbouncer import pgbouncer
from ..scenarios.users_table import SECONDS, await_that

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..fixtures.database import Database

EXAMPLE = Path(__file__).parents[2] / "examples" / "heartbeats"
HOST = socket.gethostname()
OLD, NEW = "1.4.0", "2.0.0"
RANGE = {**parse_range("semver", ">=2.0.0").as_json(), "text": ">=2.0.0"}
LIBRARIES = {
    "psycopg": ("python", 0),
    "sqlalchemy": ("python", 1),
    "pg": ("js", 0),
    "drizzle": ("js", 1),
    "prisma": ("js", 2),
}
"""Where each library's app stands among the README's fences."""
SHORTER = {"on_fenced=": "seconds=0.2, on_fenced=", "onFenced: stop": "seconds: 0.2, onFenced: stop"}
"""The same story with less time between heartbeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """How an app is started, and the scheme of the URL that it wants."""

    command: tuple[str, ...]
    directory: Path
    scheme: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """An app that has been started; what it says goes into two files."""

    process: subprocess.Popen[bytes]
    stdout: Path
    stderr: Path

    def said(self) -> str:
        return self.stdout.read_text(encoding="utf-8")

    def complained(self) -> str:
        return self.stderr.read_text(encoding="utf-8")

    def rounds(self) -> int:
        """How often it was at work."""
        return self.said().count("at work\n")

    def await_more_work(self) -> None:
        """It is at work again, and again."""
        enough = self.rounds() + 2
        self.await_that(lambda: self.rounds() >= enough, "the app does not work")

    def await_that(self, has_happened: Callable[[], bool], otherwise: str) -> None:
        """Look again and again while it lives; the test fails, and says this, where it does not happen."""
        await_that(lambda: self.process.poll() is not None or has_happened(), otherwise)
        assert has_happened(), f"{otherwise}\n{self.said()}\n{self.complained()}"


@pytest.fixture(params=few_of(LIBRARIES, {"psycopg", "sqlalchemy", "pg"}))
def app(request: pytest.FixtureRequest, tmp_path: Path) -> App:
    """The app of the README for each library, with shorter pauses."""
    library: str = request.param
    language, position = LIBRARIES[library]
    text = fences(EXAMPLE / "README.md", language)[position]
    written = next(words for words in SHORTER if words in text)
    assert text.count(written) == 1
    text = text.replace(written, SHORTER[written])
    if language == "python":
        path = tmp_path / "app.py"
        scheme = "postgresql+psycopg" if library == "sqlalchemy" else "postgresql"
        made = App(command=(sys.executable, str(path)), directory=tmp_path, scheme=scheme)
    else:
        # Its imports are relative to the snippets.
        place: Path = request.getfixturevalue("node_modules")
        path = place / f"app-{library}-{os.getpid()}.mjs"
        made = App(command=("node", str(path)), directory=place, scheme="postgresql")
    path.write_text(text, encoding="utf-8")
    return made


@pytest.fixture
def installed(database: Database) -> Database:
    """A ledger with one run, `users`, whose roster has the app `api`, and a role that may do what an app may."""
    install_ledger(database)
    return database


def role(database: Database) -> str:
    return f"{database.name}_api"


def install_ledger(database: Database) -> None:
    """All at once: while the run is `planned`, a heartbeat of the new version is told that it may not run yet."""
    with connect(database.url) as connection, connection.transaction():
        ledger.install(connection)
        roles.grant_roles(connection, None)
        ledger.add_run(connection, name="users", digest="", plan={}, acks=(), program={}, fences={"api": RANGE})
        connection.execute("UPDATE crossfade.runs SET state = %s", [State.BACKFILLED.value])
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role(database))))
        connection.execute(sql.SQL("GRANT crossfade_app TO {}").format(sql.Identifier(role(database))))


def put(database: Database, state: State) -> None:
    database.execute("UPDATE crossfade.runs SET state = %s", [state.value])


@contextmanager
def running(app: App, version: str, address: str) -> Iterator[Running]:
    """Start an app for the time of the block; afterwards it is killed if it has not ended."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith((*FOREIGN, "NODE_"))}
    environment = {**kept, "DATABASE_URL": url(address, app.scheme), "VERSION": version}
    environment["PYTHONPATH"] = str(EXAMPLE / "python")
    # One app at a time, and the directory of the Node snippets is shared: a name for the process that asks.
    files = [app.directory / f"{os.getpid()}.{name}" for name in ("out", "err")]
    with files[0].open("wb") as out, files[1].open("wb") as err:
        process = subprocess.Popen(app.command, cwd=app.directory, env=environment, stdout=out, stderr=err)
    try:
        yield Running(process=process, stdout=files[0], stderr=files[1])
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def url(address: str, scheme: str) -> str:
    """The same address as a URL that every library reads."""
    parts = {name: str(value) for name, value in conninfo.conninfo_to_dict(address).items()}
    user, name = quote(parts.pop("user")), quote(parts.pop("dbname"))
    password = f":{quote(parts.pop('password'), safe='')}" if "password" in parts else ""
    return f"{scheme}://{user}{password}@/{name}?{urlencode(parts)}"


def as_role(database: Database) -> str:
    return conninfo.make_conninfo(database.url, user=role(database))


def sightings(database: Database) -> set[tuple[str, ...]]:
    return set(database.execute("SELECT app, version, instance, source FROM crossfade.sightings"))


def await_heartbeat(database: Database, version: str, app: Running) -> None:
    wanted = ("api", version, HOST, "heartbeat")
    app.await_that(lambda: wanted in sightings(database), "no heartbeat came")


def ended(app: Running) -> int:
    return app.process.wait(timeout=SECONDS)


@pytest.mark.long
def test_an_instance_reports_itself_and_is_told_when_its_version_may_not_run_any_more(
    installed: Database, app: App
) -> None:
    with running(app, OLD, as_role(installed)) as instance:
        await_heartbeat(installed, OLD, instance)
        assert [(a, v) for a, v, _, source in sightings(installed) if source == "start"] == [("api", OLD)]
        instance.await_more_work()
        put(installed, State.CONTRACTING)
        assert ended(instance) == 0, instance.complained()
        assert instance.said().endswith("at work\nwork is finished\n")
        assert instance.complained().count("may not work on the database any more") == 1


@pytest.mark.long
def test_a_version_that_may_not_run_does_not_start(installed: Database, app: App) -> None:
    put(installed, State.CONTRACTED)
    with running(app, OLD, as_role(installed)) as instance:
        assert ended(instance) == 1
        assert "Fenced" in instance.complained()
        assert instance.said() == ""
    assert sightings(installed) == set()


@pytest.mark.long
def test_nothing_that_goes_wrong_with_a_heartbeat_ends_the_app(database: Database, app: App) -> None:
    with running(app, NEW, database.url) as instance:
        # Crossfade was never installed here.
        instance.await_more_work()
        assert "could not ask whether this version may run" in instance.complained()
        install_ledger(database)
        await_heartbeat(database, NEW, instance)
        instance.await_that(
            lambda: "heartbeats work again" in instance.complained(), "it does not say that heartbeats work"
        )
        with away(database):
            instance.await_that(lambda: instance.complained().count("a heartbeat failed") == 2, "no heartbeat failed")
            instance.await_more_work()
        database.execute("DELETE FROM crossfade.sightings")
        await_heartbeat(database, NEW, instance)
        instance.process.send_signal(signal.SIGTERM)
        assert ended(instance) == 0, instance.complained()
        assert instance.said().endswith("at work\nwork is finished\n")


@contextmanager
def away(database: Database) -> Iterator[None]:
    """Nobody can connect to the database, and whoever was connected is not any more."""
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    name = sql.Identifier(database.name)
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    with psycopg.connect(database.server.url(), autocommit=True) as admin:
        admin.execute(allow.format(name, sql.SQL("false")))
        try:
            admin.execute(end, [database.name])
            yield
        finally:
            admin.execute(allow.format(name, sql.SQL("true")))


NOTE_NAMES: LiteralString = """
    CREATE TABLE names (name text);
    CREATE FUNCTION note_name() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO public.names VALUES (current_setting('application_name')); RETURN NULL; END $$;
    CREATE TRIGGER note_name AFTER INSERT OR UPDATE ON crossfade.sightings
        FOR EACH ROW EXECUTE FUNCTION note_name();
"""


@pytest.mark.long
def test_its_connections_carry_its_name_through_a_pooler_in_transaction_mode(installed: Database, app: App) -> None:
    installed.execute(NOTE_NAMES)
    with (
        pgbouncer(installed, pool_mode="transaction", pool_size=2, round_robin=True) as address,
        running(app, NEW, address) as instance,
    ):
        query = "SELECT count(*) FROM names"
        instance.await_that(lambda: installed.execute(query) >= [(4,)], "too few heartbeats")
        assert instance.complained() == ""
    assert installed.execute("SELECT DISTINCT name FROM names") == [(f"api@{NEW}/{HOST}",)]


def test_the_lock_file_names_no_place_to_download_from() -> None:
    packages = json.loads((EXAMPLE / "node" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert packages
    assert all(package.get("integrity") for path, package in packages.items() if path)
    assert [path for path, package in packages.items() if "resolved" in package] == []


def test_every_snippet_asks_in_one_statement_that_ends_with_its_own_time_out() -> None:
    snippets = [
        p for p in EXAMPLE.rglob("*") if p.suffix in {".py", ".mjs", ".go", ".rb"} and "node_modules" not in p.parts
    ]
    asking = {p.name: re.findall(r"SELECT .*FROM .*", p.read_text(encoding="utf-8")) for p in snippets}
    statements = [statement for found in asking.values() for statement in found]
    assert len(statements) == 2 * (len(LIBRARIES) + 2) - 1, "Drizzle has one for both"
    for statement in statements:
        assert "FROM set_config('lock_timeout', '5s', true)" in statement
