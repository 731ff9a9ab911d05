"""What somebody else does to a column, a table or a type that another one replaces stops a run; it is not lost."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, LiteralString

import pytest

from crossfade import Engine
from crossfade.errors import BaselineChanged, WouldDiscard, WrongState
from crossfade.operations.step import Part, Phase
from crossfade.plan.load import parse_plan
from crossfade.postgres.connect import connect
from crossfade.workflow import baseline, ledger, names_back
from crossfade.workflow.program import from_json
from crossfade.workflow.session import Session
from crossfade.workflow.states import State

from ..fixtures.database import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.plan.model import Plan

    from ..fixtures.database import Database
    from ..fixtures.servers import Server

TABLES: LiteralString = """
CREATE TYPE mood AS ENUM ('a', 'b', 'c');
CREATE TABLE p (id int, d int, n int, PRIMARY KEY (id, d)); CREATE INDEX p_n ON p (n);
CREATE TABLE u (id int PRIMARY KEY, x int, y text, CONSTRAINT small CHECK (x < 1000));
CREATE VIEW u_x AS SELECT x FROM u;
CREATE TABLE w (id int PRIMARY KEY, x int); CREATE VIEW w_x AS SELECT x FROM w; CREATE POLICY w_p ON w USING (x > 0);
CREATE MATERIALIZED VIEW w_m AS SELECT x FROM w;
CREATE TABLE m (id int PRIMARY KEY, z mood DEFAULT 'a', y int);
CREATE TABLE r (id int PRIMARY KEY, x int);
CREATE TABLE k (id int PRIMARY KEY, x int);
CREATE TABLE i (id int PRIMARY KEY, x int); CREATE INDEX i_x ON i (x);
CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent, y int);
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
INSERT INTO p SELECT g, 1, g FROM generate_series(1, 4) g; INSERT INTO u SELECT g, g, g FROM generate_series(1, 4) g;
INSERT INTO m SELECT g, 'c', g FROM generate_series(1, 4) g; INSERT INTO r SELECT g, g FROM generate_series(1, 4) g;
"""
CHANGES = {
    "parts": "partition_table: {table: p, by: list, key: [d], partitions: {p_1: {in: [1]}, p_rest: default}}",
    "type": "change_type: {table: u, column: x, to: bigint}",
    "into": "change_type: {table: w, column: x, to: bigint, into: y}",
    "enum": "remove_enum_values: {type: mood, map: {c: a}}",
    "name": "rename_table: {from: r, to: rr}",
    "check": "add_check: {table: k, name: positive, expression: x >= 0}",
    "index": "replace_index: {name: i_x, columns: [x, id]}",
    "keys": "change_type: {table: parent, column: id, to: bigint, follow_references: true}",
}


def plan_of(name: str) -> Plan:
    text = f"crossfade: 1\nname: the-{name}\nhold: 0s\nretain: 7d\nchanges:\n  - {CHANGES[name]}\n"
    return parse_plan(text, "plan.yaml")


@contextmanager
def session_of(database: Database, name: str) -> Iterator[Session]:
    """A run as its runner sees it."""
    plan = plan_of(name)
    with connect(database.url) as work:
        run = ledger.get_run(work, plan.name)
        yield Session(
            connect=lambda: connect(database.url),
            work=work,
            run_id=run.id,
            name=plan.name,
            digest=run.digest,
            created_at=run.created_at,
            plan=plan,
            program=from_json(run.program),
            token=run.token,
            emit=lambda _event: None,
            should_stop=lambda: None,
            confirm=lambda _what: None,
        )


def bring(database: Database, name: str, to: State) -> None:
    with Engine(database.url) as engine:
        engine.start(plan_of(name))
        engine.approve(f"the-{name}", Phase.CONTRACT, "alice")
        assert engine.advance(f"the-{name}", to=to).state is to


def brought(server: Server, to: State) -> Iterator[Database]:
    with fresh_database(server) as database:
        database.execute(TABLES)
        for name in CHANGES:
            bring(database, name, to)
        yield database


@pytest.fixture(scope="module")
def expanded(server: Server) -> Iterator[Database]:
    """Every run expanded, in one database."""
    yield from brought(server, State.EXPANDED)


@pytest.fixture(scope="module")
def retained(server: Server) -> Iterator[Database]:
    """Every run retained, in one database."""
    yield from brought(server, State.RETAINED)


@contextmanager
def changed(database: Database, name: str, change: str) -> Iterator[Session]:
    """The run, with a change by somebody else that is taken back afterwards."""
    with session_of(database, name) as session, session.work.transaction(force_rollback=True):
        session.work.execute("SET LOCAL search_path = public")
        session.work.execute(change.encode())
        session.work.execute("SET LOCAL search_path = pg_catalog")
        yield session


LOST = [
    (
        "into",
        "CREATE OR REPLACE VIEW w_x AS SELECT x FROM w WHERE x > 1",
        "view public.w_x, which uses public.w, is defined otherwise now",
    ),
    (
        "into",
        "CREATE INDEX ON w_m (x)",
        "materialized view public.w_m, which uses public.w, has other indexes now",
    ),
    ("parts", "ALTER TABLE p ADD c text", "column public.p.c was added"),
    ("parts", "ALTER TABLE p ALTER n SET DEFAULT 7", "column public.p.n: default none became 7"),
    ("parts", "ALTER TABLE p ALTER n SET NOT NULL", "column public.p.n is NOT NULL now"),
    ("parts", "ALTER TABLE p ADD CONSTRAINT c CHECK (n > 0)", "constraint c on public.p was added"),
    ("parts", "CREATE INDEX ON p (d)", "index p_d_idx on public.p was added"),
    (
        "parts",
        "GRANT SELECT (n) ON p TO PUBLIC",
        "column public.p.n: SELECT to PUBLIC was granted; do the same after contract",
    ),
    ("parts", "DROP INDEX p_n", "index p_n on public.p was dropped"),
    (
        "parts",
        "CREATE TRIGGER t BEFORE INSERT ON p FOR EACH ROW EXECUTE FUNCTION nothing()",
        "trigger t on public.p was added",
    ),
    ("parts", "CREATE POLICY c ON p USING (n > 0)", "policy c on public.p was added"),
    ("parts", "CREATE RULE c AS ON UPDATE TO p DO ALSO NOTIFY c", "rule c on public.p was added"),
    (
        "parts",
        "ALTER TABLE p REPLICA IDENTITY FULL",
        "table public.p: replica identity the primary key became the whole row",
    ),
    ("parts", "ALTER TABLE p ENABLE ROW LEVEL SECURITY", "table public.p: row security is on now"),
    ("parts", "CREATE TABLE below () INHERITS (p)", "child public.below was attached to public.p"),
    ("type", "CREATE INDEX ON u (x)", "index u_x_idx on public.u was added"),
    ("type", "CREATE INDEX part ON u (y) WHERE x > 1", "index part on public.u was added"),
    ("type", "ALTER TABLE u ADD CONSTRAINT c CHECK (x > 0)", "constraint c on public.u was added"),
    ("type", "ALTER TABLE u ADD CONSTRAINT c UNIQUE (id, x)", "constraint c on public.u was added"),
    ("type", "ALTER TABLE u ALTER x SET DEFAULT 5", "column public.u.x: default none became 5"),
    ("type", "ALTER TABLE u ALTER x SET NOT NULL", "column public.u.x is NOT NULL now"),
    ("type", "ALTER TABLE u DROP CONSTRAINT small", "constraint small on public.u was dropped"),
    ("enum", "ALTER TABLE m ADD CONSTRAINT c UNIQUE (id, z)", "constraint c on public.m was added"),
    ("enum", "CREATE INDEX ON m (z)", "index m_z_idx on public.m was added"),
    (
        "enum",
        "ALTER TABLE m ALTER z SET DEFAULT 'b'",
        "column public.m.z: default 'a'::public.mood became 'b'::public.mood",
    ),
    ("enum", "ALTER TABLE m ALTER z SET NOT NULL", "column public.m.z is NOT NULL now"),
    ("enum", "ALTER TYPE mood ADD VALUE 'q'", "enum public.mood: values a, b, c became a, b, c, q"),
    ("enum", "ALTER TYPE mood RENAME VALUE 'b' TO 'bb'", "enum public.mood: values a, b, c became a, bb, c"),
    ("enum", "ALTER TYPE mood RENAME TO tone", "column public.m.z: type public.mood became public.tone"),
    ("keys", "ALTER TABLE child ALTER parent SET NOT NULL", "column public.child.parent is NOT NULL now"),
    ("name", "ALTER VIEW rr ALTER x SET DEFAULT 3", "column public.rr.x: default none became 3"),
    (
        "type",
        "GRANT SELECT (x) ON u TO PUBLIC",
        "column public.u.x: SELECT to PUBLIC was granted; do the same on column",
    ),
    (
        "type",
        "CREATE OR REPLACE VIEW u_x AS SELECT x FROM u WHERE x > 1",
        "view public.u_x, which uses public.u, is defined otherwise now",
    ),
    ("type", "GRANT SELECT ON u_x TO PUBLIC", "view public.u_x, which uses public.u, has other rights now"),
    (
        "parts",
        "GRANT SELECT ON p TO PUBLIC",
        "table public.p: SELECT to PUBLIC was granted; do the same on public.crossfade",
    ),
    ("name", "GRANT SELECT ON rr TO PUBLIC", "view public.rr: SELECT to PUBLIC was granted; do the same on public.r"),
    *(
        ("type", change, f"view public.u_x, which uses public.u, {words} now")
        for change, words in (
            ("ALTER VIEW u_x SET (security_barrier = true)", "has other options"),
            ("ALTER VIEW u_x ALTER x SET DEFAULT 5", "has columns with other defaults, rights, comments or settings"),
            ("GRANT SELECT (x) ON u_x TO PUBLIC", "has columns with other defaults, rights, comments or settings"),
            ("COMMENT ON COLUMN u_x.x IS 'x'", "has columns with other defaults, rights, comments or settings"),
            (
                "CREATE TRIGGER t INSTEAD OF INSERT ON u_x FOR EACH ROW EXECUTE FUNCTION nothing()",
                "has other triggers",
            ),
            ("CREATE RULE c AS ON INSERT TO u_x DO INSTEAD NOTHING", "has other rules"),
            (
                "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
                "would have other rights by ALTER DEFAULT PRIVILEGES",
            ),
        )
    ),
]


@pytest.mark.alike
@pytest.mark.parametrize(("name", "change", "said"), LOST, ids=[f"{name}: {change}" for name, change, _ in LOST])
def test_what_contract_would_lose_stops_a_run(expanded: Database, name: str, change: str, said: str) -> None:
    with changed(expanded, name, change) as session:
        with pytest.raises(BaselineChanged, match="that is going to be dropped, which would be lost") as stopped:
            baseline.check(session, None)
        with pytest.raises(WrongState, match="cannot be accepted"):
            baseline.accept(session.work, ledger.get_run(session.work, session.name), "anna")
    assert stopped.value.changes[0].startswith(said)


HELD = [
    ("type", "CREATE POLICY c ON u USING (x > 0)", "column", "policy c on public.u was added"),
    (
        "type",
        "CREATE TRIGGER t BEFORE UPDATE OF x ON u FOR EACH ROW EXECUTE FUNCTION nothing()",
        "column",
        "trigger t on public.u was added",
    ),
    ("enum", "ALTER TABLE m ADD w mood[]", "column", "column public.m.w was added"),
    ("enum", "CREATE TABLE another (w mood)", "type", "column public.another.w was added"),
    ("enum", "CREATE VIEW v AS SELECT z FROM m", "column", "view public.v, which uses public.m, was added"),
    ("parts", "CREATE VIEW v AS SELECT count(*) FROM p", "table", "view public.v, which uses public.p, was added"),
    ("name", "CREATE VIEW v AS SELECT * FROM rr", "view", "view public.v, which uses public.rr, was added"),
    ("type", "CREATE VIEW v AS SELECT * FROM u_x", "column", "view public.v, which uses public.u, was added"),
    (
        "parts",
        "CREATE FUNCTION f(r p) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "table",
        "function public.f(public.p), which uses public.p, was added",
    ),
    (
        "enum",
        "CREATE FUNCTION f(mood) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "type",
        "function public.f(public.mood) was added",
    ),
    ("enum", "CREATE DOMAIN d AS mood", "type", "type public.d was added"),
]


@pytest.mark.parametrize(
    ("name", "change", "on", "said"), HELD, ids=[f"{name}: {change}" for name, change, _, _ in HELD]
)
def test_what_would_keep_it_from_dropping_stops_a_run(
    expanded: Database, name: str, change: str, on: str, said: str
) -> None:
    with changed(expanded, name, change) as session:
        with pytest.raises(BaselineChanged, match=f"made something on a {on} that is going to be dropped") as stopped:
            baseline.check(session, None)
        with pytest.raises(WrongState, match=f"keep run .* from dropping a {on}, so this cannot be accepted"):
            baseline.accept(session.work, ledger.get_run(session.work, session.name), "anna")
    assert stopped.value.changes == (said,)


@pytest.mark.alike
def test_a_publication_of_a_table_that_is_replaced_would_be_lost(expanded: Database) -> None:
    words = r"publication c, which uses public\.p, was added"
    publish = "CREATE PUBLICATION c FOR TABLE p"
    with changed(expanded, "parts", publish) as session, pytest.raises(BaselineChanged, match=words):
        baseline.check(session, None)
    with changed(expanded, "type", "CREATE PUBLICATION c FOR TABLE u") as session:
        assert baseline.check(session, None) == ("publication c, which uses public.u, was added",)


ONCE_MORE = [
    ("type", "COMMENT ON COLUMN u.x IS 'x'", "column public.u.x: comment none became x"),
    ("type", "ALTER TABLE u ALTER x SET STATISTICS 77", "column public.u.x: statistics target none became 77"),
    (
        "type",
        "ALTER TABLE u ALTER x SET (n_distinct = 5)",
        "column public.u.x: storage parameters none became n_distinct=5",
    ),
    ("parts", "ALTER TABLE p SET (fillfactor = 50)", "table public.p: storage parameters none became fillfactor=50"),
    ("parts", "COMMENT ON COLUMN p.n IS 'n'", "column public.p.n: comment none became n"),
    ("parts", "COMMENT ON INDEX p_n IS 'n'", "index p_n on public.p: comment none became n"),
    ("parts", "ALTER TABLE p CLUSTER ON p_n", "index p_n on public.p: clustering off became on"),
    ("type", "COMMENT ON CONSTRAINT small ON u IS 's'", "constraint small on public.u: comment none became s"),
    ("enum", "COMMENT ON TYPE mood IS 'm'", "enum public.mood: comment none became m"),
    ("enum", "REVOKE USAGE ON TYPE mood FROM PUBLIC", "enum public.mood: rights USAGE to PUBLIC became none"),
]


@pytest.mark.alike
@pytest.mark.parametrize(("name", "change", "said"), ONCE_MORE, ids=[change for _, change, _ in ONCE_MORE])
def test_what_can_be_done_again_is_accepted_with_a_word_on_that(
    expanded: Database, name: str, change: str, said: str
) -> None:
    words = (f"{said}; contract loses that: do it again after it",)
    with changed(expanded, name, change) as session:
        with pytest.raises(BaselineChanged, match="somebody else changed a table of it") as stopped:
            baseline.check(session, None)
        assert stopped.value.changes == words
        assert baseline.accept(session.work, ledger.get_run(session.work, session.name), "anna") == words
        assert baseline.check(session, None) == ()
    with changed(expanded, "type", "COMMENT ON COLUMN u.y IS 'y'; GRANT SELECT (y) ON u TO PUBLIC") as session:
        assert baseline.check(session, None) == ()


def twin(database: Database, relation: str) -> str:
    """The name of the column or table of ours that is going to take another's place."""
    ((found,),) = database.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname LIKE 'crossfade%%'"
        if relation == "u"
        else "SELECT relname FROM pg_class WHERE relname LIKE 'crossfade%%' AND relkind = %s",
        [relation],
    )
    return str(found)


