"""Changes of data: every row that is meant, exactly once, whatever the key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from psycopg import errors

from crossfade.backfill.batch import Idle, take_turn
from crossfade.backfill.retry import Passing
from crossfade.backfill.task import open_task
from crossfade.backfill.troubles import Troubles
from crossfade.errors import RowsFailed, StepFailed, WorkLeft
from crossfade.observe.events import BatchDone
from crossfade.postgres.connect import connect
from crossfade.postgres.server import EmbeddedServer

from ..fixtures.commit_cutter import CommitCutter

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..fixtures.servers import Server
    from .filling import Filling

COUNT = "update_rows: {table: {schema}.t, set: {hits: hits + 1}}"
PURGE = 'delete_rows: {table: {schema}.t, where: "n % 2 = 0", archive_to: {schema}.old}'
COPY = 'copy_rows: {from: {schema}.t, into: {schema}.other, columns: {m: n, double: n * 2}, where: "n > 10"}'
HITS = "hits int NOT NULL DEFAULT 0"
KEYS = {
    "bigint": f"CREATE TABLE t (n bigint PRIMARY KEY, {HITS}); INSERT INTO t SELECT g FROM generate_series(1, 99) g;",
    "int at the end of its range": (
        f"CREATE TABLE t (n int PRIMARY KEY, {HITS});"
        "INSERT INTO t SELECT g::int FROM generate_series(2147483647::bigint - 98, 2147483647) g;"
    ),
    "negative and huge gaps": (
        f"CREATE TABLE t (n bigint PRIMARY KEY, {HITS});"
        "INSERT INTO t SELECT (g - 50) * 180000000000000000 FROM generate_series(1, 99) g;"
    ),
    "uuid": (
        f"CREATE TABLE t (n int, k uuid PRIMARY KEY DEFAULT gen_random_uuid(), {HITS});"
        "INSERT INTO t (n) SELECT g FROM generate_series(1, 99) g;"
    ),
    "text with a collation": (
        f'CREATE TABLE t (n int, k text COLLATE "C" PRIMARY KEY, {HITS});'
        "INSERT INTO t SELECT g, chr(40 + g) || 'é' FROM generate_series(1, 99) g;"
    ),
    "timestamptz to the microsecond": (
        f"CREATE TABLE t (n int, k timestamptz PRIMARY KEY, {HITS});"
        "INSERT INTO t SELECT g, '2026-10-25 02:30+02'::timestamptz + g * interval '1us' FROM generate_series(1, 99) g;"
    ),
    "numeric of any scale": (
        f"CREATE TABLE t (n int, k numeric PRIMARY KEY, {HITS});"
        "INSERT INTO t SELECT g, g / 7.0 - 5 FROM generate_series(1, 99) g;"
    ),
    "composite of four types": (
        f"CREATE TABLE t (n int, a text, b date, c numeric, {HITS}, PRIMARY KEY (b, a, c, n));"
        "INSERT INTO t SELECT g, 'a' || g % 3, '2026-01-01'::date + g % 5, g % 7 FROM generate_series(1, 99) g;"
    ),
    "a unique index beside a nullable one": (
        f"CREATE TABLE t (n int NOT NULL, maybe int, {HITS}); CREATE UNIQUE INDEX ON t (maybe);"
        "CREATE UNIQUE INDEX ON t (n); INSERT INTO t SELECT g, NULLIF(g % 2, 0) * g FROM generate_series(1, 99) g;"
    ),
    "range partitions": (
        f"CREATE TABLE t (n int PRIMARY KEY, {HITS}) PARTITION BY RANGE (n);"
        "CREATE TABLE p1 PARTITION OF t FOR VALUES FROM (0) TO (50); CREATE TABLE p2 PARTITION OF t DEFAULT;"
        "INSERT INTO t SELECT g FROM generate_series(1, 99) g;"
    ),
    "list partitions": (
        f"CREATE TABLE t (n int, l text, {HITS}, PRIMARY KEY (l, n)) PARTITION BY LIST (l);"
        "CREATE TABLE p1 PARTITION OF t FOR VALUES IN ('a', 'b'); CREATE TABLE p2 PARTITION OF t FOR VALUES IN ('c');"
        "INSERT INTO t SELECT g, chr(97 + g % 3) FROM generate_series(1, 99) g;"
    ),
    "hash partitions": (
        f"CREATE TABLE t (n int PRIMARY KEY, {HITS}) PARTITION BY HASH (n);"
        "CREATE TABLE p1 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
        "CREATE TABLE p2 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
        "INSERT INTO t SELECT g FROM generate_series(1, 99) g;"
    ),
    "inheritance": (
        f"CREATE TABLE t (n int PRIMARY KEY, {HITS}); CREATE TABLE child (PRIMARY KEY (n)) INHERITS (t);"
        "INSERT INTO t SELECT g FROM generate_series(1, 50) g;INSERT INTO child SELECT g FROM generate_series(40,88) g;"
    ),
    "an array with NULLs": (
        f"CREATE TABLE t (n int, k text[] PRIMARY KEY, {HITS});"
        "INSERT INTO t SELECT g, ARRAY['x' || g % 3, CASE WHEN g % 2 = 0 THEN NULL ELSE 'NULL' END, g::text]"
        " FROM generate_series(1, 99) g;"
    ),
    "a composite type": (
        "CREATE TYPE pair AS (a int, b text);"
        f"CREATE TABLE t (n int, k pair PRIMARY KEY, {HITS});"
        "INSERT INTO t SELECT g, (g % 7, 'b' || g)::pair FROM generate_series(1, 99) g;"
    ),
    "one row": f"CREATE TABLE t (n int PRIMARY KEY, {HITS}); INSERT INTO t VALUES (1);",
    "no row": f"CREATE TABLE t (n int PRIMARY KEY, {HITS});",
    "odd names": (
        f'CREATE TABLE t (n int, "Größe %s ""x""" int PRIMARY KEY, {HITS});'
        "INSERT INTO t SELECT g, g FROM generate_series(1, 99) g;"
    ),
}


