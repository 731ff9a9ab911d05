"""What travels with an exchanged column, beside the lives of `life/cases/change_type.py`: refusals and compositions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade import Engine
from crossfade.errors import PreflightRefused
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

from .life.canonical import canonical
from .life.leftovers import assert_nothing_left

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

ITEMS = "CREATE TABLE items (id int PRIMARY KEY, a int, b int, note text);"


def plan_of(*entries: str) -> Plan:
    changes = "".join(f"  - change_type: {entry}\n" for entry in entries)
    return parse_plan(f"crossfade: 1\nname: carried\nhold: 0s\nretain: 7d\nchanges:\n{changes}", "carried.yaml")


def refused(database: Database, setup: str, *entries: str, acks: tuple[str, ...] = ()) -> set[tuple[str, str]]:
    """The code and the object of everything that speaks against the plan."""
    database.execute(ITEMS + setup)
    with Engine(database.url) as engine, pytest.raises(PreflightRefused) as caught:
        engine.explain(plan_of(*entries), acks)
    return {(refusal.code, refusal.object) for refusal in caught.value.refusals}


def there_back_and_there(database: Database, plan: Plan) -> None:
    """To `retained`, back by revert and rollback, and to the end; a rollback leaves the dump of before."""
    before = database.dump()
    with Engine(database.url) as engine:
        engine.start(plan)
        engine.approve(plan.name, Phase.CONTRACT, "alice")
        assert engine.advance(plan).state is State.RETAINED
        assert engine.revert(plan.name).state is State.BACKFILLED
        assert engine.rollback(plan.name).state is State.ROLLED_BACK
        assert database.dump() == before
        assert_nothing_left(database, engine)
        engine.start(plan)
        engine.approve(plan.name, Phase.CONTRACT, "alice")
        assert engine.advance(plan).state is State.RETAINED
        database.execute("UPDATE crossfade.runs SET retain_until = clock_timestamp() WHERE retain_until IS NOT NULL")
        assert engine.advance(plan).state is State.CONTRACTED
        assert_nothing_left(database, engine)


@pytest.mark.long
@pytest.mark.alike
def test_two_columns_under_the_same_things_change_in_one_plan(database: Database) -> None:
    on_top = """
        CREATE VIEW both_of AS SELECT a, b FROM items WHERE a > 0;
        CREATE MATERIALIZED VIEW sums AS SELECT sum(a) AS a, sum(b) AS b FROM both_of;
        CREATE INDEX ON sums (a);
        CREATE POLICY known ON items USING (a > b);
        CREATE TRIGGER changed AFTER UPDATE OF a, b ON items FOR EACH ROW WHEN (NEW.a > NEW.b) EXECUTE FUNCTION pass();
    """
    database.execute(
        f"{ITEMS} INSERT INTO items SELECT g, g, g FROM generate_series(1, 9) g;"
        "CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;" + on_top
    )

    there_back_and_there(
        database,
        plan_of("{table: items, column: a, to: bigint}", "{table: items, column: b, to: bigint}"),
    )

    after = canonical(database.dump())
    assert database.execute("SELECT a, b, pg_typeof(a)::text FROM sums") == [(45, 45, "numeric")]
    database.execute(
        "DROP TRIGGER changed ON items; DROP POLICY known ON items; DROP MATERIALIZED VIEW sums; DROP VIEW both_of;"
        "ALTER TABLE items ALTER a TYPE bigint, ALTER b TYPE bigint;" + on_top
    )
    assert canonical(database.dump()) == after


@pytest.mark.long
@pytest.mark.alike
def test_what_goes_with_an_extension_goes_with_it_still(database: Database) -> None:
    database.execute(
        f"{ITEMS} CREATE INDEX by_a ON items (a); CREATE UNIQUE INDEX once ON items (a, b);"
        "CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;"
        "CREATE TRIGGER changed AFTER UPDATE ON items FOR EACH ROW WHEN (NEW.a > 1) EXECUTE FUNCTION pass();"
        "CREATE FUNCTION total(int) RETURNS bigint BEGIN ATOMIC SELECT sum(a) FROM items WHERE b = $1; END;"
        "ALTER INDEX by_a DEPENDS ON EXTENSION plpgsql; ALTER TRIGGER changed ON items DEPENDS ON EXTENSION plpgsql;"
        "ALTER FUNCTION total DEPENDS ON EXTENSION plpgsql"
    )
    before = marks(database)
    assert len(before) == 3
    there_back_and_there(database, plan_of("{table: items, column: a, to: bigint}"))
    assert marks(database) == before


def marks(database: Database) -> list[tuple[str]]:
    """What is marked DEPENDS ON EXTENSION."""
    return database.execute(
        "SELECT pg_describe_object(classid, objid, objsubid) FROM pg_depend WHERE deptype = 'x' ORDER BY 1"
    )


@pytest.mark.alike
@pytest.mark.long
def test_views_over_a_key_and_over_what_references_it(database: Database) -> None:
    on_top = """
        CREATE VIEW named AS SELECT i.id, p.item, i.note FROM items i JOIN parts p ON p.item = i.id;
        CREATE MATERIALIZED VIEW counted AS SELECT id, count(*) AS parts FROM named GROUP BY id;
    """
    database.execute(
        f"{ITEMS} CREATE TABLE parts (id int PRIMARY KEY, item int NOT NULL REFERENCES items);"
        "INSERT INTO items SELECT g, g FROM generate_series(1, 9) g; INSERT INTO parts SELECT id, id FROM items;"
        + on_top
    )

    there_back_and_there(database, plan_of("{table: items, column: id, to: bigint, follow_references: true}"))

    assert database.execute("SELECT count(*), pg_typeof(max(id))::text FROM counted") == [(9, "bigint")]
    assert database.execute("SELECT pg_typeof(max(id))::text, pg_typeof(max(item))::text FROM named") == [
        ("bigint", "bigint")
    ]


GROUPED = """
    CREATE TABLE parts (id int PRIMARY KEY, item int NOT NULL REFERENCES items);
    CREATE VIEW counted AS
        SELECT i.id, i.a, count(*) AS n FROM items i JOIN parts p ON p.item = i.id GROUP BY i.id;
