"""What others put where something comes back, or made of it, is told before the run turns, and is never dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from crossfade import Engine
from crossfade.errors import BaselineChanged, RowsInTheWay, StepFailed, WouldDiscard, WrongState
from crossfade.operations.step import Phase
from crossfade.workflow.states import State

from ..fixtures.long import few_named
from .test_before_turning import TABLES, plan, refused, retain

if TYPE_CHECKING:
    from ..fixtures.database import Database

THEIRS: dict[str, tuple[str, LiteralString, tuple[str, ...]]] = {
    "another table's index": (
        "drop_constraint: {table: t, name: once}",
        "CREATE INDEX once ON r (id)",
        ("relation public.once is none of the run's",),
    ),
    "a CHECK of that name": (
        "drop_constraint: {table: t, name: once}",
        "ALTER TABLE t ADD CONSTRAINT once CHECK (true)",
        ("there is a constraint once of public.t already",),
    ),
    "another CHECK": (
        "add_check: {table: spare, name: big, expression: id > 0}",
        "ALTER TABLE spare DROP CONSTRAINT big, ADD CONSTRAINT big CHECK (size > 0)",
        ("constraint big of public.spare is none of the run's",),
    ),
    "a CHECK with another condition": (
        "add_check: {table: spare, name: big, expression: id > 0}",
        "ALTER TABLE spare DROP CONSTRAINT big, ADD CONSTRAINT big CHECK (id > 1)",
        ("constraint big of public.spare is none of the run's",),
    ),
    "another index": (
        "replace_index: {name: by_d, columns: [d, id]}",
        "DROP INDEX by_d; CREATE INDEX by_d ON r (id)",
        ("index public.by_d is none of the run's",),
    ),
    "a key over another column": (
        "add_unique: {table: spare, name: k, columns: [id]}",
        "ALTER TABLE spare DROP CONSTRAINT k, ADD CONSTRAINT k UNIQUE (size)",
        ("constraint k of public.spare is none of the run's",),
    ),
    "an index under a quoted name": (
        """replace_index: {name: '"by""d"', columns: [d, id]}""",
        """DROP INDEX "by""d"; CREATE INDEX "by""d" ON r (id)""",
        ("""index public."by""d" is none of the run's""",),
    ),
    "another primary key": (
        "drop_constraint: {table: t, name: t_pkey}",
        "ALTER TABLE t ADD CONSTRAINT other PRIMARY KEY (id)",
        ("public.t has another primary key, other",),
    ),
    "no key to refer to": (
        "drop_constraint: {table: t, name: to_r}",
        "ALTER TABLE r DROP CONSTRAINT r_pkey",
        ("nothing makes id of public.r unique, which public.t is to refer to",),
    ),
    "a child's CHECK": (
        "drop_constraint: {table: t, name: positive}",
        "CREATE TABLE child (CONSTRAINT positive CHECK (qty < 0)) INHERITS (t)",
        (r"there is a constraint positive of \S*child already, which is another one",),
    ),
    "a partition's key": (
        "drop_constraint: {table: parted, name: parted_pkey}",
        "ALTER TABLE part ADD PRIMARY KEY (size, id)",
        ("public.part, a partition of public.parted, has another primary key, part_pkey",),
    ),
    "a type of that name": ("drop_table: {table: spare}", "CREATE TYPE spare AS ENUM ()", ("there is a type public",)),
    "a sequence's name": (
        "move_table: {table: counted, to_schema: app}",
        "CREATE TABLE counted_id_seq (id int)",
        ("there is a relation public.counted_id_seq already",),
    ),
}


FROM_18: dict[str, tuple[str, LiteralString, tuple[str, ...]]] = {
    "a child's NOT NULL": (
        "drop_not_null: {table: spare, column: size}",
        "CREATE TABLE child (CONSTRAINT its NOT NULL size NO INHERIT) INHERITS (spare)",
        (r"the NOT NULL its of \S*child is NO INHERIT, beside which that of size cannot come back",),
    ),
    "a CHECK that is not enforced": (
        "drop_constraint: {table: t, name: positive}",
        "CREATE TABLE child () INHERITS (t); ALTER TABLE child ADD CONSTRAINT positive CHECK (qty > 0) NOT ENFORCED",
        (r"there is a constraint positive of \S*child already, which is another one",),
    ),
}


