"""Gates whose evidence is outside of the database."""

from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator

from crossfade.plan.addresses import web_address
from crossfade.plan.entries import Given
from crossfade.plan.faults import FaultAt, fault, faults_at
from crossfade.plan.gates.entry import OutsideEntry, Timeout
from crossfade.plan.words import shown


class Exec(OutsideEntry):
    """A command ends with exit code 0."""

    kind: ClassVar[str] = "exec"

    command: tuple[Annotated[str, StringConstraints(max_length=10_000)], ...] = Field(
        min_length=1,
        description="The program and its arguments, run without a shell, where crossfade runs.",
        examples=[["./ci/is-deployed", "api", "2.0.0"]],
    )
    timeout: Timeout = Field(default=timedelta(seconds=30), description="How long it may take.")

    @field_validator("command")
    @classmethod
    def _names_a_program(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        nul = [n for n, word in enumerate(command) if "\0" in word]
        if nul:
            raise faults_at([FaultAt((n,), "a zero byte", "remove it") for n in nul], command)
        if not command[0].strip():
            raise faults_at([FaultAt((0,), "an empty program name", "write the program's name or path")], command)
        return command


class Http(OutsideEntry):
    """An address answers as it should."""

    kind: ClassVar[str] = "http"

    url: Annotated[str, StringConstraints(min_length=1, max_length=2000), AfterValidator(web_address)] = Field(
        description="Where to send a GET request; redirects are not followed.",
        examples=["https://status.example.com/api/ready"],
    )
    status: Annotated[int, Field(ge=100, le=599)] = Field(default=200, description="The status that passes.")
    path: Annotated[Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None, Given()] = Field(
        default=None,
        description="Names and positions, with dots between, of a value in the answer's JSON.",
        examples=["checks.0.ready"],
    )
    equals: Annotated[str | bool | int | None, Given()] = Field(
        default=None, description="What that value has to be; true if left out.", examples=["green"]
    )

    @property
    def wanted(self) -> str | bool | int:
        """What the value at `path` has to be."""
        return True if self.equals is None else self.equals

    @field_validator("equals", mode="before")
    @classmethod
    def _can_be_compared(cls, equals: object) -> object:
        if equals is not None and not isinstance(equals, str | bool | int):
            raise fault(f"expected a text, a whole number, true or false; got {shown(equals)}", "write one of these")
        return equals

    @field_validator("equals")
    @classmethod
    def _of_a_value(cls, equals: str | bool | int | None, info: ValidationInfo) -> str | bool | int | None:
        if "path" in info.data and info.data["path"] is None:
            raise fault("`equals` without the `path` of a value; the status alone would pass", "add `path`")
        # What is left out means the same.
        return None if equals is True else equals
