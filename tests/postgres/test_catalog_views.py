"""Views come back in the order that they need each other in, with all that hangs on them and what they take of what."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import pytest
from psycopg import sql

from crossfade.postgres.catalog import Privilege, QualifiedName, View
from crossfade.postgres.catalog_read import read_catalog
from crossfade.postgres.catalog_views import Use, ViewDependent, ViewRule, in_order

if TYPE_CHECKING:
    import psycopg

    from ..fixtures.database import Database

    Connection: TypeAlias = psycopg.Connection[tuple[object, ...]]

pytestmark = pytest.mark.every_server

TABLES = """
    CREATE SCHEMA s;
    CREATE TABLE s.t (a int, b text, "C" text) PARTITION BY LIST (a);
    CREATE TABLE s.t1 PARTITION OF s.t FOR VALUES IN (1);
    CREATE TABLE s.other (a int);
"""


def named(name: str) -> QualifiedName:
    return QualifiedName("s", name)


def use(relation: str, *columns: str, whole_row: bool = False) -> Use:
    return Use(relation=named(relation), columns=frozenset(columns), whole_row=whole_row)


@pytest.fixture
def connection(database: Database) -> Connection:
    made = database.connect(autocommit=True)
    made.execute(TABLES)
    return made


def read(connection: Connection, table: str = "t") -> dict[str, View]:
    """The views that stand on the table, by name, in the order in which they were read."""
    return {view.name.name: view for view in read_catalog(connection, [("s", table)]).views}


def test_what_each_view_takes_of_what_comes_before_it(connection: Connection) -> None:
    for statement in (
        'CREATE VIEW s.z AS SELECT b, "C" AS d FROM s.t WHERE a > 0',
        "CREATE VIEW s.of_partition AS SELECT t1.a FROM s.t1 JOIN s.other USING (a)",
        "CREATE MATERIALIZED VIEW s.m AS SELECT d FROM s.z",
        "CREATE VIEW s.a AS SELECT m.d, z.d AS e FROM s.m, s.z",
        "CREATE VIEW s.counted AS SELECT count(*) FROM s.t",
        "CREATE VIEW s.whole AS SELECT to_jsonb(t) AS j FROM s.t",
        "CREATE VIEW s.attribute AS SELECT (t).b FROM s.t",
        "CREATE VIEW s.of_type AS SELECT NULL::s.t[] AS nothing",
        "CREATE VIEW s.elsewhere AS SELECT a FROM s.other",
        "CREATE VIEW s.by_rule AS SELECT a FROM s.other",
        "CREATE RULE r AS ON INSERT TO s.by_rule DO INSTEAD INSERT INTO s.t (a, b) VALUES (new.a, 'x')",
    ):
        connection.execute(statement.encode())

    views = read(connection)

    assert {name: set(view.uses) for name, view in views.items()} == {
        "z": {use("t", "a", "b", "C")},
        "of_partition": {use("t1", "a"), use("other", "a")},
        "m": {use("z", "d")},
        "a": {use("m", "d"), use("z", "d")},
        "counted": {use("t")},
        "whole": {use("t", whole_row=True)},
        "attribute": {use("t", "b")},
        "of_type": {use("t", whole_row=True)},
        "by_rule": {use("t", "a", "b"), use("other", "a")},
    }
    order = list(views)
    assert order.index("z") < order.index("m") < order.index("a")
    assert set(read(connection, "t1")) == {"of_partition"}
    assert set(read(connection, "other")) == {"of_partition", "elsewhere", "by_rule"}
    assert views["m"].uses_of(named("z")) == use("z", "d")
    assert views["m"].uses_of(named("t")) is None


def test_a_view_with_all_that_hangs_on_it(connection: Connection, database: Database) -> None:
    peer = f"Peer of {database.name}"
    connection.execute("CREATE VIEW s.v WITH (security_barrier) AS SELECT a, b FROM s.t1 WITH CASCADED CHECK OPTION")
    connection.execute("ALTER VIEW s.v ALTER b SET DEFAULT 'x'; COMMENT ON VIEW s.v IS 'Seen.'")
    connection.execute("COMMENT ON COLUMN s.v.b IS 'The second.'")
    connection.execute("CREATE RULE r AS ON DELETE TO s.v DO INSTEAD NOTHING; COMMENT ON RULE r ON s.v IS 'None.'")
    connection.execute("CREATE FUNCTION s.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'")
    connection.execute("CREATE TRIGGER g INSTEAD OF UPDATE ON s.v FOR EACH ROW EXECUTE FUNCTION s.f()")
    connection.execute("CREATE FUNCTION s.on_top(s.v) RETURNS int LANGUAGE sql AS 'SELECT 1'")
    connection.execute(sql.SQL("CREATE ROLE {0}; GRANT SELECT ON s.v TO {0}").format(sql.Identifier(peer)))
    me = connection.info.user

    view = read(connection)["v"]

    assert (view.kind, view.owner, view.owned, view.creator, view.temporary) == ("view", me, True, me, False)
    assert view.definition.lstrip().startswith("SELECT")
    assert view.definition.endswith("FROM s.t1")
    assert view.options == ("security_barrier=true", "check_option=cascaded")
    assert (view.comment, [c.comment for c in view.columns]) == ("Seen.", [None, "The second."])
    assert [c.default.expression for c in view.columns if c.default] == ["'x'::text"]
    assert view.rules == (
        ViewRule(
            name="r",
            definition="CREATE RULE r AS\n    ON DELETE TO s.v DO INSTEAD NOTHING",
            comment="None.",
        ),
    )
    assert [(t.name, t.timing) for t in view.triggers] == [("g", "instead")]
    assert view.dependents == (ViewDependent(kind="function", name="s.on_top(s.v)"),)
    assert view.privileges is not None
    assert view.privileges[-1] == Privilege(grantee=peer, privilege="SELECT", grantable=False, grantor=me)
    assert view.default_grantees is None


def test_a_materialised_view_with_all_that_hangs_on_it(connection: Connection) -> None:
    connection.execute(
        "CREATE MATERIALIZED VIEW s.m WITH (fillfactor = 70, toast.autovacuum_enabled = off) AS "
        "SELECT a, b FROM s.t WITH NO DATA"
    )
    connection.execute("CREATE UNIQUE INDEX i ON s.m (a); ALTER MATERIALIZED VIEW s.m CLUSTER ON i")
    connection.execute("CREATE STATISTICS s.both ON a, b FROM s.m")
    connection.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO PUBLIC")

    view = read(connection)["m"]

    assert (view.kind, view.populated, view.access_method) == ("materialized view", False, "heap")
    assert view.options == ("fillfactor=70", "toast.autovacuum_enabled=off")
    assert view.replica_identity == "default"
    assert [(i.name, i.unique, i.clustered) for i in view.indexes] == [(named("i"), True, True)]
    assert [(x.name, x.owner) for x in view.extended_statistics] == [(named("both"), connection.info.user)]
    assert (view.privileges, view.default_grantees) == (None, (None,))
    assert view.dependents == ()


def test_views_that_need_each_other_by_a_rule_are_both_read() -> None:
    first = View(name=named("first"), definition="", uses=(use("second"),))
    second = View(name=named("second"), definition="", uses=(use("first"),))

    assert in_order([second, first]) == (second, first)
    assert in_order([]) == ()