SHORT = {
    "another table's index",
    "a CHECK with another condition",
    "an index under a quoted name",
    "another primary key",
    "no key to refer to",
    "a child's CHECK",
    "a type of that name",
    "a sequence's name",
    "a child's NOT NULL",
}
"""One for each thing that is said."""


@pytest.mark.long
@pytest.mark.parametrize(("change", "theirs", "said"), few_named(THEIRS | FROM_18, SHORT))
def test_what_others_put_where_something_comes_back_is_told_and_stays(
    database: Database, change: str, theirs: LiteralString, said: tuple[str, ...]
) -> None:
    if theirs in {one for _, one, _ in FROM_18.values()} and database.server.major < 18:
        pytest.skip("PostgreSQL 18 brings NOT NULL as a constraint, and NOT ENFORCED")
    database.execute(TABLES)
    database.execute("CREATE TABLE spare (id int, size int NOT NULL); CREATE TABLE counted (id serial PRIMARY KEY)")
    database.execute("CREATE TABLE parted (id int, size int, PRIMARY KEY (id)) PARTITION BY RANGE (id)")
    database.execute("CREATE TABLE part PARTITION OF parted DEFAULT")
    database.execute('CREATE INDEX by_d ON t (d); CREATE INDEX "by""d" ON t (d)')
    with Engine(database.url) as engine:
        retain(engine, change)
        database.execute(theirs)
        before = database.dump()
        refused(engine, BaselineChanged, *said)
    assert database.dump() == before


def test_an_index_of_others_that_has_the_name_of_one_of_ours_outlives_a_rollback(database: Database) -> None:
    database.execute(TABLES)
    with Engine(database.url) as engine:
        engine.start(plan("create_index: {table: t, name: k, columns: [d]}"))
        engine.advance("turns", to=State.BACKFILLED)
        database.execute("DROP INDEX k; CREATE INDEX k ON r (id)")
        refused(engine, BaselineChanged, "relation public.k is none of the run's")
        database.execute("ALTER INDEX k RENAME TO theirs")
        assert engine.rollback("turns").state is State.ROLLED_BACK
    assert "theirs" in database.dump()


@pytest.mark.long
@pytest.mark.parametrize(
    ("theirs", "is_ours"),
    [
        ("DROP INDEX k; CREATE INDEX k ON t (d) WHERE id > 1", False),
        ("DROP INDEX k; CREATE UNIQUE INDEX k ON t (d, id)", False),
        ("DROP INDEX k; CREATE UNIQUE INDEX k ON t (d DESC)", False),
        ("DROP INDEX k; CREATE UNIQUE INDEX k ON t (d) NULLS NOT DISTINCT", False),
        ("ALTER TABLE t ADD CONSTRAINT k UNIQUE USING INDEX k", False),
        ("REINDEX INDEX CONCURRENTLY k", True),
        ("ALTER TABLE t RENAME d TO dd; ALTER TABLE t ADD d int", True),
    ],
    ids=["partial", "another column", "another order", "equal nulls", "a constraint", "built anew", "renamed column"],
)
def test_a_rollback_drops_the_index_that_the_run_made_and_no_other(
    database: Database, theirs: LiteralString, is_ours: bool
) -> None:
    database.execute(TABLES)
    database.execute("UPDATE t SET d = id")
    with Engine(database.url) as engine:
        engine.start(plan("create_index: {table: t, name: k, columns: [d], unique: true}"))
        engine.advance("turns", to=State.EXPANDED)
        for statement in theirs.split("; "):
            database.execute(statement)
        if is_ours:
            assert engine.rollback("turns").state is State.ROLLED_BACK
        else:
            refused(engine, BaselineChanged, "relation public.k is none of the run's")
    assert (database.execute("SELECT to_regclass('k') IS NULL") == [(True,)]) is is_ours


