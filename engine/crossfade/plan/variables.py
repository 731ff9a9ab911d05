"""Names of environment variables that a plan writes: where a secret is that must not stand in the plan itself. Pure."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, StringConstraints

from crossfade.plan.faults import fault

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def variable_name(text: str) -> str:
    """The text, if an environment variable can be called so. Messages do not repeat it."""
    # Whatever it is instead may be the secret itself.
    if not _VARIABLE.fullmatch(text):
        raise fault("not the name of an environment variable", "write its name here, and the secret into the variable")
    return text


VariableName: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(variable_name)]
