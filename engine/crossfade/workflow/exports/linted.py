"""The files of an export under our own lint: what it says, and comments for what the other files make good. Pure.

Lint looks at each folder by itself, as CI does, without a database; and at all of them in their order, over the tables
as they are. What it says only of a folder alone is allowed by a comment, since the files before it make it good. What
breaks running versions is what the last phases are for, and is allowed there. The rest is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from crossfade.lint.allowances import weigh
from crossfade.lint.check import check
from crossfade.migrations.folder import File, folder_of
from crossfade.migrations.projects import projects_of
from crossfade.postgres.forecast.trees import kind, names, one_statement
from crossfade.postgres.own_names import LEDGER_SCHEMA, is_own_name
from crossfade.workflow.exports.journal import by_itself
from crossfade.workflow.exports.layouts import ExportedFile, Written, text_of
from crossfade.workflow.exports.parts import Stage

if TYPE_CHECKING:
    from crossfade.lint.finding import Finding
    from crossfade.migrations.migration import Project
    from crossfade.postgres.forecast import Schema

_LAST = frozenset({Stage.CONTRACT.value, Stage.DROP.value})
_BREAKING = frozenset(
    {
        "drop-column",
        "drop-not-null",
        "drop-table",
        "rename-column",
        "rename-constraint",
        "rename-enum-value",
        "rename-table",
        "rename-type",
    }
)
"""Rules about what a plan's contract takes from running versions on purpose. Not every rule that `breaks` is one: a
finding of the others is nothing that an export means to do, and is told.
"""
_BY_THEN = "it is applied once no running version uses the old shape"
_BEFORE = "the files before this one have made sure of it"
_OURS = "its body names everything with its schema, and it goes with the last files of this export"
_NOBODYS = "it is of this plan alone, and no app uses it yet"
_ALONE = "with a SET it would be two statements, which are a transaction; set it for the session"
_NO_OTHER_WAY = "there is no way to enforce it that blocks nobody, and the plan was accepted with it"
_BACK = "it is what crossfade sends to take this back"
_BACK_IN_ONE = "what an earlier file takes back takes back the rest of it"
_ALWAYS = {"domain-constraint": _NO_OTHER_WAY, "exclusion-constraint": _NO_OTHER_WAY}
_GOING_BACK = {
    "attach-without-check": _BACK,
    "constraint-without-not-valid": _BACK,
    "detach-not-concurrently": _BACK,
    "down-differs": _BACK_IN_ONE,
    "drop-locks-referenced": _BACK,
    "set-not-null": _BACK,
    "work-while-lock-held": _BACK,
}
"""Rules that a way back may break, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Linted:
    """The files with their comments, and what lint says all the same."""

    files: tuple[ExportedFile, ...]
    findings: tuple[Finding, ...]


def projects(files: Iterable[ExportedFile]) -> tuple[Project, ...]:
    """The files as lint reads them: a project for each folder."""
    files = tuple(files)
    texts = {file.path: text_of(file) for file in files} | dict(by_itself(files))
    read = {path: File(path=Path(path), content=text.encode(), text=text) for path, text in texts.items()}
    return tuple(projects_of(folder_of(Path(), read)))


def linted(files: Sequence[ExportedFile], alone: Schema, in_order: Schema | None) -> Linted:
    """`alone` is what is known without a database; `in_order` the tables as the first file finds them, if known."""
    read = projects(files)
    found = check(read, alone).findings
    stays = {_key(f) for f in found}
    if in_order is not None:
        chained = replace(read[0], migrations=tuple(m for project in read for m in project.migrations))
        stays = {_key(f) for f in check([chained], in_order).findings}
    allowed: dict[str, dict[int, dict[str, str]]] = {}
    for finding in found:
        file = next(file for file in files if Path(file.path) == finding.file)
        why = _reason(finding, file, is_made_good=_key(finding) not in stays)
        if why is not None:
            number = _statement_at(file, finding.position.line)
            allowed.setdefault(file.path, {}).setdefault(number, {})[finding.rule] = why
    files = tuple(_with(file, allowed.get(file.path, {})) for file in files)
    read = projects(files)
    scripts = [s for project in read for m in project.migrations for s in (m.up, m.down) if s is not None]
    return Linted(files=files, findings=weigh(check(read, alone).findings, scripts).kept)


def _reason(finding: Finding, file: ExportedFile, *, is_made_good: bool) -> str | None:
    if file.is_back and finding.rule in _GOING_BACK:
        return _GOING_BACK[finding.rule]
    if finding.rule in _BREAKING and file.path.split("/")[0] in _LAST:
        return _BY_THEN
    if finding.rule in _ALWAYS:
        return _ALWAYS[finding.rule]
    statement = file.statements[_statement_at(file, finding.position.line)].text
    if finding.rule == "security-definer" and _makes_ours(statement):
        return _OURS
    if finding.rule == "refresh-not-concurrently" and _refreshes_ours(statement):
        return _NOBODYS
    if finding.rule == "lock-timeout-missing" and len(file.statements) == 1:
        return _ALONE
    return _BEFORE if is_made_good else None


def _makes_ours(statement: str) -> bool:
    tree = one_statement(statement)
    return kind(tree) == "CreateFunctionStmt" and names(tree.funcname)[0] == LEDGER_SCHEMA


def _refreshes_ours(statement: str) -> bool:
    tree = one_statement(statement)
    return kind(tree) == "RefreshMatViewStmt" and is_own_name(tree.relation.relname)


def _key(finding: Finding) -> tuple[str, Path, int]:
    return finding.rule, finding.file, finding.position.line


def _statement_at(file: ExportedFile, line: int) -> int:
    """The number of the statement that a line of the file belongs to."""
    bare = replace(file, statements=())
    begun = text_of(bare).count("\n") - 1
    for number, one in enumerate(file.statements):
        begun += _lines(file, one)
        if line <= begun:
            return number
    return len(file.statements) - 1


def _lines(file: ExportedFile, one: Written) -> int:
    return text_of(replace(file, comments=(), statements=(one,))).count("\n") - 1 + file.has_breakpoints


def _with(file: ExportedFile, allowed: Mapping[int, Mapping[str, str]]) -> ExportedFile:
    statements = (replace(one, allowed=allowed.get(number, {})) for number, one in enumerate(file.statements))
    return replace(file, statements=tuple(statements))