@pytest.mark.long
@pytest.mark.parametrize(
    ("theirs", "is_ours"),
    [
        ("DROP INDEX k; CREATE INDEX k ON t (note) WHERE id > 1", False),
        ("DROP INDEX k; CREATE INDEX k ON t (note text_pattern_ops) WHERE d > 1", False),
        ('DROP INDEX k; CREATE INDEX k ON t (note COLLATE "C") WHERE d > 1', False),
        ("REINDEX INDEX CONCURRENTLY k", True),
    ],
    ids=["another condition", "another operator class", "another collation", "built anew"],
)
def test_an_index_of_a_step_that_was_cut_off(database: Database, theirs: LiteralString, is_ours: bool) -> None:
    database.execute(TABLES)
    database.execute('ALTER TABLE t ADD note text COLLATE "POSIX"')
    with Engine(database.url) as engine:
        engine.start(plan("create_index: {table: t, name: k, columns: [note], where: d > 1}"))
        engine.advance("turns", to=State.EXPANDED)
        database.execute("UPDATE crossfade.steps SET state = 'running', made = NULL WHERE made IS NOT NULL")
        for statement in theirs.split("; "):
            database.execute(statement)
        if is_ours:
            assert engine.rollback("turns").state is State.ROLLED_BACK
        else:
            refused(engine, BaselineChanged, "relation public.k is none of the run's")


@pytest.mark.long
def test_an_index_built_anew_after_a_function_of_it_was_renamed_is_the_runs_still(database: Database) -> None:
    database.execute(TABLES)
    database.execute("CREATE FUNCTION half(int) RETURNS int IMMUTABLE RETURN $1 / 2")
    with Engine(database.url) as engine:
        engine.start(plan("create_index: {table: t, name: k, columns: [d], where: public.half(d) > 1}"))
        engine.advance("turns", to=State.EXPANDED)
        database.execute("ALTER FUNCTION half RENAME TO halved")
        database.execute("REINDEX INDEX CONCURRENTLY k")
        assert engine.rollback("turns").state is State.ROLLED_BACK
    assert database.execute("SELECT to_regclass('k')") == [(None,)]


@pytest.mark.long
def test_an_enum_that_was_made_anew_by_others_outlives_a_rollback(database: Database) -> None:
    with Engine(database.url) as engine:
        forwards = "sql: {contract: [SELECT 1], revert: [SELECT 1]}"
        engine.start(plan("create_enum: {name: mood, values: [sad, ok]}", forwards))
        engine.advance("turns", to=State.BACKFILLED)
        database.execute("DROP TYPE mood; CREATE TYPE mood AS ENUM ('ok', 'happy')")
        refused(engine, BaselineChanged, "type public.mood is none of the run's")
        database.execute("DROP TYPE mood")
        assert engine.rollback("turns").state is State.ROLLED_BACK


@pytest.mark.long
def test_what_an_attempt_was_refused_for_outlives_the_way_back(database: Database) -> None:
    database.execute(TABLES)
    with Engine(database.url) as engine:
        engine.start(plan("add_unique: {table: t, name: k, columns: [u]}"))
        engine.advance("turns", to=State.BACKFILLED)
        engine.approve("turns", Phase.CONTRACT, "alice")
        database.execute("CREATE INDEX k ON r (id)")
        with pytest.raises(BaselineChanged, match=r"took a name .*: relation public\.k is none"):
            engine.advance("turns")
        with pytest.raises(WrongState, match=r"can only be undone: relation public\.k is none of the run's") as stays:
            engine.accept_changes("turns")
        assert "Give it another name or drop it" in (stays.value.hint or "")
        assert engine.revert("turns").state is State.BACKFILLED
        assert engine.rollback("turns").state is State.ROLLED_BACK
    assert database.execute("SELECT to_regclass('k') IS NULL") == [(False,)]


