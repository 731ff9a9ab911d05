"""Reading the catalog: a fixed number of queries in one read-only snapshot, whatever the number of tables; one more
where views stand on them.

Works for any role that may connect: the system catalogs are public. What a role may not see (column statistics)
comes back as None. The deparse functions of the server see commits of others at once, so a snapshot taken in the
middle of somebody else's DDL may mix the two; reading takes no lock beyond a moment of ACCESS SHARE and waits only
for a table that is held in ACCESS EXCLUSIVE mode. The SQL stands beside this file in `sql/catalog_*.sql`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, TypeAlias

from psycopg.rows import dict_row

from crossfade.postgres.catalog import (
    Catalog,
    Column,
    Constraint,
    Default,
    Dependent,
    Domain,
    ExtendedStatistics,
    ForeignKey,
    Identity,
    Index,
    Policy,
    Privilege,
    Publication,
    QualifiedName,
    Rule,
    Sequence,
    SqlFunction,
    Table,
    TextFunction,
    Trigger,
    View,
    VolatileFunction,
)
from crossfade.postgres.catalog_types import read_types, with_uses
from crossfade.postgres.catalog_views import from_row, in_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Sequence as Rows

    import psycopg

    from crossfade.postgres.catalog_types import WrittenType

Row: TypeAlias = dict[str, Any]

_FIRST_WITH_PUBLICATION_DETAILS = 150000
_WORD = re.compile(r"[\w$]+")
#: The clause in `pg_get_triggerdef`'s text; quoted names in front of it are skipped whole.
_WHEN = re.compile(
    r'(?:[^"]|"(?:[^"]|"")*")*? FOR EACH (?:ROW|STATEMENT) WHEN \((?P<when>.*)\) EXECUTE FUNCTION ', re.DOTALL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """The rows of every query, by the oid of the relation they belong to."""

    columns: Mapping[int, Rows[Row]]
    constraints: Mapping[int, Rows[Row]]
    incoming: Mapping[int, Rows[Row]]
    indexes: Mapping[int, Rows[Row]]
    triggers: Mapping[int, Rows[Row]]
    dependents: Mapping[int, Rows[Row]]
    policies: Mapping[int, Rows[Row]]
    sql_functions: Mapping[int, Rows[Row]]
    publications: Mapping[int, Rows[Row]]
    statistics: Mapping[int, Rows[Row]]
    functions: Rows[Row]


def read_catalog(
    connection: psycopg.Connection[Any], tables: Iterable[tuple[str | None, str]], types: Iterable[WrittenType] = ()
) -> Catalog:
    """Read the named tables (schema or None, name) with their partitions and children, and what we may do here.

    A name that does not exist is simply not in the answer. The connection must not be in a transaction.
    """
    wanted = list(dict.fromkeys(tables))
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        (facts,) = _fetch(cursor, "catalog_session", {})
        known = tuple(read_types(connection, types))
        cursor.execute("SET LOCAL search_path = pg_catalog")
        # The planner takes these queries for expensive ones; compiling them would cost a hundred times their run.
        cursor.execute("SET LOCAL jit = off")
        known = with_uses(connection, known)
        relations = _fetch(cursor, "catalog_names", {})
        domains = _fetch(cursor, "catalog_domains", {})
        volatile = _fetch(cursor, "catalog_volatile_functions", {})
        asked = {
            "schemas": [schema for schema, _ in wanted],
            "names": [name for _, name in wanted],
            "path": facts["search_path"],
        }
        rows = _fetch(cursor, "catalog_tables", asked)
        views = _read_views(cursor, rows)
        parts = _read_parts(cursor, rows, views, facts["server_version"])
    facts["search_path"] = tuple(facts["search_path"])
    facts["logical_slots"] = tuple(facts["logical_slots"])
    facts["statements_extension"] = _qualified(facts["statements_extension"])
    return Catalog(
        **facts,
        types=known,
        tables=_with_leaf_sums(tuple(_table(row, parts) for row in rows)),
        views=in_order(_view(row, parts) for row in views),
        all_table_names=tuple(QualifiedName(r["schema"], r["name"]) for r in relations if r["is_table"]),
        relation_names=frozenset(QualifiedName(r["schema"], r["name"]) for r in relations),
        domains=tuple(_domain(row) for row in domains),
        volatile_functions=tuple(VolatileFunction(name=QualifiedName(*r["name"]), body=r["body"]) for r in volatile),
    )


def read_with_partners(
    connection: psycopg.Connection[Any], tables: Iterable[tuple[str | None, str]], types: Iterable[WrittenType] = ()
) -> Catalog:
    """The same with every table that a foreign key connects to the named ones, in either direction."""
    wanted, types = list(tables), tuple(types)
    found = read_catalog(connection, wanted, types)
    partners = {key.table for table in found.tables for key in table.incoming_foreign_keys}
    partners |= {c.referenced for table in found.tables for c in table.constraints if c.referenced is not None}
    more = [(name.schema, name.name) for name in sorted(partners) if found.table(name) is None]
    return read_catalog(connection, [*wanted, *more], types) if more else found


def read_with_references(
    connection: psycopg.Connection[Any], tables: Iterable[tuple[str | None, str]], types: Iterable[WrittenType] = ()
) -> Catalog:
    """As `read_with_partners`, with the tables that reference those which reference the named ones, and so on."""
    wanted, types = list(tables), tuple(types)
    found = read_catalog(connection, wanted, types)
    while more := sorted(
        {k.table for t in found.tables for k in t.incoming_foreign_keys} - {t.name for t in found.tables}
    ):
        wanted += [(name.schema, name.name) for name in more]
        found = read_catalog(connection, wanted, types)
    return read_with_partners(connection, wanted, types)


@cache
def _query(name: str) -> bytes:
    return resources.files("crossfade.postgres").joinpath("sql", f"{name}.sql").read_bytes()


def _fetch(cursor: psycopg.Cursor[Row], name: str, parameters: Mapping[str, Any]) -> list[Row]:
    # Not prepared: the connection may go through a pooler, and each query runs once.
    return cursor.execute(_query(name), parameters or None, prepare=False).fetchall()


def _read_views(cursor: psycopg.Cursor[Row], tables: Rows[Row]) -> list[Row]:
    (on_top,) = _fetch(cursor, "catalog_views_on_top", {"oids": [row["oid"] for row in tables]})
    # Planning the whole of it takes longer than all that a table without views needs.
    return _fetch(cursor, "catalog_views", on_top) if on_top["oids"] else []


def _read_parts(cursor: psycopg.Cursor[Row], tables: Rows[Row], views: Rows[Row], server_version: int) -> _Parts:
    oids = [row["oid"] for row in tables]
    of = {"oids": oids}
    with_views = {"oids": [*oids, *(row["oid"] for row in views)]}
    publications = "catalog_publications"
    if server_version < _FIRST_WITH_PUBLICATION_DETAILS:
        publications = "catalog_publications_14"
    constraints = _fetch(cursor, "catalog_constraints", of)
    names = sorted({spelling for row in tables for spelling in _spellings(row["name"][1])})
    functions = _fetch(cursor, "catalog_functions", of | {"names": names})
    for function in functions:
        function["words"] = frozenset(_WORD.findall(function["body"].lower()))
    return _Parts(
        columns=_grouped(_fetch(cursor, "catalog_columns", with_views), "relation"),
        constraints=_grouped(constraints, "relation"),
        # A partition's copy of a foreign key says nothing that its parent's does not.
        incoming=_grouped([row for row in constraints if row["target"] and not row["is_copy"]], "target"),
        indexes=_grouped(_fetch(cursor, "catalog_indexes", with_views), "relation"),
        triggers=_grouped(_fetch(cursor, "catalog_triggers", with_views), "relation"),
        dependents=_grouped(_fetch(cursor, "catalog_dependents", of), "relation"),
        policies=_grouped(_fetch(cursor, "catalog_policies", of), "relation"),
        sql_functions=_grouped(_fetch(cursor, "catalog_sql_functions", of), "relation"),
        publications=_grouped(_fetch(cursor, publications, of), "relation"),
        statistics=_grouped(_fetch(cursor, "catalog_statistics", with_views), "relation"),
        functions=functions,
    )


def _grouped(rows: Iterable[Row], key: str) -> Mapping[int, Rows[Row]]:
    groups: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return groups


def _qualified(pair: Rows[str] | None) -> QualifiedName | None:
    return None if pair is None else QualifiedName(*pair)


def _spellings(name: str) -> set[str]:
    """A table's name as a function's body may have it: bare, or with its quotes doubled."""
    return {name, name.replace('"', '""')}


def _fields(row: Row, kind: type[Any]) -> dict[str, Any]:
    """The row's values that are fields of this class, arrays as tuples."""
    known = row.keys() & kind.__dataclass_fields__.keys()
    return {key: tuple(row[key]) if isinstance(row[key], list) else row[key] for key in known}


