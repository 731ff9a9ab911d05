"""The demo as it happens: lines where there is no terminal, a live frame where there is one."""

from __future__ import annotations

import io

from rich.console import Console

from crossfade.demo.display import display
from crossfade.demo.happenings import AppCounters, Chapter, Happening, Remark
from crossfade.observe.events import BatchDone, Blocker, GatesEvaluated, LockWaited, StateChanged, StepDone, StepStarted

RUN = "users-email-address"
BLOCKER = Blocker(
    pid=12,
    application_name="report",
    user="ann",
    state="active",
    transaction_seconds=3.2,
    relation="public.users",
    mode="AccessShareLock",
)
STORY: tuple[Happening, ...] = (
    Chapter(title="Expand", text="Add email_address beside email."),
    StateChanged(run=RUN, source="planned", target="expanding"),
    StepStarted(run=RUN, step="add", title="add email_address", phase="expand", attempt=1),
    LockWaited(run=RUN, step="add", attempt=1, waited_seconds=0.05, blockers=(BLOCKER,)),
    StepDone(run=RUN, step="add", phase="expand", lock_wait_ms=51.2, duration_ms=3.1),
    StateChanged(run=RUN, source="expanded", target="backfilling"),
    AppCounters(
        version="1.4.0", instance="pod-a", column="email", live=True, statements=1234, failed=0, longest_ms=12.3
    ),
    BatchDone(
        run=RUN,
        change="rows",
        relation="public.users",
        rows=1000,
        duration_ms=20,
        rows_done=50_000,
        rows_estimated=200_000,
        batch_rows=1000,
    ),
    GatesEvaluated(run=RUN, phase="contract", verdict="BLOCKED", reason="api 1.4.0 is live"),
    GatesEvaluated(run=RUN, phase="contract", verdict="BLOCKED", reason="api 1.4.0 is live still"),
    Remark(text="[that] is that"),
)


def shown(*, terminal: bool) -> str:
    stream = io.StringIO()
    console = Console(
        file=stream,
        width=120,
        force_terminal=terminal,
        color_system=None,
        markup=False,
        highlight=False,
        _environ={"TERM": "xterm"},
    )
    with display(console) as listener:
        for happening in STORY:
            listener(happening)
    return stream.getvalue()


def test_without_a_terminal_every_happening_is_a_line() -> None:
    text = shown(terminal=False)
    assert "\x1b" not in text
    lines = [line.split(" s  ", 1)[1].strip() for line in text.splitlines()]
    assert lines == [
        "Expand: Add email_address beside email.",
        "planned → expanding",
        f"waits for a lock (attempt 1), held by {BLOCKER}",
        "add email_address (3 ms, after 51 ms for its locks)",
        "expanded → backfilling",
        "gates of contract: BLOCKED: api 1.4.0 is live",
        "[that] is that",
    ]


def test_a_terminal_shows_the_phase_the_backfill_and_the_apps() -> None:
    text = shown(terminal=True)
    assert "● expanded  ◐ backfilling  ○ retained" in text
    assert "50,000 of 200,000 rows" in text
    assert "api 1.4.0" in text
    assert "12.3 ms" in text
