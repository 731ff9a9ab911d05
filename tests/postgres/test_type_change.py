"""What is said of a change of type is what a server does: rows written anew, indexes built anew, or neither."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from crossfade.postgres.catalog import Column, Constraint, Index, QualifiedName, Table
from crossfade.postgres.catalog_read import read_catalog
from crossfade.postgres.forecast.trees import NotOneStatement
from crossfade.postgres.forecast.type_change import judge
from crossfade.postgres.forecast.type_names import parse_type

from ..fixtures.database import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crossfade.postgres.catalog import Catalog

    from ..fixtures.servers import Server


@dataclass(frozen=True)
class Change:
    old: str
    new: str
    using: str | None = None
    zone: str = "UTC"


CHANGES = [
    Change("varchar(20)[]", "varchar(50)[]"),
    Change("varchar(20)[]", "varchar[]"),
    Change("varchar[]", "text[]"),
    Change("text[]", "varchar[]"),
    Change("int[]", "int[]"),
    Change("int[]", "da"),
    Change("da", "int[]"),
    Change("dvar", "varchar(20)"),
    Change("dvar", "varchar(30)"),
    Change("dvar", "text"),
    Change("dvar", "varchar(10)"),
    Change("varchar(20)", "dvar"),
    Change("varchar(10)", "dvar"),
    Change("varchar(30)", "dvar"),
    Change("varchar(20)", "dvarc"),
    Change("dvarc", "varchar(20)"),
    Change("dvarc", "text"),
    Change("dvarc", "dvar"),
    Change("int", "dint"),
    Change("dint", "int"),
    Change("dchk", "int"),
    Change("dchk", "dint"),
    Change("dint", "dchk"),
    Change("dd", "dchk"),
    Change("dchk", "dd"),
    Change("dchk", "dchk"),
    Change("int", "dnn"),
    Change("int", "oid"),
    Change("oid", "int", using="c::int"),
    Change("oid", "regclass"),
    Change("regclass", "oid"),
    Change("cidr", "inet"),
    Change("inet", "cidr", using="c::cidr"),
    Change("bit(5)", "varbit(5)"),
    Change("bit(5)", "varbit"),
    Change("varbit(5)", "varbit(9)"),
    Change("varbit(5)", "varbit"),
    Change("varbit(9)", "varbit(5)"),
    Change("varbit", "bit", using="c::bit"),
    Change("bit(5)", "bit(5)"),
    Change("bit(5)", "bit(7)"),
    Change("varchar(20)", "char(20)"),
    Change("varchar(20)", "bpchar"),
    Change("text", "bpchar"),
    Change("bpchar", "text"),
    Change("char(5)", "bpchar"),
    Change("char(5)", "char(5)"),
    Change("char(5)", "varchar(5)"),
    Change("xml", "text"),
    Change("time", "time(3)"),
    Change("time(3)", "time(5)"),
    Change("time(3)", "time"),
    Change("timetz(3)", "timetz(4)"),
    Change("timetz", "timetz(6)"),
    Change("time", "timetz"),
    Change("interval", "interval(3)"),
    Change("interval(3)", "interval(6)"),
    Change("interval(3)", "interval"),
    Change("interval", "interval day to second"),
    Change("interval day to second", "interval"),
    Change("interval day", "interval hour"),
    Change("interval hour", "interval day"),
    Change("interval day to second(3)", "interval second(3)"),
    Change("interval day to second(3)", "interval second(2)"),
    Change("interval year", "interval month"),
    Change("interval year", "interval(0)"),
    Change("interval hour", "interval(2)"),
    Change("interval", "interval second"),
    Change("interval", "interval(6)"),
    Change("timestamp", "timestamptz(3)"),
    Change("timestamp", "timestamptz(6)"),
    Change("timestamp(3)", "timestamptz(3)"),
    Change("timestamp(3)", "timestamptz"),
    Change("timestamp", "timestamptz", zone="GMT"),
    Change("timestamp", "timestamptz", zone="Etc/UTC"),
    Change("timestamp", "timestamptz", zone="Europe/London"),
    Change("timestamp", "timestamptz", zone="0"),
    Change("timestamp", "timestamptz", zone="+00:00"),
    Change("timestamp", "timestamptz", zone="Etc/GMT0"),
    Change("timestamp", "timestamptz", zone="GMT+0"),
    Change("timestamp", "timestamptz", zone="Zulu"),
    Change("timestamp", "timestamptz", zone="Africa/Abidjan"),
    Change("timestamp", "timestamptz", zone="Iceland"),
    Change("timestamptz", "timestamp", zone="Zulu"),
    Change("timestamptz", "date"),
    Change("date", "timestamp"),
    Change("date", "timestamptz"),
    Change("numeric", "numeric(10,2)"),
    Change("numeric(10,2)", "numeric(10,2)"),
    Change("numeric(10)", "numeric(12)"),
    Change("numeric(10,0)", "numeric(12)"),
    Change("decimal(10,2)", "decimal(12,2)"),
    Change("numeric(10,-2)", "numeric(12,-2)"),
    Change("numeric(3,5)", "numeric(4,5)"),
    Change("text", 'text collate "C"'),
    Change('text collate "C"', "text"),
    Change("varchar(20)", 'varchar(30) collate "C"'),
    Change("mood", "mood"),
    Change("mood", "text", using="c::text"),
    Change("varchar(20)", "varchar(50)", using="c"),
    Change("varchar(20)", "text", using="c::text"),
    Change("varchar(20)", "text", using="c::varchar(10)"),
    Change("varchar(20)", "text", using="c::varchar(30)"),
    Change("varchar(20)", "text", using="c::text::text"),
    Change("varchar(20)", "text", using="(c)"),
    Change("varchar(20)", "text", using="x.c"),
    Change("varchar(20)", "text", using="c||''"),
    Change("varchar(20)", "text", using='c collate "C"'),
    Change("varchar(20)", "text", using="cast(c as text)"),
    Change("varchar(20)", "varchar(50)", using="c::text"),
    Change("int", "int", using="c+0"),
    Change("int", "bigint", using="c::bigint"),
    Change("int4range", "int4range"),
    Change("name", "text"),
    Change("text", "name"),
    Change('"char"', "text"),
    Change("json", "text"),
    Change("uuid", "text"),
    Change("text", "uuid", using="c::uuid"),
    Change("int2", "int4"),
    Change("float4", "float8"),
    Change("money", "numeric"),
    Change("macaddr", "macaddr8"),
    Change("bool", "int", using="c::int"),
    Change("int", "dint", using="c::dchk"),
    Change("int", "int", using="c::dint"),
    Change("int", "int", using="c::dchk"),
    Change("int", "int", using="c::oid::int"),
    Change("varchar", "varchar(10485760)"),
]
TYPES = """
    CREATE DOMAIN dvar AS varchar(20); CREATE DOMAIN dchk AS int CHECK (VALUE > 0); CREATE DOMAIN dint AS int;
    CREATE DOMAIN dvarc AS varchar(20) CHECK (VALUE <> ''); CREATE TYPE mood AS ENUM ('a'); CREATE DOMAIN dd AS dchk;
    CREATE DOMAIN dnn AS int NOT NULL; CREATE DOMAIN da AS int[]
