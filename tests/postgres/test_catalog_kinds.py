"""Domains, volatile functions, the session's time zone and the bounds of partitions come back as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.postgres.catalog import Constraint, Domain, VolatileFunction
from crossfade.postgres.catalog_read import read_catalog

from .shop import builtin, named

if TYPE_CHECKING:
    from .shop import Shop

pytestmark = pytest.mark.every_server


def test_domains_with_what_they_are_over_and_what_they_check(shop: Shop) -> None:
    shop.connection.execute(
        "CREATE DOMAIN shop.rate AS numeric(5,2) DEFAULT 1 NOT NULL;"
        "ALTER DOMAIN shop.rate ADD CONSTRAINT low CHECK (VALUE < 9) NOT VALID"
    )
    domains = {d.name: d for d in read_catalog(shop.connection, []).domains}

    assert set(domains) == {named("short"), named("code"), named("codes"), named("rate")}
    assert domains[named("short")] == Domain(
        name=named("short"),
        type="character varying(20)",
        type_name=builtin("varchar"),
        owner=shop.connection.info.user,
        held_in=("shop.users.codes",),
    )
    assert (domains[named("code")].type, domains[named("codes")].type) == ("shop.short", "shop.code[]")
    assert domains[named("code")].type_name == named("short")
    assert [c.validated for c in domains[named("code")].constraints] == [True]
    assert domains[named("rate")] == Domain(
        name=named("rate"),
        type="numeric(5,2)",
        type_name=builtin("numeric"),
        not_null=True,
        default="1",
        owner=shop.connection.info.user,
        constraints=(
            Constraint(
                name="low",
                kind="check",
                columns=(),
                definition="CHECK ((VALUE < (9)::numeric)) NOT VALID",
                validated=False,
            ),
        ),
    )


def test_volatile_functions_and_the_bodies_that_may_stand_for_a_call(shop: Shop) -> None:
    shop.connection.execute(
        "CREATE FUNCTION shop.plain() RETURNS int LANGUAGE sql AS 'SELECT 1';"
        "CREATE FUNCTION shop.held() RETURNS int LANGUAGE sql SET work_mem = '1MB' AS 'SELECT 1';"
        "CREATE FUNCTION shop.strict(int) RETURNS int LANGUAGE sql STRICT AS 'SELECT 1';"
        "CREATE FUNCTION shop.definer() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';"
        "CREATE FUNCTION shop.both() RETURNS int LANGUAGE sql AS 'SELECT 1';"
        "CREATE FUNCTION shop.both(int) RETURNS int LANGUAGE sql AS 'SELECT 2';"
        "CREATE FUNCTION shop.steady() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';"
        "CREATE FUNCTION shop.lines() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'"
    )
    found = {f.name: f for f in read_catalog(shop.connection, []).volatile_functions}

    assert found[named("plain")] == VolatileFunction(name=named("plain"), body="SELECT 1")
    for name in ("held", "strict", "definer", "both", "lines"):
        assert found[named(name)].body is None
    assert found.keys().isdisjoint({named("steady"), named("touch")})


def test_the_time_zone_is_the_sessions(shop: Shop) -> None:
    shop.connection.execute("SET timezone = 'Europe/Berlin'")

    assert read_catalog(shop.connection, []).time_zone == "Europe/Berlin"


def test_bounds_of_partitions(shop: Shop) -> None:
    bounds = {t.name: t.partition_bound for t in shop.read(named("events")).tables}

    assert bounds == {
        named("events"): None,
        named("events_a"): "FOR VALUES FROM ('2024-01-01', MINVALUE) TO ('2025-01-01', MINVALUE)",
        named("events_a1"): "FOR VALUES IN ('x')",
        named("events_b"): "DEFAULT",
    }