@pytest.mark.alike
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.long), 3])
def test_every_row_is_hit_exactly_once(start: Callable[..., Filling], key: str, workers: int) -> None:
    filling = start(KEYS[key], COUNT)
    filling.fill(batch_rows=7, workers=workers)
    ((rows, hits, least, most),) = filling.sql("SELECT count(*), coalesce(sum(hits), 0), min(hits), max(hits) FROM t")
    assert hits == rows
    assert {least, most} <= {1, None}
    assert filling.sql(
        "SELECT coalesce(sum(rows_done), 0)::int, coalesce(sum(rows_written), 0)::int, count(*) FILTER (WHERE"
        " finished_at IS NULL) FROM crossfade.backfills WHERE run_id = %s",
        [filling.run_id],
    ) == [(rows, rows, 0)]
    assert filling.sql(
        "SELECT coalesce(sum(rows), 0)::int, coalesce(sum(covered), 0)::int FROM crossfade.batches"
        " WHERE run_id = %s AND state = 'done'",
        [filling.run_id],
    ) == [(rows, rows)]
    filling.fill(batch_rows=7)
    assert filling.sql("SELECT coalesce(sum(hits), 0) FROM t") == [(rows,)], "done is done"


def test_rows_that_come_behind_and_ahead_meanwhile_are_not_of_this_work_or_hit_once(
    start: Callable[..., Filling],
) -> None:
    filling = start(KEYS["bigint"], COUNT)
    filling.fill(
        batch_rows=10,
        after_batch=lambda number: filling.sql(f"INSERT INTO t VALUES (-{number}), ({1000 + number})"),
    )
    assert filling.sql("SELECT count(*) FROM t WHERE n BETWEEN 1 AND 99 AND hits <> 1") == [(0,)]
    assert filling.sql("SELECT DISTINCT hits FROM t WHERE n > 99 OR n < 1") == [(0,)]


