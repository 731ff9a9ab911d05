"""What one rule says of migrations written in a test, without what the others say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crossfade.lint.rules import RULES
from crossfade.lint.walk import walk
from crossfade.migrations.migration import Migration, Project, Tool, Transaction
from crossfade.migrations.script import Script, Source
from crossfade.postgres.catalog import Catalog
from crossfade.postgres.forecast import Schema

if TYPE_CHECKING:
    from crossfade.lint.finding import Severity
    from crossfade.lint.rule import Said
    from crossfade.lint.seen import SeenProject

SHOP = """
CREATE TYPE role AS ENUM ('USER', 'ADMIN');
CREATE TABLE users (
    id serial PRIMARY KEY,
    email text NOT NULL UNIQUE,
    name text,
    age integer,
    role role NOT NULL DEFAULT 'USER'
);
CREATE TABLE posts (id bigint PRIMARY KEY, author integer REFERENCES users);
CREATE INDEX users_name ON users (name);
CREATE VIEW active AS SELECT id, name FROM users;
"""
"""The schema that most of the tests begin with, as an earlier migration."""
BY_NAME = {rule.id: rule for rule in RULES}


@dataclass(frozen=True, kw_only=True)
class Files:
    """Migrations as they stand in a folder, and who applies them."""

    up: tuple[str, ...]
    down: tuple[str | None, ...] = ()
    """Those of the first files may be left out; they have none then."""
    names: tuple[str, ...] = ()
    order: tuple[tuple[int | str, ...], ...] = ()
    tool: Tool = Tool.PLAIN
    transaction: Transaction = Transaction.ALWAYS
    version: int = 140000


def said(rule: str, files: Files) -> list[tuple[Severity, str, Said]]:
    """All that the rule says: how bad it is, of which file, and the words."""
    asked, project = BY_NAME[rule], _seen(files)
    found = []
    for migration in project.migrations:
        own = [s for seen in (*migration.up, *migration.down) if asked.statement for s in asked.statement(seen)]
        own += asked.migration(migration) if asked.migration else ()
        found += [(migration.migration.name, s) for s in own]
    if asked.project:
        found += [(migration.migration.name, s) for migration, s in asked.project(project)]
    return [(s.severity or asked.severity, name, s) for name, s in found]


def messages(rule: str, *up: str, transaction: Transaction = Transaction.ALWAYS) -> list[str]:
    """What the rule says of the last of these files."""
    found = said(rule, Files(up=up, transaction=transaction))
    return [s.message for _, name, s in found if name == _name(len(up) - 1)]


def instead(rule: str, *up: str, transaction: Transaction = Transaction.ALWAYS) -> str | None:
    """The SQL that the rule has in place of its only finding."""
    ((_, _, only),) = said(rule, Files(up=up, transaction=transaction))
    return only.instead


def _seen(files: Files) -> SeenProject:
    down = (*(None for _ in files.up[len(files.down) :]), *files.down)
    migrations = []
    for n, (up, back) in enumerate(zip(files.up, down, strict=True)):
        name = files.names[n] if files.names else _name(n)
        file = Path(f"{name}.sql")
        migrations.append(
            Migration(
                name=name,
                file=file,
                up=Script(source=Source(file, up)),
                down=Script(source=Source(Path(f"{name}.down.sql"), back)) if back is not None else None,
                transaction=files.transaction,
                order=files.order[n] if files.order else (n,),
            )
        )
    project = Project(tool=files.tool, root=Path(), migrations=tuple(migrations), reversible=bool(files.down))
    return walk(project, Schema.of(Catalog(server_version=files.version, time_zone="?")))[0]


def _name(number: int) -> str:
    return f"{number:04}"
