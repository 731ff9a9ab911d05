"""Sqitch: `sqitch.plan` says which changes there are and in what order; `deploy/` and `revert/` have their scripts.

psql runs a script as it stands, so that it is the script that begins transactions. A change that is planned again keeps
its older script as `name@tag`. The checksum is the SHA-1 of the script.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha1
from typing import TYPE_CHECKING

from crossfade.migrations.layouts.claim import Claim, is_inside, whole
from crossfade.migrations.migration import Migration, Problem, Tool, Transaction

if TYPE_CHECKING:
    from crossfade.migrations.folder import File, Folder

_PLAN = "sqitch.plan"
_CONFIGURATION = "sqitch.conf"
_LINE = re.compile(r"[^\S\n]*(?P<kind>[@%+-]?)[^\S\n]*(?P<name>[^\s#%]\S*)")
_SETTING = re.compile(r"^\s*(?P<key>deploy_dir|revert_dir|extension)\s*=\s*(?P<value>[^\s#;]+)", re.MULTILINE)


def claim(folder: Folder) -> Claim | None:
    """A folder with a plan."""
    plan = folder.files.get(_PLAN)
    if plan is None:
        return None
    settings = {"deploy_dir": "deploy", "revert_dir": "revert", "extension": "sql"} | _settings(folder)
    deploy, revert = settings["deploy_dir"], settings["revert_dir"]
    found = tuple(_found(folder, plan, settings))
    scripts = frozenset(one.file for one in found if isinstance(one, Migration))
    unplanned = (file for file in _below(folder.folders.get(deploy)) if file.path not in scripts)
    return Claim(
        tool=Tool.SQITCH,
        migrations=tuple(one for one in found if isinstance(one, Migration)),
        taken=frozenset({_PLAN, _CONFIGURATION, deploy, revert, "verify"}),
        problems=(
            *(one for one in found if isinstance(one, Problem)),
            *(Problem(file=f.path, message=f"{_PLAN} has no such change, so Sqitch never runs it") for f in unplanned),
        ),
        reversible=True,
    )


def _settings(folder: Folder) -> dict[str, str]:
    file = folder.files.get(_CONFIGURATION)
    found = _SETTING.finditer(file.text) if file is not None else ()
    return {match["key"]: match["value"].removeprefix("./").rstrip("/") for match in found}


def _changes(plan: File) -> list[tuple[int, str]]:
    """Each change with its line and the name of its scripts, in the plan's order."""
    changes: list[tuple[int, str]] = []
    current: dict[str, int] = {}
    tags: list[tuple[int, str]] = []
    for number, line in enumerate(plan.text.splitlines(), start=1):
        found = _LINE.match(line)
        if found is None or found["kind"] == "%":
            continue
        if found["kind"] == "@":
            tags.append((len(changes), found["name"]))
        elif found["kind"] != "-":
            name = found["name"]
            if name in current:
                before = current[name]
                tag = next((tag for place, tag in tags if place > before), None)
                changes[before] = (changes[before][0], f"{name}@{tag}" if tag is not None else name)
            current[name] = len(changes)
            changes.append((number, name))
    return changes


def _found(folder: Folder, plan: File, settings: dict[str, str]) -> Iterator[Migration | Problem]:
    for place, (line, name) in enumerate(_changes(plan)):
        up, down = (f"{settings[way]}/{name}.{settings['extension']}" for way in ("deploy_dir", "revert_dir"))
        if not (is_inside(up) and is_inside(down)):
            yield Problem(file=plan.path, line=line, message=f"the plan names {up}, which is outside the folder")
            continue
        file, back = folder.file(up), folder.file(down)
        if file is not None:
            yield Migration(
                name=name,
                file=file.path,
                up=whole(file),
                down=whole(back) if back is not None else None,
                order=(place,),
                transaction=Transaction.NEVER,
                checksum=sha1(file.content, usedforsecurity=False).hexdigest(),
            )
        elif not folder.has(up):
            yield Problem(file=plan.path, line=line, message=f"the plan has {name}, and there is no {up}")


def _below(folder: Folder | None) -> Iterator[File]:
    if folder is not None:
        yield from (file for _, file in folder.sql)
        for _, inner in sorted(folder.folders.items()):
            yield from _below(inner)
