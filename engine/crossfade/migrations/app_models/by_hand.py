"""Words for what no edit does to an app's models: what a person has to write there. Pure.

besides(change, app)     what is left though the file was edited for a change; None where that is nothing
instead(change, app)     what is to be written where it was not
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from crossfade.migrations.app_models.edits import (
    App,
    ColumnGone,
    ColumnRenamed,
    ColumnTyped,
    DefaultSet,
    Edit,
    IndexAdded,
    NullAllowed,
)

if TYPE_CHECKING:
    from crossfade.plan.changes import Change


def besides(change: Change, app: App) -> str | None:
    """What is left to do for a change though the file was edited for it."""
    return _said(_BESIDES.get(change.kind), change, app)


def instead(change: Change, app: App) -> str | None:
    """What is to do for a change that no edit is for."""
    of_sql = _OF_SQL.get(change.kind) if app is App.SQL else None
    return _said(of_sql or _OF_MODELS.get(change.kind), change, app)


def of_unwritten(edit: Edit) -> str:
    """What is to do for an edit of a column that was left to a person itself."""
    match edit:
        case ColumnTyped(column=column, type=type_):
            return f"give the column {column} the type {type_}"
        case NullAllowed(column=column, allowed=allowed):
            return f"let the column {column} have {'no value' if allowed else 'a value always'}"
        case DefaultSet(column=column, value=value):
            return f"give the column {column} {'no default' if value is None else f'the default {value}'}"
        case ColumnRenamed(column=column, to=to):
            return f"give the column {column} the name {to}"
        case IndexAdded(name=name, columns=columns):
            return f"add the index {name} over {_listed(columns)}"
        case ColumnGone(column=column):
            return f"remove the column {column}"
    raise AssertionError(edit)


def _said(say: _Say | None, change: Change, app: App) -> str | None:
    return (say(change, app) or None) if say is not None else None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _keys(change: Any) -> str:
    return _listed(key.column or f"({key.expression})" for key in change.columns)


def _add_column(change: Any, app: App) -> str:
    said = {
        "generated": change.generated,
        "an identity": change.identity,
        "a foreign key": change.references,
        "unique": change.unique,
        "checked": change.check if app is not App.PRISMA else None,
    }
    found = _listed(what for what, given in said.items() if given)
    return f"say that {change.table}.{change.name} is {found}" if found else ""


def _create_index(change: Any, app: App) -> str:
    if app is App.PRISMA:
        return f"nothing, or `@@index` with `map: {_quoted(change.name)}`: Prisma has no word for all of this index"
    return f"add index({change.name!r}) on {_keys(change)} to the table {change.table}"


def _add_unique(change: Any, app: App) -> str:
    if app is App.PRISMA:
        return f"nothing: Prisma has no word for {change.name}, which is unique among some rows only"
    what = "uniqueIndex" if change.where else "unique"
    return f"once the run is contracted: add {what}({change.name!r}) on {_listed(change.columns)} to {change.table}"


def _foreign_key(change: Any, app: App) -> str:
    there = f"{change.references.table}({_listed(change.references.columns or ('its primary key',))})"
    where = f"{change.table}({_listed(change.columns)})"
    if app is App.PRISMA:
        return f"add a relation from {where} to {there}, with `map: {_quoted(change.name)}`"
    return f"add foreignKey({{ name: {change.name!r} }}) from {where} to {there}"


def _primary_key(change: Any, app: App) -> str:
    word = f"@@id([{_listed(change.columns)}], map: {_quoted(change.name)})"
    if app is App.DRIZZLE:
        word = f"primaryKey({{ name: {change.name!r} }}) on {_listed(change.columns)}"
    return f"once the run is contracted: add {word} to {change.table}"


def _move_table(change: Any, app: App) -> str:
    word = f"`@@schema({_quoted(change.to_schema)})`" if app is App.PRISMA else f"pgSchema({change.to_schema!r}).table"
    return f"say that {change.table} is in the schema {change.to_schema}: {word}"


def _quoted(text: str) -> str:
    return f'"{text}"'


_Say = Callable[[Any, App], str]
_BESIDES: dict[str, _Say] = {
    "add_column": _add_column,
    "remove_enum_values": lambda c, _: f"the new version writes {_listed(map(repr, c.map_))} of {c.type} no longer",
    "change_type": lambda c, _: (
        f"every column that refers to {c.table}.{c.column} gets the same type" if c.follow_references else ""
    ),
}
"""What is left though the file was edited."""
_OF_MODELS: dict[str, _Say] = {
    "create_index": _create_index,
    "add_unique": _add_unique,
    "add_foreign_key": _foreign_key,
    "add_primary_key": _primary_key,
    "move_table": _move_table,
    "create_enum": lambda c, _: f"add an enum {c.name} of {_listed(c.values)}",
    "add_check": lambda c, _: f"add check({c.name!r}) to the table {c.table}",
    "enable_row_security": lambda c, _: f"say that row security is on for {c.table}: pgTable.withRLS, or .enableRLS()",
    "drop_constraint": lambda c, _: f"remove the constraint {c.name} from {c.table}, where the model has it",
    "rename_constraint": lambda c, _: f"call {c.from_} of {c.table} {c.to}, where the model has its name",
    "drop_index": lambda c, _: f"remove the index {c.name}, where the model has it",
    "rename_index": lambda c, _: f"call the index {c.from_} {c.to}, where the model has its name",
    "replace_index": lambda c, _: f"write the index {c.name} over {_keys(c)}, where the model has it",
    "create_table": lambda c, _: (
        f"add a model of the table {c.name}: {_listed(f'{n} {one.type}' for n, one in c.columns.items())}"
    ),
    "split_column": lambda c, _: f"put {_listed(c.into)} in the place of {c.table}.{c.from_}",
    "merge_columns": lambda c, _: f"put {c.into}, whose type is {c.type}, in the place of {_listed(c.from_)}",
    "split_table": lambda c, _: f"add a model of {c.to_table} with {_listed(c.columns)}, and take these from {c.table}",
    "move_columns": lambda c, _: f"move {_listed(c.columns)} from the model of {c.table} to that of {c.to_table}",
    "merge_tables": lambda c, _: f"move the fields of the model of {c.from_} to that of {c.into}, and remove the first",
    "partition_table": lambda c, _: (
        f"once the run is contracted: have {_listed(c.key)} in the primary key of {c.table}, where the table has it"
    ),
    "set_generated": lambda c, _: f"say what {c.table}.{c.column} is generated from; no version writes it any more",
    "set_identity": lambda c, _: f"say that the numbers of {c.table}.{c.column} are {c.generated or 'as they were'}",
    "sql": lambda *_: "look at what the statements of `sql` do, and write that",
}
"""What is to be written in a file that is not edited."""


def _violating(change: Any, _: App) -> str:
    return f"write no row of {change.table} that violates {change.name}"


_OF_SQL: dict[str, _Say] = {
    "add_check": _violating,
    "add_exclusion": _violating,
    "add_foreign_key": _violating,
    "add_primary_key": _violating,
    "add_unique": _violating,
    "add_domain_check": lambda c, _: f"write no value of {c.domain} that violates {c.name}",
    "create_table": lambda c, _: f"the table {c.name} can be read and written",
    "move_table": lambda c, _: f"name the schema of {c.table}: {c.to_schema}.{c.table.name}",
    "enable_row_security": lambda c, _: f"expect only the rows of {c.table} that its policies allow",
    "split_table": lambda c, _: f"read and write {_listed(c.columns)} in {c.to_table}, not in {c.table}",
    "move_columns": lambda c, _: f"read and write {_listed(c.columns)} in {c.to_table}, not in {c.table}",
    "merge_tables": lambda c, _: f"read and write {c.into}, not {c.from_}",
    "split_column": lambda c, _: f"read and write {_listed(c.into)}, not {c.table}.{c.from_}",
    "merge_columns": lambda c, _: f"read and write {c.table}.{c.into}, not {_listed(c.from_)}",
    "set_generated": lambda c, _: f"leave {c.table}.{c.column} out of every INSERT and UPDATE",
    "set_identity": lambda c, _: (
        f"leave {c.table}.{c.column} out of every INSERT"
        if c.generated == "always"
        else f"write the number of {c.table}.{c.column} yourself"
        if c.generated == "never"
        else f"nothing, where {c.table}.{c.column} is left out of every INSERT"
    ),
}
"""The same of an app's own statements, where it is something else."""
