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
from crossfade.migrations.app_models.names import word_for

_TABLE = re.compile(r"""\b(?:pgTable|(?P<schema>\w+)\.table)\(\s*(["'`])(?P<name>[^"'`]+)\2""")
_SCHEMA = re.compile(r"""\b(?P<variable>\w+)\s*=\s*pgSchema\(\s*(["'`])(?P<name>[^"'`]+)\2""")
_COLUMN = re.compile(
    r"""^(?P<before>\s*(?P<key>\w+):\s*\w+\(\s*)(?:(?P<quote>["'`])(?P<name>[^"'`]+)(?P=quote))?(?P<after>.*)$"""
)
_TOKEN = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|[(){}]""", re.DOTALL)
_NOT_NULL = ".notNull()"
_CALL = re.compile(r"\s*\w+:\s*(?P<function>\w+)\(")
_DEFAULT = re.compile(r"\.(?:default|defaultNow|defaultRandom)\(")
_COMPUTED = re.compile(r"\.\$(?:default|defaultFn|onUpdate|onUpdateFn)\(")
_ARRAY = ".array("
_OPTION = re.compile(r"(\w+):\s*(\w+)")
_DECLARED = re.compile(r"(?:export\s+)?const\s+(?P<name>\w+)\s*=\s*$")
_NO_COLUMN = re.compile(r"\b(?:index|uniqueIndex|unique|check|primaryKey|foreignKey)\(")
_QUOTES = frozenset("\"'`\\\n")
_COUNTED = frozenset({"serial", "bigserial", "smallserial"})


def edited(text: str, edit: Edit) -> str:
    """The file with one edit. Raises ByHand, and AlreadySo."""
    if isinstance(edit, EnumAdded | ValueAdded | ValueRenamed | ValueGone):
        return drizzle_enums.edited(text, edit)
    found = _table(text, edit.table.name, edit.table.schema)
    if found is None:
        if isinstance(edit, TableRenamed) and _table(text, edit.to, edit.table.schema) is not None:
            raise AlreadySo(f"a pgTable of the table {edit.to}")
        raise ByHand(f"there is no pgTable of the table {edit.table}")
    match edit:
        case TableRenamed(to=to):
            if _QUOTES & set(to):
                raise ByHand(f"give the table {edit.table} the name {to}")
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
            key = column if column.isidentifier() else word_for(column, "column")
            if any(line.lstrip().startswith(f"{key}:") for line in lines.inside) or _QUOTES & set(column):
                raise ByHand(f"write the column {column}, whose type is {type_}, by another name")
            last = max((n for n, line in enumerate(lines.inside) if _is_whole(line)), default=None)
            if last is None or not _code(lines.inside[last]).endswith(","):
                raise ByHand(f"add the column {column}, whose type is {type_}")
            lines.inside.insert(last + 1, f"{_indent(lines.inside[last])}{key}: {call},\n")
            return _with_import(lines.text, function)
        case _:
            return _of_column(text, found, edit)


class _Lines:
    """A file in three parts, the one between with the lines of a table's columns."""

    def __init__(self, text: str, found: re.Match[str]) -> None:
        end = _end(text, found.end(), "{}")
        opened = text.index("{", found.end())
        begin = text.index("\n", opened) + 1 if "\n" in text[opened:end] else end
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
            if _QUOTES & set(to):
                raise ByHand(f"give the column {edit.column} the name {to}")
            separator = "" if found["name"] or found["after"].startswith(")") else ", "
            quote = found["quote"] or "'"
            lines.inside[number] = f"{found['before']}{quote}{to}{quote}{separator}{found['after']}\n"
        case ColumnGone():
            if _is_named(text, table, found["key"]):
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
            function = "" if called is None or _ARRAY in line else called["function"]
            said, needs_sql = ("", False) if value is None else default_of(function, value)
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
    if _ARRAY in line:
        raise ByHand(f"write the column {edit.column}, whose type is {edit.type}")
    function, call = call_of(text, edit.column, edit.type, counted=old in _COUNTED)
    alike = any(old in kinds and function in kinds for kinds in (NUMBERS, STRINGS)) or old == function
    if (_DEFAULT.search(line) or _COMPUTED.search(line)) and not alike:
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


def _table(text: str, name: str, schema: str | None) -> re.Match[str] | None:
    """The one of this name: in that schema, else with none that is known. Raises ByHand where several may be meant."""
    known = {found["variable"]: found["name"] for found in _SCHEMA.finditer(text)}
    named = [(known.get(found["schema"]), found) for found in _TABLE.finditer(text) if found["name"] == name]
    exact = [found for its, found in named if its == schema]
    others = [found for its, found in named if schema is None or its is None]
    if len(exact or others) > 1:
        raise ByHand(f"there is more than one table {name}")
    return next(iter(exact or others), None)


def _is_named(text: str, table: re.Match[str], key: str) -> bool:
    """Whether the table's own indexes and keys name a column, or the file does elsewhere."""
    declared = _DECLARED.search(text[: table.start()])
    own = text[table.start() : _end(text, table.start())]
    elsewhere = declared is not None and re.search(rf"\b{declared['name']}\.{key}\b", text)
    return bool(elsewhere or re.search(rf"\.{key}\b", own))


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
    comment = next((token.start() for token in _TOKEN.finditer(line) if token[0].startswith("//")), None)
    return line[:comment].rstrip()


def _is_whole(line: str) -> bool:
    """Whether a line has a column, from its key to its end."""
    return _COLUMN.match(line) is not None and _code(line).count("(") == _code(line).count(")")


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _end(text: str, begin: int, brackets: str = "()") -> int:
    """Where the first brackets from there are closed: the end of a call, or of an object."""
    depth = 0
    for token in _TOKEN.finditer(text, begin):
        depth += {brackets[0]: 1, brackets[1]: -1}.get(token[0], 0)
        if token[0] == brackets[1] and depth == 0:
            return token.start()
    raise ByHand("the brackets of the file do not match")
