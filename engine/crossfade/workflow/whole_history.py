"""A project's migrations from the first to the last, once by their plans and once as they are: is it the same schema?

    refuse_older(pg_dump, url)  a pg_dump that cannot read the server, before anything is run
    run_plans(url, imports)     every plan to contracted, on an empty database
    run_files(url, project)     every statement by itself, as psql sends them
    difference(left, right)     of two dumps, whatever the order of a table's columns
    passed_over(left, right)    what else is different, and means no harm, in words

What a plan is not certain about is taken as it stands there, and nobody is waited for: both databases are empty.
"""

from __future__ import annotations

import difflib
import re
import subprocess
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import psycopg

from crossfade.errors import CrossfadeError, UsageError
from crossfade.migrations.typed.columns import LEFT_OUT
from crossfade.operations.acks import ACKS
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.plan.written import written
from crossfade.postgres.connect import open_bare
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from crossfade.migrations.imported import Imported, PlanFile
    from crossfade.migrations.migration import Project
    from crossfade.migrations.typed import Entry
    from crossfade.plan.model import Plan

_SEQUENCE = "CREATE SEQUENCE "
_TYPE = "    AS "
_OWN_NAME = " NOT NULL"
_RANDOM_LINES = ("\\restrict ", "\\unrestrict ")
_PARAMETERS = re.compile(r"(?<= WITH \()[^()]*=[^()]*(?=\))|(?<=^WITH \()[^()]*(?=\))")
_TRUE = frozenset({"1", "on", "t", "tr", "tru", "true", "y", "ye", "yes"})
_FALSE = frozenset({"0", "f", "fa", "fal", "fals", "false", "n", "no", "of", "off"})
_MAJOR = re.compile(r"(?<=\) )\d+")
_NOBODY = "whole-history"


class ReplayFailed(Exception):
    """A plan or a statement did not get through; the message says which, and why."""


def run_plans(url: str, imports: Iterable[Imported]) -> None:
    """Every plan in turn. Raises ReplayFailed at the first that does not end contracted."""
    with Engine(url) as engine:
        engine.init()
        for one in imports:
            for plan in one.plans:
                _run(engine, plan, one.origin.entry.file or one.origin.entry.name)


def _run(engine: Engine, file: PlanFile, origin: str) -> None:
    plan = _without_waiting(file)
    try:
        engine.start(plan, ACKS, actor="import")
        engine.approve(plan.name, Phase.CONTRACT, _NOBODY)
        status = engine.advance(plan, acks=ACKS)
    except CrossfadeError as error:
        raise ReplayFailed(f"{origin}: the plan {file.name} did not get through: {error.message}") from error
    if status.state is not State.CONTRACTED:
        raise ReplayFailed(f"{origin}: the plan {file.name} is {status.state}, and does not go on")


def _without_waiting(file: PlanFile) -> Plan:
    """The plan's changes alone, each as it stands there: no gates, no apps, no history."""
    text = written(file.name, [_confirmed(entry) for entry in file.entries], below={"hold": "0s"})
    return parse_plan(text, file.file_name)


def _confirmed(entry: Entry) -> dict[str, Any]:
    ((kind, fields),) = entry.items()
    kept = {key: value for key, value in fields.items() if key != "intent"}
    # No version writes rows meanwhile, so that nobody finds in them what a person has still to say.
    return {kind: {**kept, "reverse": "NULL"} if kept.get("note") == LEFT_OUT else kept}


def run_files(url: str, project: Project) -> None:
    """Every statement of the way up, each by itself. Raises ReplayFailed at the first that fails, or, before any is
    sent, where only the tool can send one.
    """
    for migration in project.migrations:
        for part in migration.up.unsent:
            raise ReplayFailed(f"{migration.file}:{part.position.line}: only its tool can send it, since {part.why}")
    with closing(open_bare(url)) as connection:
        for migration in project.migrations:
            for statement in migration.up.statements:
                try:
                    connection.execute(statement.sql.encode())
                except psycopg.Error as error:
                    place = f"{migration.file}:{statement.position.line}"
                    raise ReplayFailed(f"{place}: PostgreSQL says: {str(error).strip()}") from error


