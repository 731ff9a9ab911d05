"""The throttles of a plan: defaults, `off`, and what is refused with which words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import Field, ValidationError

from crossfade.plan.schema import _PlanSchema
from crossfade.plan.sizes import Size
from crossfade.plan.throttles import Throttles

DEFAULTS = {
    "max_replica_lag": "5s",
    "max_replica_bytes": "256MB",
    "max_slot_retention": 50,
    "max_archive_backlog": "640MB",
    "max_blocked": "250ms",
    "max_xmin_age": "10m",
    "max_dead_rows": 30,
}
OTHERS = {
    "max_active_sessions": 16,
    "max_checkpoints": 1,
    "throttle_sql": "SELECT count(*) > 100 FROM public.queue WHERE state LIKE 'a%'",
    "throttle_http": "https://status.example.com:8443/may?token=x",
}


class Part(Throttles):
    """As a part of the plan has them, beside keys of its own."""

    batch_rows: int = Field(default=1000)


def written(throttles: Throttles) -> dict[str, Any]:
    return throttles.model_dump(mode="json", exclude_none=True)


def test_the_defaults() -> None:
    assert written(Throttles()) == DEFAULTS


def test_limits_are_values() -> None:
    read = Throttles.model_validate({"max_replica_lag": "90s", "max_archive_backlog": "1GB"})
    assert read.max_replica_lag == timedelta(seconds=90)
    assert read.max_archive_backlog == Size(1024**3)


@pytest.mark.parametrize("key", [*DEFAULTS, *OTHERS])
def test_each_can_be_switched_off_and_stays_off_through_json(key: str) -> None:
    part = Part.model_validate({**DEFAULTS, **OTHERS, key: "off"})
    assert getattr(part, key) is None
    kept = {k: v for k, v in {**DEFAULTS, **OTHERS}.items() if k != key}
    assert written(part) == {"batch_rows": 1000, **kept, **({key: "off"} if key in DEFAULTS else {})}
    assert Part.model_validate(written(part)) == part


def test_what_is_left_at_its_default_counts_as_not_written() -> None:
    part = Part.model_validate({**DEFAULTS, "max_dead_rows": "off"})
    assert part.model_dump(mode="json", exclude_defaults=True) == {"max_dead_rows": "off"}


BAD = [
    ("max_replica_lag", None, "a key without a value"),
    ("max_replica_lag", 5, "expected a duration such as 250ms, 5s, 15m, 2h or 7d, or `off`; got `5`"),
    ("max_replica_lag", "5", "expected a duration"),
    ("max_replica_lag", "99ms", "outside of 100ms to 1d"),
    ("max_replica_bytes", "256", "expected a size"),
    ("max_replica_bytes", 256, "expected a size such as 512kB, 64MB or 2GB, or `off`; got `256`"),
    ("max_replica_bytes", "1023kB", "outside of 1MB to 1TB"),
    ("max_slot_retention", "50%", "expected a whole number, or `off`; got `50%`"),
    ("max_slot_retention", 0, "greater than or equal to 1"),
    ("max_slot_retention", 101, "less than or equal to 100"),
    ("max_dead_rows", True, "expected a whole number"),
    ("max_blocked", "2m", "outside of 10ms to 1m"),
    ("max_active_sessions", 0, "greater than or equal to 1"),
    ("max_xmin_age", "8d", "outside of 1s to 7d"),
    ("max_checkpoints", 61, "less than or equal to 60"),
    ("throttle_sql", 1, "expected text"),
    ("throttle_sql", "", "at least 1 character"),
    ("throttle_sql", "SELEC 1", "not readable as SQL: syntax error"),
    ("throttle_sql", "-- nothing", "here are 0 statements"),
    ("throttle_sql", "SELECT 1; SELECT 2", "here are 2 statements"),
    ("throttle_sql", "SELECT 1, 2", "a SELECT of 2 columns"),
    ("throttle_sql", "DELETE FROM t", "it is another statement"),
    ("throttle_sql", "select", "a SELECT of no columns"),
    ("throttle_sql", "VALUES (1, 2)", "a SELECT of 2 columns"),
    ("throttle_sql", "SELECT 1, 2 UNION SELECT 3, 4", "a SELECT of 2 columns"),
    ("throttle_sql", "SELECT 1 INTO t", "it is another statement"),
    ("throttle_sql", "SELECT 1 FROM t FOR UPDATE", "a SELECT that locks rows"),
    ("throttle_sql", "WITH gone AS (DELETE FROM t RETURNING 1) SELECT 1", "changes rows in its WITH"),
    ("throttle_http", "status.example.com", "not a web address"),
    ("throttle_http", "ftp://status.example.com", "not a web address"),
    ("throttle_http", "file:///etc/passwd", "not a web address"),
    ("throttle_http", "http:///path", "not a web address"),
    ("throttle_http", "http://host:99999/", "not a web address"),
    ("throttle_http", "http://[host/", "not a web address"),
    ("throttle_http", "http://host/a b", "not a web address"),
    ("throttle_http", "http://host/\r\nX: y", "not a web address"),
]


@pytest.mark.parametrize(("key", "value", "message"), BAD, ids=[f"{key}-{value}" for key, value, _ in BAD])
def test_what_is_wrong_is_said(key: str, value: object, message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Throttles.model_validate({key: value})
    (error,) = refused.value.errors(include_url=False)
    assert message in error["msg"]
    assert error["loc"] == (key,)


def test_a_refused_address_is_not_repeated() -> None:
    for address in ("ftp://user:secret@host/", "https://user:secret@host/"):
        with pytest.raises(ValidationError) as refused:
            Throttles.model_validate({"throttle_http": address})
        assert "secret" not in refused.value.errors(include_url=False)[0]["msg"]


def test_the_json_schema_knows_off_and_the_defaults() -> None:
    schema = Part.model_json_schema(schema_generator=_PlanSchema)
    assert {k: p["default"] for k, p in schema["properties"].items() if "default" in p} == {
        **DEFAULTS,
        "batch_rows": 1000,
    }
    assert all(p.get("description") for k, p in schema["properties"].items() if k != "batch_rows")
    validator = Draft202012Validator(schema)
    assert validator.is_valid({**DEFAULTS, **OTHERS})
    assert validator.is_valid(dict.fromkeys([*DEFAULTS, *OTHERS], "off"))
    assert not validator.is_valid({"max_dead_rows": "often"})
    assert not validator.is_valid({"max_replica_bytes": "64mb"})