@pytest.mark.alike
def test_a_right_that_the_twin_has_as_well_is_no_matter(expanded: Database) -> None:
    column, table = twin(expanded, "u"), twin(expanded, "p")
    for name, change, said in (
        ("type", f"GRANT SELECT (x, {column}) ON u TO PUBLIC", "column public.u.x: SELECT to PUBLIC was granted"),
        ("parts", f"GRANT SELECT ON p, {table} TO PUBLIC", "table public.p: SELECT to PUBLIC was granted"),
        ("name", "GRANT SELECT ON r, rr TO PUBLIC", "view public.rr: SELECT to PUBLIC was granted"),
    ):
        with changed(expanded, name, change) as session:
            assert baseline.check(session, None) == (said,)


def test_a_name_that_the_run_is_going_to_use_cannot_be_taken(expanded: Database) -> None:
    with changed(expanded, "check", "ALTER TABLE k ADD CONSTRAINT positive CHECK (id > 0)") as session:
        with pytest.raises(BaselineChanged, match="took a name that the run is going to use"):
            baseline.check(session, None)
        with pytest.raises(WrongState, match="going to make one of this name, so this cannot be accepted"):
            baseline.accept(session.work, ledger.get_run(session.work, session.name), "anna")


NAMED = [
    ("check", "ALTER TABLE k RENAME x TO y", "column public.k.x was renamed to y"),
    ("check", "ALTER TABLE k DROP x CASCADE", "column public.k.x was dropped"),
    ("type", "ALTER TABLE u RENAME x TO z", "column public.u.x was renamed to z"),
    ("type", "DROP VIEW u_x", "view public.u_x, which uses public.u, was dropped"),
    ("type", "ALTER VIEW u_x RENAME TO u_y", "view public.u_x, which uses public.u, was dropped"),
    ("index", "DROP INDEX i_x", "index i_x on public.i was dropped"),
    ("index", "ALTER INDEX i_x RENAME TO i_y", "index i_x on public.i was dropped"),
]


