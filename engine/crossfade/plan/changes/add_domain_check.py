"""`add_domain_check`."""

from typing import ClassVar

from pydantic import Field, field_validator

from crossfade.plan.changes.add_check import CONSTRAINT
from crossfade.plan.changes.fields import ChangeModel, Value
from crossfade.plan.expressions import Expression
from crossfade.plan.faults import fault
from crossfade.plan.names import Identifier, TableName

_VALUE = "value"


def _of_value(expression: Expression) -> Expression:
    others = [name for name in expression.columns if name != _VALUE]
    if others or not expression.columns:
        named = f"it names {', '.join(others)}" if others else "it does not name `value`"
        raise fault(f"a domain knows nothing but `value`: {named}", "write it over `value`, such as `value <> ''`")
    return expression


class AddDomainCheck(ChangeModel):
    """Add a check to a domain, whose columns may still hold, or get, values that violate it."""

    kind: ClassVar[str] = "add_domain_check"

    domain: TableName = Field(description="The domain, `name` or `schema.name`.", examples=["email", "shop.price"])
    name: Identifier = Field(description=CONSTRAINT, examples=["email_has_at"])
    expression: Expression = Field(
        description="What every value has to fulfil, an SQL expression over `value`; NULL counts as true.",
        examples=["value LIKE '%@%'"],
    )
    fix: Value = Field(
        default=None,
        description="What takes the place of a value that violates it, in every column of the domain: an SQL "
        "expression over `value`. Without it such rows have to be repaired before contract.",
        examples=["lower(value)"],
    )

    @property
    def domains(self) -> tuple[TableName, ...]:
        """The domain."""
        return (self.domain,)

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Every expression, with its place in the entry."""
        return (("expression", self.expression), *((("fix", self.fix),) if self.fix is not None else ()))

    @property
    def watches_writes(self) -> bool:
        """Always."""
        return True

    @field_validator("expression")
    @classmethod
    def _over_value(cls, expression: Expression) -> Expression:
        return _of_value(expression)

    @field_validator("fix")
    @classmethod
    def _fix_over_value(cls, fix: Expression | None) -> Expression | None:
        others = [] if fix is None else [name for name in fix.columns if name != _VALUE]
        if others:
            raise fault(f"a domain knows nothing but `value`: it names {', '.join(others)}", "write it over `value`")
        return fix