@pytest.mark.long
def test_what_is_removed_before_an_attempt_is_the_runs_own(database: Database) -> None:
    database.execute(TABLES)
    with Engine(database.url) as engine:
        engine.start(plan("create_index: {table: t, name: k, columns: [d], unique: true}"))
        with pytest.raises(StepFailed, match="could not create unique index"):
            engine.advance("turns", to=State.EXPANDED)
        database.execute("UPDATE t SET d = id; CREATE INDEX k ON r (id)")
        before = database.dump()
        with pytest.raises(BaselineChanged, match=r"took a name .*: relation public\.k is none of the run's"):
            engine.advance("turns", to=State.EXPANDED)
        assert database.dump() == before
        database.execute("ALTER INDEX k RENAME TO theirs")
        engine.advance("turns", to=State.EXPANDED)
    assert ("k",) in database.execute("SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 't'::regclass")


@pytest.mark.long
def test_a_check_of_whole_rows_comes_back(database: Database) -> None:
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a int, CONSTRAINT whole CHECK (t IS NOT NULL))")
    before = database.dump()
    with Engine(database.url) as engine:
        retain(engine, "drop_constraint: {table: t, name: whole}")
        assert engine.revert("turns").state is State.BACKFILLED
    assert database.dump() == before


@pytest.mark.long
def test_a_key_that_comes_back_asks_for_values_and_for_what_it_includes(database: Database) -> None:
    database.execute(
        "CREATE TABLE t (a int CONSTRAINT k PRIMARY KEY, b int, c int, CONSTRAINT u UNIQUE (b) INCLUDE (c))"
    )
    with Engine(database.url) as engine:
        retain(engine, "drop_constraint: {table: t, name: k}", "drop_constraint: {table: t, name: u}")
        database.execute("ALTER TABLE t ALTER a DROP NOT NULL; INSERT INTO t VALUES (NULL, 1), (2, 1)")
        refused(engine, RowsInTheWay, r"constraint k refuses, which comes back \(1 row", "index u refuses")


@pytest.mark.long
def test_a_table_that_is_gone_is_passed_over_by_a_revert_and_the_rollback_after_it(database: Database) -> None:
    database.execute(TABLES)
    with Engine(database.url) as engine:
        retain(engine, "set_default: {table: t, column: qty, value: '5'}", "drop_column: {table: t, column: u}")
        database.execute("DROP TABLE t")
        assert engine.revert("turns").state is State.BACKFILLED
        assert engine.rollback("turns").state is State.ROLLED_BACK


@pytest.mark.long
def test_what_the_role_may_not_read_is_feared_for_and_what_it_may_not_do_is_told(database: Database) -> None:
    database.execute(TABLES)
    owner = f"{database.name}_owner"
    named = sql.Identifier(owner)
    database.execute(sql.SQL("CREATE ROLE {} LOGIN; GRANT ALL ON SCHEMA public TO {}").format(named, named))
    database.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(sql.Identifier(database.name), named))
    database.execute(
        sql.SQL("CREATE TABLE o (id int PRIMARY KEY, a int NOT NULL); ALTER TABLE o OWNER TO {}").format(named)
    )
    with Engine(make_conninfo(database.url, user=owner)) as engine:
        retain(engine, "add_column: {table: o, name: z, type: text}", "drop_not_null: {table: o, column: a}")
        assert engine.revert("turns").state is State.BACKFILLED
        database.execute("ALTER TABLE o ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        with pytest.raises(WouldDiscard, match=r"perhaps values of z in public\.o"):
            engine.rollback("turns")
        database.execute("ALTER TABLE o OWNER TO CURRENT_USER")
        refused(engine, BaselineChanged, r"the role of this session does not own public\.o")
        database.execute(sql.SQL("ALTER TABLE o OWNER TO {}").format(named))
        assert engine.rollback("turns", discard=True).state is State.ROLLED_BACK
    database.execute(sql.SQL("DROP OWNED BY {} CASCADE; DROP ROLE {}").format(named, named))
