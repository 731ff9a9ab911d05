"""Gates made of gates: `all`, `any` and `not`.

`all` and `any` are written as the list of what they are made of, `not` as the one gate; with a `mode` or a `hold` of
their own, that stands under `of`.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from crossfade.plan.entries import OneKey
from crossfade.plan.faults import FaultAt, fault, faults_at
from crossfade.plan.gates.entry import GateEntry

if TYPE_CHECKING:
    from crossfade.plan.gates import Gate

_OF = "of"


class CombinedEntry(GateEntry):
    """A kind of gate that is made of others."""

    @property
    @abstractmethod
    def parts(self) -> tuple[tuple[tuple[str | int, ...], Gate], ...]:
        """What it is made of, each with its place within this entry."""


def _or_a_list(described: dict[str, Any]) -> None:
    """In the JSON Schema: the list may stand for the mapping."""
    described |= {"type": ["array", "object"], "items": described["properties"][_OF]["items"], "minItems": 1}


def _or_a_gate(described: dict[str, Any]) -> None:
    """In the JSON Schema: the gate may stand for the mapping."""
    kinds = (choice["properties"] for choice in described["properties"][_OF]["oneOf"])
    described["properties"] |= {
        kind: {**model, "description": "This gate is BLOCKED."} for each in kinds for kind, model in each.items()
    }
    del described["required"]
    described["minProperties"] = 1


class _Several(CombinedEntry):
    model_config = ConfigDict(json_schema_extra=_or_a_list)

    of: tuple[Annotated[Gate, OneKey("gate")], ...] = Field(min_length=1, description="What it is made of.")

    @property
    def parts(self) -> tuple[tuple[tuple[str | int, ...], Gate], ...]:
        """Each with its place within this entry."""
        return tuple(((_OF, n), gate) for n, gate in enumerate(self.of))

    @model_validator(mode="before")
    @classmethod
    def _list_alone(cls, value: object) -> object:
        if not isinstance(value, list | tuple | dict | GateEntry):
            raise fault("expected a list of gates", "start each of them with a dash")
        return {_OF: value} if isinstance(value, list | tuple) else value

    @field_validator("of")
    @classmethod
    def _one_counts(cls, of: tuple[Gate, ...]) -> tuple[Gate, ...]:
        if all(gate.mode == "observe" for gate in of):
            raise fault("every gate in it is in mode `observe`, and none counts", "leave one of them in mode `enforce`")
        return of


class AllOf(_Several):
    """Every one of several gates passes."""

    kind: ClassVar[str] = "all"


class AnyOf(_Several):
    """At least one of several gates passes."""

    kind: ClassVar[str] = "any"


class Not(CombinedEntry):
    """A gate is BLOCKED; what it cannot tell passes neither way."""

    model_config = ConfigDict(json_schema_extra=_or_a_gate)
    kind: ClassVar[str] = "not"

    of: Annotated[Gate, OneKey("gate")] = Field(description="What must not hold.")

    @property
    def parts(self) -> tuple[tuple[tuple[str | int, ...], Gate], ...]:
        """The one."""
        return (((_OF,), self.of),)

    @model_validator(mode="before")
    @classmethod
    def _gate_alone(cls, value: object) -> object:
        return {_OF: value} if isinstance(value, dict) and _OF not in value else value

    @model_validator(mode="after")
    def _counts(self) -> Self:
        if self.of.mode == "observe":
            message = "a gate in mode `observe` does not count, and neither does its opposite"
            raise faults_at([FaultAt((_OF, self.of.kind, "mode"), message, "remove its `mode`")], self)
        return self
