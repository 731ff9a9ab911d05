"""Gates that ask who is live."""

from typing import Annotated, ClassVar

from pydantic import Field, field_validator

from crossfade.plan.entries import Given
from crossfade.plan.gates.entry import AskedEntry, Phase
from crossfade.plan.names import AppName


class AppVersion(AskedEntry):
    """Every sighted instance of the apps is in the range that `new` gives."""

    kind: ClassVar[str] = "app_version"
    phases: ClassVar[tuple[Phase, ...]] = ("contract",)

    apps: Annotated[tuple[AppName, ...] | None, Given()] = Field(
        default=None, min_length=1, description="Which apps of the roster; all of them if left out.", examples=[["api"]]
    )

    @field_validator("apps")
    @classmethod
    def _order_says_nothing(cls, apps: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return apps and tuple(sorted(set(apps)))


class Strangers(AskedEntry):
    """Nobody is live, or connected, who may use the plan's tables and is of no app in the roster."""

    kind: ClassVar[str] = "strangers"
    phases: ClassVar[tuple[Phase, ...]] = ("contract",)
