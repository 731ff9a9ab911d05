"""The comparison of both columns over every row: it finds each mismatch, whatever happens to the table meanwhile."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.backfill import verify as module
from crossfade.backfill.verify import Verification, stretches
from crossfade.errors import WorkLeft
from crossfade.observe.events import Verified

from .filling import KEYED, UNKEYED, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from .filling import Filling

IN_STEP = Verification(mismatches=0)
WIDE = "CREATE TABLE t (id int PRIMARY KEY, old text, pad char(900) DEFAULT '');"
"""Eight rows to a block."""
PARTED = """
CREATE TABLE t (id int PRIMARY KEY, old text) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF t FOR VALUES FROM (1) TO (31);
CREATE TABLE p2 PARTITION OF t FOR VALUES FROM (31) TO (61);
"""


def filled(start: Callable[[str], Filling], ddl: str, count: int = 60) -> Filling:
    filling = start(ddl + rows(count))
    filling.fill(batch_rows=1000)
    filling.emitted.clear()
    return filling


def spoil(filling: Filling, condition: str, table: str = "t") -> None:
    """Write past the triggers, as somebody does who switched them off."""
    filling.sql(
        f"ALTER TABLE {table} DISABLE TRIGGER USER; UPDATE {table} SET new = 'spoilt' WHERE {condition};"
        f" ALTER TABLE {table} ENABLE TRIGGER USER"
    )


@pytest.mark.parametrize("ddl", [KEYED, UNKEYED, PARTED], ids=["keyed", "unkeyed", "partitions"])
def test_a_filled_table_is_in_step(start: Callable[[str], Filling], ddl: str) -> None:
    filling = filled(start, ddl)
    assert filling.verify() == IN_STEP
    verified = "SELECT bool_and(verified_at IS NOT NULL) FROM crossfade.backfills WHERE run_id = %s"
    assert filling.sql(verified, [filling.run_id]) == [(True,)]
    assert all(e.mismatches == 0 for e in filling.emitted if isinstance(e, Verified))


def test_an_empty_table_is_in_step(start: Callable[[str], Filling]) -> None:
    assert start(KEYED).verify() == IN_STEP


def test_mismatches_are_counted_and_named_by_key(start: Callable[[str], Filling]) -> None:
    filling = filled(start, KEYED)
    spoil(filling, "id IN (9, 42)")
    assert filling.verify() == Verification(mismatches=2, keys=("id=9", "id=42"))
    assert filling.progress("verified_at") == (None,)
    assert [(e.relation, e.mismatches) for e in filling.emitted if isinstance(e, Verified)] == [
        (str(filling.table), 2),
    ]
    filling.sql("UPDATE t SET new = 'right' WHERE id IN (9, 42)")
    assert filling.verify() == IN_STEP


@pytest.mark.parametrize("side", ["old", "new"])
def test_a_null_on_one_side_is_a_mismatch(start: Callable[[str], Filling], side: str) -> None:
    filling = filled(start, KEYED)
    filling.sql(f"ALTER TABLE t DISABLE TRIGGER USER; UPDATE t SET {side} = NULL WHERE id = 5")
    assert filling.verify() == Verification(mismatches=1, keys=("id=5",))


def test_a_row_that_no_backfill_reached_is_a_mismatch(start: Callable[[str], Filling]) -> None:
    assert start(KEYED + rows(7)).verify().mismatches == 7


def test_without_a_key_mismatches_are_named_by_place(start: Callable[[str], Filling]) -> None:
    filling = filled(start, UNKEYED, 3)
    spoil(filling, "id = 2")
    ((place,),) = filling.sql("SELECT ctid::text FROM t WHERE id = 2")
    assert filling.verify().keys == (f"ctid={place}",)


def test_at_most_twenty_keys_are_named_and_all_counted(start: Callable[[str], Filling]) -> None:
    filling = filled(start, PARTED)
    spoil(filling, "id % 2 = 0")
    found = filling.verify()
    assert found.mismatches == 30
    assert len(found.keys) == 20


def test_mismatches_in_partitions_are_named_with_the_partition(start: Callable[[str], Filling]) -> None:
    filling = filled(start, PARTED)
    spoil(filling, "id IN (5, 35)")
    assert filling.verify() == Verification(
        mismatches=2, keys=(f"{filling.schema}.p1 id=5", f"{filling.schema}.p2 id=35")
    )
    assert filling.progress("verified_at", relation="p1") == (None,)


def test_a_partition_that_was_attached_later_is_compared_too(start: Callable[[str], Filling]) -> None:
    filling = filled(start, PARTED)
    filling.sql(
        "CREATE TABLE p3 (LIKE t INCLUDING ALL); INSERT INTO p3 (id, old) VALUES (77, 'late');"
        " ALTER TABLE t ATTACH PARTITION p3 FOR VALUES FROM (61) TO (91)"
    )
    assert filling.verify() == Verification(mismatches=1, keys=(f"{filling.schema}.p3 id=77",))


class At:
    """Does something when it is asked for the nth time whether to stop, which is before each transaction."""

    def __init__(self, number: int, action: Callable[[], object]) -> None:
        self.left, self.action = number, action

    def __call__(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.action()


@pytest.mark.parametrize("at", range(1, 6))
def test_a_table_that_is_rewritten_in_the_middle_is_read_to_its_new_end(
    start: Callable[[str], Filling], at: int
) -> None:
    filling = filled(start, WIDE)
    spoil(filling, "id = 60")
    # Afterwards the last row lies far behind the end of the table as it was.
    sparse = "ALTER TABLE t SET (fillfactor = 10)"

    def rewrite() -> None:
        filling.sql(sparse)
        filling.sql("VACUUM FULL t")

    assert filling.verify(At(at, rewrite)) == Verification(mismatches=1, keys=("id=60",))


def test_a_comparison_in_several_statements_misses_and_doubles_nothing(
    start: Callable[[str], Filling], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BLOCKS", 2)
    filling = filled(start, WIDE)
    # Every row, so that there is one in each block, the last of a statement and the first of the next included.
    spoil(filling, "true")
    found = filling.verify()
    assert found.mismatches == 60
    assert len(set(found.keys)) == 20


@pytest.mark.parametrize("at", range(1, 6))
def test_a_partition_that_is_dropped_meanwhile_is_no_mismatch(start: Callable[[str], Filling], at: int) -> None:
    filling = filled(start, PARTED)
    spoil(filling, "id = 35")
    found = filling.verify(At(at, lambda: filling.sql("DROP TABLE IF EXISTS p1")))
    assert found == Verification(mismatches=1, keys=(f"{filling.schema}.p2 id=35",))


def test_rows_that_are_written_meanwhile_are_no_mismatch(start: Callable[[str], Filling]) -> None:
    filling = filled(start, KEYED)
    write = "UPDATE t SET old = 'a' WHERE id < 9; UPDATE t SET new = 'b' WHERE id > 50;" + rows(9, first=100)
    assert filling.verify(At(3, lambda: filling.sql(write))) == IN_STEP


def test_a_comparison_stops_when_asked_to(start: Callable[[str], Filling]) -> None:
    filling = filled(start, KEYED)
    with pytest.raises(WorkLeft, match=r"stops in the comparison of .*: Ctrl-C"):
        filling.verify(lambda: "Ctrl-C")


def test_a_lost_connection_is_made_anew(start: Callable[[str], Filling]) -> None:
    filling = filled(start, KEYED)
    spoil(filling, "id = 5")
    terminate = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'crossfade'"
    with filling.database.connect(autocommit=True) as admin:
        filling.sql("SET application_name = 'the test'")
        found = filling.verify(At(3, lambda: admin.execute(terminate)))
    assert found == Verification(mismatches=1, keys=("id=5",))
    assert len(filling.troubles) == 1


@given(blocks=st.integers(0, 10**6), share=st.floats(0.01, 0.99), chance=st.floats(0, 0.999))
def test_a_sample_is_stretches_in_order_inside_the_table_and_about_as_much_as_asked_for(
    blocks: int, share: float, chance: float
) -> None:
    found = list(stretches(blocks, share, lambda: chance))
    assert all(0 <= first <= last <= blocks for first, last in found)
    assert all(before[1] <= after[0] for before, after in pairwise(found))
    read = sum(last - first for first, last in found)
    assert abs(read - blocks * share) <= max(128, blocks if blocks <= 128 else 0)


def test_all_of_a_table_is_one_stretch() -> None:
    assert list(stretches(10**6, 1.0, lambda: 0.5)) == [(0, 10**6)]


def test_a_sample_finds_what_is_wrong_everywhere_reads_less_and_says_that_it_is_one(
    start: Callable[[str], Filling],
) -> None:
    filling = start(KEYED + rows(60_000))
    filling.sql("ALTER TABLE t DISABLE TRIGGER USER; UPDATE t SET new = 'wrong'")
    # Else half of the blocks have nothing but dead rows.
    filling.sql("VACUUM FULL t")
    found = filling.verify(share=0.2)
    assert 5_000 < found.mismatches < 30_000
    (said,) = (e for e in filling.emitted if isinstance(e, Verified))
    assert said.share == 0.2