def test_ranges_of_which_nearly_all_rows_were_deleted_cost_few_batches(start: Callable[..., Filling]) -> None:
    filling = start(
        f"CREATE TABLE t (n int PRIMARY KEY, {HITS}); INSERT INTO t SELECT g FROM generate_series(1, 20000) g;"
        "DELETE FROM t WHERE n BETWEEN 101 AND 19900;",
        COUNT,
    )
    filling.fill(batch_rows=50)
    assert filling.sql("SELECT count(*) FROM t WHERE hits <> 1") == [(0,)]
    assert sum(filling.sizes) == 200
    assert len(filling.sizes) <= 4


def test_deleted_rows_are_kept_in_the_archive_and_no_other(start: Callable[..., Filling]) -> None:
    filling = start(
        KEYS["range partitions"] + "CREATE TABLE old (hits int, n int, at timestamptz DEFAULT now());", PURGE
    )
    filling.fill(batch_rows=7, workers=2)
    assert filling.sql("SELECT count(*), count(*) FILTER (WHERE n % 2 = 0) FROM t") == [(50, 0)]
    assert filling.sql("SELECT count(*), count(DISTINCT n), bool_and(n % 2 = 0) FROM old") == [(49, 49, True)]


def test_a_row_that_does_not_reach_the_archive_is_not_deleted(start: Callable[..., Filling]) -> None:
    filling = start(KEYS["bigint"] + "CREATE TABLE old (n bigint, hits int);", PURGE)
    filling.sql(
        f"CREATE FUNCTION drop_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN CASE NEW.n WHEN 50 THEN NULL"
        f" ELSE NEW END; END $$; CREATE TRIGGER drop_it BEFORE INSERT ON old FOR EACH ROW"
        f" EXECUTE FUNCTION {filling.schema}.drop_it()"
    )
    with pytest.raises(StepFailed, match="1 of the deleted rows did not reach"):
        filling.fill(batch_rows=1000)
    assert filling.sql("SELECT count(*) FROM t") == [(99,)]


def test_copied_rows_are_all_there_once(start: Callable[..., Filling]) -> None:
    filling = start(KEYS["hash partitions"] + "CREATE TABLE other (m int PRIMARY KEY, double bigint);", COPY)
    filling.fill(batch_rows=7, workers=2)
    assert filling.sql("SELECT count(*), min(m), sum(double) FROM other") == [(89, 11, 2 * sum(range(11, 100)))]


def test_a_copied_row_that_is_refused_is_set_aside_and_the_others_are_copied(start: Callable[..., Filling]) -> None:
    filling = start(
        KEYS["bigint"] + "CREATE TABLE other (m int PRIMARY KEY, double bigint CHECK (double <> 100));", COPY
    )
    with pytest.raises(RowsFailed, match="n=50"):
        filling.fill(batch_rows=20)
    assert filling.sql("SELECT count(*) FROM other") == [(88,)]
    filling.sql("ALTER TABLE other DROP CONSTRAINT other_double_check")
    filling.fill()
    assert filling.sql("SELECT count(*) FROM other") == [(89,)]


def test_without_a_key_a_where_that_stays_true_is_refused_before_a_row_is_hit_twice(
    start: Callable[..., Filling],
) -> None:
    filling = start(
        f"CREATE TABLE t (n int, {HITS}); INSERT INTO t SELECT g FROM generate_series(1, 99) g;",
        'update_rows: {table: {schema}.t, set: {hits: hits + 1}, where: "n > 0"}',
    )
    with pytest.raises(StepFailed, match="could be changed twice"):
        filling.fill()
    assert filling.sql("SELECT sum(hits) FROM t") == [(0,)]


def test_without_a_key_a_where_that_turns_false_finds_every_row_once(start: Callable[..., Filling]) -> None:
    filling = start(
        f"CREATE TABLE t (n int, {HITS}); INSERT INTO t SELECT g FROM generate_series(1, 5000) g;",
        'update_rows: {table: {schema}.t, set: {hits: hits + 1}, where: "hits = 0"}',
    )
    filling.fill(batch_rows=500, workers=2)
    assert filling.sql("SELECT min(hits), max(hits), count(*) FROM t") == [(1, 1, 5000)]