@pytest.mark.parametrize(("name", "change", "said"), NAMED, ids=[change for _, change, _ in NAMED])
def test_what_the_run_looks_for_by_its_name_has_to_be_there(
    expanded: Database, name: str, change: str, said: str
) -> None:
    with changed(expanded, name, change) as session:
        with pytest.raises(BaselineChanged) as stopped:
            baseline.check(session, None)
        with pytest.raises(WrongState, match=r"the statements of run .* name it, so this cannot be accepted"):
            baseline.accept(session.work, ledger.get_run(session.work, session.name), "anna")
    assert said in stopped.value.changes
    assert "--accept-changes" not in (stopped.value.hint or "")


GOING_BACK = [
    (
        "into",
        "CREATE OR REPLACE VIEW w_x AS SELECT y AS x FROM w WHERE y > 1",
        "view public.w_x, which uses public.w, is defined otherwise now",
    ),
    ("into", "COMMENT ON VIEW w_x IS 'mine'", "view public.w_x, which uses public.w, has another comment now"),
    ("into", "ALTER POLICY w_p ON w USING (y > 7)", "policy w_p on public.w: definition"),
    ("parts", "ALTER TABLE p ADD c text", "column public.p.c was added"),
    ("parts", "CREATE INDEX ON p (d)", "index p_d_idx on public.p was added"),
    ("parts", "ALTER TABLE p ALTER n SET DEFAULT 7", "column public.p.n: default none became 7"),
    ("parts", "CREATE VIEW v AS SELECT count(*) FROM p", "view public.v, which uses public.p, was added"),
    (
        "parts",
        "GRANT SELECT ON p TO PUBLIC",
        "table public.p: SELECT to PUBLIC was granted; do the same on public.crossfade",
    ),
    ("enum", "ALTER TYPE mood ADD VALUE 'q'", "enum public.mood: values a, b became a, b, q"),
    ("enum", "CREATE INDEX ON m (z)", "index m_z_idx on public.m was added"),
    ("type", "CREATE INDEX ON u (x)", "index u_x_idx on public.u was added"),
    ("type", "CREATE VIEW v AS SELECT x FROM u", "view public.v, which uses public.u, was added"),
    ("type", "CREATE VIEW v AS SELECT * FROM u_x", "view public.v, which uses public.u, was added"),
    ("type", "ALTER VIEW u_x SET (security_barrier = true)", "view public.u_x, which uses public.u, has other options"),
    ("type", "CREATE STATISTICS s ON x, y FROM u", "statistics public.s, which uses public.u, was added"),
    ("type", "COMMENT ON COLUMN u.x IS 'x'", "column public.u.x: comment none became x; revert loses that"),
    ("type", "ALTER TABLE u ALTER x SET STATISTICS 77", "column public.u.x: statistics target none became 77; revert"),
    (
        "type",
        "CREATE TRIGGER t BEFORE UPDATE OF x ON u FOR EACH ROW EXECUTE FUNCTION nothing()",
        "trigger t on public.u was added",
    ),
    (
        "enum",
        "CREATE FUNCTION f(mood) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "function public.f(public.mood) was added",
    ),
]