def _table(row: Row, parts: _Parts) -> Table:
    oid = row["oid"]
    parents = tuple(QualifiedName(*p) for p in row["parents"])
    descendants = tuple(QualifiedName(*d) for d in row["descendants"])
    partitioned = row["kind"] == "partitioned"
    fields = _fields(row, Table) | {
        "name": QualifiedName(*row["name"]),
        "rules": tuple(Rule(**rule) for rule in row["rules"]),
        "privileges": None if row["privileges"] is None else tuple(Privilege(**p) for p in row["privileges"]),
        "default_grantees": tuple(row["default_grantees"]),
        "partition_parent": parents[0] if row["is_partition"] else None,
        "inherits": () if row["is_partition"] else parents,
        "partitions": descendants if partitioned else (),
        "children": () if partitioned else descendants,
        "columns": tuple(_column(r) for r in parts.columns.get(oid, ())),
        "constraints": tuple(_constraint(r) for r in parts.constraints.get(oid, ()) if not r["is_part"]),
        "key_parts": tuple(r["name"] for r in parts.constraints.get(oid, ()) if r["is_part"]),
        "incoming_foreign_keys": tuple(_foreign_key(r) for r in parts.incoming.get(oid, ())),
        "indexes": tuple(_index(r) for r in parts.indexes.get(oid, ())),
        "triggers": tuple(_trigger(r) for r in parts.triggers.get(oid, ())),
        "dependents": tuple(Dependent(**_fields(r, Dependent)) for r in parts.dependents.get(oid, ())),
        "policies_over": tuple(_policy(r) for r in parts.policies.get(oid, ())),
        "sql_functions": tuple(SqlFunction(**_fields(r, SqlFunction)) for r in parts.sql_functions.get(oid, ())),
        "publications": tuple(Publication(**_fields(r, Publication)) for r in parts.publications.get(oid, ())),
        "extended_statistics": tuple(_statistics(r) for r in parts.statistics.get(oid, ())),
        "text_functions": _text_functions(row, parts.functions),
    }
    return Table(**fields)


