"""Edits of a schema.ts. Properties keep their names, so the code that uses them does; the columns' names are said.

A table is found by `pgTable('name'`, a column by its line; what spans several lines is left to a person. Pure.
"""

from __future__ import annotations

import re

from crossfade.migrations.app_models.edits import (
    ByHand,
    ColumnAdded,
    ColumnGone,
    ColumnRenamed,
    Edit,
    NullAllowed,
    TableRenamed,
)

_TABLE = re.compile(r"""\b(?:pgTable|\w+\.table)\(\s*(["'`])(?P<name>[^"'`]+)\1""")
_COLUMN = re.compile(
    r"""^(?P<before>\s*(?P<key>\w+):\s*\w+\(\s*)(?:(?P<quote>["'`])(?P<name>[^"'`]+)(?P=quote))?(?P<after>.*)$"""
)
_TOKEN = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|[()]""", re.DOTALL)
_COMMENT = re.compile(r"""\s*//[^"'`]*$""")
_NOT_NULL = ".notNull()"
_TYPES = {
    "text": "text({})",
    "varchar": "varchar({})",
    "int4": "integer({})",
    "int8": "bigint({}, {{ mode: 'bigint' }})",
    "int2": "smallint({})",
    "bool": "boolean({})",
    "float8": "doublePrecision({})",
    "uuid": "uuid({})",
    "jsonb": "jsonb({})",
    "date": "date({})",
    "timestamptz": "timestamp({}, {{ withTimezone: true }})",
}


def edited(text: str, edit: Edit) -> str:
    """The file with one edit. Raises ByHand."""
    found = next((f for f in _TABLE.finditer(text) if f["name"] == edit.table.name), None)
    if found is None:
        raise ByHand(f"there is no pgTable of the table {edit.table.name}")
    if isinstance(edit, TableRenamed):
        return text[: found.start("name")] + edit.to + text[found.end("name") :]
    end = _end(text, found.start())
    begin = text.index("\n", found.start()) + 1 if "\n" in text[found.start() : end] else end
    lines = text[begin:end].splitlines(keepends=True)
    _edit(lines, edit)
    return text[:begin] + "".join(lines) + text[end:]


def _edit(lines: list[str], edit: ColumnAdded | ColumnRenamed | ColumnGone | NullAllowed) -> None:
    if isinstance(edit, ColumnAdded):
        last = max((n for n, line in enumerate(lines) if _is_whole(line)), default=None)
        if last is None or not _code(lines[last]).endswith(","):
            raise ByHand(f"add the column {edit.column}, whose type is {edit.type}")
        lines.insert(last + 1, f"{_indent(lines[last])}{_added(edit)},\n")
        return
    number, found = _column(lines, edit.column)
    match edit:
        case ColumnRenamed(to=to):
            separator = "" if found["name"] or found["after"].startswith(")") else ", "
            quote = found["quote"] or "'"
            lines[number] = f"{found['before']}{quote}{to}{quote}{separator}{found['after']}\n"
        case ColumnGone():
            del lines[number]
        case NullAllowed(allowed=True):
            lines[number] = lines[number].replace(_NOT_NULL, "")
        case NullAllowed():
            if _NOT_NULL not in lines[number]:
                place = len(_code(lines[number])) - 1
                lines[number] = lines[number][:place] + _NOT_NULL + lines[number][place:]


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


def _added(edit: ColumnAdded) -> str:
    written = None if edit.type.sql.endswith("[]") else _TYPES.get(edit.type.name)
    if written is None or edit.type.has_modifiers:
        raise ByHand(f"add the column {edit.column}, whose type is {edit.type}")
    return f"{edit.column}: {written.format(repr(edit.column))}"