"""


@pytest.mark.long
def test_a_view_that_groups_by_the_primary_key_alone(database: Database) -> None:
    """The server takes the columns beside it for as good as grouped, as long as that key is there."""
    database.execute(ITEMS + GROUPED + "INSERT INTO items VALUES (1, 7, 2, ''); INSERT INTO parts VALUES (1, 1)")

    there_back_and_there(database, plan_of("{table: items, column: a, to: bigint}"))

    assert database.execute("SELECT a, n, pg_typeof(a)::text FROM counted") == [(7, 1, "bigint")]


def test_a_key_that_a_view_groups_by_alone_is_not_made_anew(database: Database) -> None:
    key = "{table: items, column: id, to: bigint, follow_references: true}"

    assert refused(database, GROUPED, key) == {("constraint_needed", "view public.counted")}
    database.execute("DROP VIEW counted; CREATE VIEW counted AS SELECT id, a, count(*) AS n FROM items GROUP BY id, a")
    with Engine(database.url) as engine:
        assert engine.check(plan_of(key)).refusals == ()


@pytest.mark.long
def test_a_virtual_column_is_computed_from_the_new_one(database: Database) -> None:
    if int(database.server.version.split(".")[0]) < 18:
        pytest.skip("there are no virtual columns before PostgreSQL 18")
    database.execute(
        "CREATE TABLE items (id int PRIMARY KEY, a int NOT NULL, twice bigint GENERATED ALWAYS AS (a * 2) VIRTUAL);"
        "INSERT INTO items SELECT g, g FROM generate_series(1, 9) g"
    )

    there_back_and_there(database, plan_of("{table: items, column: a, to: bigint}"))

    database.execute("INSERT INTO items (id, a) VALUES (10, 3000000000)")
    assert database.execute("SELECT twice FROM items WHERE id IN (3, 10) ORDER BY id") == [(6,), (6000000000,)]


@pytest.mark.long
def test_an_index_under_replica_identity_and_clustering_stays_that(database: Database) -> None:
    database.execute(
        "CREATE TABLE items (id int PRIMARY KEY, a int NOT NULL); INSERT INTO items VALUES (1, 1);"
        "CREATE UNIQUE INDEX items_a ON items (a);"
        "ALTER TABLE items REPLICA IDENTITY USING INDEX items_a; ALTER TABLE items CLUSTER ON items_a"
    )
    before = canonical(database.dump())

    there_back_and_there(database, plan_of("{table: items, column: a, to: bigint}"))

    assert canonical(database.dump()) == before.replace("a integer NOT NULL", "a bigint NOT NULL")


def test_what_is_not_sound_over_the_new_type_is_refused_by_name(database: Database) -> None:
    found = refused(
        database,
        """
        ALTER TABLE items ADD CONSTRAINT small CHECK (a < 5);
        CREATE INDEX items_next ON items ((a + 1));
        CREATE STATISTICS items_both ON (a + b), note FROM items;
        CREATE VIEW larger AS SELECT id, a FROM items WHERE a > 5;
        CREATE VIEW summed AS SELECT sum(x.a) AS all_of FROM (SELECT a FROM larger) AS x;
        CREATE VIEW sound AS SELECT a, note FROM items AS i WHERE i.note IN ('x', 'y') ORDER BY a;
        CREATE POLICY known ON items USING (EXISTS (SELECT FROM items AS other WHERE other.id = items.a));
        CREATE FUNCTION next_of(items_id int) RETURNS int LANGUAGE sql
            BEGIN ATOMIC SELECT a + 1 FROM items WHERE id = next_of.items_id; END;
        CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
        CREATE TRIGGER grown AFTER UPDATE ON items FOR EACH ROW WHEN (NEW.a > OLD.b) EXECUTE FUNCTION pass();
        """,
        "{table: items, column: a, to: text, reverse: 'a::int'}",
    )

    assert {where for _, where in found} == {
        "constraint small on public.items",
        "index public.items_next",
        "statistics public.items_both",
        "public.larger",
        "public.summed",
        "policy known on public.items",
        "function public.next_of(items_id integer)",
        "trigger grown on public.items",
    }


@pytest.mark.parametrize(
    ("setup", "entry", "code", "where"),
    [
        (
            "ALTER TABLE items ADD twice int GENERATED ALWAYS AS (a * 2) STORED",
            "{table: items, column: a, to: bigint}",
            "generated_column",
            "public.items.twice",
        ),
        (
            "CREATE RULE noted AS ON INSERT TO items DO ALSO UPDATE items SET b = NEW.a",
            "{table: items, column: a, to: bigint}",
            "dependent",
            "rule noted on public.items",
        ),
        (
            "CREATE RULE kept AS ON UPDATE TO items DO INSTEAD NOTHING",
            "{table: items, column: a, to: bigint}",
            "rule",
            "rule kept on public.items",
        ),
        (
            """CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.a := 1; RETURN NEW; END $$;
            CREATE TRIGGER first BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION pass()""",
            "{table: items, column: a, to: bigint, into: z}",
            "trigger_function",
            "trigger first on public.items",
        ),
        (
            """CREATE MATERIALIZED VIEW low AS SELECT a FROM items; CREATE MATERIALIZED VIEW high AS SELECT a FROM low;
            REFRESH MATERIALIZED VIEW low WITH NO DATA""",
            "{table: items, column: a, to: bigint}",
            "empty_view",
            "public.high",
        ),
        (
            "CREATE TABLE child (CHECK (b > 0), a int) INHERITS (items)",
            "{table: items, column: a, to: bigint}",
            "inherited_column",
            "public.child.a",
        ),
        (
            "CREATE TABLE child () INHERITS (items); ALTER TABLE child ALTER a SET NOT NULL",
            "{table: items, column: a, to: bigint}",
            "partition_constraint",
            "public.child.a",
        ),
        (
            """ALTER TABLE items ALTER note TYPE varchar(5);
            CREATE FUNCTION most() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT max(length(note)) FROM items; END""",
            "{table: items, column: note, to: varchar(9)}",
            "dependent",
            "function public.most()",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_what_cannot_travel_is_refused_by_name(
    database: Database, setup: str, entry: str, code: str, where: str
) -> None:
    assert refused(database, setup, entry) == {(code, where)}


def test_an_index_over_two_columns_of_one_plan_is_refused(database: Database) -> None:
    found = refused(
        database,
        "CREATE INDEX items_both ON items (a, b)",
        "{table: items, column: a, to: bigint}",
        "{table: items, column: b, to: bigint}",
    )

    assert found == {("in_another_run", "index public.items_both")}
