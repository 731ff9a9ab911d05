"""Migrations as the files of plans, one after the other.

    imported(origins, apps)     an `Imported` for each migration: its plans, and what of it is in none

The plan that does the last of a migration covers it, so that the tool's row is written with it; a migration of which
something is in no plan is covered by none. Each plan waits until the one before it is contracted. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

from crossfade.errors import InvalidPlan
from crossfade.migrations.imported.certain import NOTHING_KNOWN, Known
from crossfade.migrations.imported.halves import Whole
from crossfade.migrations.imported.parts import one_by_one, parts
from crossfade.migrations.imported.sources import comment
from crossfade.migrations.migration import Problem
from crossfade.migrations.typed import as_plan_name, typed_all
from crossfade.plan.load import parse_plan
from crossfade.plan.migrations import TOOLS
from crossfade.plan.written import written

if TYPE_CHECKING:
    from crossfade.migrations.histories.history import Entry
    from crossfade.migrations.imported.halves import Half
    from crossfade.migrations.imported.origin import Origin
    from crossfade.migrations.imported.parts import Placed
    from crossfade.migrations.script import SqlStatement, Unsent
    from crossfade.migrations.typed import Entry as ChangeEntry
    from crossfade.migrations.typed import Typed

Parted: TypeAlias = "Callable[[Origin, Origin | None], tuple[Half, ...] | Whole]"
"""Of a migration, and the one behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile:
    """A plan."""

    name: str
    text: str
    entries: tuple[ChangeEntry, ...]
    """Its changes."""
    is_certain: bool
    """Nothing in it waits for a person to say what is meant."""

    @property
    def file_name(self) -> str:
        """Of its file."""
        return f"{self.name}.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What a migration has come to."""

    origin: Origin
    plans: tuple[PlanFile, ...]
    """In the order in which they run; none where it changes nothing."""
    problems: tuple[Problem, ...] = ()
    """What of it is in no plan."""
    halves: tuple[Half, ...] = ()
    """The two files that take its place in the tool's folder, where it is parted."""
    whole: str = ""
    """Why it is not parted, where that was asked for."""


@dataclass(slots=True)
class _Chain:
    """The plans so far, which the next one waits for."""

    apps: Mapping[str, Any]
    parted: Parted | None
    last: str | None = None
    last_halves: dict[str, str] = field(default_factory=dict)
    """Migrations that were parted, each with the name of its second half."""
    silent: list[Mapping[str, Any]] = field(default_factory=list)
    """Migrations that change nothing, which the next plan covers too: a tool may never run what stands before it."""
    taken: set[str] = field(default_factory=set)

    def names(self, migration: str, number: int) -> tuple[str, ...]:
        """Names for the plans of a migration that no other plan has."""
        stem = as_plan_name(migration) or "migration"
        for more in range(1, 1_000_000):
            base = stem if more == 1 else f"{stem}-again-{more}"[-63:].strip("-")
            found = (base,) if number == 1 else tuple(f"{base}-{n}" for n in range(1, number + 1))
            if not self.taken & {base, *found}:
                self.taken |= {base, *found}
                return found
        raise AssertionError("there is always a number that is free")

    def halves(
        self, origin: Origin, follower: Origin | None, plans: int, *, is_covered: bool
    ) -> tuple[Half, ...] | Whole:
        """Its two files, or why there is one."""
        if self.parted is None or plans == 0:
            return ()
        if not is_covered:
            return Whole("not all of it is in a plan")
        if plans > 1:
            return Whole(f"it is {plans} plans, the last of which writes its row")
        found = self.parted(origin, follower)
        if not isinstance(found, Whole):
            self.last_halves[origin.entry.name] = found[-1].entry.name
        return found

    def covered(self, origin: Origin, halves: Sequence[Half]) -> Sequence[Mapping[str, Any]]:
        """The entries of `migrations` of the plan that does the last of a migration."""
        own = [_covered(origin, half.entry, half.recorded) for half in halves] or [_covered(origin, origin.entry)]
        found = [*self.silent, *(self.behind_halves(one) for each in own for one in each)]
        self.silent.clear()
        return found

    def behind_halves(self, covered: Mapping[str, Any]) -> Mapping[str, Any]:
        """With the second half of the migration before it, where that was parted."""
        before = self.last_halves.get(covered.get("after", ""))
        return covered if before is None else {**covered, "after": before}


def imported(
    origins: Iterable[Origin],
    apps: Mapping[str, Any] | None = None,
    known: Known = NOTHING_KNOWN,
    taken: Iterable[str] = (),
    parted: Parted | None = None,
) -> Iterator[Imported]:
    """The plans of migrations of one folder, in its order; none of them has one of the names that are `taken`.

    `apps` is the roster that each plan gets, as YAML has it; `known` what the tool's own schema tells for certain;
    `parted` gives the two halves of a migration that is to be in two, where that was asked for.
    """
    chain = _Chain(apps or {}, parted, taken=set(taken))
    for origin, follower in pairwise((*origins, None)):
        assert origin is not None
        yield _one(origin, follower, chain, known)


