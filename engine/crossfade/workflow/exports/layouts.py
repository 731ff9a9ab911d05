"""Migrations as files, in the layout of a tool. Pure.

sql       000001_words.up.sql and .down.sql, as golang-migrate and psql take them
prisma    <timestamp>_words/migration.sql, and the down.sql that Prisma's `db execute` takes
drizzle   <timestamp>_words/migration.sql of drizzle 1.x, which runs all that is pending in one transaction; what
          cannot run in one is a file for psql, in a folder of its own between the others, and what reads a whole table
          is in another folder than what blocks its writers
drizzle-0 0007_words.sql and the 0007_words.down.sql beside it, for 0.x; the rest is the same (see `journal`)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby

from crossfade.workflow.exports.journal import Journal
from crossfade.workflow.exports.parts import Migration


class Layout(StrEnum):
    """Whose layout it is."""

    SQL = "sql"
    PRISMA = "prisma"
    DRIZZLE = "drizzle"
    DRIZZLE_0 = "drizzle-0"

    @property
    def is_drizzle(self) -> bool:
        """Whether the tool runs all that is pending in one transaction of its own."""
        return self in {Layout.DRIZZLE, Layout.DRIZZLE_0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One statement of a file, or the words that stand for nothing to do."""

    text: str
    allowed: Mapping[str, str] = field(default_factory=dict)
    """Rules of lint that it breaks, and why that is no harm here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """A file below the folder that is asked for."""

    path: str
    """With slashes."""
    comments: tuple[str, ...]
    statements: tuple[Written, ...]
    is_back: bool = False
    """A way back."""
    has_breakpoints: bool = False
    """Drizzle splits at a line of its own between statements."""
    when: int | None = None
    """Milliseconds since 1970, where a journal lists the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the files say besides."""

    plan: str
    layout: Layout
    begin: datetime
    """The time in the first name; each further one is a second later."""
    lock_timeout: str
    """In SQL's words: `2s`."""
    journal: Journal = field(default_factory=Journal)
    """Of Drizzle 0.x, which the files continue."""
    replaced: tuple[str, ...] = ()
    """Migrations of the tool itself whose place the files take."""
    recorded: tuple[tuple[str, str], ...] = ()
    """Migrations whose rows the files write: the tool, and the name."""


def files_of(migrations: tuple[Migration, ...], settings: Settings) -> Iterator[ExportedFile]:
    """The files, each migration's way up in front of its way down."""
    number = 0
    for stage, of_stage in groupby(migrations, key=lambda m: m.stage):
        rounds = list(_rounds(of_stage, settings.layout))
        for round_, some in enumerate(rounds, start=1):
            by_hand = _by_hand(some[0], settings.layout)
            home = stage.value
            if settings.layout.is_drizzle:
                # Sorted as text they are in their order too.
                home += f"/{round_:0{len(str(len(rounds)))}}-{'psql' if by_hand else 'drizzle'}"
            for migration in some:
                number += 1
                for way in _ways(migration, number, settings):
                    file = _file(migration, way, settings)
                    yield replace(file, path=f"{home}/{file.path}")


def _rounds(migrations: Iterable[Migration], layout: Layout) -> Iterator[Sequence[Migration]]:
    """What is applied at once: a whole stage, unless the tool makes one transaction of it."""
    some: list[Migration] = []
    for migration in migrations:
        if some and layout.is_drizzle and not _goes_along(migration, some, layout):
            yield some
            some = []
        some.append(migration)
    yield some


def _goes_along(migration: Migration, some: Sequence[Migration], layout: Layout) -> bool:
    """Whether it can be applied with those before it: no table is read while others wait for a lock of theirs."""
    by_hand = _by_hand(migration, layout)
    if by_hand != _by_hand(some[-1], layout):
        return False
    # Each file for psql has a transaction of its own.
    return by_hand or not (migration.is_long and any(m.blocks_writes for m in some))