POISON = "ALTER TABLE t ADD CONSTRAINT sound CHECK (n % 10 <> 7 OR hits < 1) NOT VALID;"


@pytest.mark.long
def test_commits_that_seem_lost_while_refused_rows_are_tried_again_count_once(
    start: Callable[..., Filling], server: Server
) -> None:
    if not isinstance(server, EmbeddedServer) or server.directory is None:
        pytest.skip("the proxy wants a server that this suite started")
    filling = start(KEYS["bigint"] + POISON, COUNT)
    with pytest.raises(RowsFailed):
        filling.fill(batch_rows=20)
    filling.sql("ALTER TABLE t DROP CONSTRAINT sound")
    with CommitCutter(str(server.directory / f".s.PGSQL.{server.port}")) as cutter:
        cutter.cut(4)
        filling.fill(url=server.url(filling.database.name, host="127.0.0.1", port=cutter.port))
        assert cutter.cuts == 4
    assert filling.sql("SELECT DISTINCT hits FROM t") == [(1,)]


@pytest.mark.long
def test_connections_that_are_cut_at_every_commit_count_each_row_once(
    start: Callable[..., Filling], server: Server
) -> None:
    if not isinstance(server, EmbeddedServer) or server.directory is None:
        pytest.skip("the proxy wants a server that this suite started")
    filling = start(KEYS["bigint"], COUNT)
    with CommitCutter(str(server.directory / f".s.PGSQL.{server.port}")) as cutter:
        cutter.cut(6)
        url = server.url(filling.database.name, host="127.0.0.1", port=cutter.port)
        filling.fill(batch_rows=10, max_rows=10, workers=2, url=url)
        assert cutter.cuts == 6
    assert filling.sql("SELECT DISTINCT hits FROM t") == [(1,)]
    assert filling.progress("rows_done", "rows_written") == (99, 99)


def test_a_row_that_does_not_reach_the_archive_is_not_deleted_beside_one_that_is_refused(
    start: Callable[..., Filling],
) -> None:
    filling = start(KEYS["bigint"] + "CREATE TABLE old (n bigint, hits int);", PURGE)
    filling.sql(
        f"CREATE TABLE child (n bigint REFERENCES {filling.schema}.t); INSERT INTO child VALUES (20);"
        "CREATE FUNCTION drop_it() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RETURN CASE NEW.n WHEN 50 THEN NULL ELSE NEW END; END $$;"
        f"CREATE TRIGGER drop_it BEFORE INSERT ON old FOR EACH ROW EXECUTE FUNCTION {filling.schema}.drop_it()"
    )
    with pytest.raises(StepFailed, match="did not reach"):
        filling.fill(batch_rows=1000)
    assert filling.sql("SELECT count(*) FROM t WHERE n = 50") == [(1,)]


def test_while_many_batches_are_left_alone_nothing_is_taken_to_be_over(start: Callable[..., Filling]) -> None:
    filling = start(KEYS["bigint"], COUNT)
    with filling.control() as control, connect(filling.database.url) as connection:
        job = filling.job(control, token=filling.token)
        open_task(connection, job, filling.relations()["t"])
        troubles = Troubles()
        for batch in range(10**6, 10**6 + 8):
            troubles.failed(batch, Passing.DISK, errors.DiskFull())
        assert take_turn(connection, job, troubles) is Idle.BUSY


def after(filling: Filling, batches: int) -> Callable[[], str | None]:
    """Stop once so many batches are done."""
    return lambda: "lunch" if sum(isinstance(e, BatchDone) for e in filling.emitted) >= batches else None


