"""Edits of a schema.ts. Properties keep their names, so the code that uses them does; the columns' names are said.

A table is found by `pgTable('name'`, a column by its line; what spans several lines is left to a person. Pure.
"""

from __future__ import annotations

import re
from typing import assert_never

from crossfade.migrations.app_models import drizzle_enums
from crossfade.migrations.app_models.drizzle_types import NUMBERS, STRINGS, call_of, default_of, imported, with_sql
from crossfade.migrations.app_models.edits import (
    AlreadySo,
    ByHand,
    ColumnAdded,
    ColumnGone,
    ColumnRenamed,
    ColumnTyped,
    DefaultSet,
    Edit,
    EnumAdded,
    IndexAdded,
    NullAllowed,
    OfColumn,
    TableGone,
    TableRenamed,
    ValueAdded,
    ValueGone,
    ValueRenamed,
)

_TABLE = re.compile(r"""\b(?:pgTable|\w+\.table)\(\s*(["'`])(?P<name>[^"'`]+)\1""")
_COLUMN = re.compile(
    r"""^(?P<before>\s*(?P<key>\w+):\s*\w+\(\s*)(?:(?P<quote>["'`])(?P<name>[^"'`]+)(?P=quote))?(?P<after>.*)$"""
)
_TOKEN = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|[()]""", re.DOTALL)
_COMMENT = re.compile(r"""\s*//[^"'`]*$""")
_NOT_NULL = ".notNull()"
_CALL = re.compile(r"\s*\w+:\s*(?P<function>\w+)\(")
_DEFAULT = re.compile(r"\.(?:default|defaultNow|defaultRandom)\(")
_OPTION = re.compile(r"(\w+):\s*(\w+)")
_DECLARED = re.compile(r"(?:export\s+)?const\s+(?P<name>\w+)\s*=\s*$")
_NO_COLUMN = re.compile(r"\b(?:index|uniqueIndex|unique|check|primaryKey|foreignKey)\(")
_COUNTED = frozenset({"serial", "bigserial", "smallserial"})


def edited(text: str, edit: Edit) -> str:
    """The file with one edit. Raises ByHand, and AlreadySo."""
    if isinstance(edit, EnumAdded | ValueAdded | ValueRenamed | ValueGone):
        return drizzle_enums.edited(text, edit)
    tables = _tables(text)
    found = tables.get(edit.table.name)
    if found is None:
        if isinstance(edit, TableRenamed) and edit.to in tables:
            raise AlreadySo(f"a pgTable of the table {edit.to}")
        raise ByHand(f"there is no pgTable of the table {edit.table.name}")
    match edit:
        case TableRenamed(to=to):
            return text[: found.start("name")] + to + text[found.end("name") :]
        case TableGone():
            return _without(text, found)
        case IndexAdded():
            raise ByHand(f"add the index {edit.name} to the table {edit.table}")
        case ColumnAdded(column=column, type=type_):
            function, call = call_of(text, column, type_)
            lines = _Lines(text, found)
            if column in _columns(lines.inside):
                raise AlreadySo(f"the column {column} of {edit.table}")
            last = max((n for n, line in enumerate(lines.inside) if _is_whole(line)), default=None)
            if last is None or not _code(lines.inside[last]).endswith(","):
                raise ByHand(f"add the column {column}, whose type is {type_}")
            lines.inside.insert(last + 1, f"{_indent(lines.inside[last])}{column}: {call},\n")
            return _with_import(lines.text, function)
        case _:
            return _of_column(text, found, edit)


class _Lines:
    """A file in three parts, the one between with the lines of a table's columns."""

    def __init__(self, text: str, found: re.Match[str]) -> None:
        end = _end(text, found.start())
        begin = text.index("\n", found.start()) + 1 if "\n" in text[found.start() : end] else end
        self.before, self.behind = text[:begin], text[end:]
        self.inside = text[begin:end].splitlines(keepends=True)

    @property
    def text(self) -> str:
        """The file."""
        return self.before + "".join(self.inside) + self.behind


