"""The fence: which versions of an app may work on the database as it is now.

Each run has its say by where it stands: until `backfilled` versions that need the new shape may not run, from
`contracting` on those that need the old one. Apps ask by `SELECT crossfade.can_i_run(app, version)`, which the gates
take for a sighting; who only wants to know, such as a deploy pipeline, asks here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from crossfade.errors import UsageError

if TYPE_CHECKING:
    import psycopg

_OBJECTIONS = (
    "SELECT asked.place, said.allowed, said.reason"
    " FROM ROWS FROM (pg_catalog.unnest(%s::text[]), pg_catalog.unnest(%s::text[])) WITH ORDINALITY"
    " AS asked (app, version, place), LATERAL crossfade.objections(asked.app, asked.version) AS said"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Whether a version may run."""

    app: str
    version: str
    allowed: bool | None
    """None where it cannot be told, since the version cannot be read."""
    reason: str

    def as_json(self) -> dict[str, Any]:
        """The document of `can-i-run --json`."""
        return asdict(self)


def ask(connection: psycopg.Connection[Any], app: str, version: str) -> Answer:
    """What the runs of this database say of the version; nothing is recorded."""
    for name, word in (("app", app), ("version", version)):
        if not word.strip() or "\0" in word:
            raise UsageError(f"{word!r} is no {name}", hint=f"Give the {name} as the plan has it.")
    (answer,) = ask_all(connection, [(app, version)])
    return answer


def ask_all(connection: psycopg.Connection[Any], versions: Sequence[tuple[str, str]]) -> tuple[Answer, ...]:
    """The same of many apps and versions at once, in their order. Raises psycopg.Error."""
    asked = [[app for app, _ in versions], [version for _, version in versions]]
    objections: dict[int, list[tuple[bool | None, str]]] = {}
    for place, allowed, reason in connection.execute(_OBJECTIONS, asked):
        objections.setdefault(place, []).append((allowed, reason))
    return tuple(_answer(*one, objections.get(place, [])) for place, one in enumerate(versions, start=1))


def _answer(app: str, version: str, objections: Sequence[tuple[bool | None, str]]) -> Answer:
    if not objections:
        reason = f"no run has anything against {app} {version}"
        return Answer(app=app, version=version, allowed=True, reason=reason)
    allowed = False if any(said is False for said, _ in objections) else None
    return Answer(app=app, version=version, allowed=allowed, reason="; ".join(dict.fromkeys(r for _, r in objections)))