def _view(row: Row, parts: _Parts) -> View:
    oid = row["oid"]
    return from_row(
        row,
        columns=tuple(_column(r) for r in parts.columns.get(oid, ())),
        indexes=tuple(_index(r) for r in parts.indexes.get(oid, ())),
        triggers=tuple(_trigger(r) for r in parts.triggers.get(oid, ())),
        extended_statistics=tuple(_statistics(r) for r in parts.statistics.get(oid, ())),
    )


def _column(row: Row) -> Column:
    fields = _fields(row, Column)
    fields |= {key: _qualified(row[key]) for key in ("type_name", "base_type", "element_type", "collation")}
    fields["owned_sequences"] = tuple(QualifiedName(*s) for s in row["owned_sequences"])
    fields["privileges"] = tuple(Privilege(**p) for p in row["privileges"] or ())
    fields["sequences"] = tuple(_sequence(s) for s in row["sequences"] or ())
    if row["identity_sequence"]:
        fields["identity"] = Identity(
            always=row["identity_always"],
            sequence=QualifiedName(*row["identity_sequence"]),
            sequence_options=row["sequence_options"],
            sequence_acl=tuple(row["sequence_acl"]),
            sequence_comment=row["sequence_comment"],
        )
    if row["generated"]:
        fields["generation_expression"] = row["expression"]
    elif row["expression"] is not None:
        fields["default"] = Default(
            expression=row["expression"],
            volatile=row["volatile"],
            owned_sequence=_qualified(row["default_sequence"]),
        )
    return Column(**fields)


