"""What steers a command besides its options: a file of variables, and the project's settings.

Settings are read from `crossfade.toml`, or the table `[tool.crossfade]` of `pyproject.toml`, in the nearest directory
upwards that has one. An option and the environment go before them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from crossfade.errors import UsageError
from crossfade.lint.settings import LintSettings, lint_settings
from crossfade.observe.logging import LogFormat
from crossfade.plan.fixed import NOTHING_FIXED, Fixed, fixed_of

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from pathlib import Path

    from crossfade.plan.notify import Target

_LINE = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)")
_QUOTED = re.compile(r"""(?P<quote>['"])(?P<text>(?:\\.|(?!(?P=quote)).)*)(?P=quote)\s*(?:#.*)?""")
_ESCAPES = {"n": "\n", "t": "\t"}
_NO_TEXTS = frozenset({"notify", "lint", "fixed", "apps"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSettings:
    """The settings of a project."""

    database: str | None = None
    """The database where neither an option nor the environment names one."""
    log_format: LogFormat | None = None
    """As with `--log-format`."""
    notify: tuple[Target, ...] = ()
    """Who is told of what happens to runs that commands of the project drive."""
    lint: LintSettings = field(default_factory=LintSettings)
    """How `crossfade lint` looks at the project's migrations."""
    fixed: Fixed = NOTHING_FIXED
    """What no plan and no migration of the project may change."""
    apps: Mapping[str, Any] = field(default_factory=dict)
    """The roster that imported plans get, as a plan has it."""


def load_env_file(path: Path, environment: MutableMapping[str, str]) -> None:
    """Set the variables of a file of KEY=VALUE lines; those that have a value already keep it."""
    for name, value in _read_env_file(path).items():
        if not environment.get(name):
            environment[name] = value


def project_settings(directory: Path) -> ProjectSettings:
    """The settings that hold in a directory."""
    for place in (directory, *directory.parents):
        for file, tables in ((place / "crossfade.toml", ()), (place / "pyproject.toml", ("tool", "crossfade"))):
            document = _table(file, tables) if _is_there(file) else None
            if document is not None:
                return _settings(document, str(file))
    return ProjectSettings()


def _read_env_file(path: Path) -> Mapping[str, str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UsageError(f"cannot read the file of variables {path}: {reason}", location=str(path)) from None
    variables = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            name, value = _variable(stripped, f"{path}:{number}")
            variables[name] = value
    return variables


def _variable(line: str, location: str) -> tuple[str, str]:
    found = _LINE.fullmatch(line)
    if found is None:
        # The line is not shown: it may hold a secret.
        raise UsageError(f"{location}: the line is not KEY=VALUE", location=location)
    value = found["value"]
    if not value.startswith(("'", '"')):
        return found["name"], re.sub(r"(^|\s+)#.*", "", value)
    quoted = _QUOTED.fullmatch(value)
    if quoted is None:
        raise UsageError(f"{location}: the quote of {found['name']} is not closed", location=location)
    text = quoted["text"]
    if quoted["quote"] == '"':
        text = re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), text)
    return found["name"], text


def _is_there(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:
        return False  # a directory above that may not be looked into has no settings for us


def _table(file: Path, tables: tuple[str, ...]) -> Mapping[str, Any] | None:
    import tomllib

    try:
        document: Any = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {file}: {error}", location=str(file)) from None
    for table in tables:
        document = document.get(table) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else None


def _settings(document: Mapping[str, Any], file: str) -> ProjectSettings:
    from crossfade.plan.words import nearest, one_of, shown

    known = [f.name for f in fields(ProjectSettings)]
    for name, value in document.items():
        if name not in known:
            hint = nearest(name, known) or f"the settings are {one_of(known)}"
            raise UsageError(f"{file}: unknown setting {shown(name)}", hint=hint, location=file)
        if name not in _NO_TEXTS and not isinstance(value, str):
            raise UsageError(f"{file}: the setting {shown(name)} is a text", hint="put it in quotes", location=file)
    given = document.get("log_format")
    if given is not None and given not in list(LogFormat):
        raise UsageError(f"{file}: log_format is {one_of(LogFormat)}; got {shown(given)}", location=file)
    return ProjectSettings(
        database=document.get("database"),
        log_format=None if given is None else LogFormat(given),
        notify=_targets(document["notify"], file) if "notify" in document else (),
        lint=lint_settings(document["lint"], file) if "lint" in document else LintSettings(),
        fixed=fixed_of(document["fixed"], file) if "fixed" in document else NOTHING_FIXED,
        apps=_apps(document["apps"], file) if "apps" in document else {},
    )


def _apps(value: object, file: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        hint = 'write [apps.api] with scheme = "semver" and new = ">=2.0.0" below'
        raise UsageError(f"{file}: the setting `apps` is a table of apps", hint=hint, location=file)
    return value


def _targets(value: object, file: str) -> tuple[Target, ...]:
    from pydantic import ValidationError

    from crossfade.plan.document import tree_of
    from crossfade.plan.notify import targets_of
    from crossfade.plan.problems import problems_of

    try:
        return targets_of(value)
    except ValidationError as error:
        found = problems_of(error, tree_of({"notify": value}), file)
        said = "; ".join(f"{p.message} ({p.hint})" if p.hint else p.message for p in found)
        raise UsageError(f"{file}: the setting `notify` is not valid: {said}", location=file) from None
