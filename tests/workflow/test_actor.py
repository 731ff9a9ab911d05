"""Who asks for a run: the name that is given, else the environment's, else the process's user and host."""

from __future__ import annotations

import getpass
import os
import socket

import pytest

from crossfade.errors import UsageError
from crossfade.workflow.actor import who_asks

HERE = socket.gethostname()


@pytest.mark.parametrize(
    ("given", "environment", "name"),
    [
        ("anna", {"CROSSFADE_ACTOR": "eva"}, "anna"),
        (" anna ", {}, "anna"),
        (None, {"CROSSFADE_ACTOR": "eva@ci"}, "eva@ci"),
        (None, {"CROSSFADE_ACTOR": ""}, f"{getpass.getuser()}@{HERE}"),
        (None, {}, f"{getpass.getuser()}@{HERE}"),
    ],
)
def test_the_nearest_name_is_taken(given: str | None, environment: dict[str, str], name: str) -> None:
    assert who_asks(given, environment) == name


def test_a_user_without_a_name_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert who_asks(None, {}) == f"uid {os.getuid()}@{HERE}"


@pytest.mark.parametrize("name", ["", "  ", "an\nna"])
def test_a_name_that_nobody_can_read_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="--as is empty"):
        who_asks(name, {})
    if name:
        with pytest.raises(UsageError, match="CROSSFADE_ACTOR is empty"):
            who_asks(None, {"CROSSFADE_ACTOR": name})
