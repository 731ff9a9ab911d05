"""Commands survive an outage of the server, for as long as there is hope."""

from __future__ import annotations

import psycopg
import pytest

from crossfade.errors import DatabaseUnreachable, StepFailed
from crossfade.workflow import lease
from crossfade.workflow.lease import surviving_outages


class Attempts:
    """Fails in the given ways, one after the other, and then succeeds."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        if self.failures:
            raise self.failures.pop(0)
        return "done"


UNREACHABLE = DatabaseUnreachable("no connection")


def test_a_lost_connection_is_tried_for_again() -> None:
    attempts = Attempts(psycopg.errors.AdminShutdown("terminating"), UNREACHABLE, psycopg.OperationalError("gone"))
    assert surviving_outages(attempts) == "done"
    assert attempts.made == 4


@pytest.mark.parametrize("error", [StepFailed("no", sqlstate="42P01"), psycopg.errors.DiskFull("full")])
def test_what_is_no_outage_is_not_tried_again(error: Exception) -> None:
    attempts = Attempts(error)
    with pytest.raises(type(error)):
        surviving_outages(attempts)
    assert attempts.made == 1


def test_an_outage_that_lasts_too_long_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "OUTAGE_SECONDS", 0.5)
    with pytest.raises(DatabaseUnreachable, match="could not be had again") as failed:
        surviving_outages(Attempts(psycopg.errors.AdminShutdown("terminating"), *[UNREACHABLE] * 1000))
    assert "same command" in (failed.value.hint or "")


def test_each_connection_that_was_had_gives_new_hope(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that worked for an hour is not out of patience when it loses its connection."""
    monkeypatch.setattr(lease, "OUTAGE_SECONDS", 0.0)
    with pytest.raises(DatabaseUnreachable):
        surviving_outages(Attempts(UNREACHABLE))
    monkeypatch.setattr(lease, "OUTAGE_SECONDS", 30.0)
    clock = iter([0.0, 3600.0, 3600.0, 3601.0, 3601.0])
    monkeypatch.setattr("crossfade.workflow.lease.time.monotonic", lambda: next(clock, 3601.0))
    assert surviving_outages(Attempts(psycopg.errors.AdminShutdown("terminating"))) == "done"
