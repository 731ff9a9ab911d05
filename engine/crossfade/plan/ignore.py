"""`ignore`: who may be connected although the roster does not list it. A list of mappings:

    ignore:
      - role: metabase
      - application_name: "psql*"
      - address: 10.20.0.0/16

An entry with more than one key is about what fits all of them.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from crossfade.plan.entries import Given, PlanPart
from crossfade.plan.faults import FaultAt, fault, faults_at
from crossfade.plan.words import shown

LOCAL = "local"
"""The address of a session through a Unix socket."""


def _pattern(text: str) -> str:
    if not text.strip("*"):
        raise fault(
            f"{shown(text)} is everybody",
            "name them, or write `strangers: {mode: observe}` under `gates` where none should hold contract back",
        )
    return text


def _network(text: str) -> str:
    """The network in its one spelling, so that the same addresses are the same plan."""
    if text == LOCAL:
        return text
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        pass
    try:
        meant = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise fault(
            f"expected an address, a network or `{LOCAL}`; got {shown(text)}",
            f"such as `10.0.0.7`, `10.0.0.0/8` or, for Unix sockets, `{LOCAL}`",
        ) from None
    raise fault(f"{shown(text)} has bits set beyond its mask", f"did you mean {shown(str(meant))}?")


_Pattern = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_pattern)]
_Network = Annotated[str, StringConstraints(min_length=1, max_length=50), AfterValidator(_network)]


class Ignored(PlanPart):
    """Sessions and sightings that are not asked whether the roster lists them."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    role: Annotated[_Pattern | None, Given()] = Field(
        default=None, description="The database role; `*` stands for any characters.", examples=["metabase"]
    )
    application_name: Annotated[_Pattern | None, Given()] = Field(
        default=None,
        description="The application_name, or the app that a sighting names; `*` stands for any characters.",
        examples=["psql*"],
    )
    address: Annotated[_Network | None, Given()] = Field(
        default=None,
        description="The client's address, or the network that it is in; `local` is a Unix socket.",
        examples=["10.20.0.0/16"],
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.role is None and self.application_name is None and self.address is None:
            raise fault("an entry that is about nobody", "write `role`, `application_name` or `address`")
        return self

    def fits(self, *, role: str | None, names: Iterable[str], address: str | None) -> bool | None:
        """Whether it is about someone of this role, by one of these names, from there.

        The address is an IP address, `local`, or any other text, which no entry is about; None is one that cannot be
        seen, and so is the answer where it depends on that.
        """
        if self.role is not None and not (role is not None and _like(self.role, role)):
            return False
        if self.application_name is not None and not any(_like(self.application_name, name) for name in names):
            return False
        if self.address is None:
            return True
        return None if address is None else _within(address, self.address)


def _like(pattern: str, text: str) -> bool:
    read = ".*".join(map(re.escape, pattern.split("*")))
    return re.fullmatch(read, text, re.DOTALL) is not None


def _within(address: str, network: str) -> bool:
    if LOCAL in (address, network):
        return address == network
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return found in ipaddress.ip_network(network)


def _in_order(entries: tuple[Ignored, ...]) -> tuple[Ignored, ...]:
    """Each once, in an order that does not depend on how they were written."""
    again = [FaultAt((n,), "this entry is listed twice", "keep one") for n, e in enumerate(entries) if e in entries[:n]]
    if again:
        raise faults_at(again, entries)
    return tuple(sorted(entries, key=lambda entry: entry.model_dump_json()))


IgnoreList = Annotated[tuple[Ignored, ...], AfterValidator(_in_order)]
