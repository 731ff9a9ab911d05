"""What a fleet does next: canaries, the time to bake, failures, room. Pure."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crossfade.errors import UsageError
from crossfade.fleet.databases import Database
from crossfade.fleet.report import WORST_FIRST, Outcome, worst
from crossfade.fleet.rollout import Bake, Begin, Decision, Over, Rollout, Wait, canaries_of, decide

DONE, FAILED, WAITS = Outcome.DONE, Outcome.FAILED, Outcome.WAITS
TWO = Rollout(concurrency=2)
CANARY = Rollout(concurrency=2, canaries=("c",), bake=timedelta(minutes=1))
TOLERANT = Rollout(concurrency=2, tolerated=1)
CANARIES = Rollout(concurrency=2, canaries=("a", "b", "c"))


@pytest.mark.parametrize(
    ("rollout", "waiting", "in_hand", "ended", "has_baked", "stop", "wanted"),
    [
        # Room for so many, in the order of the list.
        (TWO, "abc", "", {}, True, None, Begin(("a", "b"))),
        (TWO, "c", "a", {"b": DONE}, True, None, Begin(("c",))),
        (TWO, "c", "ab", {}, True, None, Wait()),
        (TWO, "", "a", {"b": DONE}, True, None, Wait()),
        (TWO, "", "", {"a": DONE, "b": FAILED}, True, None, Over(None)),
        # Failures, and what is none.
        (TWO, "c", "b", {"a": FAILED}, True, None, Wait()),
        (TWO, "c", "", {"a": FAILED, "b": DONE}, True, None, Over("a failed")),
        (TOLERANT, "c", "", {"a": FAILED, "b": DONE}, True, None, Begin(("c",))),
        (TOLERANT, "c", "", {"a": FAILED, "b": FAILED}, True, None, Over("a, b failed, and 1 may")),
        (Rollout(tolerated=None), "c", "", {"a": FAILED, "b": FAILED}, True, None, Begin(("c",))),
        *(
            (TWO, "b", "", {"a": outcome}, True, None, Begin(("b",)))
            for outcome in (WAITS, Outcome.LEFT, Outcome.BUSY, Outcome.UNREACHABLE)
        ),
        # Canaries.
        (CANARY, "abc", "", {}, False, None, Begin(("c",))),
        (CANARY, "ab", "c", {}, False, None, Wait()),
        (CANARY, "ab", "", {"c": DONE}, False, None, Bake()),
        (CANARY, "ab", "", {"c": DONE}, True, None, Begin(("a", "b"))),
        (CANARY, "ab", "", {"c": WAITS}, False, None, Over("canary c is not done: waits")),
        (CANARY, "ab", "", {"c": Outcome.UNREACHABLE}, True, None, Over("canary c is not done: unreachable")),
        (CANARY, "b", "a", {"c": FAILED}, True, None, Wait()),
        (CANARY, "", "", {"c": DONE, "a": DONE}, False, None, Over(None)),
        (CANARIES, "abc", "", {}, True, None, Begin(("a", "b"))),
        (CANARIES, "c", "b", {"a": FAILED}, True, None, Wait()),
        (CANARIES, "c", "", {"a": FAILED, "b": DONE}, True, None, Over("canary a is not done: failed")),
        # A signal.
        (TWO, "c", "a", {}, True, "interrupted", Wait()),
        (TWO, "c", "", {}, True, "interrupted", Over("interrupted")),
        (TWO, "", "a", {}, True, "interrupted", Wait()),
        (TWO, "", "", {"a": DONE}, True, "interrupted", Over(None)),
        (CANARY, "ab", "", {"c": DONE}, False, "interrupted", Over("interrupted")),
    ],
)
def test_what_is_next(
    rollout: Rollout,
    waiting: str,
    in_hand: str,
    ended: dict[str, Outcome],
    has_baked: bool,
    stop: str | None,
    wanted: Decision,
) -> None:
    found = decide(rollout, waiting=list(waiting), in_hand=in_hand, ended=ended, has_baked=has_baked, stop=stop)
    assert found == wanted


def test_canaries_are_a_number_or_names_or_those_of_the_list() -> None:
    fleet = [Database(name=n, url=f"dbname={n}", is_canary=n == "c") for n in ("a", "b", "c", "2")]
    assert canaries_of(fleet, ()) == ("c",)
    assert canaries_of(fleet, ["1"]) == ("a",)
    assert canaries_of(fleet, ["9"]) == ("a", "b", "c", "2")
    assert canaries_of(fleet, ["2"]) == ("2",), "a name goes before a number"
    assert canaries_of(fleet, ["b", "1", "b"]) == ("b", "a")
    for wrong in ("0", "-1", "d", ""):
        with pytest.raises(UsageError, match="there is no database"):
            canaries_of(fleet, [wrong])


def test_the_worst_exit_code_counts() -> None:
    assert worst([]) == 0
    for place, code in enumerate(WORST_FIRST):
        assert worst(WORST_FIRST[place:]) == code
    assert worst([0, 99]) == 1