def _sequence(row: Row) -> Sequence:
    privileges = row["privileges"]
    own = {
        "name": QualifiedName(*row["name"]),
        "privileges": None if privileges is None else tuple(Privilege(**p) for p in privileges),
        "default_grantees": tuple(row["default_grantees"] or ()),
    }
    return Sequence(**row | own)


def _constraint(row: Row) -> Constraint:
    named_once = tuple(dict.fromkeys(row["columns"]))
    return Constraint(**_fields(row, Constraint) | {"columns": named_once, "referenced": _qualified(row["referenced"])})


def _domain(row: Row) -> Domain:
    checks = tuple(Constraint(kind="check", columns=(), **check) for check in row["constraints"])
    own = {
        "name": QualifiedName(*row["name"]),
        "type_name": QualifiedName(*row["type_name"]),
        "constraints": checks,
    }
    return Domain(**_fields(row, Domain) | own)


def _foreign_key(row: Row) -> ForeignKey:
    return ForeignKey(**_fields(row, ForeignKey) | {"table": QualifiedName(*row["on_table"])})


def _index(row: Row) -> Index:
    targets = tuple((position, target) for position, target in row["statistics_targets"])
    own = {
        "name": QualifiedName(*row["name"]),
        "parent": _qualified(row["parent"]),
        "references": frozenset(row["references"]),
        "statistics_targets": targets,
    }
    return Index(**_fields(row, Index) | own)


def _trigger(row: Row) -> Trigger:
    clause = _WHEN.match(row["definition"]) if row["has_when"] else None
    own = {
        "function": QualifiedName(*row["function"]),
        "events": frozenset(row["events"]),
        "references": frozenset(row["references"]),
        "when": clause["when"] if clause else None,
    }
    return Trigger(**_fields(row, Trigger) | own)


def _policy(row: Row) -> Policy:
    return Policy(**_fields(row, Policy) | {"table": QualifiedName(*row["table"])})


def _statistics(row: Row) -> ExtendedStatistics:
    return ExtendedStatistics(**_fields(row, ExtendedStatistics) | {"name": QualifiedName(*row["name"])})


def _text_functions(table: Row, functions: Iterable[Row]) -> tuple[TextFunction, ...]:
    spellings = {spelling.lower() for spelling in _spellings(table["name"][1])}
    return tuple(
        TextFunction(**_fields(row, TextFunction) | {"name": QualifiedName(*row["name"])})
        for row in functions
        if table["oid"] in row["trigger_of"] or _mentions(row, spellings)
    )


def _mentions(function: Row, spellings: Iterable[str]) -> bool:
    """One of these is a word of the body; a name that is no single word, such as `a b`, only has to be in it."""
    return any(s in function["words"] if _WORD.fullmatch(s) else s in function["body"].lower() for s in spellings)


def _with_leaf_sums(tables: tuple[Table, ...]) -> tuple[Table, ...]:
    """A partitioned table has no rows of its own: it takes the estimates and sizes of its leaves."""
    catalog = Catalog(server_version=0, tables=tables)

    def summed(table: Table) -> Table:
        if table.kind != "partitioned":
            return table
        leaves = catalog.leaves(table)
        known = [leaf.rows_estimate for leaf in leaves if leaf.rows_estimate >= 0]
        return replace(
            table,
            rows_estimate=sum(known) if known else table.rows_estimate,
            size_bytes=sum(leaf.size_bytes for leaf in leaves),
            total_bytes=sum(leaf.total_bytes for leaf in leaves),
        )

    return tuple(summed(table) for table in tables)
