"""A change of the samples as a project of its tool, and as the plans that `crossfade import` makes of it.

The plan is the file that the command writes. What a person has to say, and nothing else, is put into it: that it is
meant so, the other reading in place of the first, or what the rows of before get.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from crossfade.plan.written import written

from ...fixtures.samples import DIFFS, INIT
from ...migrations.typed.reading import after, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ...fixtures.command import Cli
    from ...fixtures.database import Database

WHEN = 1764000000000
"""Milliseconds; the first migration of a journal of Drizzle."""
NAMES = {
    "prisma": ("20261124152658_init", "20261125000000_"),
    "drizzle": ("0000_init", "0001_"),
    "drizzle-1": ("20261124153607_init", "20261125000000_"),
}
"""The first migration, and what the second one's name begins with."""
HISTORIES = {
    "prisma": """CREATE TABLE _prisma_migrations (
            id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz,
            migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz,
            started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0);
        INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name)
        VALUES ('1', '{sum}', now(), '{name}')""",
    "drizzle": """CREATE SCHEMA drizzle; CREATE TABLE drizzle.__drizzle_migrations (
            id serial PRIMARY KEY, hash text NOT NULL, created_at bigint);
        INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('{sum}', {when})""",
    "drizzle-1": """CREATE SCHEMA drizzle; CREATE TABLE drizzle.__drizzle_migrations (
            id serial PRIMARY KEY, hash text NOT NULL, created_at bigint, name text,
            applied_at timestamptz DEFAULT now());
        INSERT INTO drizzle.__drizzle_migrations (hash, created_at, name) VALUES ('{sum}', {when}, '{name}')""",
}
"""Each tool's table, with the first migration in it."""
RECORDED = {
    "prisma": "SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL ORDER BY started_at",
    "drizzle": "SELECT created_at FROM drizzle.__drizzle_migrations ORDER BY created_at",
    "drizzle-1": "SELECT name FROM drizzle.__drizzle_migrations ORDER BY name",
}
READINGS = {
    "enum_rename": 2,
    "rename_column_change_map": 2,
    "rename_field_no_map": 2,
    "rename_model_no_map": 2,
    "scalar_to_list": 2,
    "type_string_int": 2,
}
"""Of changes that leave open what is meant, where there is more than one way to read them."""
PERSON = {"hold": "0s", "retain": "7d", "backfill": {"batch_rows": 20}}
"""What is written below each plan: gates need not hold, and old data is retained until the test has seen enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A change of a tool; which of its readings, and what a column gets that has to have a value, if that is said."""

    tool: str
    change: str
    reading: int = 0
    fill: str | None = None

    @property
    def id(self) -> str:
        """Of its test."""
        more = f" reading {self.reading + 1}" if self.reading else " filled" if self.fill else ""
        return f"{self.tool} {self.change}{more}"

    @property
    def readings(self) -> int:
        """How many there are; none where the tool has written no statement."""
        has_statement = any(line.strip() and not line.startswith("--") for line in self.sql.splitlines())
        return READINGS.get(self.change, 1) if has_statement else 0

    @property
    def sql(self) -> str:
        """What the tool wrote."""
        return (DIFFS / self.tool / f"{self.change}.sql").read_text(encoding="utf-8")

    @property
    def init(self) -> str:
        """The schema that the change is made to."""
        return INIT[self.tool].read_text(encoding="utf-8")

    @property
    def name(self) -> str:
        """Of the migration."""
        return NAMES[self.tool][1] + self.change


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A plan, and its changes."""

    text: str
    entries: Sequence[Mapping[str, Any]]


def prepare(sample: Sample, database: Database) -> None:
    """The first schema, and the tool's history of it."""
    name = NAMES[sample.tool][0]
    checksum = hashlib.sha256(INIT[sample.tool].read_bytes()).hexdigest()
    history = HISTORIES[sample.tool].format(name=name, sum=checksum, when=WHEN)
    with database.connect(autocommit=True) as connection:
        connection.execute(sample.init.encode())
        connection.execute(history.encode())


def stages(sample: Sample, cli: Cli) -> tuple[str, list[Stage]]:
    """The plan as it was imported, and the plans as they are run, one after the other."""
    _write_project(sample, cli.directory)
    tool = sample.tool.removesuffix("-1")
    done = cli("import", tool, "project", "--out", "plans", "--database", cli.url)
    assert done.code == 0, done
    (file,) = (cli.directory / "plans").iterdir()
    imported = file.read_text(encoding="utf-8")
    document = YAML(typ="safe").load(imported)
    name, covered = document["name"], {"migrations": document["migrations"], **PERSON}
    readings = list(_readings(sample))
    assert len(readings) == sample.readings
    if sample.reading == 0 and sample.fill is None:
        meant = imported.replace("intent: unconfirmed", "intent: confirmed")
        return imported, [Stage(text=meant + "".join(_lines(PERSON)), entries=document["changes"])]
    entries, in_turn = readings[sample.reading]
    if sample.fill is not None:
        entries = [_filled(entry, sample.fill) for entry in entries]
    if not in_turn:
        return imported, [Stage(text=written(name, entries, below=covered), entries=entries)]
    last = len(entries) - 1
    return imported, [
        Stage(text=written(f"{name}-{n}", [entry], below=covered if n == last else PERSON), entries=[entry])
        for n, entry in enumerate(entries)
    ]


def _lines(keys: Mapping[str, Any]) -> Iterator[str]:
    yield "\n"
    yield from (f"{key}: {json.dumps(value)}\n" for key, value in keys.items())


def _readings(sample: Sample) -> Iterator[tuple[list[Mapping[str, Any]], bool]]:
    """The entries of each reading, and whether each wants a plan of its own."""
    changing = [typed for typed in read(sample.sql, after(sample.init)) if typed.entries]
    for found in zip(*(typed.readings for typed in changing), strict=True):
        yield [entry for reading in found for entry in reading.entries], any(reading.in_turn for reading in found)


def _filled(entry: Mapping[str, Any], fill: str) -> Mapping[str, Any]:
    """With what a column gets that has to have a value."""
    return {kind: {**given, "fill": fill} if kind == "set_not_null" else given for kind, given in entry.items()}


def _write_project(sample: Sample, directory: Path) -> None:
    """The folder of a project with two migrations."""
    first, second = NAMES[sample.tool][0], sample.name
    project = directory / "project"
    texts = {first: sample.init, second: sample.sql}
    for name, text in texts.items():
        file = {
            "prisma": project / "migrations" / name / "migration.sql",
            "drizzle": project / f"{name}.sql",
            "drizzle-1": project / name / "migration.sql",
        }[sample.tool]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    if sample.tool == "drizzle-1":
        snapshot = INIT["drizzle-1"].with_name("snapshot.json")
        (project / first / snapshot.name).write_bytes(snapshot.read_bytes())
    if sample.tool == "drizzle":
        entries = [
            {"idx": n, "version": "7", "when": WHEN + n, "tag": name, "breakpoints": True}
            for n, name in enumerate(texts)
        ]
        journal = project / "meta" / "_journal.json"
        journal.parent.mkdir()
        journal.write_text(json.dumps({"version": "7", "dialect": "postgresql", "entries": entries}))
