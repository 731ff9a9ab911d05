"""Tables that a migration makes, and what else it does to them: nobody waits for it, so SQL is as good as any change.

Where each statement has a kind of change of its own they stay apart. A single one that has none makes all of them one
`sql` change, since the changes of a plan do not see what SQL has made. It runs where the first of them stands, so that
one that has to do with something in between, such as a trigger whose function is made there, stays where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed.entry import Entry, entry, printed, sql_relation
from crossfade.migrations.typed.groups.group import certain
from crossfade.migrations.typed.groups.serial_tables import serial_tables
from crossfade.migrations.typed.passing import may_pass
from crossfade.migrations.typed.raw import UNKNOWN
from crossfade.migrations.typed.single import one

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.groups.group import Match, Rest
    from crossfade.postgres.catalog import QualifiedName


def new_tables(command: Command, rest: Rest) -> Match | None:
    """Every table that is new, with all that is done to it."""
    made = [command, *(c for c in rest if _makes(c))]
    if made[0] is not min(made, key=lambda c: c.number):
        return None
    new = {c.table_name for c in made}
    names = {c.table_name for c in made if c.table is None and not _is_of_others(c, new)}
    all_of_them = _drawn_together((command, *rest), names)
    if command not in all_of_them or all(one(c) is not None for c in all_of_them):
        return None
    drawn = {c.number for c in all_of_them}
    referring = [c for c in rest if c.number not in drawn and not c.referenced.isdisjoint(names)]
    if referring and command is all_of_them[0] and _may_wait((command, *rest), [*all_of_them, *referring]):
        return serial_tables(all_of_them, referring, sql_of(all_of_them))
    return certain([c for c in all_of_them if c is not command], sql_of(all_of_them))


def _drawn_together(every: Sequence[Command], names: set[QualifiedName]) -> list[Command]:
    """What is done to these tables, as far as it may run at the place of the first."""
    drawn: list[Command] = []
    passed: list[Command] = []
    for command in sorted(every, key=lambda c: c.number):
        if _is_on(command, names) and all(may_pass(command, over) for over in passed):
            drawn.append(command)
        elif drawn and command.touched.whole.changed is None:
            break
        elif drawn:
            passed.append(command)
    return drawn


def _may_wait(every: Sequence[Command], waiting: Sequence[Command]) -> bool:
    """Whether these may run at the place of the last of them: all others up to there run before."""
    numbers = {command.number for command in waiting}
    last = max(numbers)
    others = [c for c in every if c.number not in numbers and c.number < last]
    return all(may_pass(other, over) for other in others for over in waiting if over.number < other.number)


def entries_of(commands: Sequence[Command]) -> tuple[Entry, ...]:
    """What makes a new table, with what else is done to it, as changes or as one of SQL."""
    single = [one(command) for command in commands]
    typed = [e for entries in single if entries is not None for e in entries]
    return (sql_of(commands),) if any(entries is None for entries in single) else tuple(typed)


def sql_of(commands: Sequence[Command]) -> Entry:
    """The `sql` change of these commands; its way back is to drop the tables."""
    made = [c for c in commands if _makes(c)]
    dropped = ", ".join(sql_relation(c.relation) for c in reversed(made))
    is_bare = any(c.node.if_not_exists for c in made)
    return entry(
        "sql",
        expand=tuple(_statement(c) for c in commands),
        rollback=() if is_bare else (f"DROP TABLE IF EXISTS {dropped}",),
        irreversible=is_bare,
        reason=UNKNOWN if is_bare else None,
    )


def _makes(command: Command) -> bool:
    return command.does == "CreateStmt"


def _is_of_others(command: Command, new: set[QualifiedName]) -> bool:
    """Whether it is a partition or child of a table that is there already."""
    parents = (command.before.qualify(r.schemaname, r.relname) for r in command.node.inhRelations or ())
    return any(parent not in new for parent in parents)


def _is_on(command: Command, names: set[QualifiedName]) -> bool:
    from crossfade.migrations.typed.tables import commented

    if command.does == "CommentStmt":
        return commented(command) in names
    return command.relation is not None and command.does != "RenameStmt" and command.table_name in names


def _statement(command: Command) -> str:
    """Its SQL, without CONCURRENTLY: nobody is there yet."""
    if command.does != "IndexStmt" or not command.node.concurrent:
        return command.sql
    changed: Any = copy(command.node)
    changed.concurrent = False
    return printed(changed)
