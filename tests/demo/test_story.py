"""The demo's whole story, with few rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.demo.happenings import Chapter
from crossfade.demo.story import run_demo
from crossfade.errors import UsageError

if TYPE_CHECKING:
    from crossfade.demo.happenings import Happening

ROWS = 5000


def test_the_story_ends_well(heard: list[Happening]) -> None:
    result = run_demo(ROWS, False, heard.append)
    assert list(result.problems()) == []
    assert result.ok
    document = result.as_json()
    assert document["state"] == "contracted"
    assert document["failed_statements"] == document["parity_mismatches"] == 0
    assert document["rows"] > ROWS
    assert document["statements"] > 0
    assert document["batches"] > 0
    assert "pod-a" in document["blocked_by"]
    titles = [h.title for h in heard if isinstance(h, Chapter)]
    assert titles[:4] == ["Open a shop", "Idle", "Expand", "Backfill"]
    assert titles[-2:] == ["Drop", "Check"]


def test_a_demo_with_too_few_rows_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 2 rows"):
        run_demo(1, False, lambda _: None)
