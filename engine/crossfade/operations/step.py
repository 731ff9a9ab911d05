"""What an operation compiles to: steps and row changes, as values that can be printed, stored and compared.

A step is the smallest unit that the runner executes. It is data: no connection, no clock. `done` answers from the
catalog alone whether the step's effect is there; a step that cannot run in a transaction is judged by it after a crash,
and whatever it left half-made is removed by `cleanup` before it is tried again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from crossfade.postgres.own_names import mark, own_name
from crossfade.postgres.statement import Lock, LockMode, Statement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crossfade.errors import Refusal
    from crossfade.operations.trial import Trial, UniqueLook, ViolationLook
    from crossfade.plan.changes import Change
    from crossfade.postgres.catalog import Catalog, QualifiedName


@dataclass(frozen=True, slots=True)
class Place:
    """Where a change stands in its plan; ids and names of ours come from it."""

    plan: str
    position: int
    """From 1."""
    kind: str
    table: str | None = None
    """The table, where the change works on several."""
    later: tuple[Change, ...] = field(default=(), compare=False, repr=False)
    """The plan's changes behind it."""

    def id(self, what: str) -> str:
        """The id of a step or of rows: `1.rename_column/add`."""
        return "/".join((f"{self.position}.{self.kind}", *([self.table] if self.table else []), what))

    def name(self, purpose: str, *parts: str) -> str:
        """A name of ours for an object of this change."""
        return own_name(purpose, self.plan, str(self.position), *parts)

    @property
    def mark(self) -> str:
        """The comment of our objects."""
        return mark(self.plan)


class Phase(StrEnum):
    """The three phases of a plan, in their order."""

    EXPAND = "expand"
    BACKFILL = "backfill"
    CONTRACT = "contract"


class Part(StrEnum):
    """When in its phase a step runs: `seal` after the rows are filled, `hide` before and `drop` after `retained`."""

    EXPAND = "expand"
    SEAL = "seal"
    HIDE = "hide"
    DROP = "drop"

    @property
    def phase(self) -> Phase:
        """The phase that the part belongs to."""
        return {Part.EXPAND: Phase.EXPAND, Part.SEAL: Phase.BACKFILL}.get(self, Phase.CONTRACT)


class Turn(IntEnum):
    """When within its part a step runs. What exchanges names is together, so that it can be one transaction."""

    FIRST = -2
    """By the names until contract, before a table gets its other one."""
    BEFORE = -1
    AMONG = 0
    AFTER = 1
    LAST = 2
    """Once everything that the part enforces is there: what kept old versions within it goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What an undo would destroy although it exists nowhere else; a rollback stops at it unless told to discard it."""

    relation: str
    """The table that holds it, in SQL's quoting; where that is gone there is nothing to lose."""
    query: str
    """One boolean: is there any of it now?"""
    what: str
    """In words that follow "would destroy": `values of nickname in public.users that only new versions wrote`."""
    rows: str | None = None
    """True for a row that has some of it, so that rows can be counted and named; None where it is no matter of rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InTheWay:
    """NULL in a column that is NOT NULL in the old shape: a step is not taken back while there is any."""

    relation: str
    """The table, in SQL's quoting."""
    columns: tuple[str, ...]
    """The names that the column has in turn; the first that there is counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The smallest unit the runner executes."""

    id: str
    """Stable and unique within a program, so that a new runner finds its place."""
    part: Part
    title: str
    """What it does, in a few words with the user's own names."""
    statements: tuple[Statement, ...]
    transactional: bool = True
    """Whether all statements, the ledger's row and the lease's check commit together."""
    undo: tuple[Statement, ...] = ()
    """What takes it back; empty where the undo of an earlier step takes this one's effect with it."""
    done: str
    """A query for one boolean: is the effect in the catalog?"""
    cleanup: tuple[Statement, ...] = ()
    """Removes what an earlier attempt outside a transaction, or an undo, has left; does nothing where nothing is."""
    turn: Turn = Turn.AMONG
    """When within its part, whatever its change's place in the plan."""
    guards: tuple[Guard, ...] = ()
    """What its undo would destroy."""
    in_the_way: tuple[InTheWay, ...] = ()
    """What its undo would fail for."""
    takes_along: tuple[str, ...] = ()
    """Ids of earlier steps whose effect its undo takes with it: an index goes with its constraint."""
    falls_with: tuple[str, ...] = ()
    """Ids of later steps whose failure takes it back: what helps them only must not stay in force for writes."""
    records: tuple[str, ...] = ()
    """Names of other tools' migrations that it writes into their histories."""
    irreversible: str | None = None
    """Why it cannot be taken back once it is done, in the plan's words; None where `undo` does it."""

    @property
    def phase(self) -> Phase:
        """The phase that the step belongs to."""
        return self.part.phase

    @property
    def locks(self) -> tuple[Lock, ...]:
        """The strongest lock per relation, over all statements."""
        return strongest(lock for s in self.statements for lock in s.locks)

    @property
    def rewrites(self) -> bool:
        """Whether any statement rewrites a table."""
        return any(s.rewrites for s in self.statements)

    @property
    def scans(self) -> bool:
        """Whether any statement reads a whole table."""
        return any(s.scans for s in self.statements)