def _of_column(text: str, table: re.Match[str], edit: OfColumn) -> str:
    lines = _Lines(text, table)
    there = _columns(lines.inside)
    if isinstance(edit, ColumnRenamed) and edit.column not in there and edit.to in there:
        raise AlreadySo(f"the column {edit.to} of {edit.table}")
    number, found = _column(lines.inside, edit.column)
    line = lines.inside[number]
    match edit:
        case ColumnRenamed(to=to):
            separator = "" if found["name"] or found["after"].startswith(")") else ", "
            quote = found["quote"] or "'"
            lines.inside[number] = f"{found['before']}{quote}{to}{quote}{separator}{found['after']}\n"
        case ColumnGone():
            if re.search(rf"\.{found['key']}\b", lines.text[table.start() : len(lines.text) - len(lines.behind)]):
                raise ByHand(f"remove the column {edit.column}, and what names it")
            del lines.inside[number]
        case ColumnTyped():
            function, lines.inside[number] = _retyped(text, line, edit)
            return _with_import(lines.text, function)
        case NullAllowed(allowed=allowed):
            bare = line.replace(_NOT_NULL, "")
            lines.inside[number] = bare if allowed else line if bare != line else _with(line, _NOT_NULL)
        case DefaultSet(value=value):
            bare = _without_default(line)
            called = _CALL.match(line)
            said, needs_sql = ("", False) if value is None or called is None else default_of(called["function"], value)
            lines.inside[number] = _with(bare, said)
            return with_sql(lines.text) if needs_sql else lines.text
        case _:
            assert_never(edit)
    return lines.text


def _retyped(text: str, line: str, edit: ColumnTyped) -> tuple[str, str]:
    """The function of the new type, and the line with the call of it in the place of the old one."""
    called = _CALL.match(line)
    assert called is not None
    old = called["function"]
    function, call = call_of(text, edit.column, edit.type, counted=old in _COUNTED)
    alike = any(old in kinds and function in kinds for kinds in (NUMBERS, STRINGS)) or old == function
    if _DEFAULT.search(line) and not alike:
        raise ByHand(f"write the column {edit.column}, whose type is {edit.type} and whose default is of another")
    begin = called.start("function")
    end = _end(line, begin) + 1
    if old == function and _options(line[begin:end]) == _options(call):
        return function, line
    return function, line[:begin] + call + line[end:]


def _options(call: str) -> frozenset[tuple[str, str]]:
    """What a call says of the type itself; `mode` is about the value in the app."""
    return frozenset((key, value) for key, value in _OPTION.findall(call) if key != "mode" and value != "false")


def _with(line: str, said: str) -> str:
    """The line with something more behind the column, in front of the comma."""
    place = len(_code(line)) - 1
    return line[:place] + said + line[place:]


def _without_default(line: str) -> str:
    found = _DEFAULT.search(line)
    return line if found is None else line[: found.start()] + line[_end(line, found.start()) + 1 :]


def _with_import(text: str, function: str) -> str:
    """Enums are of the file itself; what it does not import by name it may have otherwise."""
    return text if re.search(rf"\bconst\s+{function}\b", text) else imported(text, function)


def _tables(text: str) -> dict[str, re.Match[str]]:
    """The first of each name."""
    return {found["name"]: found for found in reversed(list(_TABLE.finditer(text)))}


def _without(text: str, table: re.Match[str]) -> str:
    """The file without the statement of a table that nothing else names."""
    declared = _DECLARED.search(text[: table.start()])
    if declared is None:
        raise ByHand(f"remove the table {table['name']}")
    end = _end(text, table.start()) + 1
    end += len(text[end:]) - len(text[end:].lstrip("; \t"))
    end += text[end : end + 1] == "\n"
    rest = text[: declared.start()] + text[end:]
    if re.search(rf"\b{declared['name']}\b", rest):
        raise ByHand(f"remove the table {table['name']}, and what names {declared['name']}")
    return rest


def _columns(lines: list[str]) -> frozenset[str]:
    """The columns that begin on these lines, whether or not they end there."""
    found = (_COLUMN.match(line.rstrip("\r\n")) for line in lines)
    return frozenset(f["name"] or f["key"] for f in found if f is not None and not _NO_COLUMN.search(f["before"]))


def _column(lines: list[str], column: str) -> tuple[int, re.Match[str]]:
    for number, line in enumerate(lines):
        found = _COLUMN.match(line.rstrip("\r\n"))
        if found is not None and (found["name"] or found["key"]) == column:
            if not _is_whole(line) or not _code(line).endswith(","):
                raise ByHand(f"the column {column} is not on a line of its own that ends with a comma")
            return number, found
    raise ByHand(f"there is no line with the column {column}")


def _code(line: str) -> str:
    """A line without a comment at its end."""
    return _COMMENT.sub("", line.rstrip())


def _is_whole(line: str) -> bool:
    """Whether a line has a column, from its key to its end."""
    return _COLUMN.match(line) is not None and _code(line).count("(") == _code(line).count(")")


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _end(text: str, begin: int) -> int:
    """Where the call that begins there is over."""
    depth = 0
    for token in _TOKEN.finditer(text, begin):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if token[0] == ")" and depth == 0:
            return token.start()
    raise ByHand("the brackets of the file do not match")
