"""Two empty databases for a project's whole history: on the server that is named, or on one of our own."""

from __future__ import annotations

import os
import shutil
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from crossfade.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crossfade.migrations.imported import Imported
    from crossfade.migrations.migration import Project

_NAME = "crossfade_import_{}_{}"


def schema_difference(url: str | None, project: Project, imports: Sequence[Imported]) -> tuple[str, tuple[str, ...]]:
    """How the schema that the plans leave is not the one that the migrations leave; empty where it is. And what is
    passed over there, in words.

    `url` names the server; its databases are made and dropped again. Raises CrossfadeError where one does not get
    through.
    """
    from crossfade.workflow.whole_history import difference, dump, passed_over, refuse_older, run_files, run_plans

    with _server(url) as (server, pg_dump):
        refuse_older(pg_dump, server)
        with _database(server, 1) as by_files, _database(server, 2) as by_plans:
            run_files(by_files, project)
            run_plans(by_plans, imports)
            dumps = dump(pg_dump, by_files), dump(pg_dump, by_plans)
            return difference(*dumps), passed_over(*dumps)


@contextmanager
def _server(url: str | None) -> Iterator[tuple[str, str]]:
    """The URL of a database on a server, and a pg_dump for it."""
    from crossfade.postgres.connect import database_url

    if url is not None:
        pg_dump = shutil.which("pg_dump")
        if pg_dump is None:
            raise UsageError("pg_dump is not on the PATH", hint="Install PostgreSQL's client programs.")
        yield database_url(url), pg_dump
        return
    from crossfade.postgres.server import EmbeddedServer

    with EmbeddedServer() as server:
        yield server.url(), str(server.bin_dir / "pg_dump")


@contextmanager
def _database(server: str, number: int) -> Iterator[str]:
    """An empty database, for as long as it is needed."""
    from psycopg import sql
    from psycopg.conninfo import make_conninfo

    from crossfade.postgres.connect import open_bare

    name = _NAME.format(os.getpid(), number)
    with closing(open_bare(server)) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        try:
            yield make_conninfo(server, dbname=name)
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
