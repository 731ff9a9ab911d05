"""A migration of another tool, and the project that it belongs to. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from crossfade.migrations.past import Past
    from crossfade.migrations.script import Script


class Tool(StrEnum):
    """Who wrote a folder of migrations, and applies it."""

    PRISMA = "prisma"
    DRIZZLE = "drizzle"
    """0.x: files and a journal."""
    DRIZZLE_1 = "drizzle-1"
    """1.x: a folder for each migration."""
    FLYWAY = "flyway"
    GOLANG_MIGRATE = "golang-migrate"
    DBMATE = "dbmate"
    GOOSE = "goose"
    SQITCH = "sqitch"
    DIESEL = "diesel"
    NODE_PG_MIGRATE = "node-pg-migrate"
    UP_DOWN = "up-down"
    """Numbered files of no tool that is known, with a part for each way."""
    PLAIN = "plain"
    """Files of SQL."""

    @property
    def spelled(self) -> str:
        """As its authors write it; `the tool` where nobody knows which it is."""
        return _SPELLED.get(self, self.value)

    @property
    def runs_pending_together(self) -> bool:
        """All migrations that are pending run in one transaction."""
        return self in {Tool.DRIZZLE, Tool.DRIZZLE_1, Tool.NODE_PG_MIGRATE}

    @property
    def without_transaction(self) -> str | None:
        """What makes it run a migration without a transaction; None where nothing does, or that is not known."""
        return _WITHOUT_TRANSACTION.get(self)


_SPELLED = {
    Tool.PRISMA: "Prisma",
    Tool.DRIZZLE: "Drizzle",
    Tool.DRIZZLE_1: "Drizzle",
    Tool.FLYWAY: "Flyway",
    Tool.SQITCH: "Sqitch",
    Tool.DIESEL: "Diesel",
    Tool.UP_DOWN: "the tool",
    Tool.PLAIN: "the tool",
}
_WITHOUT_TRANSACTION = {
    Tool.FLYWAY: "a file V….sql.conf with the line executeInTransaction=false",
    Tool.DBMATE: "the line `-- migrate:up transaction:false`",
    Tool.GOOSE: "the line `-- +goose NO TRANSACTION` at its top",
    Tool.DIESEL: "a metadata.toml with the line run_in_transaction = false",
}


class Transaction(StrEnum):
    """What a tool does around the statements of a migration."""

    ALWAYS = "always"
    """A transaction for all of them, even for a single one."""
    IF_SEVERAL = "if_several"
    """They are sent as one text, which the server takes for a transaction unless it is a single statement."""
    NEVER = "never"
    """Each by itself, unless the file says BEGIN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One migration, as its tool sees it."""

    name: str
    """The tool's own: `20261124152658_init`, `0001_users`, `V2__orders.sql`."""
    file: Path
    """The file of the way up."""
    up: Script
    down: Script | None = None
    order: tuple[int | str, ...] = ()
    """What the tool sorts by; comparable within a project."""
    transaction: Transaction = Transaction.NEVER
    transaction_back: Transaction | None = None
    """Around the way down, where it is another than on the way up."""
    checksum: str | None = None
    """As the tool writes it into its history, where it does."""
    repeatable: bool = False
    """Applied again whenever it changes (Flyway's R__)."""
    is_mixed: bool = False
    """It has statements that cannot run in a transaction beside others, and its tool does not take that by default."""

    @property
    def transaction_down(self) -> Transaction:
        """Around the way down."""
        return self.transaction_back or self.transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A file or folder that could not be read as what it looks like."""

    file: Path
    message: str
    hint: str | None = None
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A folder of migrations, in the order in which its tool applies them; or loose files in the order given."""

    tool: Tool
    root: Path
    migrations: tuple[Migration, ...]
    reversible: bool = False
    """The tool's migrations have a way down."""
    problems: tuple[Problem, ...] = field(default=())
    asked: frozenset[Path] | None = None
    """The files that were asked for; the others are there for what they make of the schema. None is all of them."""
    bases: tuple[Migration, ...] = ()
    """What a database without any of them gets the last one of, in place of those up to it (Flyway's B)."""
    past: tuple[Past, ...] = ()
    """What a database or a commit knows of its migrations, where one was asked."""

    @property
    def applied(self) -> frozenset[Path]:
        """The files that a history has, where one was asked: what they do is done."""
        return frozenset(file for past in self.past for file in past.applied)

    @property
    def anew(self) -> Project:
        """As the tool applies it to a database without any of its migrations."""
        if not self.bases:
            return self
        base = self.bases[-1]
        return replace(self, migrations=(base, *(one for one in self.migrations if one.order > base.order)))

    def asks_for(self, file: Path) -> bool:
        """Whether what is found in a file is of interest."""
        return self.asked is None or file in self.asked
