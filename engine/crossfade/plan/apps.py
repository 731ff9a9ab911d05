"""The roster's entry: an app that uses the tables of the plan, and which of its versions need the new shape only."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, StringConstraints, ValidationInfo, field_validator, model_validator

from crossfade.errors import CrossfadeError
from crossfade.plan.durations import Between
from crossfade.plan.entries import Given, PlanPart
from crossfade.plan.faults import FaultAt, fault, faults_at
from crossfade.plan.names import Identifier
from crossfade.plan.sources import DEFAULT, KINDS, NAMES, Source, kind_of
from crossfade.plan.versions import Scheme, VersionRange, parse_range
from crossfade.plan.words import shown

Version = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Ttl = Annotated[timedelta, Between(low=timedelta(seconds=1), high=timedelta(days=1))]


class App(PlanPart):
    """An app that uses the tables of this plan."""

    scheme: Scheme = Field(description="How its versions are compared.")
    order: Annotated[tuple[Version, ...] | None, Given()] = Field(
        default=None,
        min_length=1,
        description="With `scheme: ordered`, every version from the oldest to the newest.",
        examples=[["blue", "green"]],
    )
    new: Annotated[str, StringConstraints(min_length=1, max_length=1000)] = Field(
        description="The versions that use the new shape only, as text in quotes.", examples=[">=2.0.0", ">=2.0.0 <3"]
    )
    sources: tuple[Source, ...] = Field(default=DEFAULT, min_length=1, description="Who sights it.")
    roles: Annotated[tuple[Identifier, ...] | None, Given()] = Field(
        default=None,
        min_length=1,
        description="The database roles that it logs in with; left out, those that it is sighted under.",
        examples=[["api_rw"]],
    )
    ttl: Ttl = Field(default=timedelta(seconds=60), description="A sighting older than this is stale.")
    expect: Annotated[Annotated[int, Field(ge=1, le=1_000_000)] | None, Given()] = Field(
        default=None, description="How many instances have to be sighted; without it, at least one.", examples=[3]
    )

    @property
    def new_range(self) -> VersionRange:
        """`new`, ready to be asked."""
        return parse_range(self.scheme, self.new, order=self.order)

    @property
    def source_kinds(self) -> tuple[str, ...]:
        """What sightings of its sources call them, each once."""
        return tuple(dict.fromkeys(map(kind_of, self.sources)))

    @field_validator("order")
    @classmethod
    def _order_belongs_to_ordered(cls, order: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...] | None:
        scheme = info.data.get("scheme")
        if scheme not in {None, "ordered"} and order is not None:
            raise fault(f"`order` belongs to `scheme: ordered`, not to {shown(scheme)}", "remove it")
        listed = order or ()
        twice = [n for n, version in enumerate(listed) if version in listed[:n]]
        if twice:
            hint = "a version has one place in the order"
            raise faults_at([FaultAt((n,), f"{shown(listed[n])} is listed twice", hint) for n in twice], order)
        return order

    @field_validator("new")
    @classmethod
    def _readable(cls, new: str, info: ValidationInfo) -> str:
        scheme, order = info.data.get("scheme"), info.data.get("order")
        if scheme and (order or scheme != "ordered"):
            try:
                parse_range(scheme, new, order=order)
            except CrossfadeError as error:
                raise fault(error.message, error.hint) from None
        return new

    @field_validator("sources")
    @classmethod
    def _order_says_nothing(cls, sources: tuple[Source, ...]) -> tuple[Source, ...]:
        found = [FaultAt((n,), *_repeated(source, sources[:n])) for n, source in enumerate(sources)]
        found = [f for f in found if f.message]
        if found:
            raise faults_at(found, sources)
        return tuple(sorted(dict.fromkeys(sources), key=_place))

    @field_validator("roles")
    @classmethod
    def _each_role_once(cls, roles: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return roles and tuple(sorted(set(roles)))

    @model_validator(mode="after")
    def _ordered_has_an_order(self) -> Self:
        if self.scheme == "ordered" and self.order is None:
            message = "`scheme: ordered` needs `order`"
            raise faults_at([FaultAt(("scheme",), message, "list every version from the oldest to the newest")], self)
        return self


def _place(source: Source) -> tuple[int, str]:
    return KINDS.index(kind_of(source)), source if isinstance(source, str) else source.model_dump_json()


def _repeated(source: Source, before: tuple[Source, ...]) -> tuple[str, str]:
    kind = kind_of(source)
    if isinstance(source, str) and source in before:
        # The same name twice has always meant the same as once.
        return "", ""
    if source in before:
        return f"this `{kind}` source is listed twice", "remove one of them"
    if kind in NAMES and kind in map(kind_of, before):
        return f"the source {shown(kind)} is listed twice", "list it once, by its name or with its `pattern`"
    return "", ""
