"""Who is told of what happens to a run: `notify` of a plan and of a project's settings, a list of entries with one key.

    notify:
      - webhook: {url: "https://ops.example.com/hooks", secret_env: CROSSFADE_WEBHOOK_SECRET, on: [failed]}
      - slack: {url_env: SLACK_WEBHOOK_URL, blocked_for: 2h}

A secret never stands here: neither the key of the signature, nor an address that is one itself, as Slack's are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from crossfade.plan.addresses import web_address
from crossfade.plan.durations import Between
from crossfade.plan.entries import Entry, Given, OneKey, PlanPart, with_tuples
from crossfade.plan.faults import FaultAt, fault, faults_at
from crossfade.plan.variables import VariableName
from crossfade.plan.words import shown

Happening: TypeAlias = Literal["phase_finished", "blocked", "failed", "approval_wanted"]
HAPPENINGS: tuple[Happening, ...] = get_args(Happening)
"""What there is to be told of."""
BLOCKED_FOR = timedelta(minutes=30)
_SLACK = ("slack.com", "slack-gov.com")


def _no_secret(url: str) -> str:
    host = (urlsplit(url).hostname or "").lower()
    if any(host == known or host.endswith(f".{known}") for known in _SLACK):
        raise fault(
            "whoever knows the address of a Slack webhook can post there, and a plan is kept in the ledger",
            "put it into an environment variable, and write `url_env` with the variable's name",
        )
    return url


_Address = Annotated[
    str, StringConstraints(min_length=1, max_length=2000), AfterValidator(web_address), AfterValidator(_no_secret)
]


class TargetEntry(Entry):
    """What every kind of target can say."""

    url: Annotated[_Address | None, Given()] = Field(
        default=None, description="Where to send a POST request.", examples=["https://ops.example.com/hooks/crossfade"]
    )
    url_env: Annotated[VariableName | None, Given()] = Field(
        default=None,
        description="The environment variable with the address, where that is a secret itself.",
        examples=["SLACK_WEBHOOK_URL"],
    )
    on: Annotated[tuple[Happening, ...] | None, Given()] = Field(
        default=None, min_length=1, description="What to tell of; everything if left out.", examples=[["failed"]]
    )
    blocked_for: Annotated[timedelta, Between(low=timedelta(seconds=1), high=timedelta(days=90))] = Field(
        default=BLOCKED_FOR, description="How long a phase has to be blocked before `blocked` is told.", examples=["2h"]
    )

    @field_validator("on")
    @classmethod
    def _each_once(cls, on: tuple[Happening, ...] | None) -> tuple[Happening, ...] | None:
        if on is None:
            return None
        again = [
            FaultAt((n,), f"{shown(name)} is listed twice", "keep one") for n, name in enumerate(on) if name in on[:n]
        ]
        if again:
            raise faults_at(again, on)
        # What is told of does not depend on the order, and everything is the same as nothing left out.
        return None if len(on) == len(HAPPENINGS) else tuple(h for h in HAPPENINGS if h in on)

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if self.url is None and self.url_env is None:
            raise fault("a target without an address", "write `url`, or `url_env` with the variable that has it")
        if self.url is not None and self.url_env is not None:
            raise faults_at([FaultAt(("url_env",), "`url` and `url_env` are two addresses", "keep one of them")], self)
        if self.blocked_for != BLOCKED_FOR and not self.wants("blocked"):
            raise faults_at(
                [FaultAt(("blocked_for",), "`blocked_for`, and `on` has no `blocked`", "add it to `on`")], self
            )
        return self

    def wants(self, happening: Happening) -> bool:
        """Whether it is to be told of this."""
        return self.on is None or happening in self.on

    @property
    def key(self) -> str:
        """Which target it is, for the ledger: the same wherever it is written, whatever it is told of. No secret."""
        address = self.model_dump(mode="json", include={"url", "url_env", "secret_env"}, exclude_none=True)
        text = json.dumps({self.kind: address}, sort_keys=True)
        return f"{self.kind} {hashlib.sha256(text.encode()).hexdigest()[:16]}"

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that sending needs."""
        return (self.url_env,) if self.url_env else ()

    def address(self, environment: Mapping[str, str]) -> str | None:
        """Where to send to; None where its variable is not set, or has no web address."""
        if self.url_env is None:
            return self.url
        try:
            return web_address(environment.get(self.url_env, "").strip())
        except ValueError:
            return None


class Webhook(TargetEntry):
    """A web address that gets what happened as JSON."""

    kind: ClassVar[str] = "webhook"

    secret_env: Annotated[VariableName | None, Given()] = Field(
        default=None,
        description="The environment variable with the key that requests are signed with.",
        examples=["CROSSFADE_WEBHOOK_SECRET"],
    )

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that sending needs."""
        return tuple(name for name in (self.url_env, self.secret_env) if name)


class Slack(TargetEntry):
    """A channel, by an incoming webhook of Slack or of what speaks its format."""

    kind: ClassVar[str] = "slack"


Target: TypeAlias = Webhook | Slack


def _each_target_once(targets: tuple[Target, ...]) -> tuple[Target, ...]:
    keys = [target.key for target in targets]
    found = [
        FaultAt((n,), f"this `{target.kind}` is listed twice", "keep one, with all of `on`")
        for n, target in enumerate(targets)
        if target.key in keys[:n]
    ]
    if found:
        raise faults_at(found, targets)
    return targets


Targets: TypeAlias = Annotated[tuple[Annotated[Target, OneKey("target")], ...], AfterValidator(_each_target_once)]


class Telling(PlanPart):
    """The key `notify`, wherever it is written."""

    notify: Targets = ()


def targets_of(document: Any) -> tuple[Target, ...]:
    """The targets that a JSON document has under `notify`. Raises pydantic's ValidationError."""
    return Telling.model_validate(with_tuples({"notify": document})).notify