@pytest.mark.alike
@pytest.mark.parametrize(("name", "change", "said"), GOING_BACK, ids=[f"{name}: {c}" for name, c, _ in GOING_BACK])
def test_what_revert_would_lose_keeps_it_from_that(retained: Database, name: str, change: str, said: str) -> None:
    with changed(retained, name, change) as session:
        with pytest.raises(WouldDiscard) as stopped:
            baseline.refuse_to_lose(session)
        assert stopped.value.would_destroy[0].startswith(said)
    with session_of(retained, name) as session:
        baseline.refuse_to_lose(session)
        with session.work.transaction():
            assert baseline.check(session, Part.DROP) == ()


def test_a_view_over_the_old_name_leaves_a_run_retained(retained: Database) -> None:
    words, view = "made something on a view that is going to be dropped", "CREATE VIEW v AS SELECT * FROM r"
    with changed(retained, "name", view) as session, pytest.raises(BaselineChanged, match=words):
        baseline.check(session, Part.DROP)


@pytest.mark.parametrize("change", ["DROP VIEW u_x", "ALTER VIEW u_x RENAME TO v"])
def test_a_view_that_a_revert_does_not_find_keeps_it_from_that(retained: Database, change: str) -> None:
    with changed(retained, "type", change) as session:
        steps = tuple(session.program.of(Part.HIDE))
        found = tuple(names_back.in_the_way(session.work, steps, lenient=False))
    assert found[0] == "view public.u_x, which is to be dropped, is not there"


