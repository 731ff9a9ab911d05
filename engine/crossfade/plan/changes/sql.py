"""`sql`: statements of one's own, for what no other kind does."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from crossfade.plan.changes.fields import TABLE, TABLE_EXAMPLES, ChangeModel, Prose, Values, placed
from crossfade.plan.entries import Given, PlanPart
from crossfade.plan.expressions import Expression
from crossfade.plan.faults import FaultAt, faults_at
from crossfade.plan.names import TableName
from crossfade.plan.sql_statements import LONGEST, SqlStatement, is_of_the_server
from crossfade.plan.statements import one_select

_LEAVES_NOTHING = frozenset({"VacuumStmt", "CheckPointStmt", "LockStmt", "VariableSetStmt", "ReindexStmt"})
"""Kinds of statements with nothing to take back."""


Question = Annotated[str, AfterValidator(one_select)]


class SqlRun(PlanPart):
    """One statement, with what takes it back."""

    run: SqlStatement = Field(
        description="The statement, without a semicolon.", examples=["CREATE SEQUENCE invoice_number"]
    )
    undo: Annotated[SqlStatement | None, Given()] = Field(
        default=None,
        description="The statement that takes it back; it has to work whatever happened meanwhile: IF EXISTS.",
        examples=["DROP SEQUENCE IF EXISTS invoice_number"],
    )
    done: Annotated[Question | None, Given()] = Field(
        default=None,
        description="For a statement that cannot run in a transaction: a query for one boolean, true once it has done "
        "its work. It is asked before the statement is tried again.",
        examples=["SELECT EXISTS (SELECT FROM pg_subscription WHERE subname = 'reports')"],
    )

    @property
    def needs_undo(self) -> bool:
        """Whether nothing says how it is taken back, and it leaves something that has to be."""
        return self.undo is None and self.run.kind not in _LEAVES_NOTHING and not self._is_built_beside

    @property
    def _is_built_beside(self) -> bool:
        """It is CREATE INDEX CONCURRENTLY, which is taken back by its name."""
        return self.run.kind == "IndexStmt" and bool(self.run.tree().concurrent)


@dataclass(frozen=True, slots=True)
class OrText:
    """Marks a statement that may be written as a text alone, without the mapping around it."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """What the mapping takes, or the text of its `run`."""
        return core_schema.no_info_before_validator_function(_mapping, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A string, or the mapping."""
        return {"anyOf": [{"type": "string", "minLength": 1, "maxLength": LONGEST}, handler(schema)]}


def _mapping(value: object) -> object:
    return {"run": value} if isinstance(value, str) else value


Runs = tuple[Annotated[SqlRun, OrText()], ...]
Statements = tuple[SqlStatement, ...]


class SqlFill(PlanPart):
    """Rows that are filled in batches while both versions work."""

    table: TableName = Field(description=TABLE, examples=TABLE_EXAMPLES)
    set: Values = Field(
        min_length=1,
        description="What each column gets: an SQL expression over the row's columns, as they were.",
        examples=[{"region": "'eu'"}],
    )
    where: Expression = Field(
        description="Which rows: an SQL expression over the row's columns that is false once a row is filled.",
        examples=["region IS NULL"],
    )


