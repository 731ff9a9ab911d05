"""The database judges versions as the plan does: `crossfade.version_admitted` against `VersionRange.admits`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from crossfade.plan.versions import Scheme, parse_range

from .version_ranges import ORDER, RANGES, assert_same, database_with_ledger, in_python, in_sql, read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..fixtures.servers import Server

pytestmark = pytest.mark.every_server


@pytest.fixture(scope="module")
def ledger_on(server: Server) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a database with the ledger; nothing here writes."""
    with database_with_ledger(server) as connection:
        yield connection


@pytest.mark.parametrize(
    ("scheme", "text", "inside", "outside"),
    [
        ("semver", ">=2.0.0", "2.0.0 2.10.0 10.0.0 v2.0.0 2.0.0+b5", "1.99.9 2.0.0-rc.1 2.1.0-rc.1 0.0.1"),
        ("semver", ">=2", "2.0.0 3.0.0", "1.9.9 2.0.0-rc.1"),
        ("semver", ">=2.1 <3", "2.1.0 2.99.0", "2.0.9 3.0.0 3.0.0-rc.1"),
        ("semver", "2.0.0", "2.0.0 2.0.0+build", "2.0.1 2.0.0-rc.1"),
        ("semver", ">=2.0.0 !=2.0.3", "2.0.2 2.0.4", "2.0.3 2.0.3+x"),
        ("semver", ">2.0.0 <=2.1.0", "2.0.1 2.1.0", "2.0.0 2.1.1"),
        ("semver", ">=2.0.0-rc.2", "2.0.0-rc.2 2.0.0-rc.10 2.0.0 2.1.0-alpha", "2.0.0-rc.1 2.0.0-beta 2.0.0-1 1.0.0"),
        ("semver", ">=2.0.0-rc.1 <3", "2.9.0-rc.1", "3.0.0-alpha 3.0.0"),
        ("semver", ">=2.0.0-rc.1 <3.0.0-beta", "3.0.0-alpha", "3.0.0-beta 3.0.0"),
        ("semver", ">2.0.0-a", "2.0.0-a.0 2.0.0-a- 2.0.0-aa 2.0.0-b", "2.0.0-a 2.0.0-A.b 2.0.0-9"),
        ("pep440", ">=2.0", "2.0 2.0.1 2.0.post1 10.0 v2.0 1!0.1 2.0+x", "1.9 2.0rc1 2.1.dev1 2.1a1"),
        ("pep440", ">=2.0rc1", "2.0rc1 2.0rc2 2.0C1 2.0-preview_1 2.0 2.1a1", "2.0b1 1.0 2.0.dev9"),
        ("pep440", ">=2.0 <3", "2.9", "3.0 3.0rc1"),
        ("pep440", "<3rc1", "3b2 3rc1.dev1 2", "3rc1 3"),
        ("pep440", "<3.post2", "3 3+x 3.post1", "3.post2 3.post2.dev1"),
        ("pep440", ">3", "3.0.1 3.1", "3 3+x 3.post1 3.0.post1+x"),
        ("pep440", ">3rc1", "3rc2 3rc2.dev0 3", "3rc1 3rc1.post1 3rc1.post1.dev0"),
        ("pep440", ">3.post1", "3.post2", "3.post1 3.post1+x 3.post1.dev1"),
        ("pep440", "<=3", "3 3+x 2", "3.post1 3.0.1"),
        ("pep440", "==2.*", "2.0 2.9.9 2.post1 2+x", "3.0 2.0rc1 1!2"),
        ("pep440", "!=2.*", "1.9 3 1!2", "2 2.0 2.9.9 2.post1"),
        ("pep440", ">=1.0a1 !=2.*", "1 3.dev0 1.9rc1", "2 2rc1 2.dev0"),
        ("pep440", "==2.0.*", "2 2.0.9", "2.1 2.0rc1"),
        ("pep440", "~=2.1", "2.1 2.9 2.1.post1", "3.0 2.0"),
        ("pep440", "~=2.1.0rc1", "2.1.0rc1 2.1.9 2.1", "2.2 2.2.dev0 2.1b1"),
        ("pep440", "2.0", "2.0 2.0.0 2.0+local", "2.0.1"),
        ("pep440", "==2.0+ab.1", "2+AB_1 2.0.0+ab-01", "2.0 2.0+ab 2.0+ab.1.1"),
        ("pep440", "!=2.0+ab", "2.0 2.0+b", "2+ab"),
        ("calver", ">=2026.11.1", "2026.11.1 2026.11.10 2026.12 2027.1.1", "2026.9.30 2026.11 2025.12.31"),
        ("calver", "2026.11", "2026.11 2026.11.0 2026.011", "2026.11.1"),
        ("calver", ">=26.04 <26.10", "26.04 26.9", "26.10 26.3"),
        ("calver", ">0", "0.1 1", "0 0.0 00"),
        ("integer", ">=412", "412 1000 0413", "411 9"),
        ("integer", "!=413", "412 414", "413 000413"),
        ("ordered", ">=green", "green red Grün", "blue"),
        ("ordered", "<green", "blue", "green red"),
        ("ordered", "red", "red", "blue green"),
        ("git", "4f2c91e", "4f2c91e 4f2c91e07ad3b5", "4f2c91f aaaaaaa"),
        ("git", "4f2c91e07ad3b5, 07ad3b5", "4f2c91e 07ad3b5ffff", "aaaaaaa"),
    ],
)
def test_a_range_admits_what_its_scheme_says(
    ledger_on: psycopg.Connection[Any], scheme: Scheme, text: str, inside: str, outside: str
) -> None:
    wanted = read(scheme, text)

    assert in_sql(ledger_on, wanted, inside.split()) == [True] * len(inside.split())
    assert in_sql(ledger_on, wanted, outside.split()) == [False] * len(outside.split())
    assert_same(ledger_on, wanted, [*inside.split(), *outside.split()])


