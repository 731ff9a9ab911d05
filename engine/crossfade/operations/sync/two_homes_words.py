"""The pieces of SQL that the functions of `two_homes` are made of: the tables, the key, and each pair of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from psycopg import sql

from crossfade.operations.sync.sameness import same
from crossfade.operations.tables.second_name import identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crossfade.operations.sync.two_homes import Key, Pair, TwoHomes

_MAKING = 1024
"""Advisory locks of makers, a power of two: a statement may make any number of rows, and locks take shared memory."""


class Words:
    """The pieces of SQL that the bodies are made of."""

    def __init__(self, homes: TwoHomes) -> None:
        self.homes = homes
        keys = homes.key
        self.parts: dict[str, sql.Composable] = {
            "here": identifier(homes.main),
            "there": identifier(homes.side),
            "notes": homes.notes,
            "made": homes.made,
            "settle": homes.function("settle"),
            "try_settle": homes.function("try_settle"),
            "settle_last": homes.function("settle_last"),
            "follow_one": homes.function("follow_one"),
            "run": sql.Literal(homes.name),
            # A batch copies rows that it has locked here, so that little is left to do for it.
            "nested": sql.SQL("pg_catalog.pg_trigger_depth() OPERATOR(pg_catalog.>) 1"),
            "backfill": sql.SQL("pg_catalog.current_setting('crossfade.backfill', true) OPERATOR(pg_catalog.=) 'on'"),
            "side_key": listed(sql.Identifier(k.side) for k in keys),
            "arguments": listed(sql.SQL(f"${n}") for n in range(1, len(keys) + 1)),
            "give": sql.SQL(f"${len(keys) + 1}"),
            "keep": sql.SQL(f"${len(keys) + 2}"),
            "note_key": listed(sql.Identifier(f"k{n}") for n in range(1, len(keys) + 1)),
        }
        for record in ("NEW", "OLD"):
            self.parts[f"{record}_main"] = listed(of(record, k.main) for k in keys)
            self.parts[f"{record}_side"] = listed(of(record, k.side) for k in keys)
            self.parts[f"{record}_note"] = listed(of(record, f"k{n}") for n in range(1, len(keys) + 1))
        self.parts["all_emptied"] = sql.SQL("UPDATE {} AS here SET {} WHERE NOT ({})").format(
            identifier(homes.main),
            listed(sql.SQL("{} = {}").format(sql.Identifier(p.main), p.empty) for p in homes.pairs),
            self.is_empty("here", "main"),
        )

    def arguments(self, *more: LiteralString, returns: LiteralString) -> sql.Composed:
        """The key, and what comes behind it."""
        types = [sql.SQL(k.type) for k in self.homes.key] + [sql.SQL("pg_catalog.") + sql.SQL(m) for m in more]
        shown = sql.SQL("void") if returns == "void" else sql.SQL("pg_catalog.") + sql.SQL(returns)
        return sql.SQL("({}) RETURNS {}").format(listed(types), shown)

    def text(self, template: LiteralString, **more: sql.Composable) -> sql.Composed:
        """A piece with the pieces in it."""
        return sql.SQL(template).format(**{**self.parts, **more})

    def body(self, template: LiteralString, **more: sql.Composable) -> sql.Composed:
        """A whole function of a trigger AFTER something."""
        return sql.SQL("#variable_conflict use_column\nBEGIN {} RETURN NULL; END").format(self.text(template, **more))

    def at(self, alias: LiteralString, values: Iterable[sql.Composable]) -> sql.Composed:
        """The row of one home with this key; of the notes, those about it."""
        columns = {
            "here": [k.main for k in self.homes.key],
            "m": [f"k{n}" for n in range(1, len(self.homes.key) + 1)],
            "there": [k.side for k in self.homes.key],
            "n": [f"k{n}" for n in range(1, len(self.homes.key) + 1)],
        }[alias]
        return sql.SQL(" AND ").join(equal(of(alias, c), v) for c, v in zip(columns, values, strict=True))

    def by_arguments(self, alias: LiteralString) -> sql.Composed:
        """The same with the function's arguments."""
        return self.at(alias, self.each_argument())

    def each_argument(self) -> tuple[sql.SQL, ...]:
        """The function's arguments that are the key."""
        return tuple(sql.SQL(f"${n}") for n in range(1, len(self.homes.key) + 1))

    def made_key(self, alias: LiteralString) -> tuple[sql.Composed, ...]:
        """The key of a row that says what we made, or of a note."""
        return tuple(of(alias, f"k{n}") for n in range(1, len(self.homes.key) + 1))

    def by(self, alias: LiteralString, record: LiteralString, side: str) -> sql.Composed:
        """The same with the key of a trigger's row."""
        return self.at(alias, (of(record, column_of(k, side)) for k in self.homes.key))

    def lock(self, side: LiteralString, key: sql.Composable) -> sql.Composed:
        """The number of the advisory lock by which who leaves a note is known to be under way."""
        return sql.SQL(
            "pg_catalog.hashtextextended(ROW({})::pg_catalog.text, pg_catalog.hashtextextended({}, 0))"
        ).format(key, sql.Literal(f"{self.homes.name} {side}"))

    def making(self, key: sql.Composable) -> sql.Composed:
        """The number of the advisory lock of who makes a row of the side table; one for many keys, for bulk writes."""
        return sql.SQL(
            "pg_catalog.hashint8extended({} OPERATOR(pg_catalog.&) {}, pg_catalog.hashtextextended({}, 0))"
        ).format(self.lock("making", key), sql.Literal(_MAKING - 1), sql.Literal(f"{self.homes.name} making"))

    def equal_keys(self, side: str) -> sql.Composed:
        """Whether an UPDATE left the key as it was."""
        return sql.SQL(" AND ").join(
            equal(of("NEW", column_of(k, side)), of("OLD", column_of(k, side))) for k in self.homes.key
        )

    def is_empty(self, alias: LiteralString, side: str) -> sql.Composed:
        """Whether a row has no value that somebody gave it."""
        return sql.SQL(" AND ").join(
            same(of(alias, column_of(p, side)), p.empty, exact=p.exact) for p in self.homes.pairs
        )

    def is_ours(self, key: Iterable[sql.Composable]) -> sql.Composed:
        """Whether the side table's row with this key is one that we made, and that nobody has written since."""
        values = tuple(key)
        return self.text(
            "EXISTS (SELECT FROM {made} AS m JOIN {there} AS there ON there.ctid OPERATOR(pg_catalog.=) m.place"
            " AND there.xmin OPERATOR(pg_catalog.=) m.writer WHERE {at_made} AND {at_there})",
            at_made=self.at("m", values),
            at_there=self.at("there", values),
        )

    def remember(self) -> sql.Composed:
        """Note where the side table's row is that we have just made, or written while nobody else had."""
        return self.text(
            "INSERT INTO {made} ({note_key}, place, writer) SELECT {arguments}, there.ctid, there.xmin"
            " FROM {there} AS there WHERE {at_there}"
            " ON CONFLICT ({note_key}) DO UPDATE SET place = excluded.place, writer = excluded.writer; ",
            at_there=self.by_arguments("there"),
        )

    def as_row(self, alias: LiteralString, side: str) -> sql.Composed:
        """Whether the other home's row is as the trigger's, which is of this side."""
        other = "main" if side == "side" else "side"
        return sql.SQL(" AND ").join(
            same(of(alias, column_of(p, other)), of("NEW", column_of(p, side)), exact=p.exact) for p in self.homes.pairs
        )

    def unnoted(self, record: LiteralString, side: str) -> sql.Composed:
        """Whether nothing is noted of the trigger's row."""
        return sql.SQL("NOT EXISTS (SELECT FROM {} AS n WHERE {})").format(self.homes.notes, self.by("n", record, side))

    def bits(self, side: str, other: LiteralString) -> sql.Composed:
        """The columns of NEW that are not as in OLD, or not empty."""
        return sql.SQL(" OPERATOR(pg_catalog.+) ").join(
            sql.SQL("CASE WHEN {} THEN 0 ELSE {} END").format(
                same(
                    of("NEW", column_of(p, side)),
                    p.empty if other == "empty" else of(other, column_of(p, side)),
                    exact=p.exact,
                ),
                bit(n),
            )
            for n, p in enumerate(self.homes.pairs)
        )


