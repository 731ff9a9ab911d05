"""The SQL of one relation's ranges; pure.

A range is everything after one key up to another, `(k…) > lo AND (k…) <= hi`: one bound of each kind, which an index
serves from one place to the other. Bounds are tuples of texts, written by the types' output functions and cast back,
so they survive the ledger unchanged whatever the type. Without a key the same form is used on `ctid`.

Every query is meant to be executed with its parameters, so a percent sign in a name or an expression is doubled here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.step import Copy, Delete, Update

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crossfade.backfill.keys import Key
    from crossfade.operations.step import Write
    from crossfade.postgres.names import QualifiedName

Bound = tuple[str, ...]

_UPDATE = sql.SQL("UPDATE ONLY {table} SET {set} WHERE {rows}")
_UPDATE_BY_PLACE = sql.SQL(
    "WITH written AS (UPDATE ONLY {table} SET {set} WHERE {rows} RETURNING {pending} AS again)"
    " SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE again) FROM written"
)
_DELETE = sql.SQL("DELETE FROM ONLY {table} WHERE {rows}")
_DELETE_AND_KEEP = sql.SQL(
    "WITH gone AS (DELETE FROM ONLY {table} WHERE {rows} RETURNING *),"
    " kept AS (INSERT INTO {archive} ({columns}) SELECT {columns} FROM gone RETURNING 1)"
    " SELECT (SELECT pg_catalog.count(*) FROM gone),"
    " (SELECT pg_catalog.count(*) FROM gone) - (SELECT pg_catalog.count(*) FROM kept)"
)
_COPY = sql.SQL("INSERT INTO {into} ({columns}) SELECT {values} FROM ONLY {table} WHERE {rows} {locking} {conflict}")


@dataclass(frozen=True, slots=True)
class Query:
    """SQL and its parameters."""

    text: sql.Composed
    parameters: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges:
    """Builds the queries about the rows of one relation."""

    relation: QualifiedName
    key: Key
    pending: str
    """True for a row that is meant: one that is not yet in step."""
    write: Write | None = None
    """What is done to such a row; only who writes says so."""

    def last_key(self) -> Query:
        """The greatest key, as an array of texts; no row where the relation is empty."""
        order = sql.SQL(", ").join(sql.SQL("{} DESC").format(c) for c in self._columns())
        return Query(
            sql.SQL("SELECT {} FROM ONLY {} ORDER BY {} LIMIT 1").format(_texts(self._columns()), self._table(), order)
        )

    def bound(self, lo: Bound | None, upper: Bound, rows: int) -> Query:
        """The key of the last of the next `rows` rows; no row where fewer are left."""
        where = self._within(lo, upper)
        columns = _listed(self._columns())
        # The texts are made outside: inside, LIMIT would have them made of every row that it passes over.
        text = sql.SQL("SELECT {} FROM (SELECT {} FROM ONLY {} WHERE {} ORDER BY {} OFFSET %s LIMIT 1) AS last").format(
            _texts(self._columns()), columns, self._table(), where.text, columns
        )
        return Query(text, (*where.parameters, rows - 1))

    def write_range(self, lo: Bound | None, hi: Bound) -> Query:
        """Do to the pending rows of a range what is to be done.

        Its row counts, where it has one, what it wrote, and how many of that not as it should: by place, rows that are
        still pending; of deleted rows, those that did not reach the archive.
        """
        return self._writing(self._within(lo, hi))

    def write_row(self, key: Bound) -> Query:
        """The same for one row, if it is there and still pending."""
        return self._writing(Query(sql.SQL("{} = {}").format(self._row(), self._values()), key))

    def _writing(self, where: Query) -> Query:
        rows = sql.SQL("{} AND ({})").format(where.text, _trusted(self.pending))
        text, parts = self._statement()
        return Query(text.format(table=self._table(), rows=rows, **parts), where.parameters)

    def _statement(self) -> tuple[sql.SQL, dict[str, sql.Composable]]:
        """The statement that writes, with places for its parts."""
        match self.write:
            case Update(assignment=assignment):
                return _UPDATE_BY_PLACE if self.key.is_place else _UPDATE, {
                    "set": _trusted(assignment),
                    "pending": _trusted(self.pending),
                }
            case Delete(archive=None):
                return _DELETE, {}
            case Delete(archive=archive, columns=columns):
                return _DELETE_AND_KEEP, {
                    "archive": _trusted(archive or ""),
                    "columns": _listed(_trusted(c) for c in columns),
                }
            case Copy(into=into, columns=columns, values=values, on_conflict=on_conflict, locking=locking):
                return _COPY, {
                    "into": _trusted(into),
                    "columns": _listed(_trusted(c) for c in columns),
                    "values": _listed(_trusted(v) for v in values),
                    "locking": _trusted(locking),
                    "conflict": _trusted(on_conflict),
                }
        raise AssertionError("these ranges are only read")

    def lock_range(self, lo: Bound | None, hi: Bound) -> Query:
        """Lock the pending rows of a range in the order of the key, as its `Write` will."""
        where = self._within(lo, hi)
        strength = sql.SQL("UPDATE" if isinstance(self.write, Delete) else "NO KEY UPDATE")
        text = sql.SQL("SELECT FROM ONLY {} WHERE {} AND ({}) ORDER BY {} FOR {}").format(
            self._table(), where.text, _trusted(self.pending), _listed(self._columns()), strength
        )
        return Query(text, where.parameters)

    def image(self, key: Bound) -> Query:
        """A row as a JSON document."""
        text = sql.SQL("SELECT pg_catalog.to_jsonb(t) FROM ONLY {} AS t WHERE {} = {}").format(
            self._table(), self._row(), self._values()
        )
        return Query(text, key)

    def pending_keys(self, lo: Bound | None, hi: Bound, *, limit: int | None = None, shown: Key | None = None) -> Query:
        """The keys of the pending rows of a range, in order; shown by another key's columns if one is given."""
        within = self._within(lo, hi)
        where = Query(sql.SQL("{} AND ({})").format(within.text, _trusted(self.pending)), within.parameters)
        tail = Query(sql.SQL("").format()) if limit is None else Query(sql.SQL("LIMIT %s").format(), (limit,))
        return self._keys_where(where, tail, shown)

    def keys(self, lo: Bound | None, hi: Bound) -> Query:
        """The keys of all rows of a range, in order."""
        return self._keys_where(self._within(lo, hi), Query(sql.SQL("").format()))

    def is_after(self, lo: Bound, hi: Bound) -> Query:
        """Whether one key lies behind another, as the index sees it."""
        return Query(sql.SQL("SELECT {0} > {0}").format(self._values()), (*hi, *lo))

    def count(self, lo: Bound | None, hi: Bound) -> Query:
        """How many rows a range has."""
        where = self._within(lo, hi)
        return Query(
            sql.SQL("SELECT pg_catalog.count(*) FROM ONLY {} WHERE {}").format(self._table(), where.text),
            where.parameters,
        )

    def count_pending(self, lo: Bound | None, hi: Bound) -> Query:
        """How many rows of a range are pending."""
        where = self._within(lo, hi)
        text = sql.SQL("SELECT pg_catalog.count(*) FROM ONLY {} WHERE {} AND ({})").format(
            self._table(), where.text, _trusted(self.pending)
        )
        return Query(text, where.parameters)

    def count_all(self) -> Query:
        """How many rows the relation has."""
        return Query(sql.SQL("SELECT pg_catalog.count(*) FROM ONLY {}").format(self._table()))

    def _keys_where(self, where: Query, tail: Query, shown: Key | None = None) -> Query:
        text = sql.SQL("SELECT {} FROM ONLY {} WHERE {} ORDER BY {} {}").format(
            _texts(_columns(shown or self.key)), self._table(), where.text, _listed(self._columns()), tail.text
        )
        return Query(text, (*where.parameters, *tail.parameters))

    def _within(self, lo: Bound | None, hi: Bound) -> Query:
        upto = sql.SQL("{} <= {}").format(self._row(), self._values())
        if lo is None:
            return Query(upto, hi)
        return Query(sql.SQL("{} > {} AND {}").format(self._row(), self._values(), upto), (*lo, *hi))

    def _table(self) -> sql.Identifier:
        return sql.Identifier(_doubled(self.relation.schema), _doubled(self.relation.name))

    def _columns(self) -> tuple[sql.Composable, ...]:
        return _columns(self.key)

    def _row(self) -> sql.Composed:
        return sql.SQL("({})").format(_listed(self._columns()))

    def _values(self) -> sql.Composed:
        types = ("pg_catalog.tid",) if self.key.is_place else self.key.types
        return sql.SQL("({})").format(_listed(sql.SQL("%s::{}").format(_trusted(t)) for t in types))


def block_start(block: int) -> Bound:
    """The place before the first row of a block, so that a range up to it ends with the block before."""
    return (f"({block},0)",)


def block_of(place: Bound | None) -> int:
    """The block that a place lies in; 0 where there is none."""
    return 0 if place is None else int(place[0].strip("()").split(",")[0])


def _columns(key: Key) -> tuple[sql.Composable, ...]:
    if key.is_place:
        return (sql.SQL("ctid"),)
    return tuple(sql.Identifier(_doubled(c)) for c in key.columns)


def _texts(columns: Iterable[sql.Composable]) -> sql.Composed:
    """Values by their types' output functions: a cast to text may be somebody's own and lose something."""
    texts = (sql.SQL("pg_catalog.format('%%s', {})").format(c) for c in columns)
    return sql.SQL("ARRAY[{}]").format(_listed(texts))


def _listed(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)


def _doubled(text: str) -> str:
    return text.replace("%", "%%")


def _trusted(text: str) -> sql.SQL:
    """SQL that an operation composed or that PostgreSQL deparsed from its catalog."""
    return sql.SQL(_doubled(text))  # not a literal by nature
