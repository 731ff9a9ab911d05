"""Sizes: one spelling per size in, one canonical spelling out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.plan.sizes import Size, SizeBetween

MEGABYTE = 1024**2


@pytest.mark.parametrize(
    ("text", "size", "canonical"),
    [
        ("0B", 0, "0B"),
        ("0MB", 0, "0B"),
        ("8192B", 8192, "8kB"),
        ("512kB", 512 * 1024, "512kB"),
        ("64MB", 64 * MEGABYTE, "64MB"),
        ("1024MB", 1024 * MEGABYTE, "1GB"),
        ("1536MB", 1536 * MEGABYTE, "1536MB"),
        ("2TB", 2 * 1024**4, "2TB"),
    ],
)
def test_a_size_has_one_canonical_spelling(text: str, size: int, canonical: str) -> None:
    assert Size.parse(text) == size
    assert str(Size.parse(text)) == canonical


@given(st.integers(0, 999_999_999).map(Size))
def test_what_is_written_is_read_back(size: Size) -> None:
    assert Size.parse(str(size)) == size


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "one whole number and one unit"),
        ("MB", "one whole number and one unit"),
        ("64", "`64MB`"),
        ("064MB", "`64MB`"),
        ("64mb", "`64MB`"),
        ("64 MB", "`64MB`"),
        ("64MiB", "`64MB`"),
        ("64M", "`64MB`"),
        ("8KB", "`8kB`"),
        ("8b", "`8B`"),
        ("1.5GB", "one whole number and one unit"),
        ("-1MB", "one whole number and one unit"),
        ("1PB", "one whole number and one unit"),
        ("64MB\n", "`64MB`"),
        ("٦٤MB", "one whole number and one unit"),
    ],
)
def test_anything_else_is_refused_with_what_to_write(text: str, hint: str) -> None:
    with pytest.raises(ValueError, match="expected a size") as refused:
        Size.parse(text)
    assert hint in refused.value.context["hint"]  # type: ignore[attr-defined] # pydantic's own error


@pytest.mark.parametrize(("text", "fits"), [("1MB", True), ("1GB", True), ("1023kB", False), ("1025MB", False)])
def test_bounds_are_included(text: str, fits: bool) -> None:
    bounds = SizeBetween(low=Size.parse("1MB"), high=Size.parse("1GB"))
    if fits:
        assert bounds.check(Size.parse(text)) == Size.parse(text)
    else:
        with pytest.raises(ValueError, match="outside of 1MB to 1GB"):
            bounds.check(Size.parse(text))
