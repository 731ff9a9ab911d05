"""Fixtures of the whole suite: a real server, a fresh database for each test, and the command line as a process."""

from __future__ import annotations

import gc
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from crossfade.errors import CrossfadeError

from .fixtures import servers
from .fixtures.command import Cli
from .fixtures.database import Database, fresh_database
from .fixtures.long import LONG

if TYPE_CHECKING:
    from collections.abc import Iterator

# How long an example takes is the machine's business.
settings.register_profile("crossfade", deadline=None)
settings.load_profile("crossfade")

CHOSEN = pytest.StashKey[tuple[servers.Choice, ...]]()
EVERY_SERVER = bool(os.environ.get("CROSSFADE_EVERY_SERVER"))
"""Whether what is alike on all servers runs on all of them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--postgres",
        action="append",
        default=[],
        metavar="SERVER",
        help="run database tests on this server: embedded (default), 15=/usr/lib/postgresql/15/bin, container:17 or "
        "a URL; give it again for more servers. Without it, tests marked every_server also run on each other major "
        "version under /usr/lib/postgresql, and those marked alike with CROSSFADE_EVERY_SERVER=1.",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "every_server: run on every installed major version, not only the embedded one")
    config.addinivalue_line("markers", "alike: on the embedded server; CROSSFADE_EVERY_SERVER=1 as every_server")
    config.addinivalue_line("markers", "long: run with CROSSFADE_LONG=1 only; a short form is in the suite")
    config.stash[CHOSEN] = tuple(servers.parse(text) for text in config.getoption("--postgres"))


def pytest_report_header(config: pytest.Config) -> str:
    names = []
    for choice in config.stash[CHOSEN] or servers.every_installed():
        try:
            version = servers.installed_version(choice) if choice.kind in {"embedded", "bin_dir"} else choice.value
        except CrossfadeError as error:
            version = f"unavailable: {error.message}"
        names.append(f"{choice.kind} {version}")
    return "postgresql: " + ", ".join(names)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server" not in metafunc.fixturenames:
        return
    chosen = metafunc.config.stash[CHOSEN]
    if not chosen:
        chosen = (servers.Choice(kind="embedded"),)
        marked = metafunc.definition.get_closest_marker
        if marked("every_server") or (EVERY_SERVER and marked("alike")):
            chosen = servers.every_installed()
    metafunc.parametrize("server", chosen, indirect=True, scope="session", ids=[choice.label for choice in chosen])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if LONG:
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if not item.get_closest_marker("long")]


def pytest_collection_finish() -> None:
    """What stays to the end is not gone through at every collection of garbage: a twentieth of the whole time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def running_servers() -> Iterator[servers.Servers]:
    """Every server of this session (of this worker, with xdist), each started when a test first asks for it."""
    running = servers.Servers()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, running_servers: servers.Servers) -> servers.Server:
    """A running PostgreSQL, one after the other of those that `--postgres` names."""
    choice: servers.Choice = request.param
    return running_servers.get(choice)


@pytest.fixture
def database(server: servers.Server) -> Iterator[Database]:
    """A fresh, empty database."""
    with fresh_database(server) as made:
        yield made


@pytest.fixture
def cli(database: Database, tmp_path: Path) -> Iterator[Cli]:
    """The `crossfade` command on the test's database, in the test's directory."""
    command = Cli(database.url, tmp_path)
    yield command
    command.close()


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory for temporary files that nobody else uses, with a short path, open to every user as /tmp is."""
    with tempfile.TemporaryDirectory(prefix="cf-") as made:
        Path(made).chmod(0o1777)
        yield Path(made)
