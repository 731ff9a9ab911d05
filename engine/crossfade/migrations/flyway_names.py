"""Names of Flyway's scripts: `V1.2__what` or `V1.2`, `U1.2__what` that takes it back, `B1.2__what`, `R__what`. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

PLACES = frozenset({"migration", "migrations"})
"""Folders that Flyway looks into, with all that is below them."""
_NUMBERS = "[0-9]+(?:[._][0-9]+)*"
_NAME = re.compile(rf"(?P<kind>[VUB])(?P<version>{_NUMBERS})(?:__(?P<what>.*))?|R__(?P<again>.+)", re.DOTALL)
_VERSION = re.compile(_NUMBERS)


@dataclass(frozen=True, slots=True)
class ScriptName:
    """What a name says."""

    kind: str
    """`V`, `U`, `B` or `R`."""
    version: str | None
    """As the history has it, with dots; None for a repeatable one."""
    description: str

    @property
    def numbers(self) -> tuple[int, ...]:
        """The version's; none for a repeatable one."""
        return numbers_of(self.version) or ()


def script_name(name: str) -> ScriptName | None:
    """What a file's name without `.sql` says; None for one that Flyway passes over."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    if found["again"] is not None:
        return ScriptName("R", None, found["again"].replace("_", " "))
    return ScriptName(found["kind"], found["version"].replace("_", "."), (found["what"] or "").replace("_", " "))


@lru_cache(maxsize=4096)
def numbers_of(version: str | None) -> tuple[int, ...] | None:
    """The numbers of a version, of which `1.0` and `1` are the same; None for none."""
    if version is None or _VERSION.fullmatch(version) is None:
        return None
    numbers = [int(part) for part in re.split("[._]", version)]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
