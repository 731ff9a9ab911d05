"""`enable_row_security`."""

from collections.abc import Iterator
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from crossfade.plan.changes.fields import Condition, TableChange
from crossfade.plan.entries import PlanPart
from crossfade.plan.expressions import Expression
from crossfade.plan.faults import FaultAt, fault, faults_at
from crossfade.plan.names import Identifier
from crossfade.plan.words import shown

Command = Literal["all", "select", "insert", "update", "delete"]
_CHECKS_NOTHING = frozenset({"select", "delete"})


class NewPolicy(PlanPart):
    """A policy: which rows which roles may see or write."""

    name: Identifier = Field(description="The policy's name.", examples=["own_rows"])
    restrictive: bool = Field(
        default=False, description="Whether it has to hold besides the others; else one policy that holds is enough."
    )
    for_: Command = Field(alias="for", default="all", description="The statements that it is about.")
    to: tuple[Identifier, ...] = Field(
        default=(), description="The roles that it is about; left out, everybody.", examples=[["app"]]
    )
    using: Condition = Field(
        default=None,
        description="The rows that are seen, updated or deleted: an SQL expression over the row's columns.",
        examples=["tenant = current_setting('app.tenant')::int"],
    )
    check: Condition = Field(
        default=None, description="The rows that may be written; left out, those of `using`.", examples=["tenant > 0"]
    )

    @model_validator(mode="after")
    def _what_the_command_takes(self) -> Self:
        if self.for_ == "insert" and self.using is not None:
            raise fault("a policy for `insert` sees no row that `using` could be about", "write `check`")
        if self.for_ in _CHECKS_NOTHING and self.check is not None:
            raise fault(f"a policy for `{self.for_}` writes no row that `check` could be about", "write `using`")
        return self


class EnableRowSecurity(TableChange):
    """Let policies say which rows a role may see and write. At contract, since old versions may need the others."""

    kind: ClassVar[str] = "enable_row_security"

    force: bool = Field(default=False, description="Whether it is for the table's owner too.")
    policies: tuple[NewPolicy, ...] = Field(default=(), description="Policies that are created with it.")

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Every expression, with its place in the entry."""
        return tuple(self._placed())

    def _placed(self) -> Iterator[tuple[str, Expression]]:
        for policy in self.policies:
            for key, expression in (("using", policy.using), ("check", policy.check)):
                if expression is not None:
                    yield f"policies.{policy.name}.{key}", expression

    @model_validator(mode="after")
    def _each_name_once(self) -> Self:
        names = [policy.name for policy in self.policies]
        twice = [n for n, name in enumerate(names) if name in names[:n]]
        if twice:
            message = f"a second policy {shown(names[twice[0]])}"
            raise faults_at([FaultAt(("policies", twice[0]), message, "give it another name")], self)
        return self
