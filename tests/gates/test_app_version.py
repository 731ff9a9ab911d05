"""The gate `app_version` over what was sighted; without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.gates.app_version import Observation, judge, live_in_new
from crossfade.gates.sightings import Sighting
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.plan.apps import App
from crossfade.plan.gates import AppVersion

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PASS, BLOCKED, UNKNOWN = Verdict.PASS, Verdict.BLOCKED, Verdict.UNKNOWN
OLD, NEW, GARBLED = "1.4.0", "2.0.0", "main-ab12cd3"


def app(**facts: Any) -> App:
    return App.model_validate({"scheme": "semver", "new": ">=2.0.0", "ttl": "60s", **facts})


def seen(
    version: str,
    *,
    age: float = 1,
    by: str = "heartbeat",
    instance: str = "pod-a",
    name: str = "api",
    host: str | None = None,
    role: str | None = None,
) -> Sighting:
    at = NOW - timedelta(seconds=age)
    return Sighting(
        app=name,
        version=version,
        instance=instance,
        source=by,
        host=host,
        first_seen=at,
        last_seen=at,
        age_seconds=age,
        role_name=role,
    )


def judged(*sightings: Sighting, **facts: Any) -> Judgement:
    return judge(Observation(now=NOW, apps={"api": app(**facts)}, sightings=sightings), AppVersion())


CASES: dict[str, tuple[list[Sighting], dict[str, Any], Verdict]] = {
    "nothing at all": ([], {}, UNKNOWN),
    "a new one": ([seen(NEW)], {}, PASS),
    "a new one at the very end of its ttl": ([seen(NEW, age=60)], {}, PASS),
    "a new one that is stale": ([seen(NEW, age=60.1)], {}, UNKNOWN),
    "a new one a little ahead of the clock": ([seen(NEW, age=-1)], {}, PASS),
    "an old one": ([seen(OLD)], {}, BLOCKED),
    "an old one at the very end of its ttl": ([seen(OLD, age=60)], {}, BLOCKED),
    "an old one that is stale": ([seen(OLD, age=61)], {}, UNKNOWN),
    "an old one among new ones": ([seen(NEW), seen(OLD, instance="b"), seen(NEW, instance="c")], {}, BLOCKED),
    "a stale old one and a new one": ([seen(OLD, age=61), seen(NEW)], {}, PASS),
    "an instance that was upgraded within the ttl": ([seen(OLD, age=30), seen(NEW)], {}, BLOCKED),
    "one that cannot be read": ([seen(GARBLED)], {}, UNKNOWN),
    "one that cannot be read among new ones": ([seen(GARBLED, instance="b"), seen(NEW)], {}, UNKNOWN),
    "one that cannot be read beside an old one": ([seen(GARBLED, instance="b"), seen(OLD)], {}, BLOCKED),
    "a stale one that cannot be read and a new one": ([seen(GARBLED, age=61), seen(NEW)], {}, PASS),
    "no version at all": ([seen("")], {}, UNKNOWN),
    "a pre-release of the new one": ([seen("2.0.0-rc.1")], {}, BLOCKED),
    "an old one by activity only": ([seen(OLD, by="activity")], {}, BLOCKED),
    "an old one by activity and a new one by heartbeat": (
        [seen(OLD, by="activity", instance="b"), seen(NEW)],
        {},
        BLOCKED,
    ),
    "an old one by heartbeat and a new one by activity": (
        [seen(OLD), seen(NEW, by="activity", instance="b")],
        {},
        BLOCKED,
    ),
    "a new one by activity only": ([seen(NEW, by="activity")], {}, UNKNOWN),
    "a new one by activity, the only source there is": ([seen(NEW, by="activity")], {"sources": ("activity",)}, PASS),
    "a new one by both": ([seen(NEW, by="activity"), seen(NEW)], {}, PASS),
    "a new one by activity and a stale heartbeat": ([seen(NEW, by="activity"), seen(NEW, age=61)], {}, UNKNOWN),
    "a name that may be cut": ([seen("2." + "0" * 57, by="activity", instance="b"), seen(NEW)], {}, UNKNOWN),
    "a long version by heartbeat": ([seen("2.0.0-" + "a" * 60)], {"new": ">=2.0.0-0"}, PASS),
    "as many as expected": ([seen(NEW), seen(NEW, instance="b")], {"expect": 2}, PASS),
    "more than expected": ([seen(NEW), seen("2.1.0", instance="b")], {"expect": 1}, PASS),
    "fewer than expected": ([seen(NEW)], {"expect": 2}, UNKNOWN),
    "as many as expected, one of them stale": ([seen(NEW), seen(NEW, instance="b", age=61)], {"expect": 2}, UNKNOWN),
    "as many as expected, one of them by activity": (
        [seen(NEW), seen(NEW, instance="b", by="activity")],
        {"expect": 2},
        UNKNOWN,
    ),
    "one instance at two versions is one": ([seen(NEW), seen("2.1.0")], {"expect": 2}, UNKNOWN),
    "two connections of one host that name no instance may be one": (
        [seen(NEW, by="activity", instance=f"pid {n}", host="10.0.0.7") for n in (1, 2)],
        {"expect": 2, "sources": ("activity",)},
        UNKNOWN,
    ),
    "two connections of two hosts are two": (
        [seen(NEW, by="activity", instance=f"pid {n}", host=f"10.0.0.{n}") for n in (1, 2)],
        {"expect": 2, "sources": ("activity",)},
        PASS,
    ),
    "a claim above what other sources see": ([seen("9.9.9"), seen(NEW, by="activity", instance="b")], {}, UNKNOWN),
    "a claim that is forged beside what proves": (
        [seen("9.9.9", instance="x"), seen(NEW), seen(NEW, by="activity", instance="b")],
        {},
        UNKNOWN,
    ),
    "a claim above a stale sighting of another source": (
        [seen("2.1.0"), seen(NEW, by="activity", instance="b", age=61)],
        {},
        PASS,
    ),
    "a claim below what another source sees": ([seen(NEW), seen("2.1.0", by="activity", instance="b")], {}, PASS),
    "a claim above the deployment on record": (
        [seen("2.1.0"), seen(NEW, by="record", instance="deploy")],
        {"sources": ("heartbeat", "record")},
        UNKNOWN,
    ),
    "a claim under another role than the app's": ([seen(NEW, role="met")], {"roles": ("api_rw",)}, UNKNOWN),
    "a heartbeat under the app's role": ([seen(NEW, role="api_rw")], {"roles": ("api_rw",)}, PASS),
    "an old one under another role than the app's": ([seen(OLD, role="met")], {"roles": ("api_rw",)}, BLOCKED),
    "a claim above other claims": ([seen(NEW), seen("2.1.0", instance="b")], {}, PASS),
    "a claim of another commit than other sources see": (
        [seen("4f2c91e"), seen("07ad3b5", by="activity", instance="b")],
        {"scheme": "git", "new": "4f2c91e, 07ad3b5"},
        UNKNOWN,
    ),
    "a shorter ttl": ([seen(NEW, age=3)], {"ttl": "2s"}, UNKNOWN),
    "an integer": ([seen("411")], {"scheme": "integer", "new": ">=412"}, BLOCKED),
    "another app's": ([seen(NEW, name="worker")], {}, UNKNOWN),
}


@pytest.mark.parametrize("case", CASES)
def test_seen_is(case: str) -> None:
    sightings, facts, verdict = CASES[case]
    assert judged(*sightings, **facts).verdict is verdict


everything = st.lists(
    st.builds(
        seen,
        st.sampled_from([OLD, NEW, GARBLED, "2.1.0"]),
        age=st.sampled_from([0, 30, 60, 61, 1000]),
        by=st.sampled_from(["heartbeat", "activity"]),
        instance=st.sampled_from(["a", "b", "pid 7"]),
    ),
    max_size=6,
)


@given(sightings=everything, expect=st.sampled_from([None, 1, 2]))
def test_only_proof_passes(sightings: list[Sighting], expect: int | None) -> None:
    facts = {} if expect is None else {"expect": expect}
    verdict = judged(*sightings, **facts).verdict
    fresh = [s for s in sightings if s.age_seconds <= 60]
    if any(s.version == OLD for s in fresh):
        assert verdict is BLOCKED
    elif any(s.version == GARBLED for s in fresh) or not any(s.source == "heartbeat" for s in fresh):
        assert verdict is UNKNOWN
    elif expect is None:
        shown = {s.version for s in fresh if s.source == "activity"}
        claims = {s.version for s in fresh if s.source == "heartbeat"}
        assert verdict is (UNKNOWN if shown and max(claims) > max(shown) else PASS)
    assert judged(*reversed(sightings), **facts).verdict is verdict


@given(sightings=everything)
def test_more_old_sightings_never_open_the_gate(sightings: list[Sighting]) -> None:
    assert judged(*sightings, seen(OLD, instance="old")).verdict is BLOCKED


def test_who_blocks_is_named_with_version_place_time_and_source() -> None:
    found = judged(seen(OLD, age=3, host="10.0.0.7"), seen(NEW, instance="b"))
    assert found.reason == "api has to be >=2.0.0; live is api 1.4.0 on pod-a (10.0.0.7), seen 3 s ago by heartbeat"


def test_the_latest_five_are_named_and_the_others_counted() -> None:
    reason = judged(*(seen(OLD, age=n, instance=f"pod-{n}") for n in range(1, 9))).reason
    assert [n for n in range(1, 9) if f"pod-{n}, seen {n} s ago" in reason] == [1, 2, 3, 4, 5]
    assert reason.endswith(" and 3 more")


def test_silence_is_said_as_such() -> None:
    assert judged().reason == "nothing reports: no live instance of api seen in the last 1m"
    only = judged(seen(NEW, by="activity")).reason
    assert only.endswith("seen in the last 1m, and an open connection alone is no proof")
    assert judged(seen(NEW), expect=3).reason == "1 of 3 instances of api sighted in the last 1m"
    assert judged(seen(NEW)).reason == "every live instance of api is in >=2.0.0: 1 seen in the last 1m"
    assert "cannot be read as semver" in judged(seen(GARBLED)).reason


def two(*sightings: Sighting) -> Judgement:
    apps = {"api": app(), "worker": app(scheme="integer", new=">=7")}
    return judge(Observation(now=NOW, apps=apps, sightings=sightings), AppVersion())


@pytest.mark.parametrize(
    ("worker", "verdict"),
    [
        (seen("7", name="worker"), PASS),
        (seen("6", name="worker"), BLOCKED),
        (seen("v7", name="worker"), UNKNOWN),
        (seen("7", name="worker", age=61), UNKNOWN),
    ],
)
def test_every_app_of_the_gate_has_to_pass(worker: Sighting, verdict: Verdict) -> None:
    assert two(seen(NEW), worker).verdict is verdict
    assert two(worker, seen(NEW)).verdict is verdict
    assert two(worker, seen(OLD)).verdict is BLOCKED


def test_a_blocker_is_named_before_what_is_unknown_and_what_passes_is_left_out() -> None:
    reason = two(seen("6", name="worker")).reason
    assert reason.index("worker 6") < reason.index("nothing reports: no live instance of api")
    assert "api" not in two(seen(NEW), seen("6", name="worker")).reason


def test_it_is_clear_since_the_last_old_sighting_became_stale() -> None:
    found = judged(seen(NEW), seen(OLD, age=100), seen(OLD, age=90, instance="b"), seen(GARBLED, age=80, instance="c"))
    assert found.verdict is PASS
    assert found.clear_since == NOW - timedelta(seconds=20)
    assert judged(seen(NEW), seen("2.1.0", age=500)).clear_since is None


def test_what_does_not_pass_breaks_a_hold() -> None:
    assert judged(seen(OLD)).clear_since is None
    assert judged().clear_since is None
    assert judged(seen(OLD, age=100)).clear_since is None


def test_the_evidence_has_every_sighting_and_what_its_version_needs() -> None:
    evidence = judged(seen(OLD), seen(NEW, age=2), seen(GARBLED, age=61), expect=2).evidence
    assert [(s["version"], s["needs"], s["fresh"]) for s in evidence["sightings"]] == [
        (OLD, "old", True),
        (NEW, "new", True),
        (GARBLED, "unknown", False),
    ]
    assert evidence["stale_sightings"] == 1
    assert evidence["apps"]["api"]["expect"] == 2
    words = evidence["sightings"][2]["words"]
    assert words == "not seen since 2026-03-01 11:58:59 UTC by heartbeat"


@pytest.mark.parametrize(
    ("sightings", "words"),
    [
        ([], None),
        ([seen(OLD), seen(GARBLED), seen(NEW, age=61)], None),
        ([seen(OLD), seen(NEW, age=2)], "api 2.0.0 on pod-a, seen 2 s ago by heartbeat"),
        ([seen(NEW, by="activity")], "api 2.0.0 on pod-a, seen 1 s ago by activity"),
        (
            [seen(NEW, by="activity", instance="pid 7"), seen(NEW, age=9)],
            "api 2.0.0 on pod-a, seen 9 s ago by heartbeat and pid 7, seen 1 s ago by activity",
        ),
        (
            [seen(NEW, by="activity", instance=f"pid {n}", age=n) for n in (1, 2, 3)],
            "api 2.0.0 on pid 1 and 2 more connections, seen 1 s ago by activity",
        ),
        ([seen(NEW), seen(NEW, by="activity")], "api 2.0.0 on pod-a, seen 1 s ago by heartbeat and activity"),
    ],
)
def test_live_instances_of_the_new_version_are_named(sightings: list[Sighting], words: str | None) -> None:
    assert live_in_new(Observation(now=NOW, apps={"api": app()}, sightings=tuple(sightings))) == words