READABLE: dict[Scheme, str] = {
    "semver": "2.0.0",
    "pep440": "2.0",
    "calver": "2026.1",
    "integer": "4",
    "ordered": "green",
    "git": "4f2c91e",
}
STRANGE = (
    *(
        "",
        " ",
        "\n",
        "latest",
        "2",
        "2.0",
        "2.0.0",
        "02.0.0",
        "2.0.00",
        "2..0",
        ".2",
        "2.",
        "-1",
        "+1",
        "1e3",
        "4.0",
        "1_0",
    ),
    *(
        "٢.٠.٠",
        "２.0.0",
        "٢٠٢٦.1",
        "４",
        "2.0.0-٣",
        "2.0.0-é",
        "ｖ2.0.0",
        "2.0.0+é",
        "2.0ſ",
        "2.0.poſt1",
        "2.0.PREVİEW1",
    ),
    *(
        "V2.0.0",
        "vv2.0.0",
        "2.0.0-",
        "2.0.0+",
        "2.0.0-a..b",
        "2.0.0-01",
        "2.0.0-0a",
        "2.0.0--",
        "2.0.0+a+b",
        "2.0.0+01",
    ),
    *(
        "1!2",
        "1!!2",
        "!2",
        "2.0.*",
        "2.0a",
        "2.0-",
        "2.0+",
        "2.0+a..b",
        "2.0+_",
        "2.0-1-2",
        "2.0a1b1",
        "2.0post",
        "2.0-r_1",
    ),
    *("4F2C91E", "4f2c91", "4f2c91g", "a" * 64, "a" * 65, "9" * 18, "9" * 19, "2026." + "9" * 9, "2026." + "9" * 10),
    *("9" * 200, "9" * 201, "9" * 195 + ".0.0", "9" * 197 + ".0.0", "9" * 5000, " " * 198 + "2 ", " " * 199 + "2 "),
    *(
        "2.0.0-" + "9" * 194,
        "2.0.0-" + "a" * 195,
        "2.0+" + "9" * 196,
        "é" * 200,
        "é" * 201,
        "2.0.0;",
        "'",
        "\\",
        "%s",
        "{}",
    ),
)