def of(alias: LiteralString, column: str) -> sql.Composed:
    """A column of a record."""
    return sql.SQL("{}.{}").format(sql.SQL(alias), sql.Identifier(column))


def column_of(of: Key | Pair, side: str) -> str:
    """A key's or a pair's column in one of the two homes."""
    return of.main if side == "main" else of.side


def equal(left: sql.Composable, right: sql.Composable) -> sql.Composed:
    """By the server's own operator."""
    return sql.SQL("{} OPERATOR(pg_catalog.=) {}").format(left, right)


def same_pair(pair: Pair) -> sql.Composed:
    """Whether the two homes hold the same fact."""
    return same(of("here", pair.main), of("there", pair.side), exact=pair.exact)


def bit(number: int) -> sql.Composed:
    """What stands for a pair."""
    return sql.SQL("{}::pg_catalog.int8").format(sql.Literal(2**number))


def is_taken(number: int) -> sql.Composed:
    """Whether the side table's value is the newer one."""
    return sql.SQL("(crossfade_take OPERATOR(pg_catalog.&) {}) OPERATOR(pg_catalog.<>) 0").format(bit(number))


def either(taken: sql.Composable, value: sql.Composable, pair: Pair) -> sql.Composed:
    """That value, or what is there."""
    return sql.SQL("CASE WHEN {} THEN {} ELSE {} END").format(taken, value, of("here", pair.main))


def sets(values: Iterable[tuple[str, sql.Composable]]) -> sql.Composed:
    """A SET list."""
    return listed(sql.SQL("{} = {}").format(sql.Identifier(column), value) for column, value in values)


def any_of(conditions: Iterable[tuple[sql.Composable, sql.Composable]]) -> sql.Composed:
    """One of the pairs is taken and apart."""
    return sql.SQL(" OR ").join(sql.SQL("({} AND {})").format(*both) for both in conditions)


def listed(parts: Iterable[sql.Composable] | Iterator[sql.Composable]) -> sql.Composed:
    """`a, b`."""
    return sql.SQL(", ").join(parts)