PARTED = (
    f"CREATE TABLE t (n int PRIMARY KEY, {HITS}) PARTITION BY RANGE (n);"
    "CREATE TABLE p1 PARTITION OF t FOR VALUES FROM (0) TO (51);"
    "CREATE TABLE p2 PARTITION OF t FOR VALUES FROM (51) TO (1000); INSERT INTO t SELECT generate_series(1, 99);"
)
HEIRS = (
    f"CREATE TABLE t (n int PRIMARY KEY, {HITS}); CREATE TABLE p1 (PRIMARY KEY (n)) INHERITS (t);"
    "CREATE TABLE p2 (PRIMARY KEY (n)) INHERITS (t); INSERT INTO p1 SELECT generate_series(1, 50);"
    "INSERT INTO p2 SELECT generate_series(51, 99);"
)
RENAMES = {
    "renamed": "ALTER TABLE p1 RENAME TO p1_2026",
    "in another schema": "CREATE SCHEMA {schema}_old; ALTER TABLE p1 SET SCHEMA {schema}_old",
    "exchanged": "BEGIN; ALTER TABLE p1 RENAME TO x; ALTER TABLE p2 RENAME TO p1; ALTER TABLE x RENAME TO p2; COMMIT",
}


@pytest.mark.parametrize("ddl", [PARTED, HEIRS], ids=["partition", "child"])
@pytest.mark.parametrize("rename", RENAMES)
@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.long), 3])
def test_a_relation_that_gets_another_name_meanwhile_is_gone_on_with(
    start: Callable[..., Filling], ddl: str, rename: str, workers: int
) -> None:
    filling = start(ddl, COUNT)
    statement = RENAMES[rename].replace("{schema}", filling.schema)
    filling.fill(
        batch_rows=5,
        min_rows=5,
        max_rows=5,
        workers=workers,
        after_batch=lambda number: filling.sql(statement) if number == 3 else None,
    )
    assert filling.sql("SELECT min(hits), max(hits), count(*) FROM t") == [(1, 1, 99)]


@pytest.mark.parametrize("ddl", [PARTED, HEIRS], ids=["partition", "child"])
@pytest.mark.parametrize("rename", RENAMES)
def test_a_relation_that_gets_another_name_between_two_calls_is_gone_on_with(
    start: Callable[..., Filling], ddl: str, rename: str
) -> None:
    filling = start(ddl, COUNT)
    with pytest.raises(WorkLeft):
        filling.fill(batch_rows=5, min_rows=5, max_rows=5, stop=after(filling, 3))
    filling.sql(RENAMES[rename].replace("{schema}", filling.schema))
    filling.fill(batch_rows=5)
    assert filling.sql("SELECT min(hits), max(hits), count(*) FROM t") == [(1, 1, 99)]


ARCHIVED = KEYS["bigint"] + "CREATE TABLE old (LIKE t);"
RESHAPED = {
    "the rows have more": (ARCHIVED, PURGE, "ALTER TABLE t ADD COLUMN more text DEFAULT 'precious'"),
    "both have more": (ARCHIVED, PURGE, "ALTER TABLE t ADD more text DEFAULT 'm'; ALTER TABLE old ADD more text"),
    "another archive": (ARCHIVED, PURGE, "ALTER TABLE old RENAME TO older; CREATE TABLE old (LIKE older)"),
    "another key": (KEYS["text with a collation"], COUNT, 'ALTER TABLE t ALTER k TYPE text COLLATE "POSIX"'),
}


@pytest.mark.parametrize("what", RESHAPED)
def test_what_the_batches_rely_on_may_not_change_between_them(start: Callable[..., Filling], what: str) -> None:
    ddl, change, statement = RESHAPED[what]
    filling = start(ddl, change)
    with pytest.raises(WorkLeft):
        filling.fill(batch_rows=5, min_rows=5, max_rows=5, stop=after(filling, 3))
    before = filling.sql("SELECT count(*), sum(hits) FROM t")
    filling.sql(statement)
    with pytest.raises(StepFailed, match="has changed since the first batch"):
        filling.fill(batch_rows=5)
    assert filling.sql("SELECT count(*), sum(hits) FROM t") == before


