"""Ranges of versions, scheme by scheme: what is in, what is out, and what cannot be read."""

from __future__ import annotations

from contextlib import suppress
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.plan.versions import Scheme, UnreadableRange, UnreadableVersion, parse_range

ORDER = ("blue", "green", "red")


@pytest.mark.parametrize(
    ("scheme", "text", "inside", "outside"),
    [
        ("semver", ">=2.0.0", "2.0.0 2.10.0 10.0.0 v2.0.0 2.0.0+b5", "1.99.9 2.0.0-rc.1 2.1.0-rc.1 0.0.1"),
        ("semver", ">=2", "2.0.0 3.0.0", "1.9.9 2.0.0-rc.1"),
        ("semver", ">=2.1 <3", "2.1.0 2.99.0", "2.0.9 3.0.0 3.0.0-rc.1"),
        ("semver", ">=2.0.0,<3", "2.5.0", "3.0.0 1.0.0"),
        ("semver", " >= 2.0.0 , < 3.0.0 ", "2.5.0", "3.0.0 1.0.0"),
        ("semver", "2.0.0", "2.0.0 2.0.0+build", "2.0.1 2.0.0-rc.1"),
        ("semver", "==2.0.0", "2.0.0", "2.0.1"),
        ("semver", ">=2.0.0 !=2.0.3", "2.0.2 2.0.4", "2.0.3"),
        ("semver", ">2.0.0 <=2.1.0", "2.0.1 2.1.0", "2.0.0 2.1.1"),
        ("semver", ">=2.0.0-rc.2", "2.0.0-rc.2 2.0.0-rc.10 2.0.0 2.1.0-alpha", "2.0.0-rc.1 2.0.0-beta 1.0.0"),
        ("semver", ">=2.0.0-rc.1 <3", "2.9.0-rc.1", "3.0.0-alpha 3.0.0"),
        ("semver", ">=2.0.0-rc.1 <3.0.0-beta", "3.0.0-alpha", "3.0.0-beta 3.0.0"),
        ("pep440", ">=2.0", "2.0 2.0.1 2.0.post1 10.0 v2.0", "1.9 2.0rc1 2.1.dev1 2.1a1"),
        ("pep440", ">=2.0rc1", "2.0rc1 2.0rc2 2.0 2.1a1", "2.0b1 1.0"),
        ("pep440", ">=2.0 <3", "2.9", "3.0 3.0rc1"),
        ("pep440", "==2.*", "2.0 2.9.9", "3.0 2.0rc1"),
        ("pep440", "~=2.1", "2.1 2.9", "3.0 2.0"),
        ("pep440", "2.0", "2.0 2.0.0 2.0+local", "2.0.1"),
        ("calver", ">=2026.11.1", "2026.11.1 2026.11.10 2026.12 2027.1.1", "2026.9.30 2026.11 2025.12.31"),
        ("calver", "2026.11", "2026.11 2026.11.0 2026.011", "2026.11.1"),
        ("calver", ">=26.04 <26.10", "26.04 26.9", "26.10 26.3"),
        ("integer", ">=412", "412 1000 0413", "411 9"),
        ("integer", "!=413", "412 414", "413"),
        ("ordered", ">=green", "green red", "blue"),
        ("ordered", "<green", "blue", "green red"),
        ("ordered", "red", "red", "blue green"),
        ("git", "4f2c91e", "4f2c91e 4f2c91e07ad3b5", "4f2c91f aaaaaaa"),
        ("git", "4f2c91e07ad3b5, 07ad3b5", "4f2c91e 07ad3b5ffff", "aaaaaaa"),
    ],
)
def test_a_range_admits_what_its_scheme_says(scheme: Scheme, text: str, inside: str, outside: str) -> None:
    versions = parse_range(scheme, text, order=ORDER if scheme == "ordered" else None)

    assert [v for v in inside.split() if not versions.admits(v)] == []
    assert [v for v in outside.split() if versions.admits(v)] == []


