"""The gate `exec`: a command of the plan's own ends with exit code 0.

It is run where crossfade runs, without a shell and with nothing on its standard input; its environment is that of
crossfade, with the run and the phase in CROSSFADE_RUN and CROSSFADE_PHASE. Once it has ended, or its time is over, it
is killed with all that it started, except for what made itself a session of its own: nobody waits for that.
Passwords in URLs are masked in what is shown of the command and of its output.
"""

from __future__ import annotations

import os
import re
import selectors
import shlex
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crossfade.gates.verdict import Judgement, Verdict
from crossfade.plan.durations import format_duration
from crossfade.postgres.connect import masked

if TYPE_CHECKING:
    from crossfade.gates.subject import Look, Subject
    from crossfade.plan.gates import Exec

_KEPT = 2000
"""Characters of the end of the output."""
_SEEN_BYTES = 1 << 16
"""Of the end of the output, in which passwords are masked before it is cut."""
_LONGEST_REASON = 200
_POLL_SECONDS = 0.05
_DYING_SECONDS = 1.0
"""For a process that was killed; one in the hands of the kernel, or of another user, may take longer."""
_CONTROL = re.compile(r"[^\S\n\t ]|[\x00-\x08\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """How the command ended."""

    exit_code: int | None = None
    """Below 0 the signal that ended it; None where it did not end."""
    failure: str | None = None
    """Why it did not end by itself, or never began."""
    output: str = ""
    """The end of what it wrote to both outputs, without passwords in URLs and without control characters."""


def observe(subject: Subject, entry: Exec, look: Look) -> Observation:
    """Run the command to its end, or to the end of its time."""
    environment = {**os.environ, "CROSSFADE_RUN": subject.name, "CROSSFADE_PHASE": look.phase.value}
    try:
        process = subprocess.Popen(  # noqa: S603 - the plan's own command, word for word
            entry.command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return Observation(failure=f"it cannot be run: {getattr(error, 'strerror', None) or error}")
    assert process.stdout is not None
    output = _Output(process.stdout.fileno())
    with process.stdout:
        try:
            has_ended = _wait(process, output, time.monotonic() + entry.timeout.total_seconds())
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_DYING_SECONDS)
        output.read_the_rest()
    if not has_ended:
        return Observation(failure=f"it did not end within {format_duration(entry.timeout)}", output=output.end())
    return Observation(exit_code=process.returncode, output=output.end())


class _Output:
    """The reading end of a command's output, of which the end is kept. Reading never waits."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._seen = b""
        self.is_open = True
        """Whether anybody may still write to it."""

    def read(self, seconds: float) -> bool:
        """Wait for more, up to so long, and read it; whether there was any."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._descriptor, selectors.EVENT_READ)
            if not selector.select(seconds):
                return False
        piece = os.read(self._descriptor, _SEEN_BYTES)
        self.is_open = bool(piece)
        self._seen = (self._seen + piece)[-_SEEN_BYTES:]
        return self.is_open

    def read_the_rest(self) -> None:
        """Read what is there already, and no more than that: what was not killed may write on and on."""
        left = 2 * _SEEN_BYTES
        while left > 0 and self.is_open and self.read(0):
            left -= _SEEN_BYTES

    def end(self) -> str:
        """As it may be shown."""
        return _shown(self._seen.decode(errors="replace"))[-_KEPT:]


def _wait(process: subprocess.Popen[bytes], output: _Output, until: float) -> bool:
    """Read the output until the process has ended; False where it has not at that time of the monotonic clock."""
    while process.poll() is None:
        left = until - time.monotonic()
        if left <= 0:
            return False
        # What it started may hold the output open, and it may close it long before it ends.
        if output.is_open:
            output.read(min(left, _POLL_SECONDS))
        else:
            time.sleep(min(left, _POLL_SECONDS))
    return True


def judge(observation: Observation, entry: Exec) -> Judgement:
    """PASS for exit code 0, BLOCKED for another; ERROR where there is none of its own."""
    o, command = observation, _command(entry)
    evidence = {"command": [_shown(word) for word in entry.command], "exit_code": o.exit_code, "output": o.output}
    if o.failure is not None:
        return Judgement(verdict=Verdict.ERROR, reason=f"{command}: {o.failure}", evidence=evidence)
    if o.exit_code is None or o.exit_code < 0:
        reason = f"{command} was ended by signal {-(o.exit_code or 0)}"
        return Judgement(verdict=Verdict.ERROR, reason=reason, evidence=evidence)
    last = next((line.strip() for line in reversed(o.output.splitlines()) if line.strip()), "")
    said = f": {_cut(last)}" if last else ""
    verdict = Verdict.PASS if o.exit_code == 0 else Verdict.BLOCKED
    return Judgement(verdict=verdict, reason=f"{command} ended with {o.exit_code}{said}", evidence=evidence)


def _command(entry: Exec) -> str:
    # Each word before it is quoted: a quote within a password would end it.
    return _cut(shlex.join(_shown(word) for word in entry.command))


def _shown(text: str) -> str:
    """Without passwords; a control character could not be kept, or would do something to a terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", masked(text.replace("\r\n", "\n")))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_REASON else text[: _LONGEST_REASON - 1] + "…"


def in_words(entry: Exec) -> str:
    """For `explain`."""
    return f"{_command(entry)} ends with 0"
