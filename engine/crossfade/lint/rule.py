"""What a rule is: how it is called, what it means, and the functions that look at a statement, a migration, a project.

A rule's file has one `RULE`, and the functions that it names. A rule says something only where it is sure for the
schema as the model knows it; a table that is not known is taken for a large one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from crossfade.lint.finding import Severity
    from crossfade.lint.seen import SeenMigration, SeenProject, SeenStatement
    from crossfade.migrations.migration import Project
    from crossfade.migrations.script import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a rule says about what it was shown."""

    message: str
    """What it does, to whom, for how long; in words that name the user's own things."""
    instead: str | None = None
    """The same done safely, as SQL; several statements on lines of their own."""
    at: Position | None = None
    """Where in the file; None is the begin of what the rule was shown."""
    of: SeenStatement | None = None
    """The statement that it is about, where the rule was shown more than one."""
    severity: Severity | None = None
    """Where it is another than the rule's own."""
    is_planned: bool = False
    """A plan of crossfade's does what the statement does, without this, where a kind of change does it at all."""
    about: str | None = None
    """What it is known by from one run to the next, where it is about no text that is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. Each of its functions is shown one thing and says what it finds there."""

    id: str
    """Words with hyphens, that name the hazard: `index-not-concurrently`."""
    severity: Severity
    summary: str
    """One line, for lists."""
    explanation: str
    """Paragraphs for `--explain`: what happens, who waits and how long, what to do, where a figure comes from."""
    breaks: bool = False
    """Running versions of an app fail on what it finds, or rows are lost, so that no pipeline may simply run it."""
    opt_in: bool = False
    """Only where the project's settings turn it on: matters of taste."""
    statement: Callable[[SeenStatement], Iterator[Said]] | None = None
    migration: Callable[[SeenMigration], Iterator[Said]] | None = None
    project: Callable[[SeenProject], Iterator[tuple[SeenMigration, Said]]] | None = None
    past: Callable[[Project], Iterator[tuple[Path, Said]]] | None = None
    """Looks at what a database or a commit knows of a project, and says of which file or folder it speaks."""