@pytest.mark.parametrize("scheme", RANGES)
def test_strange_texts_are_read_or_not_as_python_does(ledger_on: psycopg.Connection[Any], scheme: Scheme) -> None:
    spaces = [chr(c) for c in range(1, 0x3100) if not chr(c).isprintable()] + ["\ufeff", "\U0001d7d8", "\u3000"]
    around = [t for c in spaces for t in (READABLE[scheme] + c, c + READABLE[scheme], f"2.{c}0.0", f"2.0.0{c}-a")]

    assert_same(ledger_on, read(scheme, RANGES[scheme]), [*STRANGE, *around])


@pytest.mark.parametrize(
    ("scheme", "versions"),
    [
        (
            "semver",
            "1.0.0-0 1.0.0-2 1.0.0-10 1.0.0-- 1.0.0-A 1.0.0-a 1.0.0-a.1 1.0.0-a.b 1.0.0-a- 1.0.0 1.0.1-a 2.0.0 10.0.0",
        ),
        (
            "pep440",
            "0.9 1.dev1 1a1.dev1 1a1 1a1.post1 1b1 1rc1 1 1+a 1+a.a 1+a.1 1+2 1.post1.dev1 1.post1 1.0.1 1.2 1.10 1!0",
        ),
        ("calver", "0 0.1 2026 2026.0.1 2026.9 2026.11 2026.11.1"),
        ("integer", "0 2 10 413"),
        ("ordered", "blue green red Grün"),
    ],
)
def test_keys_sort_as_the_versions_do(ledger_on: psycopg.Connection[Any], scheme: Scheme, versions: str) -> None:
    query = (
        "SELECT version FROM pg_catalog.unnest(%s::pg_catalog.text[]) AS seen(version)"
        ' ORDER BY crossfade.version_key(%s, version, %s) COLLATE pg_catalog."C"'
    )
    listed = versions.split()

    rows = ledger_on.execute(query, [sorted(listed, reverse=True), scheme, list(ORDER)]).fetchall()

    assert [version for (version,) in rows] == listed


def test_equal_versions_have_equal_keys(ledger_on: psycopg.Connection[Any]) -> None:
    pairs = [("semver", "v1.0.0+x", "1.0.0"), ("pep440", "1.0-ALPHA_01", "1a1"), ("calver", "26.04.0", "26.4")]
    for scheme, one, other in pairs:
        query = "SELECT crossfade.version_key(%s, %s, NULL) = crossfade.version_key(%s, %s, NULL)"
        assert ledger_on.execute(query, [scheme, one, scheme, other]).fetchone() == (True,)


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"scheme": "semver"},
        {"scheme": "semver", "comparators": [], "order": [], "prereleases": True},
        {"scheme": "semver", "comparators": [[">=", "two"]], "order": [], "prereleases": True},
        {"scheme": "semver", "comparators": [[">=", "1.0.0"], ["~", "1.0.0"]], "order": [], "prereleases": True},
        {"scheme": "semver", "comparators": [["~", "1.0.0"], [">=", "1.0.0"]], "order": [], "prereleases": True},
        {"scheme": "pep440", "comparators": [["!=", "9"], ["outside", "3"]], "order": [], "prereleases": True},
        {"scheme": "roman", "comparators": [[">=", "1.0.0"]], "order": [], "prereleases": True},
    ],
)
def test_a_range_that_cannot_be_read_admits_nothing(ledger_on: psycopg.Connection[Any], wanted: dict[str, Any]) -> None:
    query = "SELECT crossfade.version_admitted(%s, '2.0.0'), crossfade.version_admitted(%s, NULL)"

    assert ledger_on.execute(query, [Jsonb(wanted), Jsonb(wanted)]).fetchone() == (None, None)


