"""What a benchmark finds: a figure beside its baseline of the same run, and the goal that one of the two is held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

_WIDE = 140


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A limit for the figure itself, for its difference to the baseline, or for its ratio to it."""

    of: Literal["figure", "difference", "ratio"]
    at_most: float | None = None
    at_least: float | None = None

    def met(self, value: float) -> bool:
        """Whether a value keeps to the limit."""
        low = self.at_least is None or value >= self.at_least
        return low and (self.at_most is None or value <= self.at_most)

    def __str__(self) -> str:
        return f"{self.of} ≤ {self.at_most:g}" if self.at_most is not None else f"{self.of} ≥ {self.at_least:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value, and the same without Crossfade."""

    benchmark: str
    what: str
    unit: str
    figure: float
    baseline: float
    goal: Goal | None = None

    @property
    def difference(self) -> float:
        """What Crossfade adds."""
        return self.figure - self.baseline

    @property
    def ratio(self) -> float:
        """How many times the baseline it is."""
        return self.figure / self.baseline

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without one."""
        return None if self.goal is None else self.goal.met(getattr(self, self.goal.of))

    def as_json(self) -> dict[str, Any]:
        """All of it as one flat document."""
        return {
            "benchmark": self.benchmark,
            "what": self.what,
            "unit": self.unit,
            "figure": self.figure,
            "baseline": self.baseline,
            "difference": self.difference,
            "ratio": self.ratio,
            "goal": None if self.goal is None else str(self.goal),
            "met": self.met,
        }


def show(figures: Sequence[Figure], title: str) -> None:
    """One table of them all on standard output."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)  # in a file or a pipe there is no edge to keep from
    table = Table(title=title, title_justify="left")
    table.add_column("what")
    for column in ("figure", "baseline", "difference", "ratio"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("goal", no_wrap=True)
    for f, following in zip(figures, (*figures[1:], None), strict=True):
        cells = (f"{_number(f.figure)} {f.unit}", _number(f.baseline), _signed(f.difference), f"{f.ratio:.2f}")
        verdict = {None: "", True: " ✓", False: " ✗"}[f.met]
        ends = following is None or following.benchmark != f.benchmark
        table.add_row(f.what, *cells, f"{f.goal or ''}{verdict}", end_section=ends)
    console.print(table)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}"


def _signed(value: float) -> str:
    return ("+" if value >= 0 else "-") + _number(abs(value))
