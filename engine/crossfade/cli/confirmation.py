"""Asking a person before something is hidden, dropped or taken back.

The answer is the run's name, typed at the terminal or given with `--confirm`. `--yes` stands for it where there is a
person at a terminal who gave it; a script has to name the run.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from crossfade.cli.interrupts import cancelling
from crossfade.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from crossfade.cli.call import Call
    from crossfade.observe.progress import Progress


def confirmation(call: Call, progress: Progress, name: str, given: str | None) -> Callable[[str], None]:
    """What the engine calls before it does so. Raises UsageError at once where `--confirm` names another run."""
    if given is not None and given != name:
        raise UsageError(
            f"--confirm says {given}, but the run is {name}", hint="Give the name of the run that is meant."
        )

    def confirm(what: str) -> None:
        if given is not None or (call.yes and call.can_ask):
            return
        if not call.can_ask:
            raise UsageError(f"about to {what}: that wants to be confirmed", hint=f"Add: --confirm {name}")
        with progress.suspended(), cancelling():
            typed = _ask(f"About to {what}.\nType the run's name to go on ({name}): ")
        if typed != name:
            raise UsageError(f"not confirmed: {what}", hint=f"Nothing was done. The name to type is {name}.")

    return confirm


def asked_once(confirm: Callable[[str], None], what: str) -> Callable[[str], None]:
    """Ask now, before a long wait, and not again after it. Raises UsageError."""
    confirm(what)
    return lambda _what: None


def _ask(question: str) -> str:
    _forget_what_was_typed_before()
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def _forget_what_was_typed_before() -> None:
    """A line that somebody typed while nothing was asked is no answer."""
    import termios

    termios.tcflush(sys.stdin, termios.TCIFLUSH)
