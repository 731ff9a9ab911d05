"""How much processor time a server of our own has used: all of its processes, those that have ended, too. Linux."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_TICKS = os.sysconf("SC_CLK_TCK")
_PARENT, _USER, _SYSTEM, _USER_OF_ENDED, _SYSTEM_OF_ENDED = 1, 11, 12, 13, 14
"""Fields of /proc/PID/stat, counted from the one after the name."""


def processor_seconds(data_dir: Path) -> float:
    """Seconds of one core, in user mode and in the kernel, since the server was started."""
    postmaster = int((data_dir / "postmaster.pid").read_text(encoding="ascii").split()[0])
    own = _fields(postmaster)
    ticks = sum(own[field] for field in (_USER, _SYSTEM, _USER_OF_ENDED, _SYSTEM_OF_ENDED))
    for fields in _children(postmaster):
        ticks += fields[_USER] + fields[_SYSTEM]
    return ticks / _TICKS


def _children(parent: int) -> Iterator[list[int]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = _fields(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has just ended
            if fields[_PARENT] == parent:
                yield fields


def _fields(pid: int) -> list[int]:
    """The numbers of /proc/PID/stat behind the process's name, which may have spaces and brackets."""
    rest = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return [int(field) if field.lstrip("-").isdigit() else 0 for field in rest]
