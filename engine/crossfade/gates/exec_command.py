"""The gate `exec`: a command of the plan's own ends with exit code 0.

It is run where crossfade runs, without a shell, with the run and the phase in CROSSFADE_RUN and CROSSFADE_PHASE, and is
killed with all that it started once its time is over.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crossfade.gates.verdict import Judgement, Verdict
from crossfade.plan.durations import format_duration
from crossfade.postgres.connect import masked

if TYPE_CHECKING:
    from crossfade.gates.subject import Look, Subject
    from crossfade.plan.gates import Exec

_KEPT_BYTES = 2000
"""Of the end of its output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """How the command ended."""

    exit_code: int | None = None
    """Below 0 the signal that ended it; None where it did not end."""
    failure: str | None = None
    """Why it did not end by itself, or never began."""
    output: str = ""
    """The end of what it wrote to both outputs, without passwords in URLs."""


def observe(subject: Subject, entry: Exec, look: Look) -> Observation:
    """Run the command to its end, or to the end of its time."""
    environment = {**os.environ, "CROSSFADE_RUN": subject.name, "CROSSFADE_PHASE": look.phase.value}
    with tempfile.TemporaryFile() as written:
        try:
            process = subprocess.Popen(  # noqa: S603 - the plan's own command, word for word
                entry.command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return Observation(failure=f"it cannot be run: {getattr(error, 'strerror', None) or error}")
        failure = None
        try:
            process.wait(entry.timeout.total_seconds())
        except subprocess.TimeoutExpired:
            failure = f"it did not end within {format_duration(entry.timeout)}"
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        size = written.seek(0, os.SEEK_END)
        written.seek(max(0, size - _KEPT_BYTES))
        output = masked(written.read().decode(errors="replace"))
    return Observation(exit_code=None if failure else process.returncode, failure=failure, output=output)


def judge(observation: Observation, entry: Exec) -> Judgement:
    """PASS for exit code 0, BLOCKED for another; ERROR where there is none of its own."""
    o, command = observation, shlex.join(entry.command)
    evidence = {"command": list(entry.command), "exit_code": o.exit_code, "output": o.output}
    if o.failure is not None:
        return Judgement(verdict=Verdict.ERROR, reason=f"{command}: {o.failure}", evidence=evidence)
    if o.exit_code is None or o.exit_code < 0:
        reason = f"{command} was ended by signal {-(o.exit_code or 0)}"
        return Judgement(verdict=Verdict.ERROR, reason=reason, evidence=evidence)
    last = next((f": {line.strip()}" for line in reversed(o.output.splitlines()) if line.strip()), "")
    verdict = Verdict.PASS if o.exit_code == 0 else Verdict.BLOCKED
    return Judgement(verdict=verdict, reason=f"{command} ended with {o.exit_code}{last}", evidence=evidence)


def in_words(entry: Exec) -> str:
    """For `explain`."""
    return f"{shlex.join(entry.command)} ends with 0"
