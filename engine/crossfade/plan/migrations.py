"""`migrations`: the migrations of other tools that a plan does the work of. A list of mappings:

    migrations:
      - tool: prisma
        name: 20261124152658_rename_email
        file: prisma/migrations/20261124152658_rename_email/migration.sql
        checksum: 1f192d73d357515b…

The run writes their rows into the tool's history, so that the tool takes them for applied.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal, Self, TypeAlias, get_args

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from crossfade.plan.entries import Given, PlanPart
from crossfade.plan.faults import FaultAt, fault, faults_at
from crossfade.plan.names import TableName
from crossfade.plan.words import shown

ToolName: TypeAlias = Literal[
    "prisma",
    "drizzle",
    "drizzle-1",
    "flyway",
    "golang-migrate",
    "dbmate",
    "goose",
    "diesel",
    "node-pg-migrate",
]
TOOLS: tuple[ToolName, ...] = get_args(ToolName)
"""The tools whose histories are written."""

_SUMMED = frozenset({"prisma", "drizzle", "drizzle-1", "flyway"})
"""Tools whose histories have a checksum of the file."""
_NUMBERED = frozenset({"golang-migrate", "dbmate", "goose", "diesel"})
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CRC32 = re.compile(r"-?[0-9]{1,10}")
_FLYWAY = re.compile(r"V[0-9]+(?:[._][0-9]+)*(?:__.*)?|R__.+")
_TIMESTAMP = re.compile(r"\d{14}")
_OF_FLYWAY = ("a CRC-32 as a signed number", "`flyway info` and its table show it")
_OF_OTHERS = ("64 hexadecimal digits, a SHA-256", "`sha256sum FILE` prints it")
_LARGEST = 2**63 - 1


def _written_tool(value: object) -> object:
    if value == "sqitch":
        raise fault(
            "crossfade does not write sqitch's registry, which holds who planned and committed each change",
            "leave it out, and tell sqitch once the run is contracted: `sqitch deploy --log-only`",
        )
    return value


_Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class CoveredMigration(PlanPart):
    """A migration of another tool that the plan does the work of."""

    tool: Annotated[ToolName, BeforeValidator(_written_tool)] = Field(description="Whose history gets its row.")
    name: Annotated[str, StringConstraints(min_length=1, max_length=255)] = Field(
        description="The migration, as its tool calls it: its folder, or its file without `.sql`.",
        examples=["20261124152658_rename_email"],
    )
    file: Annotated[_Text | None, Given()] = Field(
        default=None,
        description="Its file, seen from where crossfade is called; where it is there, `checksum` has to be its.",
    )
    checksum: Annotated[_Text | None, Given()] = Field(
        default=None,
        description="Of the file, as the tool writes it: SHA-256 for Prisma and Drizzle, CRC-32 for Flyway. For other "
        "tools the SHA-256, which only tells whether the file has changed.",
    )
    recorded: Literal["expand", "contract"] = Field(
        default="contract",
        description="When the row is written: with the last step that hides the old shape, or, for the first half of a "
        "migration that was split in two, with the last step of expand.",
    )
    history: Annotated[TableName | None, Given()] = Field(
        default=None, description="The tool's table, where it is not the one that it makes by itself."
    )
    created_at: Annotated[int, Field(ge=0, le=_LARGEST)] | None = Field(
        default=None, description="For Drizzle 0.x: `when` of the migration's entry in the journal."
    )
    after: Annotated[_Text | None, Given()] = Field(
        default=None, description="The migration before it in the tool's order; none for the first."
    )

    @model_validator(mode="after")
    def _as_the_tool_has_it(self) -> Self:
        found = [FaultAt((key,), *said) for key, said in self._faults()]
        if found:
            raise faults_at(found, self)
        return self

    def _faults(self) -> Iterator[tuple[str, tuple[str, str]]]:
        if self.checksum is None and self.tool in _SUMMED:
            yield "checksum", (f"{self.tool} writes the checksum of {shown(self.name)}", "add `checksum`")
        elif self.checksum is not None and not self._checksum.fullmatch(self.checksum):
            what, how = _OF_FLYWAY if self.tool == "flyway" else _OF_OTHERS
            yield "checksum", (f"expected {what}; got {shown(self.checksum)}", how)
        if self.tool == "drizzle" and self.created_at is None:
            yield (
                "created_at",
                ("Drizzle 0.x tells migrations apart by their time", "add `when` of its journal's entry"),
            )
        elif self.tool != "drizzle" and self.created_at is not None:
            yield "created_at", (f"{self.tool} has no such time", "it is for `drizzle`, which is 0.x: remove it")
        if self.tool == "flyway" and not _FLYWAY.fullmatch(self.name):
            yield "name", (f"{shown(self.name)} is no name of Flyway's", "such as `V2__orders` or `R__views`")
        if self.tool == "drizzle-1" and not _TIMESTAMP.match(self.name):
            yield "name", (f"{shown(self.name)} does not begin with a time", "write the name of its folder")
        if self.tool in _NUMBERED and not self.name[:1].isdecimal():
            yield "name", (f"{shown(self.name)} does not begin with a number", "write the file's name without `.sql`")

    @property
    def _checksum(self) -> re.Pattern[str]:
        return _CRC32 if self.tool == "flyway" else _SHA256

    def __str__(self) -> str:
        return f"{self.tool}'s {self.name}"


def _once_each(migrations: tuple[CoveredMigration, ...]) -> tuple[CoveredMigration, ...]:
    """The list, if no migration stands in it twice."""
    seen: dict[tuple[str, str, str], int] = {}
    for n, one in enumerate(migrations):
        key = (one.tool, str(one.history or ""), one.name)
        if key in seen:
            raise faults_at([FaultAt((n, "name"), f"{shown(one.name)} stands here twice", "remove one")], migrations)
        seen[key] = n
    return migrations


Covered = Annotated[tuple[CoveredMigration, ...], AfterValidator(_once_each)]