@pytest.mark.parametrize("what", [what for what in RESHAPED if what != "another key"])
def test_an_archive_may_not_change_while_rows_go_there(start: Callable[..., Filling], what: str) -> None:
    ddl, change, statement = RESHAPED[what]
    filling = start(ddl, change)
    with pytest.raises(StepFailed, match="has changed since the first batch"):
        filling.fill(
            batch_rows=5,
            min_rows=5,
            max_rows=5,
            after_batch=lambda number: filling.sql(statement) if number == 3 else None,
        )
    assert filling.sql("SELECT count(*) FROM t") == [(99 - 7,)]


NO_KEY = f"CREATE TABLE t (n int, {HITS}); INSERT INTO t SELECT generate_series(1, 99);"


@pytest.mark.parametrize("key", ["bigint", "none"])
def test_a_condition_that_raises_for_a_row_sets_that_row_aside(start: Callable[..., Filling], key: str) -> None:
    where = 'update_rows: {table: {schema}.t, set: {hits: hits + 1}, where: "hits = 0 AND 10 / (n - 77) < 100"}'
    filling = start(KEYS[key] if key != "none" else NO_KEY, where)
    with pytest.raises(RowsFailed, match="division by zero"):
        filling.fill(batch_rows=20)
    assert filling.sql("SELECT hits, count(*) FROM t GROUP BY 1 ORDER BY 1") == [(0, 1), (1, 98)]
    assert filling.sql("SELECT n FROM t WHERE hits = 0") == [(77,)]


def test_a_breaker_that_has_tripped_stays_tripped(start: Callable[..., Filling]) -> None:
    filling = start(
        f"CREATE TABLE t (n int PRIMARY KEY, {HITS}, CHECK (hits < 1 OR n > 600));"
        "INSERT INTO t SELECT generate_series(1, 1000);",
        COUNT,
    )
    counts = []
    for _ in range(2):
        with pytest.raises(RowsFailed, match="so many"):
            filling.fill(batch_rows=101, max_rows=101)
        counts += filling.sql("SELECT count(*) FROM crossfade.rejected_rows")
    assert counts[0] == counts[1]


def test_a_table_that_is_swapped_under_its_name_is_not_changed_twice(start: Callable[..., Filling]) -> None:
    filling = start(KEYS["bigint"], COUNT)
    swap = (
        f"BEGIN; LOCK TABLE t; CREATE TABLE other (n bigint PRIMARY KEY, {HITS}); INSERT INTO other SELECT * FROM t;"
        "ALTER TABLE t RENAME TO before; ALTER TABLE other RENAME TO t; COMMIT;"
    )
    with pytest.raises(StepFailed, match="is another table now"):
        filling.fill(batch_rows=10, after_batch=lambda number: filling.sql(swap) if number == 2 else None)
    assert filling.sql("SELECT max(hits), sum(hits) FROM t") == [(1, 30)]
    with pytest.raises(StepFailed, match="is another table now"):
        filling.fill(batch_rows=10)
    assert filling.sql("SELECT max(hits), sum(hits) FROM t") == [(1, 30)]


def test_a_partition_that_is_swapped_while_a_rename_is_filled_is_filled_too(start: Callable[..., Filling]) -> None:
    filling = start(
        "CREATE TABLE t (id int PRIMARY KEY, old text) PARTITION BY RANGE (id);"
        "CREATE TABLE p PARTITION OF t FOR VALUES FROM (0) TO (1000); INSERT INTO t SELECT g, 'v' || g"
        " FROM generate_series(1, 100) g;"
    )
    swap = (
        "BEGIN; CREATE TABLE q (LIKE p INCLUDING ALL); INSERT INTO q SELECT * FROM p; ALTER TABLE t DETACH PARTITION p;"
        "ALTER TABLE p RENAME TO before; ALTER TABLE q RENAME TO p;"
        "ALTER TABLE t ATTACH PARTITION p FOR VALUES FROM (0) TO (1000); COMMIT;"
    )
    filling.fill(batch_rows=10, after_batch=lambda number: filling.sql(swap) if number == 2 else None)
    assert filling.pending() == 0