def refuse_older(pg_dump: str, url: str) -> None:
    """Raises UsageError where pg_dump is of a major version before the server's, which it does not read."""
    said = subprocess.run(  # noqa: S603 - PostgreSQL's program, named by the caller
        [pg_dump, "--version"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    ).stdout
    with closing(open_bare(url)) as connection:
        wanted = connection.info.server_version // 10_000
    major = _MAJOR.search(said)
    if major is not None and int(major[0]) < wanted:
        raise UsageError(
            f"pg_dump is {pg_dump}, of PostgreSQL {major[0]}, which does not read a server of PostgreSQL {wanted}",
            hint=f"Put the folder of a pg_dump of PostgreSQL {wanted} first on the PATH, as in "
            f"PATH=/usr/lib/postgresql/{wanted}/bin:$PATH crossfade import …",
        )


def dump(pg_dump: str, url: str) -> str:
    """The schema as SQL, without the ledger's. Raises CrossfadeError where pg_dump fails."""
    done = subprocess.run(  # noqa: S603 - PostgreSQL's program, named by the caller
        [pg_dump, "--schema-only", "--exclude-schema=crossfade", f"--dbname={url}"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        raise CrossfadeError(f"pg_dump failed: {done.stderr.strip()}")
    return "".join(line for line in done.stdout.splitlines(keepends=True) if not line.startswith(_RANDOM_LINES))


def difference(left: str, right: str, names: tuple[str, str] = ("by the migrations", "by the plans")) -> str:
    """What is different, as a diff; empty where nothing is.

    A change that makes a column anew puts it behind the others, so the order of a table's columns is passed over, and
    so is what `passed_over` tells. A storage parameter that is on or off is the same in each of PostgreSQL's words.
    """
    narrow = _narrow_sequences(left) - _narrow_sequences(right)
    lines = [
        [_PARAMETERS.sub(_in_one_word, line) for line in _in_one_order(_without_own_names(_widened(text, narrow)))]
        for text in (left, right)
    ]
    return "\n".join(difflib.unified_diff(lines[0], lines[1], *names, lineterm=""))


def passed_over(left: str, right: str) -> tuple[str, ...]:
    """What a plan does otherwise on purpose: sequences that count further with their column, and names of NOT NULL."""
    narrow = sorted(_narrow_sequences(left) - _narrow_sequences(right))
    found = [
        f"sequence {name} counts in bigint, as its column does; the migrations leave it narrower" for name in narrow
    ]
    own, theirs = (
        sorted(line for line in text.splitlines() if line != _without_own_name(line)) for text in (left, right)
    )
    if own != theirs:
        found.append(
            "constraints NOT NULL have other names: PostgreSQL 18 keeps them when a table or column is renamed, and a "
            "partition that is made by itself and attached has its own"
        )
    return tuple(found)


def _narrow_sequences(text: str) -> set[str]:
    """Those that are of a type narrower than bigint."""
    return {
        line.removeprefix(_SEQUENCE)
        for line, after in pairwise(text.splitlines())
        if line.startswith(_SEQUENCE) and after.startswith(_TYPE)
    }


def _widened(text: str, sequences: Collection[str]) -> str:
    """The dump as if these sequences were of bigint."""
    lines = text.splitlines()
    kept = [
        line
        for before, line in zip(["", *lines], lines, strict=False)
        if not (line.startswith(_TYPE) and before.removeprefix(_SEQUENCE) in sequences)
    ]
    return "\n".join(kept)


def _without_own_names(text: str) -> str:
    """The dump as if PostgreSQL had chosen the names of NOT NULL that it once chose for another table or column."""
    return "\n".join(_without_own_name(line) for line in text.splitlines())


def _without_own_name(line: str) -> str:
    before, middle, after = line.rpartition(_OWN_NAME)
    column, constraint, name = before.rpartition(" CONSTRAINT ")
    is_chosen = bool(constraint) and name.strip('"').endswith("_not_null")
    return f"{column}{middle}{after}" if is_chosen else line


def _in_one_word(parameters: re.Match[str]) -> str:
    """Storage parameters with `true` and `false` for what PostgreSQL takes for them, and sorted."""
    return ", ".join(sorted(map(_parameter, parameters[0].split(", "))))


def _parameter(written: str) -> str:
    name, equals, value = written.partition("=")
    plain = value.strip("'").lower()
    meant = "true" if plain in _TRUE else "false" if plain in _FALSE else plain
    return f"{name}{equals}{meant}"


def _in_one_order(text: str) -> Iterator[str]:
    columns: list[str] | None = None
    for line in text.splitlines():
        if columns is None:
            yield line
            if line.startswith("CREATE TABLE ") and line.endswith("("):
                columns = []
        elif line.startswith(")"):
            yield from sorted(columns)
            yield line
            columns = None
        else:
            columns.append(line.removesuffix(","))
