"""How the two halves of a migration are called, and what stands in their files, for each tool that takes two for one.

    names(origin, follower)      of both, or why it is not parted
    file_of(tool, name)          below the folder of migrations
    text_of(tool, statements)    of that file

A tool that tells migrations apart by their numbers needs another one for the second half, which has to be free. Neither
half has a way down: what took the migration back would take back more than one of them. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from crossfade.migrations.flyway_names import script_name
from crossfade.migrations.layouts.flyway import checksum
from crossfade.migrations.migration import Tool, Transaction

if TYPE_CHECKING:
    from crossfade.migrations.imported.origin import Origin

BY_NAME = frozenset({Tool.PRISMA, Tool.DRIZZLE, Tool.DRIZZLE_1, Tool.NODE_PG_MIGRATE})
"""Tools that tell migrations apart by their whole names, or by a time of which there is always a later one."""
BY_NUMBER = frozenset({Tool.DBMATE, Tool.DIESEL, Tool.FLYWAY, Tool.GOOSE})
IN_FOLDERS = {Tool.PRISMA: "migration.sql", Tool.DRIZZLE_1: "migration.sql", Tool.DIESEL: "up.sql"}
"""Those with a folder for each migration, and the file in it."""
_SHA = frozenset({Tool.PRISMA, Tool.DRIZZLE, Tool.DRIZZLE_1})
_HEAD = {Tool.DBMATE: "-- migrate:up\n", Tool.GOOSE: "-- +goose Up\n", Tool.NODE_PG_MIGRATE: "-- Up Migration\n"}
_FOOT = {Tool.DBMATE: "\n-- migrate:down\n"}
_BLOCK = "-- +goose StatementBegin\n{};\n-- +goose StatementEnd\n"
_NUMBERED = re.compile(r"(?P<before>[\d-]*?)(?P<number>\d+)(?P<rest>(?:[^\d-].*)?)", re.DOTALL)


def names(origin: Origin, follower: Origin | None) -> tuple[str, str] | str:
    """Both names; or the words for what is in the way."""
    first = second = origin.entry.name
    if origin.tool in BY_NUMBER:
        if origin.migration.repeatable:
            return "its tool applies it whenever it changes"
        if origin.migration.transaction is not Transaction.ALWAYS:
            return "its tool runs it without a transaction"
        second = _next(origin.tool, first)
        if not _is_free(origin.tool, second, first, follower):
            return f"{origin.tool.spelled} needs a number for the second file, and none is free behind {first}"
    joint = "__" if origin.tool is Tool.FLYWAY and "__" not in first else "_"
    return f"{first}{joint}1_expand", f"{second}{joint}2_contract"


def _next(tool: Tool, name: str) -> str:
    """The name with the next number."""
    if tool is Tool.FLYWAY:
        version, described, rest = name.partition("__")
        return f"{version}{'_' if '_' in version else '.'}1{described}{rest}"
    found = _NUMBERED.fullmatch(name)
    if found is None:
        return name
    return f"{found['before']}{int(found['number']) + 1:0{len(found['number'])}}{found['rest']}"


def _is_free(tool: Tool, name: str, before: str, follower: Origin | None) -> bool:
    later = _version(tool, follower.entry.name) if follower is not None else ()
    return _version(tool, before) < _version(tool, name) and (not later or _version(tool, name) < later)


def _version(tool: Tool, name: str) -> tuple[int, ...]:
    """What the tool tells a migration by, and sorts by: a number, several, or digits as text."""
    if tool is Tool.FLYWAY:
        script = script_name(name)
        return script.numbers if script is not None else ()
    digits = re.match(r"[\d-]*", name)
    version = digits[0].replace("-", "") if digits is not None else ""
    return (int(version or 0),) if tool is Tool.GOOSE else tuple(map(int, version))


def file_of(tool: Tool, name: str) -> Path:
    """A half's file."""
    return Path(name, IN_FOLDERS[tool]) if tool in IN_FOLDERS else Path(f"{name}.sql")


def text_of(tool: Tool, statements: Iterable[str]) -> str:
    """As the tool reads it."""
    return "".join((_HEAD.get(tool, ""), *_separated(tool, statements), _FOOT.get(tool, "")))


def _separated(tool: Tool, statements: Iterable[str]) -> Iterator[str]:
    for number, statement in enumerate(statements):
        if number and tool in {Tool.DRIZZLE, Tool.DRIZZLE_1}:
            yield "--> statement-breakpoint\n"
        # To goose a statement ends wherever a line ends in a semicolon.
        yield _BLOCK.format(statement) if tool is Tool.GOOSE and ";" in statement else f"{statement};\n"


def checksum_of(tool: Tool, text: str) -> str | None:
    """Of a file with this text, where the tool keeps one."""
    if tool is Tool.FLYWAY:
        return str(checksum(text))
    return sha256(text.encode()).hexdigest() if tool in _SHA else None
