"""A table without a key is walked by the rows' places, which do not last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .filling import COUNTED, UNKEYED, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from .filling import Filling

WIDE = "CREATE TABLE t (id int, old text, other int, pad char(900) DEFAULT '');"
"""Eight rows to a block."""


def test_whole_blocks_are_walked_until_a_pass_finds_nothing(start: Callable[[str], Filling]) -> None:
    filling = start(WIDE + rows(400) + COUNTED)
    filling.fill(batch_rows=80)
    assert filling.pending() == 0
    assert filling.updates() == dict.fromkeys(range(1, 401), 1)
    batches = filling.batches()
    beginnings = [n for n, (_, after, _, _) in enumerate(batches) if after is None]
    assert len(beginnings) == 2
    assert all(upto[0].endswith(",0)") for _, _, upto, _ in batches)
    assert sum(written for _, _, _, written in batches[beginnings[1] :]) == 0
    assert 60 <= batches[0][3] <= 100
    assert filling.progress("pass", "rows_done", "finished_at IS NOT NULL") == (2, 400, True)


@pytest.mark.parametrize("at", [1, 2, 3])
def test_rows_that_a_rewrite_moved_behind_the_cursor_are_found_in_the_next_pass(
    start: Callable[[str], Filling], at: int
) -> None:
    filling = start(WIDE + rows(400) + "DELETE FROM t WHERE id <= 200 AND id % 8 <> 0;" + COUNTED)
    filling.fill(batch_rows=40, after_batch=lambda number: filling.sql("VACUUM FULL t") if number == at else None)
    assert filling.pending() == 0
    assert set(filling.updates().values()) == {1}
    assert filling.updates().total() == 225


def test_rows_that_a_rewrite_moved_behind_the_cursor_are_found_though_the_pass_wrote_nothing(
    start: Callable[[str], Filling],
) -> None:
    filling = start(WIDE + rows(400))
    # Nothing is pending, and nothing is there, in the first half of the table.
    filling.sql("DELETE FROM t WHERE id <= 300")
    filling.fill(batch_rows=40, after_batch=lambda number: filling.sql("VACUUM FULL t") if number == 1 else None)
    assert filling.pending() == 0


def test_rows_that_are_rewritten_by_others_meanwhile_are_not_written_again(start: Callable[[str], Filling]) -> None:
    filling = start(WIDE + rows(200))
    filling.sql(COUNTED.replace("{schema}", filling.schema))
    filling.fill(
        batch_rows=40,
        after_batch=lambda number: filling.sql("UPDATE t SET other = 1 WHERE id > 180") if number == 1 else None,
    )
    assert filling.pending() == 0
    assert filling.updates() == dict.fromkeys(range(1, 201), 1)


def test_duplicate_rows_are_each_filled(start: Callable[[str], Filling]) -> None:
    filling = start(UNKEYED + "INSERT INTO t SELECT 1, 'same' FROM generate_series(1, 50);")
    filling.fill(batch_rows=20)
    assert filling.sql("SELECT count(*) FROM t WHERE new = 'same'") == [(50,)]
