"""What has come of an import, as a document and for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from crossfade.cli.output import plain, warn
from crossfade.migrations.drizzle_journal import PLACE

if TYPE_CHECKING:
    from crossfade.migrations.imported import Imported
    from crossfade.migrations.migration import Problem, Project


@dataclass(slots=True)
class Answer:
    """What has come of it so far."""

    imports: list[tuple[Project, Sequence[Imported]]] = field(default_factory=list)
    """Each project with what its migrations have come to."""
    problems: list[Problem] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)
    """Migrations that are not imported, and why."""
    replayed: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    """Folders that were run from empty, how the schema of the plans is not that of the migrations, and what of that is
    so on purpose, in words."""

    def add(self, project: Project, found: Sequence[Imported]) -> None:
        """Take in what a project has come to."""
        self.imports.append((project, found))
        self.problems += [problem for one in found for problem in one.problems]

    @property
    def migrations(self) -> tuple[Imported, ...]:
        """All that were imported, in order."""
        return tuple(one for _, found in self.imports for one in found)

    @property
    def names(self) -> frozenset[str]:
        """Of all plans."""
        return frozenset(plan.name for one in self.migrations for plan in one.plans)

    @property
    def is_whole(self) -> bool:
        """Whether all that was asked for is in plans, and they do the same."""
        return not self.problems and not any(difference for _, difference, _ in self.replayed)

    def as_json(self, out: Path) -> dict[str, Any]:
        """The document."""
        return {
            "migrations": [
                {
                    "name": one.origin.entry.name,
                    "file": one.origin.entry.file,
                    "plans": [
                        {"name": plan.name, "file": str(out / plan.file_name), "certain": plan.is_certain}
                        for plan in one.plans
                    ],
                    "halves": [
                        {
                            "name": half.entry.name,
                            "file": str(out / "migrations" / half.path),
                            "recorded": half.recorded,
                            "created_at": half.entry.created_at,
                        }
                        for half in one.halves
                    ],
                    "whole": one.whole or None,
                }
                for one in self.migrations
            ],
            "left_out": [{"name": name, "reason": reason} for name, reason in self.left],
            "whole_history": [
                {"folder": folder, "same": not difference, "difference": difference, "passed_over": list(passed)}
                for folder, difference, passed in self.replayed
            ],
            "problems": [
                {"file": str(p.file), "line": p.line, "column": p.column, "message": p.message, "hint": p.hint}
                for p in self.problems
            ],
        }

    def print(self, out: Path) -> None:
        """The same for a person; what is wrong on standard error."""
        for number, one in enumerate(self.migrations):
            if not one.plans and not one.problems:
                is_last = not any(later.plans for later in self.migrations[number:])
                then = "the tool may run it" if is_last else "the next plan covers it too"
                typer.echo(f"{plain(one.origin.entry.name)}: it changes nothing; {then}")
            for plan in one.plans:
                open_ = "" if plan.is_certain else ", where a person has to say what is meant: intent"
                typer.echo(f"{plain(str(out / plan.file_name))}{open_}")
            _print_halves(one, out)
        for project, found in self.imports:
            if project.tool.value == "drizzle" and any(one.halves for one in found):
                ours, theirs = out / "migrations" / PLACE, project.root / PLACE
                typer.echo(f"{plain(str(ours))}: to be {plain(str(theirs))}")
        for name, reason in self.left:
            typer.echo(f"{plain(name)}: left out, since {plain(reason)}")
        for folder, difference, passed in self.replayed:
            same = "is not" if difference else "is"
            typer.echo(f"{plain(folder)}: the schema that the plans leave {same} that of the migrations")
            if difference:
                typer.echo(difference)
            for words in passed:
                typer.echo(f"  passed over: {plain(words)}")
        for problem in self.problems:
            hint = f" ({plain(problem.hint)})" if problem.hint else ""
            where = f"{plain(str(problem.file))}:{problem.line}:{problem.column}"
            warn(f"{where}: {plain(problem.message)}{hint}")


def _print_halves(one: Imported, out: Path) -> None:
    """The two files of a migration, or why there is one; neither where nobody asked."""
    for half in one.halves:
        when = "" if half.entry.created_at is None else f", `when` of the journal: {half.entry.created_at}"
        place = out / "migrations" / half.path
        typer.echo(f"{plain(str(place))}: to be {plain(half.entry.file or half.entry.name)}{when}")
    if one.whole:
        typer.echo(f"{plain(one.origin.entry.name)}: stays whole, since {plain(one.whole)}")
