"""`partition_table`."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from crossfade.plan.changes.fields import ColumnName, TableChange
from crossfade.plan.entries import Given, PlanPart
from crossfade.plan.faults import FaultAt, fault, faults_at
from crossfade.plan.names import Identifier
from crossfade.plan.words import shown

Scalar = str | int | float
Side = Scalar | Annotated[tuple[Scalar, ...], Field(min_length=1)]
Strategy = Literal["range", "list", "hash"]
DEFAULT = "default"
FORMS = {"range": "from and to", "list": "in", "hash": "modulus and remainder"}


class PartitionBounds(PlanPart):
    """Which rows a partition is for."""

    from_: Annotated[Side | None, Given()] = Field(
        default=None,
        alias="from",
        description="Of a range: its lower end, which belongs to it; a list for a key of several columns. MINVALUE "
        "stands for no end.",
        examples=["2026-01-01"],
    )
    to: Annotated[Side | None, Given()] = Field(
        default=None,
        description="Of a range: its upper end, which does not belong to it. MAXVALUE stands for no end.",
        examples=["2027-01-01"],
    )
    in_: Annotated[tuple[Scalar | None, ...] | None, Given()] = Field(
        default=None,
        alias="in",
        min_length=1,
        description="Of a list: the values; an empty one is NULL.",
        examples=[["eu", "uk"]],
    )
    modulus: Annotated[int | None, Given()] = Field(
        default=None, ge=1, description="Of a hash: by what the hash is divided.", examples=[4]
    )
    remainder: Annotated[int | None, Given()] = Field(
        default=None, ge=0, description="Of a hash: the remainder that it has.", examples=[0]
    )

    @property
    def strategy(self) -> Strategy:
        """What it is a partition by."""
        return "range" if self.from_ is not None else "list" if self.in_ is not None else "hash"

    @property
    def ends(self) -> tuple[tuple[Scalar, ...], tuple[Scalar, ...]]:
        """Of a range: both ends, a value for each column of the key."""
        return _as_tuple(self.from_), _as_tuple(self.to)

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = {
            "range": (self.from_, self.to),
            "list": (self.in_,),
            "hash": (self.modulus, self.remainder),
        }
        begun = [name for name, values in given.items() if any(v is not None for v in values)]
        if len(begun) != 1 or any(v is None for v in given[begun[0]]):
            raise fault(
                "it is not clear which rows the partition is for",
                "write `from` and `to`, or `in`, or `modulus` and `remainder`, or `default` in place of them",
            )
        if self.modulus is not None and self.remainder is not None and self.remainder >= self.modulus:
            raise fault("the remainder has to be smaller than the modulus", "count remainders from 0")
        return self


def _as_tuple(side: Side | None) -> tuple[Scalar, ...]:
    if side is None:
        return ()
    return side if isinstance(side, tuple) else (side,)


Bounds = PartitionBounds | Literal["default"]


class PartitionTable(TableChange):
    """Make a table a partitioned one, under its name and with all that hangs on it."""

    kind: ClassVar[str] = "partition_table"

    by: Strategy = Field(description="How rows are told apart.", examples=["range"])
    key: Annotated[tuple[Identifier, ...], Field(min_length=1)] = Field(
        description="The columns that tell which partition a row belongs to. They have to be in the primary key and in "
        "every other unique constraint.",
        examples=[["created_at"]],
    )
    partitions: Annotated[dict[ColumnName, Bounds], Field(min_length=1)] = Field(
        description="The partitions by their names, which get into the table's schema, and which rows each is for. "
        "`default` is for the rows of no other.",
        examples=[{"orders_2026": {"from": "2026-01-01", "to": "2027-01-01"}, "orders_others": "default"}],
    )

    @property
    def follows_references(self) -> bool:
        """Foreign keys of other tables go over to the partitioned one."""
        return True

    @property
    def takes_name_away(self) -> bool:
        """Another table has the name from contract on."""
        return True

    @property
    def stands_alone(self) -> bool:
        """What else the plan did to the table would be lost with it."""
        return True

    @field_validator("key")
    @classmethod
    def _each_once(cls, key: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        twice = next((name for name in key if key.count(name) > 1), None)
        if twice is not None:
            raise fault(f"{shown(twice)} is listed twice", "keep one of them")
        if info.data.get("by") == "list" and len(key) > 1:
            raise fault("a table is partitioned by list over one column only", "name one column, or use `range`")
        return key

    @field_validator("partitions")
    @classmethod
    def _of_one_strategy(cls, partitions: dict[str, Bounds], info: ValidationInfo) -> dict[str, Bounds]:
        by, key = info.data.get("by"), info.data.get("key", ())
        found = [
            FaultAt((name,), *said) for name, bounds in partitions.items() for said in _mistakes(bounds, by, len(key))
        ]
        if found:
            raise faults_at(found, partitions)
        if sum(bounds == DEFAULT for bounds in partitions.values()) > 1:
            raise fault("two partitions are `default`", "there can be one")
        return partitions


def _mistakes(bounds: Bounds, by: str | None, columns: int) -> list[tuple[str, str]]:
    if by is None:
        return []
    if isinstance(bounds, str):
        no_default = by == "hash"
        return [("a table partitioned by hash has no default partition", "cover every remainder")] if no_default else []
    if bounds.strategy != by:
        return [(f"these are bounds by {bounds.strategy}, and the table is partitioned by {by}", f"write {FORMS[by]}")]
    if by == "range" and columns and any(len(end) != columns for end in bounds.ends):
        return [(f"the key has {columns} columns, and each end of a range a value for each", "write lists of values")]
    return []