"""


class Columns:
    """A table for each change, with an index where the type can have one."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        connection.execute(TYPES)
        for number, change in enumerate(CHANGES):
            connection.execute(f"CREATE TABLE x{number} (c {change.old})".encode())
            if change.old not in {"xml", "json"}:
                connection.execute(f"CREATE INDEX i{number} ON x{number} (c)".encode())
        self.catalog = self.read()

    def read(self) -> Catalog:
        return read_catalog(self.connection, [(None, f"x{number}") for number in range(len(CHANGES))])

    def files(self, number: int) -> Sequence[tuple[int]]:
        asked = "SELECT relfilenode::int FROM pg_class WHERE relname IN (%s, %s) ORDER BY relname DESC"
        return self.connection.execute(asked, [f"x{number}", f"i{number}"]).fetchall()


@pytest.fixture(scope="module")
def columns(server: Server) -> Iterator[Columns]:
    with fresh_database(server) as database, psycopg.connect(database.url, autocommit=True) as connection:
        yield Columns(connection)


@pytest.mark.every_server
@pytest.mark.parametrize(
    "number", range(len(CHANGES)), ids=[f"{c.old} to {c.new}, {c.using}, {c.zone}" for c in CHANGES]
)
def test_a_server_does_what_is_judged(number: int, columns: Columns) -> None:
    change, connection = CHANGES[number], columns.connection
    table = columns.catalog.tables[[t.name.name for t in columns.catalog.tables].index(f"x{number}")]
    using = f" USING {change.using.replace('x.', f'x{number}.')}" if change.using else ""
    with connection.transaction(force_rollback=True):
        connection.execute(sql.SQL("SET LOCAL timezone = {}").format(sql.Literal(change.zone)))
        zone = connection.execute("SELECT current_setting('TimeZone')").fetchone()
        before = columns.files(number)
        connection.execute(f"ALTER TABLE x{number} ALTER c TYPE {change.new}{using}".encode())
        after = columns.files(number)
        spelled = connection.execute(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attname = 'c' AND attrelid = %s::regclass",
            [f"x{number}"],
        ).fetchone()

    judged = judge(
        table.columns[0],
        change.new,
        change.using,
        table=table,
        server_version=columns.catalog.server_version,
        time_zone=zone[0] if zone else "",
        domains=columns.catalog.domains,
    )

    assert (judged.rewrites, judged.rebuilds_indexes) == (before[0] != after[0], before[1:] != after[1:]), judged.reason
    assert judged.scans == (before != after)
    assert spelled == (parse_type(change.new.partition(" collate")[0]).spelled,)