def all_or_none(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps, of which none stays where a later one fails."""
    given = tuple(steps)
    return tuple(replace(s, falls_with=tuple(later.id for later in given[n:])) for n, s in enumerate(given, start=1))


def strongest(locks: Iterable[Lock]) -> tuple[Lock, ...]:
    """The strongest lock per relation, in the order in which the relations first appear."""
    modes: dict[str, LockMode] = {}
    for lock in locks:
        modes[lock.relation] = max(modes.get(lock.relation, lock.mode), lock.mode)
    return tuple(Lock(relation=r, mode=m) for r, m in modes.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class PairTrigger:
    """A trigger that has to be in place for writes to be synchronised and seen."""

    relation: str
    """The table that carries it, in SQL's quoting; partitions have clones of it."""
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A column that goes at the end, and the one on which whatever hangs on it should be instead."""

    column: str
    """Its name until contract."""
    hidden: str
    """Its name while the run is `retained`."""
    kept: str
    """What stays, by its name until contract."""
    renamed: str
    """The name that what stays has from then on."""
    gone: str
    """The name that nobody can use any more after contract."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChange:
    """A data migration between the two shapes of one table: which rows, and what is set."""

    id: str
    schema: str
    table: str
    old: tuple[str, ...]
    """The columns that hold the old shape."""
    new: tuple[str, ...]
    """The columns that hold the new shape."""
    assignment: str
    """The SET list of the UPDATE."""
    pending: str
    """True for a row that is not yet in step; NULL never."""
    dropped: tuple[Dropped, ...] = ()
    """The columns that go at the end."""
    triggers: tuple[PairTrigger, ...] = ()
    """What keeps the two sides in step while the rows are filled."""
    told_apart: bool = True
    """Whether a write of the old shape can be told from one of the new; not where the name stays the same."""
    inserts_visible: bool = True
    """Whether a legacy INSERT can be told from one that leaves the column to its default."""
    behind: str = ""
    """True for a row whose hidden columns are not what the triggers would have made of the others, by the names that
    columns have while the run is `retained`; empty in a program of before that was compared."""

    @property
    def write(self) -> Update:
        """What is done to a pending row."""
        return Update(assignment=self.assignment)

    @property
    def old_names(self) -> str:
        """The old shape, for people and for the notes of writes: `first, last`."""
        return ", ".join(self.old)

    @property
    def new_names(self) -> str:
        """The new shape, for people."""
        return ", ".join(self.new)

    @property
    def touched(self) -> tuple[str, ...]:
        """The columns that the migration sets."""
        return self.new


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFill:
    """Rows that a schema change needs to be otherwise, without a second shape: a value for NULL, a repair."""

    id: str
    schema: str
    table: str
    assignment: str
    """The SET list of the UPDATE."""
    pending: str
    """True for a row that is not yet as it has to be; NULL never."""
    touched: tuple[str, ...]
    """The columns that are set."""
    stays: bool = True
    """Whether no write can make a row pending again; else the gate `violating_writes` looks for such rows."""

    @property
    def write(self) -> Update:
        """What is done to a pending row."""
        return Update(assignment=self.assignment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Writes that a coming constraint would refuse are noted by a trigger; nobody's write fails for it."""

    id: str
    schema: str
    table: str
    constraint: str
    """The name of what is going to be enforced."""
    violated: str
    """The function that says of a row whether the constraint would refuse it, in SQL's quoting. Its argument tells the
    table, whatever name that has by now."""
    triggers: tuple[PairTrigger, ...]
    inherited: bool = True
    """Whether rows of inheritance children are meant too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Rows are changed where they are."""

    assignment: str
    """The SET list of the UPDATE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Rows are deleted, and kept elsewhere if there is an archive; both in one statement."""

    archive: str | None = None
    """The table that gets the deleted rows, in SQL's quoting."""
    columns: tuple[str, ...] = ()
    """The columns that the archive gets, in SQL's quoting: every column of the table that can be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """Rows are read here and inserted into another table."""

    into: str
    """The other table, in SQL's quoting."""
    columns: tuple[str, ...]
    """The other table's columns, in SQL's quoting."""
    values: tuple[str, ...]
    """An expression over the row for each of them."""
    on_conflict: str = ""
    """The statement's ON CONFLICT clause; empty for none."""
    locking: str = ""
    """The SELECT's locking clause, where writers go on and both tables have to agree; empty for none."""


Write = Update | Delete | Copy
"""What a batch does to the rows of its range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataChange:
    """A change of data that is no part of a schema change: every row that was there at its beginning, once."""

    id: str
    schema: str
    table: str
    pending: str
    """True for a row that is meant; NULL never."""
    write: Write
    touched: tuple[str, ...] = ()
    """The columns that an Update sets, by name: a table is not walked by a key that changes meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowLook:
    """Rows that must not be there, where two tables are to hold the same facts; they are only looked for."""

    id: str
    schema: str
    table: str
    pending: str
    """True for a row that must not be there; NULL never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCopy:
    """Rows of one table that a schema change needs in another as well, where triggers keep the two in step."""

    id: str
    schema: str
    table: str
    pending: str
    """True for a row that the other table does not have, or has otherwise; NULL never."""
    write: Copy
    surplus: RowLook
    """The other table's rows that come from nowhere."""
    hidden: tuple[str, ...] = ()
    """The names that columns of the table have once they are hidden, from when on the two are not compared."""
    across: str | None = None
    """The other table, in SQL's quoting, where `write` only notes in one of ours what a trigger then carries there."""

    @property
    def other(self) -> str:
        """The other table, in SQL's quoting."""
        return self.across or self.write.into

    @property
    def touched(self) -> tuple[str, ...]:
        """The columns of the table that the migration sets."""
        return ()


RowWork = RowChange | RowFill | RowCopy | DataChange
"""Rows to be worked on in batches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """Something that preflight lets pass but a person should know."""

    code: str
    object: str
    message: str
    ack: str | None = None
    """The word for `--ack` that takes note of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What one change compiles to against a catalog."""

    steps: tuple[Step, ...] = ()
    rows: tuple[RowChange, ...] = ()
    fills: tuple[RowFill, ...] = ()
    copies: tuple[RowCopy, ...] = ()
    watches: tuple[Watch, ...] = ()
    data: tuple[DataChange, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    cautions: tuple[Caution, ...] = ()
    trials: tuple[Trial, ...] = ()
    looks: tuple[UniqueLook | ViolationLook, ...] = ()
    makes: tuple[str, ...] = ()
    """Statements that make what the trials of later changes may need."""
    unread: frozenset[QualifiedName] = frozenset()
    """Tables on which it makes something that the catalog, as it leaves it, has in outline only."""
    catalog: Catalog = field(kw_only=True)
    """The catalog as the finished change leaves it, for the plan's later changes."""
