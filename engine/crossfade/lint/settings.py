"""What a project says about lint: the table `[lint]` of crossfade.toml, `[tool.crossfade.lint]` of pyproject.toml.

Read at every start of the command line, so nothing heavy is imported here; names of rules are looked up by `lint`
alone. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossfade.errors import UsageError
from crossfade.lint.finding import Severity
from crossfade.lint.naming import ANY_NAME, Naming, naming_of

if TYPE_CHECKING:
    from crossfade.lint.rule import Rule

OLDEST, NEWEST = 14, 18
"""The major versions of PostgreSQL that the rules know."""
_LATEST_MINOR = 99
"""Where a version has no minor part: its latest one, with all that was repaired in it."""
_VERSION = re.compile(r"(?P<major>\d{1,3})(?:\.(?P<minor>\d{1,2}))?")


class FailOn(StrEnum):
    """The least that makes lint fail."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    NEVER = "never"

    def fails(self, severity: Severity) -> bool:
        """Whether a finding of that severity does."""
        return self is not FailOn.NEVER and severity >= Severity[self.name]


@dataclass(frozen=True, slots=True, kw_only=True)
class LintSettings:
    """A project's settings; paths in them are below `root`."""

    root: Path | None = None
    """The directory of the file that they stand in; None where there is none."""
    disable: tuple[str, ...] = ()
    enable: tuple[str, ...] = ()
    """Rules that are asked only where they are named here."""
    severity: Mapping[str, Severity] = field(default_factory=dict)
    """Of rules, in place of their own."""
    paths: tuple[str, ...] = ()
    """What is looked at where the command names nothing."""
    exclude: tuple[str, ...] = ()
    """Patterns of paths: `*` within a name, `**` for any number of folders."""
    pg_version: int | None = None
    """As the server's `server_version_num`."""
    fail_on: FailOn | None = None
    baseline: str | None = None
    naming: Naming = ANY_NAME
    """How things are to be called."""

    @property
    def named_rules(self) -> tuple[str, ...]:
        """Every rule that they name."""
        return (*self.disable, *self.enable, *self.severity)

    def asks(self, rule: Rule) -> bool:
        """Whether it is asked at all: matters of taste are only where they are turned on."""
        return not rule.opt_in or rule.id in self.enable


def lint_settings(value: object, file: str) -> LintSettings:
    """The settings of the table. Raises UsageError."""
    from crossfade.plan.words import nearest, one_of, shown

    if not isinstance(value, Mapping):
        raise UsageError(f"{file}: the setting `lint` is a table", hint="begin it with [lint]", location=file)
    known = [f.name for f in fields(LintSettings) if f.name != "root"]
    read: dict[str, Any] = {}
    for name, given in value.items():
        if name not in known:
            hint = nearest(name, known) or f"the settings of lint are {one_of(known)}"
            raise UsageError(f"{file}: unknown setting {shown(f'lint.{name}')}", hint=hint, location=file)
        try:
            read[name] = naming_of(given, file) if name == "naming" else _READERS[name](given)
        except _Unfit as unfit:
            raise UsageError(f"{file}: the setting `lint.{name}` is {unfit}", location=file) from None
    settings = LintSettings(root=Path(file).parent, **read)
    for name in {*settings.disable} & {*settings.enable}:
        raise UsageError(f"{file}: `lint` both enables and disables {shown(name)}", location=file)
    return settings


def server_version(text: str) -> int | None:
    """`16.3` as `server_version_num` has it, `16` as its latest minor version; None where the rules know none."""
    found = _VERSION.fullmatch(text.strip())
    if found is None or not OLDEST <= int(found["major"]) <= NEWEST:
        return None
    return int(found["major"]) * 10_000 + (_LATEST_MINOR if found["minor"] is None else int(found["minor"]))


class _Unfit(Exception):
    """The value is not what the setting takes; the message says what it takes."""


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Unfit("a text")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
        raise _Unfit("a list of texts")
    return tuple(value)


def _version(value: object) -> int:
    found = server_version(str(value)) if isinstance(value, int | str) and not isinstance(value, bool) else None
    if found is None:
        raise _Unfit(f"a version of PostgreSQL from {OLDEST} to {NEWEST}: 16, or in quotes '16.3'")
    return found


def _fail_on(value: object) -> FailOn:
    if not isinstance(value, str) or value not in [*FailOn]:
        raise _Unfit("`error`, `warning`, `note` or `never`")
    return FailOn(value)


def _severities(value: object) -> Mapping[str, Severity]:
    words = {s.word: s for s in Severity}
    if not isinstance(value, Mapping) or not all(isinstance(w, str) and w in words for w in value.values()):
        raise _Unfit("a table of rules, each with `error`, `warning` or `note`")
    return {name: words[word] for name, word in value.items()}


_READERS: Mapping[str, Callable[[object], Any]] = {
    "disable": _texts,
    "enable": _texts,
    "severity": _severities,
    "paths": _texts,
    "exclude": _texts,
    "pg_version": _version,
    "fail_on": _fail_on,
    "baseline": _text,
}