def _one(origin: Origin, follower: Origin | None, chain: _Chain, known: Known) -> Imported:
    steps = origin.steps
    changes = typed_all([s.statement for s in steps], [s.before for s in steps], origin.enums)
    changes = tuple(known.settled(change, origin.entry.name) for change in changes)
    problems = (*_unreadable(origin), *_unsent(origin), *origin.refused, *_refused(changes))
    split = tuple(smaller for together in parts(changes) for smaller in _taken_by_plans(together))
    names = chain.names(origin.entry.name, len(split))
    if not split and not problems:
        chain.silent += map(chain.behind_halves, _covered(origin, origin.entry))
    parting = chain.halves(origin, follower, len(split), is_covered=not problems)
    halves, whole = ((), parting.because) if isinstance(parting, Whole) else (parting, "")
    plans = []
    for number, (name, part) in enumerate(zip(names, split, strict=True), start=1):
        is_last = number == len(split)
        covered = chain.covered(origin, halves) if is_last and not problems else ()
        head = _head(origin, number, len(split), is_covered=not problems)
        plans.append(_file(name, part, chain, head, covered))
        problems = (*problems, *_invalid(plans[-1], part))
        chain.last = name
    return Imported(origin=origin, plans=tuple(plans), problems=problems, halves=halves, whole=whole)


def _file(
    name: str, part: Sequence[Placed], chain: _Chain, head: str, covered: Sequence[Mapping[str, Any]]
) -> PlanFile:
    below: dict[str, Any] = {}
    if covered:
        below["migrations"] = covered
    if chain.last is not None:
        below["gates"] = {"expand": [{"plan": {"name": chain.last}}]}
    entries = tuple(placed.entry for placed in part)
    text = written(
        name,
        entries,
        [comment(placed) for placed in part],
        head=head,
        above={"apps": chain.apps} if chain.apps else {},
        below=below,
    )
    return PlanFile(name=name, text=text, entries=entries, is_certain=all(placed.of.is_certain for placed in part))


def _head(origin: Origin, number: int, of: int, *, is_covered: bool) -> str:
    file = origin.entry.file or origin.entry.name
    which = "" if of == 1 else f", plan {number} of {of}"
    lines = [f"From {file}{which}."]
    if not is_covered:
        lines.append("Not all of the migration is in a plan, so its row is not written: `crossfade import` says what.")
    elif number == of and origin.tool.value == "sqitch":
        lines.append("Once it is contracted, tell sqitch: sqitch deploy --log-only")
    return "\n".join(lines)


def _covered(origin: Origin, entry: Entry, recorded: str = "contract") -> Iterator[Mapping[str, Any]]:
    """The entry of `migrations`; none for a tool whose history is not written."""
    if origin.tool.value not in TOOLS:
        return
    found = {
        "tool": origin.tool.value,
        "name": entry.name,
        "file": entry.file,
        "checksum": entry.checksum,
        "recorded": None if recorded == "contract" else recorded,
        "history": None if origin.history is None else str(origin.history),
        "created_at": entry.created_at,
        "after": entry.after,
    }
    yield {key: value for key, value in found.items() if value is not None}


def _taken_by_plans(part: tuple[Placed, ...]) -> tuple[tuple[Placed, ...], ...]:
    """The entries as they are, or each by itself where one plan does not take them together."""
    if len(part) == 1 or _fault([placed.entry for placed in part]) is None:
        return (part,)
    return one_by_one(part)


def _fault(entries: Sequence[Any]) -> InvalidPlan | None:
    try:
        parse_plan(_as_if_confirmed(written("p", entries)), "plan.yaml")
    except InvalidPlan as error:
        return error
    return None


def _as_if_confirmed(text: str) -> str:
    """The plan as it is once a person has chosen; before, no plan is valid."""
    return text.replace("intent: unconfirmed", "intent: confirmed")


def _invalid(plan: PlanFile, part: Sequence[Placed]) -> Iterator[Problem]:
    """What is wrong with a plan that was written, in the file that it came from."""
    try:
        parse_plan(_as_if_confirmed(plan.text), plan.file_name)
    except InvalidPlan as error:
        statement = part[0].of.statements[0]
        for found in error.problems:
            yield Problem(
                file=statement.source.path,
                message=f"the plan {plan.name} is not valid: {found.message}",
                hint=found.hint or None,
                line=statement.position.line,
                column=statement.position.column,
            )


def _unreadable(origin: Origin) -> Iterator[Problem]:
    for part in origin.unreadable:
        yield Problem(
            file=part.source.path,
            message=f"PostgreSQL cannot read it: {part.message}",
            hint="It is in no plan. The rest of the file is.",
            line=part.position.line,
            column=part.position.column,
        )


def _unsent(origin: Origin) -> Iterator[Problem]:
    """But for what nothing may do, by hand either."""
    refused = {(one.file, one.line, one.column) for one in origin.refused}
    for part in origin.unsent:
        if (part.source.path, part.position.line, part.position.column) not in refused:
            yield _by_hand(part, f", since {part.why}")


def _refused(changes: Iterable[Typed]) -> Iterator[Problem]:
    for change in changes:
        if change.no_plan is not None:
            yield _problem(change.statements[0], change.no_plan.message, change.no_plan.instead)
        elif change.is_refused:
            yield _by_hand(change.statements[0])


def _by_hand(part: SqlStatement | Unsent, why: str = "") -> Problem:
    return _problem(
        part,
        f"no plan can send it{why}: {_first_line(part.text)}",
        "Do it by hand, between the plans before and behind it.",
    )


def _problem(part: SqlStatement | Unsent, message: str, instead: str) -> Problem:
    return Problem(
        file=part.source.path,
        message=message,
        hint=f"It is in no plan. {instead}",
        line=part.position.line,
        column=part.position.column,
    )


def _first_line(text: str) -> str:
    first, _, rest = text.partition("\n")
    return first[:80].rstrip() + (" …" if rest or len(first) > 80 else "")
