"""An entry of a plan's `changes` as YAML has it, and the texts in it, made from what a statement's tree says.

`NotTyped` is raised where a part of a statement has no place in a change; whoever asked falls back on an `sql` change.
An entry is made by building the model that reads it, so that a plan with it can be read. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from functools import lru_cache
from typing import Any, TypeAlias

from crossfade.postgres.forecast.trees import below, kind, names
from crossfade.postgres.names import quoted

Entry: TypeAlias = Mapping[str, Mapping[str, Any]]
"""`{"drop_column": {"table": "users", "column": "age"}}`; lists are tuples."""


class NotTyped(Exception):
    """No kind of change but `sql` does what the statement does; the message says what has no place."""


def entry(change: str, **given: Any) -> Entry:
    """A change of this kind; what is None, or what the model has without it, is left out. A key that is a word of
    Python's has an underscore behind it: `from_`. Raises NotTyped where the model does not take it.
    """
    from pydantic import ValidationError

    from crossfade.plan.changes import model_of

    model = model_of(change)
    unsaid = {f.alias or name: f.default for name, f in model.model_fields.items()}
    named = {key.removesuffix("_"): value for key, value in given.items()}
    fields = {key: value for key, value in named.items() if value is not None and value != unsaid.get(key)}
    try:
        model.model_validate(fields)
    except ValidationError as error:
        raise NotTyped(f"{change}: {error.errors()[0]['msg']}") from None
    return {change: fields}


def as_change(entry: Entry) -> Any:
    """The change that an entry reads as."""
    from crossfade.plan.changes import model_of

    ((kind, fields),) = entry.items()
    return model_of(kind).model_validate(fields)


def name_text(*parts: str | None) -> str:
    """A table, index or type as a plan names it: `users`, `shop.users`, `"Odd.Schema".users`."""
    from crossfade.plan.names import TableName

    schema, name = parts if len(parts) == 2 else (None, parts[-1])
    if name is None:
        raise NotTyped("a name that is not there")
    return str(TableName(schema, name))


def names_text(strings: Any) -> str:
    """The same of a name that the tree has as a list of strings."""
    parts = names(strings)
    if not 1 <= len(parts) <= 2:
        raise NotTyped("a name of more than two parts")
    return name_text(*parts)


def sql_name(strings: Any) -> str:
    """The same in SQL, as those changes have it whose `type` is SQL: `"Role"`, `shop.status`."""
    return ".".join(map(quoted, names(strings)))


def sql_relation(relation: Any) -> str:
    """A RangeVar in SQL."""
    return ".".join(quoted(part) for part in (relation.schemaname, relation.relname) if part is not None)


def type_text(node: Any) -> str:
    """A TypeName as SQL; its modifiers too."""
    if kind(node) != "TypeName":
        raise NotTyped("no type")
    return printed(node)


def expression_text(node: Any, *tables: str) -> str:
    """An expression over a row's columns; those that are named with one of these tables are so without it."""
    if any(_names_table(inner, tables) for inner in below(node)):
        node = deepcopy(node)
        for inner in below(node):
            if _names_table(inner, tables):
                inner.fields = inner.fields[-1:]
    return _as_the_server_would(printed(node))


# The same few defaults and conditions come again and again in a project's migrations.
@lru_cache(maxsize=512)
def _as_the_server_would(text: str) -> str:
    """The expression with `::` for casts, where the reader's own printer knows how."""
    from pglast.parser import ParseError, deparse_protobuf, parse_sql_protobuf

    try:
        return str(deparse_protobuf(parse_sql_protobuf(f"SELECT {text}"))).removeprefix("SELECT ")
    except (ParseError, UnicodeError):
        return text


def _names_table(node: Any, tables: tuple[str, ...]) -> bool:
    """Whether it is a column with one of these tables before it."""
    if kind(node) != "ColumnRef" or len(node.fields) < 2:
        return False
    return all(kind(part) == "String" for part in node.fields) and node.fields[-2].sval in tables


def printed(node: Any) -> str:
    """A tree as SQL."""
    from pglast.stream import RawStream

    text: str = RawStream()(node)
    return text


def unless(*unsaid: tuple[bool, str]) -> None:
    """Raises NotTyped with the first of these words whose condition holds."""
    for holds, words in unsaid:
        if holds:
            raise NotTyped(words)