class RawSql(ChangeModel):
    """Run statements of your own in the phases of a plan, for what no other kind does."""

    kind: ClassVar[str] = "sql"

    expand: Runs = Field(
        default=(),
        description="Statements that both versions of the app can live with, in order: each a text, or `run` with its "
        "`undo`.",
        examples=[["CREATE SEQUENCE invoice_number"]],
    )
    backfill: Annotated[SqlFill | None, Given()] = Field(
        default=None, description="Rows to fill, in batches, after `expand`."
    )
    contract: Runs = Field(
        default=(),
        description="Statements that the old version cannot live with, in order: behind the gates of contract.",
        examples=[["ALTER TABLE users RENAME COLUMN legacy TO legacy_unused"]],
    )
    drop: Statements = Field(
        default=(),
        description="Statements that destroy what `contract` took out of use, once `retain` is over. Nothing takes "
        "them back.",
        examples=[["ALTER TABLE users DROP COLUMN legacy_unused"]],
    )
    rollback: Statements = Field(
        default=(),
        description="Statements that take back all of `expand`, in this order, instead of an `undo` for each.",
        examples=[["DROP SEQUENCE IF EXISTS invoice_number"]],
    )
    revert: Statements = Field(
        default=(),
        description="Statements that take back all of `contract`, in this order, instead of an `undo` for each.",
        examples=[["ALTER TABLE users RENAME COLUMN legacy_unused TO legacy"]],
    )
    irreversible: bool = Field(
        default=False, description="There is a statement that cannot be taken back; `reason` says why."
    )
    reason: Annotated[Prose | None, Given()] = Field(
        default=None,
        min_length=1,
        description="Why it cannot be taken back, for whoever wants to.",
        examples=["the old codes are not kept anywhere"],
    )

    @property
    def tables(self) -> tuple[TableName, ...]:
        """The tables that its statements name; an index stands for its table."""
        named = [name for statement in self.statements for name in statement.relations if not is_of_the_server(name)]
        return tuple(dict.fromkeys([*named, *([self.backfill.table] if self.backfill else [])]))

    @property
    def statements(self) -> Statements:
        """Every statement that it may send, those that take others back too."""
        runs = (*self.expand, *self.contract)
        undone = (run.undo for run in runs if run.undo is not None)
        return (*(run.run for run in runs), *undone, *self.drop, *self.rollback, *self.revert)

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Every expression, with its place in the entry."""
        if self.backfill is None:
            return ()
        return tuple((f"backfill.{at}", e) for at, e in placed("set", self.backfill.set, self.backfill.where))

    @model_validator(mode="after")
    def _complete(self) -> "RawSql":
        found = [*self._about_phases(), *self._about_turning_back()]
        if found:
            raise faults_at(found, self)
        return self

    def _about_phases(self) -> Iterator[FaultAt]:
        if not self.expand and not self.contract and self.backfill is None:
            yield FaultAt((), "an `sql` change without a statement", "write what it does under `expand` or `contract`")
        if self.drop and not self.contract:
            yield FaultAt(
                ("drop",),
                "`drop` without `contract`: nothing was taken out of use before it is destroyed",
                "put the statements under `contract`, where they run behind the gates",
            )

    def _about_turning_back(self) -> Iterator[FaultAt]:
        given = {"expand": ("rollback", self.expand, self.rollback), "contract": ("revert", self.contract, self.revert)}
        bare = False
        for phase, (back, runs, together) in given.items():
            if together and not runs:
                yield FaultAt((back,), f"`{back}` takes `{phase}` back, and there is no `{phase}`", f"remove `{back}`")
            for at, run in enumerate(runs):
                if together and run.undo is not None:
                    yield FaultAt(
                        (phase, at, "undo"),
                        f"`{back}` takes all of `{phase}` back, and so does `undo` for this statement",
                        "keep one of the two",
                    )
                if not together and run.needs_undo:
                    bare = True
                    if not self.irreversible:
                        yield _not_taken_back(phase, at, back)
        if self.irreversible and self.reason is None:
            yield FaultAt(("irreversible",), "`irreversible` without a reason", "say why, as `reason`")
        if self.reason is not None and not self.irreversible:
            yield FaultAt(("reason",), "`reason` says why a statement cannot be taken back", "add `irreversible: true`")
        if self.irreversible and not bare:
            yield FaultAt(("irreversible",), "every statement says how it is taken back", "remove `irreversible`")


def _not_taken_back(phase: str, at: int, back: str) -> FaultAt:
    drop = "; or, if it destroys what a statement before it took out of use, put it under `drop`" * (
        phase == "contract"
    )
    return FaultAt(
        (phase, at),
        "nothing says how this statement is taken back",
        f"write it as `run` with an `undo`, or all that takes `{phase}` back under `{back}`; if it cannot be, say "
        f"`irreversible: true` with a `reason`{drop}",
    )