def test_the_collation_of_the_version_has_no_say(ledger_on: psycopg.Connection[Any]) -> None:
    query = (
        "SELECT crossfade.version_admitted(%s, version COLLATE public.folding) FROM (SELECT %s::text) AS seen(version)"
    )
    key = (
        "SELECT crossfade.version_key(%s, version COLLATE public.folding, %s) IS NOT NULL"
        " FROM (SELECT %s::text) AS seen(version)"
    )
    with ledger_on.transaction(force_rollback=True):
        try:
            ledger_on.execute(
                "CREATE COLLATION public.folding (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
            )
        except psycopg.errors.FeatureNotSupported:
            pytest.skip("this PostgreSQL was built without ICU")
        for scheme, text in RANGES.items():
            wanted = read(scheme, text)
            for version in (READABLE[scheme], READABLE[scheme].upper(), "2.0.0-B", "2.0.0-b", "2.0RC1"):
                found = ledger_on.execute(query, [Jsonb(wanted.as_json()), version]).fetchone()
                assert found == (in_python(wanted, version),), (scheme, version)
                keyed = ledger_on.execute(key, [scheme, list(ORDER), version]).fetchone()
                assert keyed == (found != (None,),), (scheme, version)


def test_the_functions_are_immutable_pinned_and_nobodys(ledger_on: psycopg.Connection[Any]) -> None:
    query = """
        SELECT p.proname::text, p.provolatile, p.prosecdef, p.proconfig, acl.grantee IS NOT NULL
        FROM pg_catalog.pg_proc p
        LEFT JOIN LATERAL pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) acl
            ON acl.grantee = 0
        WHERE p.pronamespace = 'crossfade'::pg_catalog.regnamespace AND p.proname ~ '^(version|semver|pep440|numbers)_'
    """
    found = {row[0]: row[1:] for row in ledger_on.execute(query)}

    assert {"version_key", "version_admitted"} < set(found)
    assert {str(row) for row in found.values()} == {"('i', False, ['search_path=pg_catalog, pg_temp'], False)"}


def test_a_version_listed_twice_has_its_last_place(ledger_on: psycopg.Connection[Any]) -> None:
    assert_same(ledger_on, parse_range("ordered", ">=c", order=("a", "b", "a", "c", "b")), ["a", "b", "c"])


@pytest.mark.long
def test_neighbours_are_told_apart(ledger_on: psycopg.Connection[Any]) -> None:
    """Every version against every bound of a list that is dense around a release."""
    dense = "0.dev0 0 0.9 1.dev0 1.dev1 1a1.dev1 1a1 1a1.post0.dev1 1a1.post1 1a2 1b1 1rc1 1 1.post0.dev0 1.post0"
    bounds = f"{dense} 1.post1.dev1 1.post1 1.0.0.1 1.0.1.dev0 1.0.1 1.1 1.9 2.dev1 2".split()
    local = ["1a1+x", "1+x", "1+x.1", "1+1", "1.post0+x"]
    versions = [*bounds, *local, "1!0.dev0", "1!1"]
    ranges = [f"{op}{bound} !=9a1" for bound in bounds for op in (">=", ">", "<=", "<", "!=")]
    ranges += [f"=={bound}" for bound in (*bounds, *local)] + [f"!={bound}" for bound in local] + [">=1", "<1", "~=1.0"]
    for text in ranges:
        assert_same(ledger_on, read("pep440", text), versions)


LONG = "9" * 200


@pytest.mark.parametrize(
    "text", [f"<{LONG}", f"=={'9' * 198}.*", f"!={LONG[2:]}.*", f"~=1.{LONG[2:]}", f">{LONG}", f"~={LONG[2:]}.1"]
)
def test_the_longest_bounds_can_still_be_compared(ledger_on: psycopg.Connection[Any], text: str) -> None:
    versions = [LONG, LONG[1:], LONG[2:], f"1.{LONG[2:]}", "1", "2", f"{LONG[4:]}.1"]

    assert_same(ledger_on, read("pep440", text), versions)