@pytest.mark.parametrize(
    ("scheme", "text"),
    [
        *(
            (scheme, text)
            for scheme in get_args(Scheme)
            for text in ("", " ", ",", ">=", "||", "^2", "*", ">=>=2", "=>2")
        ),
        ("semver", "2"),
        ("semver", ">2"),
        ("semver", "<=2.1"),
        ("semver", "2.x"),
        ("semver", "~2.0.0"),
        ("semver", "~=2.0.0"),
        ("semver", "2.0.0 - 3.0.0"),
        ("semver", ">=2.0.0 || 1.9.9"),
        ("semver", ">=02.0.0"),
        ("semver", "2.0.0 2.0.1"),
        ("semver", ">=" + "9" * 5000 + ".0.0"),
        ("pep440", ">=two"),
        ("pep440", "===2.0"),
        ("pep440", ">=2.*"),
        ("pep440", ">=" + "9" * 5000),
        ("calver", ">=2026-11-01"),
        ("calver", ">=2026.11.1-rc1"),
        ("calver", ">=2026..1"),
        ("integer", ">=4.2"),
        ("integer", ">=-1"),
        ("integer", ">=" + "9" * 5000),
        ("ordered", ">=purple"),
        ("git", "4f2c"),
        ("git", ">=4f2c91e"),
        ("git", "main"),
        ("git", "4F2C91E"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused_with_a_hint(scheme: Scheme, text: str) -> None:
    with pytest.raises(UnreadableRange) as raised:
        parse_range(scheme, text, order=ORDER if scheme == "ordered" else None)
    assert raised.value.hint
    assert len(raised.value.message) < 400


@pytest.mark.parametrize(
    ("scheme", "text", "version"),
    [
        ("semver", ">=2.0.0", "2.0"),
        ("semver", ">=2.0.0", "latest"),
        ("semver", ">=2.0.0", ""),
        ("semver", ">=2.0.0", "2.0.0\n"),
        ("semver", ">=2.0.0", "9" * 5000 + ".0.0"),
        ("semver", ">=2.0.0", "9" * 150 + ".0"),
        ("pep440", ">=2.0", "latest"),
        ("pep440", ">=2.0", "9" * 5000),
        ("calver", ">=2026.1", "2026.1-rc1"),
        ("calver", ">=2026.1", "٢٠٢٦.1"),
        ("integer", ">=4", "4.0"),
        ("integer", ">=4", "9" * 5000),
        ("ordered", ">=green", "purple"),
        ("git", "4f2c91e", "4f2c"),
        ("git", "4f2c91e", "2.0.0"),
    ],
)
def test_a_version_that_cannot_be_read_is_never_admitted(scheme: Scheme, text: str, version: str) -> None:
    versions = parse_range(scheme, text, order=ORDER if scheme == "ordered" else None)

    with pytest.raises(UnreadableVersion) as raised:
        versions.admits(version)
    assert (raised.value.scheme, raised.value.version) == (scheme, version)
    assert raised.value.message.isprintable()


@pytest.mark.parametrize(
    ("scheme", "text", "lower", "higher"),
    [
        ("semver", ">=2.0.0", "2.9.0", "2.10.0"),
        ("semver", ">=2.0.0", "2.0.0-rc.1", "2.0.0"),
        ("pep440", ">=2", "2.0rc1", "2.0"),
        ("calver", ">=2026.1", "2026.9", "2026.11"),
        ("integer", ">=1", "9", "10"),
        ("ordered", "==green", "blue", "green"),
    ],
)
def test_one_version_is_above_another_by_its_scheme(scheme: Scheme, text: str, lower: str, higher: str) -> None:
    found = parse_range(scheme, text, order=("blue", "green") if scheme == "ordered" else None)
    assert found.is_above(higher, lower)
    assert not found.is_above(lower, higher)
    assert not found.is_above(lower, lower)


def test_commits_have_no_order_and_are_the_same_or_another() -> None:
    found = parse_range("git", "4f2c91e")
    assert not found.is_above("4f2c91e0", "4f2c91e")
    assert found.is_above("4f2c91e", "07ad3b5")


def test_equal_ranges_are_equal_values() -> None:
    assert parse_range("semver", ">=2.0.0") == parse_range("semver", ">=2.0.0")
    assert parse_range("semver", ">=2.0.0") != parse_range("pep440", ">=2.0.0")


triples = st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))


@given(triples, triples)
def test_releases_compare_as_their_numbers(version: tuple[int, int, int], bound: tuple[int, int, int]) -> None:
    text, limit = ".".join(map(str, version)), ".".join(map(str, bound))

    for scheme in ("semver", "pep440", "calver"):
        assert parse_range(scheme, f">={limit}").admits(text) == (version >= bound)
        assert parse_range(scheme, f"<{limit}").admits(text) == (version < bound)
        assert parse_range(scheme, limit).admits(text) == (version == bound)


@given(st.sampled_from(get_args(Scheme)), st.text(max_size=30), st.text(max_size=30))
def test_no_text_escapes_the_family(scheme: Scheme, text: str, version: str) -> None:
    for written in (text, f">={text}", ">=2.0.0", "2"):
        with suppress(UnreadableRange, UnreadableVersion):
            parse_range(scheme, written, order=("2", "2.0.0", "a")).admits(version)