NAME = Column(name="name", number=1, type="character varying(20)", type_name=QualifiedName("pg_catalog", "varchar"))


def judged(to: str, using: str | None = None, **parts: Any) -> tuple[bool, bool, bool]:
    table = Table(name=QualifiedName("public", "users"), columns=(NAME,), **parts)
    found = judge(NAME, to, using, table=table, server_version=180000, time_zone="UTC")
    return found.rewrites, found.rebuilds_indexes, found.scans


def index(**parts: Any) -> Index:
    name = QualifiedName("public", "users_name")
    return Index(name=name, definition="", columns=("name",), references=frozenset({"name"}), **parts)


def check(**parts: Any) -> Constraint:
    return Constraint(name="named", kind="check", columns=("name",), definition="", **parts)


@pytest.mark.parametrize(
    ("parts", "scans"),
    [
        ({}, False),
        ({"constraints": (check(),)}, True),
        ({"constraints": (check(validated=False),)}, False),
        ({"constraints": (check(enforced=False, validated=False),)}, False),
        ({"indexes": (index(),)}, False),
        ({"indexes": (index(partial=True),)}, True),
        ({"indexes": (index(has_expressions=True),)}, True),
        ({"indexes": (index(valid=False),)}, True),
    ],
)
def test_a_check_is_looked_at_again_and_a_complicated_index_is_built_again(parts: dict[str, Any], scans: bool) -> None:
    assert judged("varchar(50)", **parts) == (False, bool(parts.get("indexes")) and scans, scans)
    assert judged("varchar(10)", **parts) == (True, bool(parts.get("indexes")), True)


def test_an_unknown_type_rewrites() -> None:
    assert judged("geometry") == (True, False, True)
    assert judged("public.geometry(point)") == (True, False, True)


def test_the_reason_names_what_costs() -> None:
    table = Table(name=QualifiedName("public", "users"), columns=(NAME,), constraints=(check(),), indexes=(index(),))

    def reason(to: str) -> str:
        return judge(NAME, to, None, table=table, server_version=180000, time_zone="UTC").reason

    assert reason("text") == "character varying(20) is stored as text is; the constraint named is checked again"
    assert "the index public.users_name is built anew" in reason('text COLLATE "C"')
    assert reason("varchar(10)") == "every value has to be made fit for character varying(10)"
    assert reason("int") == "character varying(20) is not stored as integer is"


@pytest.mark.parametrize("to", ["int; DROP TABLE users", "int, DROP COLUMN name", "not a type"])
def test_what_is_no_type_is_refused(to: str) -> None:
    with pytest.raises(NotOneStatement):
        judged(to)
