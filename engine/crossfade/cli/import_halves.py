"""The files of `import --split`: the halves, and what the tool needs besides to see them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crossfade.errors import UsageError
from crossfade.migrations.drizzle_journal import PLACE
from crossfade.migrations.imported.halves import SPLIT
from crossfade.migrations.imported.tool_files import SNAPSHOT, journal_with
from crossfade.migrations.migration import Tool

if TYPE_CHECKING:
    from crossfade.migrations.imported import Imported
    from crossfade.migrations.migration import Project


def refuse_others(projects: Sequence[Project]) -> None:
    """Raises UsageError where migrations are of a tool that cannot take two for one."""
    others = sorted({p.tool.value for p in projects if p.migrations and p.tool not in SPLIT})
    if others:
        spelled = ", ".join(sorted({tool.spelled for tool in SPLIT}))
        raise UsageError(
            f"--split parts migrations of {spelled}, and these are of {', '.join(others)}",
            hint="Leave it out: the history gets the migration's row once its plan is contracted.",
        )


def halves_of(imports: Sequence[tuple[Project, Sequence[Imported]]]) -> dict[Path, str]:
    """What stands in each file, by its path below a folder of migrations; the project's own files stay as they are.

    Raises UsageError where two projects would have one journal, or a file of the project cannot be read.
    """
    found: dict[Path, str] = {}
    for project, migrations in imports:
        for path, text in _of_project(project, migrations):
            if path in found:
                raise UsageError(
                    f"two projects have halves in {path}", hint="Import them one at a time, each with an --out."
                )
            found[path] = text
    return found


def _of_project(project: Project, migrations: Sequence[Imported]) -> Iterator[tuple[Path, str]]:
    parted = [one for one in migrations if one.halves]
    for one in parted:
        yield from ((half.path, half.text) for half in one.halves)
        if project.tool is Tool.DRIZZLE_1:
            # The schema is the one of the snapshot once both have run.
            snapshot = one.origin.migration.file.parent / SNAPSHOT
            if snapshot.exists():
                yield one.halves[-1].path.parent / SNAPSHOT, _text(snapshot)
    if parted and project.tool is Tool.DRIZZLE:
        by_name = {one.origin.entry.name: one.halves for one in parted}
        yield Path(PLACE), journal_with(_text(project.root / PLACE), by_name)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"{file} cannot be read: {why}") from None