@pytest.mark.long
def test_an_index_of_a_partition_that_was_renamed_stops_what_names_it(database: Database) -> None:
    database.execute(
        "CREATE TABLE u (id int PRIMARY KEY, x int) PARTITION BY RANGE (id); CREATE INDEX u_x ON u (x);"
        "CREATE TABLE u_1 PARTITION OF u FOR VALUES FROM (0) TO (9)"
    )
    bring(database, "type", State.BACKFILLED)
    database.execute("ALTER INDEX u_1_x_idx RENAME TO other")
    with Engine(database.url) as engine:
        with pytest.raises(BaselineChanged, match=r"index public\.u_1_x_idx, which is to be hidden, is not there"):
            engine.contract("the-type")
        assert engine.status("the-type").state is State.BACKFILLED
        database.execute("ALTER INDEX other RENAME TO u_1_x_idx")
        assert engine.contract("the-type").state is State.RETAINED


@pytest.mark.long
def test_a_column_that_came_while_a_run_was_retained_stays_until_it_is_gone(database: Database) -> None:
    database.execute(TABLES)
    bring(database, "parts", State.RETAINED)
    database.execute("ALTER TABLE p ADD c text; UPDATE p SET c = 'precious'")
    with Engine(database.url) as engine:
        engine.accept_changes("the-parts")
        with pytest.raises(WouldDiscard):
            engine.revert("the-parts")
        assert engine.status("the-parts").state is State.RETAINED
        database.execute("ALTER TABLE p DROP c")
        assert engine.revert("the-parts").state is State.BACKFILLED
        assert engine.rollback("the-parts").state is State.ROLLED_BACK


