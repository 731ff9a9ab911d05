"""A plain model of the rows of a table, and two versions of an app that write through it.

Every statement of a version is sent to the database and said to the model, so at any moment each shape that is served
has to read as the model says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.postgres.statement import render

from .shapes import FACTS, quoted
from .tables import ROWS, first_fact

if TYPE_CHECKING:
    from random import Random

    import psycopg

    from .changes import RandomPlan
    from .shapes import Column, Shape

    Connection = psycopg.Connection[tuple[Any, ...]]

Row = dict[str, int | None]


class Facts:
    """What every row holds. The two shapes are those of `old` and of the plan."""

    def __init__(self, old: Shape, plan: RandomPlan, chance: Random) -> None:
        self.old, self.new, self.plan = old, plan.shape, plan
        self.rows: dict[int, Row] = {n: self._first(n) for n in range(1, ROWS + 1)}
        self.log: list[str] = []
        """Every statement that was sent, for whoever looks into a failure."""
        self._chance = chance
        self._keys = ROWS

    def _first(self, number: int) -> Row:
        """A row of the beginning; every seventh column of it is NULL where that may be."""
        row: Row = {}
        for place, column in enumerate(self.old.columns):
            empty = column.nullable and (number + place) % 7 == 0 and self._may_be_null(column)
            row |= {fact: None if empty else first_fact(number, fact) for fact in column.facts}
        return row

    def insert_first(self, connection: Connection) -> None:
        """The rows of the beginning."""
        for key, row in self.rows.items():
            self._send(connection, _insert(self.old, key, row, self.old.columns))

    # What a version writes

    def write(self, connection: Connection, shape: Shape, *, early: bool = False) -> None:
        """One statement. A version that comes too early writes no NULL: it could not be told from a row not filled."""
        actions = (self._insert, self._upsert, self._update, self._update, self._delete, self._move)
        # Rows not yet filled have no key under a new name, and a key of its own comes with the last row.
        blind = early and shape is self.new and self.new.key != self.old.key
        action = self._insert if blind else self._chance.choice(actions)
        action(connection, shape, early)

    def _insert(self, connection: Connection, shape: Shape, early: bool) -> None:
        self._keys += 1
        self._insert_at(connection, shape, self._keys, early, "")

    def _upsert(self, connection: Connection, shape: Shape, early: bool) -> None:
        key, column = self._some_row(), self._chance.choice(shape.columns)
        clause = f" ON CONFLICT ({quoted(shape.key)}) DO UPDATE SET {{0}} = excluded.{{0}}".format(quoted(column.name))
        row = self._new_row(shape, early)
        self._send(connection, _insert(shape, key, row, shape.columns) + clause)
        self.rows[key] |= {fact: row[fact] for fact in column.facts}

    def _insert_at(self, connection: Connection, shape: Shape, key: int, early: bool, clause: str) -> None:
        row = self._new_row(shape, early)
        given = tuple(c for c in shape.columns if not (self._may_be_left_out(c) and self._chance.random() < 0.3))
        self._send(connection, _insert(shape, key, row, given) + clause)
        for column in set(shape.columns) - {*given}:
            row |= dict(zip(column.facts, column.default or (None,) * len(column.facts), strict=True))
        other = self.new if shape is self.old else self.old
        written = {fact for column in shape.columns for fact in column.facts}
        here = {fact for column in other.columns for fact in column.facts}
        row |= {fact: value for fact, value in self.plan.missing.items() if fact in here - written}
        self.rows[key] = row

    def _new_row(self, shape: Shape, early: bool) -> Row:
        row: Row = {}
        for column in shape.columns:
            row |= self._values(column, shape, early)
        return row

    def _update(self, connection: Connection, shape: Shape, early: bool) -> None:
        key = self._some_row()
        # A part of what is NULL as a whole in the other shape cannot be written alone.
        row = self.rows[key]
        possible = [c for c in shape.columns if None not in (row.get(f) for f in self._beside(c))]
        if not possible:
            return
        column = self._chance.choice(possible)
        values = self._values(column, shape, early or self._beside(column) != {*column.facts})
        literal = column.literal(tuple(values[f] for f in column.facts))
        where = f"WHERE {quoted(shape.key)} = {key}"
        self._send(connection, f"UPDATE {shape.relation} SET {quoted(column.name)} = {literal} {where}")
        row |= values

    def _delete(self, connection: Connection, shape: Shape, _early: bool) -> None:
        if len(self.rows) < 10 or self._chance.random() < 0.5:
            return
        key = self._some_row()
        self._send(connection, f"DELETE FROM {shape.relation} WHERE {quoted(shape.key)} = {key}")
        del self.rows[key]

    def _move(self, connection: Connection, shape: Shape, _early: bool) -> None:
        """Another key, which may be in another partition."""
        key = self._some_row()
        self._send(
            connection, f"UPDATE {shape.relation} SET {{0}} = -{{0}} WHERE {{0}} = {key}".format(quoted(shape.key))
        )
        self.rows[-key] = self.rows.pop(key)

    def _some_row(self) -> int:
        return self._chance.choice(sorted(self.rows))

    def _values(self, column: Column, shape: Shape, early: bool) -> Row:
        may_be_null = column.nullable and self._may_be_null(column) and not (early and shape is self.new)
        filled = shape is self.old and column.nullable and column.facts[0] in self.plan.filled
        if (may_be_null or filled) and self._chance.random() < 0.2:
            return dict.fromkeys(column.facts)
        return {fact: self._chance.choice(FACTS) for fact in column.facts}

    def _beside(self, column: Column) -> set[str]:
        """The facts that stand in one column with one of these, in either shape."""
        of_both = (*self.old.columns, *self.new.columns)
        return {fact for c in of_both if {*c.facts} & {*column.facts} for fact in c.facts}

    def _may_be_null(self, column: Column) -> bool:
        """Whether no change of the plan forbids it, and it is said in one column in both shapes."""
        if column.facts[0] in self.plan.filled:
            return True
        holders = [c for c in (*self.old.columns, *self.new.columns) if {*c.facts} & {*column.facts}]
        return all(c.nullable and c.facts == column.facts for c in holders) and not {*column.facts} & self.plan.always

    def _may_be_left_out(self, column: Column) -> bool:
        if {*column.facts} & (self.plan.always | {*self.plan.filled}):
            return False
        holders = [c for c in (*self.old.columns, *self.new.columns) if {*c.facts} & {*column.facts}]
        same = all(c.facts == column.facts and c.default == column.default for c in holders)
        return same and (column.default is not None or self._may_be_null(column))

    def _send(self, connection: Connection, statement: str) -> None:
        self.log.append(statement)
        done = connection.execute(statement.encode())
        assert done.rowcount == 1, f"touched no row: {statement}"

    # What has to be there

    def assert_read(self, connection: Connection, shape: Shape, *, filled: bool = False) -> None:
        """The shape reads as the model says; `filled` once no NULL may be left where one is filled."""
        found = {row[0]: row[1:] for row in connection.execute(shape.read().encode())}
        assert sorted(found) == sorted(self.rows), f"other rows: {sorted(found.keys() ^ self.rows.keys())}"
        for key, texts in found.items():
            for column, text in zip(shape.columns, texts, strict=True):
                expected = self._expected(key, column, filled=filled)
                assert text in expected, f"{column.name} of row {key} is {text!r} and not {expected}"

    def _expected(self, key: int, column: Column, *, filled: bool) -> tuple[str | None, ...]:
        row, missing = self.rows[key], self.plan.missing
        values = tuple(row[f] if f in row else missing[f] for f in column.facts)
        text, fill = column.text(values), self.plan.filled.get(column.facts[0])
        if text is not None or fill is None or set(values) != {None}:
            return (text,)
        return (column.text((fill,)),) if filled else (None, column.text((fill,)))


def _insert(shape: Shape, key: int, row: Row, given: tuple[Column, ...]) -> str:
    columns = ", ".join((quoted(shape.key), *(quoted(c.name) for c in given)))
    values = ", ".join((render(sql.Literal(key)), *(c.literal(tuple(row[f] for f in c.facts)) for c in given)))
    return f"INSERT INTO {shape.relation} ({columns}) VALUES ({values})"
