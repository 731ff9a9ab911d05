"""ALTER COLUMN … TYPE that writes or reads all rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.lint.commands import Command, commands
from crossfade.lint.cost import INDEXED, READ, WRITTEN, blocked_by, how_long
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import LATER, alter_table
from crossfade.lint.written import table_of
from crossfade.postgres.forecast.type_change import TypeChange, judge_parsed
from crossfade.postgres.forecast.type_names import find_domain, parse_type, read_type
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement
    from crossfade.postgres.catalog import Column

_TIMESTAMPS = frozenset({"timestamp", "timestamptz"})
_ALIAS = (
    "the type {} is not known here; only of a domain without conditions, over the type that the column has, are values "
    "stored as they are"
)
_INSTEAD = (
    "Add a column of the new type, keep both columns equal by a trigger, fill the new one in batches, and let the app "
    "move over to it before the old one goes."
)


def _statement(seen: SeenStatement) -> Iterator[Said]:
    for command in commands(seen, "AlterColumnType"):
        column = command.table.column(command.node.name)
        if column is None or not command.works_behind_lock:
            continue
        change = _judged(seen, command, column, seen.before.time_zone)
        done, per_row = _work(change)
        why = "the type that it has is not known here" if column.type == "unknown" else change.reason
        is_doubtful = change.rewrites and _may_be_alias(seen, command.node.def_, column)
        if is_doubtful:
            done, why = "may write all rows anew", _ALIAS.format(read_type(command.node.def_.typeName).spelled)
        yield Said(
            message=f"{done} while {blocked_by(command.forecast)}, {how_long(per_row, command.table)}: {why}.",
            severity=Severity.WARNING if is_doubtful else None,
            instead=_instead(seen, command, column, change),
            at=seen.statement.at(command.node.def_.location),
            is_planned=True,
        )


def _may_be_alias(seen: SeenStatement, definition: Any, column: Column) -> bool:
    """The new type may be a domain: it is not known, and to reach one of another kind USING would be needed."""
    wanted = read_type(definition.typeName)
    if seen.before.is_complete or wanted.built_in or wanted.array or wanted.modifiers:
        return False
    is_known = find_domain(wanted, seen.before.domains) is not None or wanted.same_type(parse_type(column.type))
    return definition.raw_default is None and not is_known


def _judged(seen: SeenStatement, command: Command, column: Column, time_zone: str) -> TypeChange:
    return judge_parsed(
        column, command.node.def_, table=command.table, time_zone=time_zone, domains=seen.before.domains
    )


def _work(change: TypeChange) -> tuple[str, float]:
    if change.rewrites:
        return "writes all rows anew", 1 / WRITTEN
    if change.rebuilds_indexes:
        return "builds an index anew", 1 / INDEXED
    return "reads all rows", 1 / READ


def _instead(seen: SeenStatement, command: Command, column: Column, change: TypeChange) -> str:
    table = command.after.tables.get(command.table.name)
    wanted = table.column(column.name) if table is not None else None
    if wanted is not None and {column.base_type.name, wanted.base_type.name} == _TIMESTAMPS:
        in_utc = _judged(seen, command, column, "UTC")
        if not in_utc.scans:
            return (
                "-- if the values are meant as UTC, they are stored alike:\n"
                f"SET LOCAL timezone = 'UTC';\n{alter_table(command.relation, command.node)}"
            )
    return _INSTEAD if change.rewrites or change.rebuilds_indexes else _without_checks(command, column)


def _without_checks(command: Command, column: Column) -> str:
    """Only CHECKs are in the way: they step aside, and come back as NOT VALID."""
    shown, steps, later = table_of(command.relation), list[str](), list[str]()
    back = list[str]()
    for check in command.table.constraints:
        if check.kind == "check" and column.name in check.columns and check.validated:
            name = quoted(check.name)
            steps.append(f"ALTER TABLE {shown} DROP CONSTRAINT {name};")
            back.append(f"ALTER TABLE {shown} ADD CONSTRAINT {name} {check.definition} NOT VALID;")
            later.append(f"ALTER TABLE {shown} VALIDATE CONSTRAINT {name};")
    altered = alter_table(command.relation, command.node)
    return "\n".join(["-- in one transaction:", *steps, altered, *back, LATER, *later])


RULE = Rule(
    id="type-change",
    severity=Severity.ERROR,
    summary="ALTER COLUMN … TYPE writes or reads all rows while reads and writes wait",
    explanation="""
ALTER COLUMN … TYPE takes an ACCESS EXCLUSIVE lock. Where the new type stores a value in another way, or has to look at
it, the table and all of its indexes are written anew under it. Some changes cost a moment: a longer varchar, varchar to
text, a numeric of more digits and the same scale, a longer timestamp precision. A CHECK on the column is evaluated for
all rows even then, and an index on it is built anew where its operators change.

Between timestamp and timestamptz a session whose TimeZone is UTC rewrites nothing, but builds indexes on the column
anew; any other session writes the table anew, and so does USING … AT TIME ZONE.

A type that no file makes may be a domain, where there is no USING. One without conditions costs a moment, one with any
writes all rows: that is a warning. With `--database`, or the file that makes the domain, lint knows.
""",
    statement=_statement,
)
