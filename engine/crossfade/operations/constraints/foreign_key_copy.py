"""A foreign key that comes without a pause: added NOT VALID in a moment, validated while everybody goes on.

Before PostgreSQL 18 a partitioned table takes none that is NOT VALID. There each partition gets its own, which is then
validated, and the table's takes these up without reading a row (measured on 15).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.operations.constraints import unvalidated
from crossfade.operations.step import Part, Step
from crossfade.operations.tables.table_preflight import family_of
from crossfade.operations.twins.exchange import alter_table
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.postgres.catalog import Catalog, QualifiedName, Table
    from crossfade.postgres.statement import Statement

FIRST_WITH_UNVALIDATED_ON_PARTITIONED = 180000


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKeyCopy:
    """One foreign key under some name."""

    table: Table
    name: str
    definition: str
    """`FOREIGN KEY (…) REFERENCES …`, without NOT VALID."""
    validated: bool
    comment: str | None
    catalog: Catalog
    target: Table | None
    """The table that it refers to, where that was read."""

    @property
    def below(self) -> tuple[Table, ...]:
        """The table's partitions, at every depth."""
        return family_of(self.table, self.catalog)[1:] if self.table.kind == "partitioned" else ()

    @property
    def one_by_one(self) -> bool:
        """Whether each partition has to get its own first."""
        return bool(
            self.table.kind == "partitioned" and self.catalog.server_version < FIRST_WITH_UNVALIDATED_ON_PARTITIONED
        )

    @property
    def first(self) -> tuple[Table, ...]:
        """The tables that get it first."""
        return tuple(t for t in self.below if t.kind != "partitioned") if self.one_by_one else (self.table,)


def over_columns(definition: str, columns: Mapping[str, str], referenced: Mapping[str, str]) -> str:
    """The definition over other columns, on its own side and on the referenced one; without NOT VALID.

    Raises pglast's ParseError for a form that it does not know.
    """
    from pglast import parse_sql
    from pglast.ast import String
    from pglast.stream import RawStream

    tree = parse_sql(f"ALTER TABLE t ADD CONSTRAINT c {definition}")
    key: Any = tree[0].stmt.cmds[0].def_  # type: ignore[union-attr]

    def over(names: Any, others: Mapping[str, str]) -> Any:
        return None if names is None else tuple(String(sval=others.get(n.sval, n.sval)) for n in names)

    key.fk_attrs, key.pk_attrs = over(key.fk_attrs, columns), over(key.pk_attrs, referenced)
    key.fk_del_set_cols = over(key.fk_del_set_cols, columns)
    key.skip_validation, key.initially_valid = False, True
    text: str = RawStream()(tree)
    return text.partition(" ADD CONSTRAINT c ")[2]


def has_period(definition: str) -> bool:
    """Whether the last column of the key is a PERIOD.

    Raises pglast's ParseError for a form that it does not know.
    """
    from pglast import parse_sql

    tree = parse_sql(f"ALTER TABLE t ADD CONSTRAINT c {definition}")
    key: Any = tree[0].stmt.cmds[0].def_  # type: ignore[union-attr]
    return bool(key.fk_with_period)


def referring_to(definition: str, relation: QualifiedName) -> str:
    """The definition with the referenced table under that name.

    Raises pglast's ParseError for a form that it does not know.
    """
    from pglast import parse_sql
    from pglast.stream import RawStream

    tree = parse_sql(f"ALTER TABLE t ADD CONSTRAINT c {definition}")
    key: Any = tree[0].stmt.cmds[0].def_  # type: ignore[union-attr]
    key.pktable.schemaname, key.pktable.relname = relation.schema, relation.name
    text: str = RawStream()(tree)
    return text.partition(" ADD CONSTRAINT c ")[2]


def add(key: ForeignKeyCopy) -> tuple[Statement, ...]:
    """It holds for every write from now on; rows that are there are not looked at."""
    action = sql.SQL("ADD CONSTRAINT {} {} NOT VALID").format(sql.Identifier(key.name), sql.SQL(key.definition))
    comment = () if key.one_by_one else unvalidated.comment_on(key.table, key.name, key.comment)
    return (*(alter_table(table, action) for table in key.first), *comment)


def take_up(key: ForeignKeyCopy) -> tuple[Statement, ...]:
    """A partitioned table's, over those of its partitions; nothing where it was made at once."""
    if not key.one_by_one:
        return ()
    action = sql.SQL("ADD CONSTRAINT {} {}").format(sql.Identifier(key.name), sql.SQL(key.definition))
    return (alter_table(key.table, action), *unvalidated.comment_on(key.table, key.name, key.comment))


def validate(key: ForeignKeyCopy) -> tuple[Statement, ...]:
    """It is known to hold for every row."""
    action = sql.SQL("VALIDATE CONSTRAINT {}").format(sql.Identifier(key.name))
    return tuple(alter_table(table, action) for table in key.first)


def drop(key: ForeignKeyCopy) -> tuple[Statement, ...]:
    """Away, however much of it is there."""
    action = sql.SQL("DROP CONSTRAINT IF EXISTS {}").format(sql.Identifier(key.name))
    parts = key.first if key.one_by_one else ()
    return tuple(alter_table(table, action) for table in (key.table, *parts))


def renamed(key: ForeignKeyCopy, target: str) -> Iterator[Statement]:
    """Another name for it, and for the copies that the table's partitions have of it."""
    for table in (key.table, *key.below):
        yield unvalidated.rename(table, key.name, target)


def steps(place: Place, key: ForeignKeyCopy, what: str, part: Part) -> Iterator[Step]:
    """The steps that make it; the undo of the first takes all of it away."""
    about = f"foreign key {key.name} of {key.table.name}"
    yield Step(
        id=place.id(f"{what}/add"),
        part=part,
        title=f"add {about}, not yet for the rows that are there",
        statements=add(key),
        undo=drop(key),
        done=_all(unvalidated.exists(table, key.name) for table in key.first),
    )
    if not key.validated:
        return
    for table, statement in zip(key.first, validate(key), strict=True):
        where = f"/{table.name}" if key.one_by_one else ""
        yield Step(
            id=place.id(f"{what}/validate{where}"),
            part=part,
            title=f"validate {about}{f' for {table.name}' if key.one_by_one else ''} while everybody goes on",
            statements=(statement,),
            done=unvalidated.holds(table, key.name),
        )
    if key.one_by_one:
        yield Step(
            id=place.id(f"{what}/take_up"),
            part=part,
            title=f"make {about} of those that its partitions have",
            statements=take_up(key),
            done=unvalidated.exists(key.table, key.name),
        )


def _all(queries: Iterator[str]) -> str:
    """A query for one boolean: do all of these say so?"""
    return render(sql.SQL("SELECT {}").format(sql.SQL(" AND ").join(sql.SQL(f"({q})") for q in queries)))
