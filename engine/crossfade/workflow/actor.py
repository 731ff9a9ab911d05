"""Who asks: the person behind a command, for what four eyes are about.

It is the name that is given, else CROSSFADE_ACTOR, else the user and host of this process. Nothing proves it; an
approval by the same name does not count.
"""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping

from crossfade.errors import UsageError

VARIABLE = "CROSSFADE_ACTOR"


def who_asks(given: str | None = None, environment: Mapping[str, str] = os.environ) -> str:
    """The name of whoever asks. Raises UsageError for one that is no readable text."""
    name = (environment.get(VARIABLE) or f"{_user()}@{socket.gethostname()}") if given is None else given
    if not name.strip() or not name.isprintable():
        source = VARIABLE if given is None else "--as"
        raise UsageError(f"{source} is empty or no readable text", hint="Give the name that people know you by.")
    return name.strip()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        # A container may run as a user that has no name.
        return f"uid {os.getuid()}"
