"""Any version and any range: the database and Python give the same answer."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfade.plan.versions import Scheme, UnreadableRange, VersionRange

from .version_ranges import ORDER, RANGES, assert_same, database_with_ledger, read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..fixtures.servers import Server

pytestmark = pytest.mark.alike


@pytest.fixture(scope="module")
def ledger_on(server: Server) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a database with the ledger; nothing here writes."""
    with database_with_ledger(server) as connection:
        yield connection


numbers = st.one_of(
    st.sampled_from(["0", "1", "2", "3", "10", "00", "01", "٣", "9" * 19, "9" * 199, "1" + "0" * 60]),
    st.integers(0, 12).map(str),
)
usual_numbers = st.sampled_from(["0", "1", "2", "3", "10"])


def dotted(number: st.SearchStrategy[str], low: int, high: int) -> st.SearchStrategy[str]:
    return st.lists(number, min_size=low, max_size=high).map(".".join)


def maybe(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(st.just(""), strategy)


def joined(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map("".join)


garbage = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=12)
edges = st.sampled_from(["", "", "", "", "", "\n", " ", "\t", "\u3000", "\x1f", "\x7f", "é", "\u200b", "."])
identifiers = dotted(
    st.one_of(
        usual_numbers, st.sampled_from(["01", "a", "A", "a-", "-", "--1", "rc", "0a", "1-", "z9", "9" * 30, "", "é"])
    ),
    1,
    4,
)
SEMVER = joined(
    st.sampled_from(["", "", "", "v", "V"]),
    st.one_of(dotted(usual_numbers, 3, 3), dotted(usual_numbers, 3, 3), dotted(numbers, 2, 4)),
    maybe(identifiers.map("-{}".format)),
    maybe(identifiers.map("+{}".format)),
)
separators = st.sampled_from(["", "", ".", "-", "_"])
words = st.sampled_from(
    [*("a", "b", "c", "rc", "alpha", "beta", "pre", "preview"), *("A", "RC", "Alpha", "BETA", "PREVIEW", "é")]
)
PEP440 = joined(
    st.sampled_from(["", "", "", "v", "V"]),
    maybe(usual_numbers.map("{}!".format)),
    st.one_of(dotted(usual_numbers, 1, 3), dotted(numbers, 1, 5)),
    maybe(joined(separators, words, separators, maybe(numbers))),
    maybe(
        st.one_of(
            usual_numbers.map("-{}".format),
            joined(separators, st.sampled_from(["post", "rev", "r", "POST"]), separators, maybe(numbers)),
        )
    ),
    maybe(joined(separators, st.sampled_from(["dev", "DEV"]), separators, maybe(numbers))),
    maybe(
        st.lists(
            st.sampled_from(["a", "B", "ab", "0", "1", "01", "10", "a1", "9" * 25]), min_size=1, max_size=3
        ).flatmap(lambda parts: st.sampled_from(".-_").map(lambda separator: "+" + separator.join(parts)))
    ),
)
VERSIONS: dict[Scheme, st.SearchStrategy[str]] = {
    "semver": SEMVER,
    "pep440": PEP440,
    "calver": dotted(numbers, 1, 5),
    "integer": numbers,
    "ordered": st.sampled_from(ORDER),
    "git": st.text("0123abcf", min_size=6, max_size=9),
}
OPERATORS: dict[Scheme, str] = {"pep440": ">= <= == != > < ~=", "git": "=="}


@st.composite
def cases(draw: st.DrawFn, scheme: Scheme) -> tuple[VersionRange, list[str]]:
    """A range, and versions of which many are its own bounds, or near them."""
    version = VERSIONS[scheme]
    versions = draw(st.lists(version, min_size=12, max_size=30))
    operators = st.sampled_from(OPERATORS.get(scheme, ">= <= == != > <").split())
    written = []
    for bound in versions[:4]:
        wildcard = draw(st.sampled_from(["", "", "", ".*"])) if scheme == "pep440" else ""
        written.append(draw(operators) + bound + wildcard)
    texts = [*(f"{one} {other}" for one, other in pairwise(written)), *written]
    wanted = next((w for text in draw(st.permutations(texts)) if (w := _readable(scheme, text))), None)
    seen = [draw(edges) + v + draw(edges) for v in versions[:6]]
    cut = [v[: draw(st.integers(0, 12))] for v in versions[:6]]
    return wanted or read(scheme, RANGES[scheme]), [*versions, *seen, *cut, *draw(st.lists(garbage, max_size=5))]


def _readable(scheme: Scheme, text: str) -> VersionRange | None:
    try:
        return read(scheme, text)
    except UnreadableRange:
        return None


@pytest.mark.parametrize("scheme", RANGES)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_the_database_and_python_agree(ledger_on: psycopg.Connection[Any], scheme: Scheme, data: st.DataObject) -> None:
    wanted, versions = data.draw(cases(scheme))

    assert_same(ledger_on, wanted, versions)