@pytest.mark.long
def test_a_table_in_the_place_of_a_view_of_ours_stops_all_ways(database: Database) -> None:
    database.execute(TABLES)
    bring(database, "name", State.BACKFILLED)
    database.execute("DROP VIEW rr; CREATE TABLE rr (id int)")
    with Engine(database.url) as engine:
        with pytest.raises(BaselineChanged, match=r"view public\.rr was dropped"):
            engine.contract("the-name")
        with pytest.raises(BaselineChanged, match=r"view public\.rr was dropped, and something else has its name"):
            engine.rollback("the-name")
        database.execute("ALTER TABLE rr RENAME TO mine")
        assert engine.rollback("the-name").state is State.ROLLED_BACK


@pytest.mark.long
def test_the_tables_are_looked_at_before_the_gates_are_asked(database: Database) -> None:
    database.execute(TABLES)
    bring(database, "check", State.BACKFILLED)
    database.execute("ALTER TABLE k RENAME x TO y")
    with Engine(database.url) as engine:
        with pytest.raises(BaselineChanged, match=r"before the gates of contract are asked, .* was renamed to y"):
            engine.contract("the-check")
        database.execute("ALTER TABLE k RENAME y TO x")
        assert engine.contract("the-check").state in (State.RETAINED, State.CONTRACTED)
