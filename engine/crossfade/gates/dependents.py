"""The gate `dependents`: nothing hangs on what contract drops, and no function's text names the old shape.

A run renames the old column in place: views, indexes, constraints and the like that hang on it follow, and are only
shown. What is dropped in the end is its twin, under the new name until then. Whatever was made on the twin meanwhile
and is not ours would keep it from being dropped, or vanish with it without a word. Both are read from pg_depend, which
every role may see; the texts of functions are not in it (see suspects.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

from crossfade.gates import acknowledgement, suspects
from crossfade.gates.acknowledgement import Shown, how_to
from crossfade.gates.queries import query
from crossfade.gates.spans import moment
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.postgres.names import QualifiedName, quoted
from crossfade.postgres.own_names import mark

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.subject import Look, Subject
    from crossfade.gates.suspects import TextFunction
    from crossfade.operations.step import Dropped, RowChange
    from crossfade.plan.gates import Dependents

_MOST_NAMED = 5
_MOST_LISTED = 50


@dataclass(frozen=True, slots=True)
class Suspect:
    """A function whose text names the old column, and who has looked at it."""

    name: str
    language: str
    shown: Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Hanging:
    """What hangs on one pair of columns."""

    table: str
    old: str
    dropped: str
    """The column that contract drops in the end, by its name now."""
    is_there: bool = True
    """Whether the old column was found."""
    blocks: tuple[str, ...] = ()
    """What would keep the drop from being done."""
    vanishes: tuple[str, ...] = ()
    """What would be dropped with it."""
    follows: tuple[str, ...] = ()
    """What hangs on the old column and follows it."""
    suspects: tuple[Suspect, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Every pair of the plan."""

    run: str
    phase: str
    pairs: tuple[Hanging, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    oid: int
    schema: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Effect:
    blocks: bool
    name: str


def observe(connection: psycopg.Connection[Any], subject: Subject, entry: Dependents, look: Look) -> Observation:
    """What hangs on each pair now, and which suspects a person has looked at. Raises psycopg.Error."""
    found = [
        _look_at(connection, subject.name, change, dropped) for change in subject.rows for dropped in change.dropped
    ]
    words = (_word(function) for _, functions in found for function in functions)
    role = entry.acknowledged_by
    shown = acknowledgement.look_up(connection, subject, look, gate=entry.kind, role=role, names=words)
    by_name = {s.name: s for s in shown}
    pairs = tuple(
        replace(h, suspects=tuple(Suspect(f.name, f.language, by_name[_word(f)]) for f in functions))
        for h, functions in found
    )
    return Observation(run=subject.name, phase=look.phase.value, pairs=pairs)


def _word(function: TextFunction) -> str:
    """What a person takes note of: this function with this text."""
    return f"function {function.name} {function.digest}"


def _look_at(
    connection: psycopg.Connection[Any], plan: str, change: RowChange, column: Dropped
) -> tuple[Hanging, tuple[TextFunction, ...]]:
    table = QualifiedName(change.schema, change.table)
    with connection.cursor(row_factory=class_row(_Member)) as cursor:
        family = cursor.execute(query("family"), {"names": [str(table)]}).fetchall()
    oids = [member.oid for member in family]
    columns = _columns(connection, table)
    is_hidden = column.hidden in columns
    old, dropped = (column.renamed, column.hidden) if is_hidden else (column.kept, column.column)
    hanging = Hanging(table=str(table), old=old, dropped=dropped, is_there=old in columns)
    if not hanging.is_there:
        return hanging, ()
    # Until contract the original column has all that hangs on it, which the plan itself carries over to the twin.
    is_carried = column.column in change.old and not is_hidden
    with connection.cursor(row_factory=class_row(_Effect)) as cursor:
        sought = {"oids": oids, "dropped": dropped, "kept": old, "mark": mark(plan)}
        effects = [] if is_carried else cursor.execute(query("drop_effects"), sought).fetchall()
    follows = connection.execute(query("followers"), {"oids": oids, "column": old}).fetchall()
    hanging = replace(
        hanging,
        blocks=tuple(e.name for e in effects if e.blocks),
        vanishes=tuple(e.name for e in effects if not e.blocks),
        follows=tuple(name for (name,) in follows),
    )
    # A text that names the column by its new name goes on working.
    names = [m.name for m in family]
    return hanging, suspects.find(connection, oids, names, column.gone) if change.told_apart else ()


def _columns(connection: psycopg.Connection[Any], table: QualifiedName) -> frozenset[str]:
    rows = connection.execute(
        "SELECT a.attname::pg_catalog.text FROM pg_catalog.pg_attribute a"
        " WHERE a.attrelid = pg_catalog.to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped",
        [str(table)],
    ).fetchall()
    return frozenset(name for (name,) in rows)


def judge(observation: Observation, entry: Dependents) -> Judgement:
    """PASS while nothing is in the way, nothing is lost and every suspect was looked at."""
    o = observation
    evidence = {"acknowledged_as": entry.acknowledged_by, **_evidence(o)}
    if not o.pairs:
        reason = "this plan drops no column, so there is nothing whose dependents could be looked for"
        return Judgement(verdict=Verdict.UNKNOWN, reason=reason, evidence=evidence)
    said = [words for pair in o.pairs for words in _objections(pair)]
    open_suspects = [s for pair in o.pairs for s in pair.suspects if s.shown.acknowledged_by is None]
    if open_suspects and entry.suspects == "ask":
        said.append(_asking(open_suspects, o, entry))
    if said:
        return Judgement(verdict=Verdict.BLOCKED, reason="; ".join(said), evidence=evidence)
    missing = [f"{pair.table} has no column {quoted(pair.old)}" for pair in o.pairs if not pair.is_there]
    if missing:
        return Judgement(verdict=Verdict.UNKNOWN, reason="; ".join(missing), evidence=evidence)
    return Judgement(verdict=Verdict.PASS, reason=_passing(o), evidence=evidence)


def _objections(pair: Hanging) -> Iterator[str]:
    column = f"{pair.table}.{quoted(pair.dropped)}"
    stays = quoted(pair.old)
    if pair.blocks:
        yield (
            f"{column} cannot be dropped because of {_listed(pair.blocks)}: drop that, and make it anew on {stays}, "
            "which stays under the new name"
        )
    if pair.vanishes:
        yield f"with {column} would vanish: {_listed(pair.vanishes)}; make it on {stays} instead, and drop this one"


def _asking(found: Sequence[Suspect], observation: Observation, entry: Dependents) -> str:
    names = _listed([s.name for s in found])
    command = how_to(observation.run, observation.phase, entry.acknowledged_by)
    return (
        f"the text of {names} names the table and the old column, and may fail once that is gone: replace it, or say "
        f"that it was looked at: {command}"
    )


def _passing(observation: Observation) -> str:
    columns = _listed([f"{pair.table}.{quoted(pair.dropped)}" for pair in observation.pairs])
    reason = f"nothing would keep {columns} from being dropped, or vanish unnoticed"
    named = [s.name for pair in observation.pairs for s in pair.suspects if s.shown.acknowledged_by is None]
    if named:
        reason += f"; the text of {_listed(named)} names the table and the old column"
    words = [s.shown for pair in observation.pairs for s in pair.suspects]
    last = max((w for w in words if w.acknowledged_at), key=lambda w: str(w.acknowledged_at), default=None)
    if last is not None and last.acknowledged_at is not None:
        reason += f"; {last.acknowledged_by} looked at the suspects, at {moment(last.acknowledged_at)}"
    return reason


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _evidence(observation: Observation) -> dict[str, Any]:
    pairs = observation.pairs
    return {
        "pairs": [
            {
                "table": pair.table,
                "column": pair.dropped,
                "blocks": list(pair.blocks[:_MOST_LISTED]),
                "vanishes": list(pair.vanishes[:_MOST_LISTED]),
                "follows": list(pair.follows[:_MOST_LISTED]),
            }
            for pair in pairs[:_MOST_LISTED]
        ],
        "suspects": [
            {
                "function": s.name,
                "language": s.language,
                "names": f"{pair.table}.{quoted(pair.old)}",
                "acknowledged_by": s.shown.acknowledged_by,
            }
            for pair in pairs
            for s in pair.suspects
        ][:_MOST_LISTED],
    }


def in_words(entry: Dependents) -> str:
    """For `explain`."""
    asked = " unless a person has looked at it" if entry.suspects == "ask" else " (shown only)"
    return f"nothing hangs on what is dropped, and no function's text names the old shape{asked}"
