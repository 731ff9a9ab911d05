"""`set_storage_parameters`."""

import re
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from crossfade.plan.changes.fields import TableChange
from crossfade.plan.faults import fault
from crossfade.plan.words import shown

_NAME = r"^(toast\.)?[a-z_][a-z0-9_]*$"


def _parameter(name: str) -> str:
    if re.fullmatch(_NAME, name) is None:
        raise fault(
            f"{shown(name)} is no storage parameter", "write it in small letters, such as `fillfactor`, `toast.…` too"
        )
    return name


Parameter = Annotated[str, AfterValidator(_parameter), Field(json_schema_extra={"pattern": _NAME})]
Setting = bool | int | float | Annotated[str, StringConstraints(min_length=1, max_length=100)]


class SetStorageParameters(TableChange):
    """Set or reset storage parameters of a table, such as `fillfactor` or those of autovacuum."""

    kind: ClassVar[str] = "set_storage_parameters"

    set: dict[Parameter, Setting] = Field(
        default={},
        description="The parameters that get a value.",
        examples=[{"fillfactor": 80, "autovacuum_vacuum_scale_factor": 0.02}],
    )
    reset: tuple[Parameter, ...] = Field(
        default=(), description="The parameters that get the server's own value again.", examples=[["fillfactor"]]
    )

    @model_validator(mode="after")
    def _something_to_do(self) -> Self:
        if not self.set and not self.reset:
            raise fault("nothing to set and nothing to reset", "name a parameter under `set` or `reset`")
        both = [name for name in self.reset if name in self.set]
        if both:
            raise fault(f"{shown(both[0])} is both set and reset", "leave one of them out")
        return self
