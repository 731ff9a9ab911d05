"""Rows read or written under the lock of an earlier statement of the same transaction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from crossfade.lint.commands import commands
from crossfade.lint.cost import READ, WRITTEN, how_long, listed, table_named, waiting
from crossfade.lint.finding import Severity
from crossfade.lint.rows_touched import whole_table
from crossfade.lint.rule import Rule, Said
from crossfade.lint.seen import Held
from crossfade.postgres.statement import Lock, LockMode

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenProject, SeenStatement
    from crossfade.postgres.names import QualifiedName


def _statement(seen: SeenStatement) -> Iterator[Said]:
    done = _work(seen)
    if done is None or any(commands(seen, "ValidateConstraint")):
        return
    # What fails in a transaction does no work there.
    if seen.in_transaction and not seen.forecast.transactional:
        return
    what, long = done
    kept = _kept(seen)
    if not kept:
        return
    who = waiting(Lock(relation=name, mode=held.mode) for name, held in kept)
    lines = sorted({held.by.position.line for _, held in kept})
    locks = f"the lock of line {lines[0]} is" if len(lines) == 1 else f"the locks since line {lines[0]} are"
    yield Said(
        message=f"{what} while {who}, {long}: {locks} kept until the end of the transaction.",
        instead="-- in a transaction of its own: with most tools, in a migration of its own",
        is_planned=True,
    )


def _project(seen: SeenProject) -> Iterator[tuple[SeenMigration, Said]]:
    """What a pending migration does under the locks of those before it, where the tool runs all of them in one."""
    tool = seen.project.tool
    if not tool.runs_pending_together:
        return
    held: dict[str, tuple[SeenMigration, Held]] = {}
    made: set[QualifiedName] = set()
    for migration in _pending(seen):
        before = {relation: lock for relation, (_, lock) in held.items()}
        for statement in migration.steps:
            done = _work(statement)
            kept = _kept(replace(statement, held=before)) if done is not None else []
            if done is not None and kept:
                earlier = dict.fromkeys(held[name][0].migration.name for name, _ in kept)
                yield migration, _across(statement, done, kept, f"{tool.spelled} runs {listed([*earlier])} and this")
        for statement in migration.steps:
            made |= statement.after.tables.keys() - statement.before.tables.keys()
            for lock in statement.forecast.locks:
                table = table_named(statement.before, lock.relation)
                is_more = lock.relation not in held or held[lock.relation][1].mode < lock.mode
                if is_more and table is not None and table.name not in made:
                    held[lock.relation] = migration, Held(mode=lock.mode, by=statement.statement)


def _pending(seen: SeenProject) -> list[SeenMigration]:
    """Those that are known to be; of a folder alone nobody can tell."""
    project = seen.project
    if not project.past and project.asked is None:
        return []
    files = ((migration, migration.migration.file) for migration in seen.migrations)
    return [migration for migration, file in files if file not in project.applied and project.asks_for(file)]


def _across(seen: SeenStatement, done: tuple[str, str], kept: list[tuple[str, Held]], runs: str) -> Said:
    what, long = done
    who = waiting(Lock(relation=name, mode=held.mode) for name, held in kept)
    return Said(
        of=seen,
        severity=Severity.WARNING,
        message=f"{what} while {who}, {long}: where they are pending together, {runs} in one transaction, which keeps "
        "every lock to its end.",
        instead="-- apply the ones before it everywhere before this one is deployed",
        is_planned=True,
    )


def _work(seen: SeenStatement) -> tuple[str, str] | None:
    """What the statement does with all rows of a table, and for how long."""
    whole = whole_table(seen)
    if whole is not None:
        per_row = 1 / (READ if whole.verb == "reads" else WRITTEN)
        return f"{whole.verb} all rows of {whole.table.name}", how_long(per_row, whole.table)
    for relation in seen.forecast.scans:
        table = table_named(seen.before, relation)
        if relation in seen.forecast.rewrites:
            return f"writes all rows of {relation} anew", how_long(1 / WRITTEN, table)
        return f"reads all rows of {relation}", how_long(1 / READ, table)
    return None


def _kept(seen: SeenStatement) -> list[tuple[str, Held]]:
    """Locks of earlier statements that others wait for, and more than for this one's own."""
    own = {lock.relation: lock.mode for lock in seen.forecast.locks}
    return [
        (name, held)
        for name, held in seen.held.items()
        if held.mode >= LockMode.SHARE
        and held.mode > (mine := own.get(name, LockMode.ACCESS_SHARE))
        and held.mode.blocks != mine.blocks
        # Nobody is told to wait for a table that was dropped.
        and table_named(seen.before, name) is not None
    ]


RULE = Rule(
    id="work-while-lock-held",
    severity=Severity.ERROR,
    summary="rows are read or written under the lock of an earlier statement",
    explanation="""
A lock is kept until the end of its transaction. ALTER TABLE may take a moment; if the statement after it reads or
writes all rows of a table, whoever wants the altered one waits for that as well. Split the transaction: first what
takes a strong lock, then, in a transaction of its own, what takes long. With most tools that means two migrations.

Drizzle and node-pg-migrate run all migrations that are pending in one transaction. Where it is known which are, by a
database or a commit, what one does under the locks of those before it is a warning: apply those first.
""",
    statement=_statement,
    project=_project,
)
