"""The gate `approval`: enough people have approved this phase of exactly this plan, here.

An approval is bound to a digest of the plan, of all that it compiles to, and of the database; once one of them is
another it is void. It counts for a while, on the database's clock, and until it is withdrawn. Given without a role it
speaks for every role. With four eyes that of whoever started the run does not count. People are told apart by the names
that they give: `anna` and `Anna@laptop` are one person.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from psycopg.rows import class_row

from crossfade.errors import UsageError
from crossfade.gates.queries import query
from crossfade.gates.spans import moment
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.plan.durations import format_duration
from crossfade.plan.gates import Approval, Mode
from crossfade.plan.gates.people import EXPIRES

if TYPE_CHECKING:
    from datetime import timedelta

    import psycopg

    from crossfade.gates.subject import Look, Subject
    from crossfade.operations.step import Phase

_MOST_LISTED = 50
_MOST_NAMED = 3
_TAKEN_BACK = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyApproval:
    """The default where there is no roster: somebody, in whatever role, has to approve."""

    kind: ClassVar[str] = "approval"
    mode: Mode = "enforce"
    hold: timedelta | None = None
    role: None = None
    count: int = 1
    four_eyes: bool = True
    expires: timedelta = EXPIRES
    others: frozenset[str] = frozenset()
    """Roles in which people take note of what other gates show, which approves nothing."""


Entry: TypeAlias = Approval | AnyApproval


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One approval in the ledger; or, if it `withdraws`, the word that takes back those before it."""

    approver: str
    role: str | None
    reason: str | None
    digest: str
    at: datetime
    db_user: str
    withdraws: bool = False
    is_withdrawn: bool = False
    """It was taken back since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Every approval of the run's phase, the latest first, and what one is measured by."""

    run: str
    phase: str
    now: datetime
    digest: str
    """What an approval of now is bound to."""
    started_by: str
    approvals: tuple[Given, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a person says of a phase."""

    phase: Phase
    approver: str
    role: str | None = None
    reason: str | None = None

    def as_json(self) -> dict[str, Any]:
        """For the history."""
        return {"phase": self.phase.value, "approver": self.approver, "role": self.role, "reason": self.reason}


def give(connection: psycopg.Connection[Any], run_id: int, word: Word) -> str:
    """Write an approval into the ledger; the digest that it is bound to. Raises UsageError for a name that is none."""
    return _say(connection, run_id, word, withdraws=False)


def withdraw(connection: psycopg.Connection[Any], run_id: int, word: Word) -> str:
    """Take back what this person has approved of the phase: in the role, or all if the word has none.

    Raises UsageError where there is nothing to take back.
    """
    if not any(_takes_back(word, a) and not a.is_withdrawn for a in _approvals(connection, run_id, word.phase)):
        role = f" as {word.role}" if word.role else ""
        raise UsageError(
            f"{word.approver} has not approved {word.phase}{role}, or has withdrawn it already",
            hint="See who has: crossfade gate RUN.",
        )
    return _say(connection, run_id, word, withdraws=True)


def _say(connection: psycopg.Connection[Any], run_id: int, word: Word, *, withdraws: bool) -> str:
    if not word.approver.strip() or not word.approver.isprintable():
        raise UsageError("--as is empty or no readable text", hint="An approval is kept with who gave it.")
    parameters = {**word.as_json(), "run_id": run_id, "withdraws": withdraws}
    row = connection.execute(query("give_approval"), parameters).fetchone()
    assert row is not None
    return str(row[0])


def observe(connection: psycopg.Connection[Any], subject: Subject, _entry: Entry, look: Look) -> Observation:
    """What was approved of this phase."""
    row = connection.execute(
        "SELECT crossfade.approved_digest(id), started_by FROM crossfade.runs WHERE id = %s", [subject.run_id]
    ).fetchone()
    assert row is not None
    return Observation(
        run=subject.name,
        phase=look.phase.value,
        now=look.now,
        digest=row[0],
        started_by=row[1],
        approvals=_approvals(connection, subject.run_id, look.phase),
    )


def _approvals(connection: psycopg.Connection[Any], run_id: int, phase: Phase) -> tuple[Given, ...]:
    with connection.cursor(row_factory=class_row(Given)) as cursor:
        said = cursor.execute(query("approvals"), {"run_id": run_id, "phase": phase.value}).fetchall()
    return standing(said)


def standing(said: Sequence[Given]) -> tuple[Given, ...]:
    """The approvals among the words of people, the latest first, each with whether a later one takes it back."""
    return tuple(
        replace(a, is_withdrawn=any(w.withdraws and _takes_back(w, a) for w in said[:n]))
        for n, a in enumerate(said)
        if not a.withdraws
    )


def _takes_back(word: Word | Given, given: Given) -> bool:
    return is_same_person(word.approver, given.approver) and word.role in {None, given.role}


def is_same_person(one: str, other: str) -> bool:
    """Whether two names may be one person's: the same in any spelling of letters, or one without where it is at."""
    left, right = (_spelled(name) for name in (one, other))
    if "@" in left and "@" in right:
        return left == right
    return left.partition("@")[0] == right.partition("@")[0]


def _spelled(name: str) -> str:
    return unicodedata.normalize("NFKC", " ".join(name.split())).casefold()


def judge(observation: Observation, entry: Entry) -> Judgement:
    """PASS with enough approvals that count, each of another person."""
    o = observation
    objections = [(given, _objection(given, o, entry)) for given in o.approvals]
    counting = _people(given for given, objection in objections if objection is None)
    evidence = {
        "role": entry.role,
        "count": entry.count,
        "four_eyes": entry.four_eyes,
        "expires": format_duration(entry.expires),
        "started_by": o.started_by,
        "approvals": [_as_json(given, objection, entry) for given, objection in objections[:_MOST_LISTED]],
    }
    if len(counting) >= entry.count:
        enough = counting[: entry.count]
        named = " and ".join(f"{_who(given)} at {moment(given.at)}" for given in enough)
        until = min(given.at for given in enough) + entry.expires
        reason = f"approved by {named}, which counts until {moment(until)}"
        return Judgement(verdict=Verdict.PASS, reason=reason, evidence=evidence)
    reason = _waiting(o, entry, counting) + _not_counting(objections, counting)
    return Judgement(verdict=Verdict.BLOCKED, reason=reason, evidence=evidence)


def _people(counting: Iterable[Given]) -> list[Given]:
    """The latest approval of each person."""
    people: list[Given] = []
    for given in counting:
        if not any(is_same_person(given.approver, other.approver) for other in people):
            people.append(given)
    return people


def _waiting(o: Observation, entry: Entry, counting: list[Given]) -> str:
    role = f" (role {entry.role})" if entry.role else ""
    command = f"crossfade approve {o.run} --phase {o.phase} --as YOU"
    if entry.count == 1:
        return f"waits for an approval{role}: {command}"
    so_far = f", {' and '.join(map(_who, counting))}" if counting else ""
    return f"waits for {entry.count} people to approve{role}, has {len(counting)}{so_far}: {command}"


def _not_counting(objections: Iterable[tuple[Given, str | None]], counting: Iterable[Given]) -> str:
    """Why the latest approval of each other person does not count, unless it was taken back."""
    refused = {given: why for given, why in objections if why not in {None, _TAKEN_BACK}}
    people = _people((*counting, *refused))
    said = [f"; that of {given.approver} does not count: {refused[given]}" for given in people if given in refused]
    return "".join(said[:_MOST_NAMED])


def _who(given: Given) -> str:
    return f"{given.approver} ({given.role})" if given.role else given.approver


def _objection(given: Given, o: Observation, entry: Entry) -> str | None:
    if given.is_withdrawn:
        return _TAKEN_BACK
    if given.digest != o.digest:
        return "void, for the plan, what it compiles to or the database is another by now"
    if entry.role is not None and given.role not in {entry.role, None}:
        return f"given as {given.role}, not as {entry.role}"
    if isinstance(entry, AnyApproval) and given.role in entry.others:
        return f"given as {given.role}, which takes note of what another gate shows"
    if entry.four_eyes and is_same_person(given.approver, o.started_by):
        return f"{o.started_by} started the run, and it takes somebody else (four eyes)"
    if o.now - given.at > entry.expires:
        return f"expired at {moment(given.at + entry.expires)}"
    return None


def _as_json(given: Given, objection: str | None, entry: Entry) -> dict[str, Any]:
    return {
        "approver": given.approver,
        "role": given.role,
        "reason": given.reason,
        "at": given.at.isoformat(),
        "expires_at": (given.at + entry.expires).isoformat(),
        "db_user": given.db_user,
        "digest": given.digest,
        "counts": objection is None,
        "words": objection or ("speaks for every role" if given.role is None else f"speaks as {given.role}"),
    }


def in_words(entry: Entry) -> str:
    """For `explain`."""
    who = entry.role or "somebody"
    if entry.count > 1:
        who = f"{entry.count} people{f' as {entry.role}' if entry.role else ''}"
    other = ", other than who started the run," if entry.four_eyes else ""
    verb = "have" if entry.count > 1 else "has"
    return f"{who}{other} {verb} approved with crossfade approve in the last {format_duration(entry.expires)}"