def _when(number: int, settings: Settings) -> int:
    begin = settings.journal.begin(settings.begin)
    return round((begin + timedelta(seconds=number - 1)).timestamp() * 1000)


def _by_hand(migration: Migration, layout: Layout) -> bool:
    return layout.is_drizzle and not migration.transactional


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """A migration's way up, or its way back."""

    name: str
    """Of the file."""
    about: str
    statements: Sequence[str]
    nothing: str
    """What the file says where there are none."""
    is_back: bool = False
    when: int | None = None


def _ways(migration: Migration, number: int, settings: Settings) -> tuple[_Way, _Way]:
    up, down = _names(migration, number, settings)
    about = f"{settings.plan}, {migration.stage.value[2:]}: {migration.title}"
    is_listed = settings.layout is Layout.DRIZZLE_0 and not _by_hand(migration, settings.layout)
    there = _Way(
        name=up,
        about=about,
        statements=migration.up,
        nothing="nothing on the way there",
        when=_when(number, settings) if is_listed else None,
    )
    back = _Way(
        name=down,
        about=f"The way back of {about}",
        statements=migration.down,
        nothing=migration.why_no_down,
        is_back=True,
    )
    return there, back


def _names(migration: Migration, number: int, settings: Settings) -> tuple[str, str]:
    """Of the files with its ways up and back."""
    if settings.layout is Layout.SQL or _by_hand(migration, settings.layout):
        name = f"{number:06}_{migration.words}"
        return f"{name}.up.sql", f"{name}.down.sql"
    if settings.layout is Layout.DRIZZLE_0:
        name = f"{settings.journal.first + number - 1:04}_{migration.words}"
        return f"{name}.sql", f"{name}.down.sql"
    home = f"{settings.begin + timedelta(seconds=number - 1):%Y%m%d%H%M%S}_{migration.words}"
    return f"{home}/migration.sql", f"{home}/down.sql"


def _file(migration: Migration, way: _Way, settings: Settings) -> ExportedFile:
    file = ExportedFile(
        path=way.name,
        comments=(way.about,),
        statements=tuple(Written(text=text) for text in way.statements),
        is_back=way.is_back,
        when=way.when,
    )
    if not way.statements:
        return replace(file, comments=(way.about, way.nothing), statements=(Written(text="SELECT 1"),))
    if not migration.transactional:
        return replace(file, comments=(way.about, "Outside a transaction: the only statement of its file."))
    # The tool's own transaction, of Drizzle's way up alone; with the others it is the file's.
    is_tools = settings.layout.is_drizzle and not way.is_back
    before = [f"SET LOCAL lock_timeout = '{settings.lock_timeout}'"]
    before.append(f"SET LOCAL statement_timeout = '{'0' if migration.is_long else '10s'}'")
    before.append("SET LOCAL search_path TO pg_catalog")
    after = ["SET LOCAL search_path TO DEFAULT"] if is_tools else ["COMMIT"]
    if not is_tools:
        before.insert(0, "BEGIN")
    return replace(
        file,
        statements=(*(Written(text=t) for t in before), *file.statements, *(Written(text=t) for t in after)),
        has_breakpoints=is_tools,
    )


def text_of(file: ExportedFile) -> str:
    """What stands in the file."""
    blocks = []
    for one in file.statements:
        reasons: dict[str, list[str]] = {}
        for rule, why in one.allowed.items():
            reasons.setdefault(why, []).append(rule)
        allowed = "".join(
            f"-- crossfade: allow {', '.join(sorted(rules))} because {why}\n" for why, rules in reasons.items()
        )
        blocks.append(f"{allowed}{one.text};")
    between = "\n--> statement-breakpoint\n" if file.has_breakpoints else "\n"
    comments = "".join(f"-- {line}\n" for comment in file.comments for line in comment.splitlines())
    return f"{comments}\n{between.join(blocks)}\n"
