"""A table that follows another one, row by row: triggers on the one write to the other in the same transaction.

Rows are told apart by a key that both tables have. One direction holds at a time, so that whoever writes locks the row
here first and then the one there: two writers of a row meet here, and never in a circle.

The functions are VOLATILE, so that each statement in them sees what was committed before it, such as a row that a
batch has just copied. Under REPEATABLE READ it does not; there a DELETE that finds no row to follow tries whether there
is one that it cannot see, and PostgreSQL tells the writer to try again (40001).

They run with their owner's rights, whatever the path, so every function, operator and table has its schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, LiteralString

from psycopg import sql

from crossfade.operations.sync import row_triggers
from crossfade.operations.sync.row_triggers import RowTrigger, close_function, own_function
from crossfade.operations.tables.second_name import identifier
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.own_names import mark
from crossfade.postgres.statement import Statement, render


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """Two tables with the same columns; what is written to one is in the other."""

    plan: str
    name: str
    """A name of ours, which those of the triggers and functions begin with."""
    source: QualifiedName
    """The one that is written to."""
    target: QualifiedName
    """The one that follows."""
    key: tuple[str, ...]
    """The primary key of both."""
    columns: tuple[str, ...]
    """Every column that can be written, the key's too."""
    truncated: tuple[QualifiedName, ...]
    """What TRUNCATE is noticed on: the source, or each of its partitions."""
    unplaced: Literal["refused", "left out"] = "refused"
    """What becomes of a row for which the other table has no partition."""

    @property
    def triggers(self) -> tuple[RowTrigger, ...]:
        """The row triggers on the source."""
        write, remove = f"{self.name}_write", f"{self.name}_remove"
        return (
            RowTrigger(name=f"~{self.name}_i", event="INSERT", function=write, timing="AFTER"),
            RowTrigger(name=f"~{self.name}_u", event="UPDATE", function=write, timing="AFTER"),
            RowTrigger(name=f"~{self.name}_d", event="DELETE", function=remove, timing="AFTER"),
        )


def create(mirror: Mirror) -> Iterator[Statement]:
    """The functions, and the triggers on the source."""
    for name, body in _functions(mirror):
        yield _replace_function(name, body)
        yield from close_function(mirror.plan, sql.SQL("{}()").format(own_function(name)))
    yield from follow(mirror)


def follow(mirror: Mirror) -> Iterator[Statement]:
    """The triggers alone, where the functions are there."""
    yield from row_triggers.create(mirror.plan, (mirror.source,), mirror.triggers)
    for table in mirror.truncated:
        yield from _truncate_trigger(mirror, table)


def let_go(mirror: Mirror) -> Iterator[Statement]:
    """The triggers away, the functions not."""
    yield from row_triggers.drop((mirror.source,), mirror.triggers)
    for table in mirror.truncated:
        yield _statement("DROP TRIGGER IF EXISTS {} ON {}", _truncate_name(mirror), identifier(table))


def drop_functions(mirror: Mirror) -> Iterator[Statement]:
    """The functions away; does nothing where they are gone."""
    yield from row_triggers.drop_functions(sql.SQL("{}()").format(own_function(name)) for name, _ in _functions(mirror))


def conflict(mirror: Mirror) -> sql.Composed:
    """The ON CONFLICT clause with which a row that is there already becomes as the one that comes."""
    others = [c for c in mirror.columns if c not in mirror.key]
    key = sql.SQL(", ").join(map(sql.Identifier, mirror.key))
    if not others:
        return sql.SQL("ON CONFLICT ({}) DO NOTHING").format(key)
    sets = sql.SQL(", ").join(sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(c)) for c in others)
    return sql.SQL("ON CONFLICT ({}) DO UPDATE SET {}").format(key, sets)


def without_equal(mirror: Mirror, table: QualifiedName, columns: Iterable[str]) -> sql.Composed:
    """True for a row to which the other table, given here with all its columns, has none that is the same in all.

    The other's columns get names of ours, so that the row's need no table's name: it may be a partition's.
    """
    aliases = {column: f"crossfade_{n}" for n, column in enumerate(columns, start=1)}
    there = sql.SQL(", ").join(map(sql.Identifier, aliases.values()))
    same_key = sql.SQL(" AND ").join(_equal(sql.Identifier(aliases[c]), sql.Identifier(c)) for c in mirror.key)
    return sql.SQL(
        "NOT EXISTS (SELECT FROM {} AS crossfade_other ({}) WHERE {} AND pg_catalog.record_image_eq(ROW({}), ROW({})))"
    ).format(
        identifier(table),
        there,
        same_key,
        sql.SQL(", ").join(sql.Identifier(aliases[c]) for c in mirror.columns),
        sql.SQL(", ").join(map(sql.Identifier, mirror.columns)),
    )


# The triggers and their functions


def _truncate_name(mirror: Mirror) -> sql.Identifier:
    return sql.Identifier(f"~{mirror.name}_t")


def _truncate_trigger(mirror: Mirror, table: QualifiedName) -> Iterator[Statement]:
    name, relation = _truncate_name(mirror), identifier(table)
    yield _statement(
        "CREATE TRIGGER {} AFTER TRUNCATE ON {} FOR EACH STATEMENT EXECUTE FUNCTION {}()",
        name,
        relation,
        own_function(f"{mirror.name}_truncate"),
    )
    yield _statement("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}", relation, name)
    yield _statement("COMMENT ON TRIGGER {} ON {} IS {}", name, relation, sql.Literal(mark(mirror.plan)))


def _replace_function(name: str, body: sql.Composable) -> Statement:
    return _statement(
        "CREATE OR REPLACE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS {}",
        own_function(name),
        sql.Literal(render(body)),
    )


def _functions(mirror: Mirror) -> Iterator[tuple[str, sql.Composed]]:
    yield f"{mirror.name}_write", _write_body(mirror)
    yield f"{mirror.name}_remove", _remove_body(mirror)
    yield f"{mirror.name}_truncate", _truncate_body(mirror)


_BODY = sql.SQL("#variable_conflict use_column\nBEGIN {} RETURN NULL; END")


def _write_body(mirror: Mirror) -> sql.Composed:
    """An upsert; where the key changed, the row of the old one goes."""
    same = sql.SQL(" AND ").join(
        _equal(sql.SQL("OLD.{}").format(sql.Identifier(c)), sql.SQL("NEW.{}").format(sql.Identifier(c)))
        for c in mirror.key
    )
    moved = sql.SQL("IF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN IF NOT ({}) THEN {} END IF; END IF;").format(
        same, _remove(mirror)
    )
    put = sql.SQL("{} {};").format(_insert(mirror, "NEW"), conflict(mirror))
    if mirror.unplaced == "left out":
        # No partition is told by a check_violation, which the table's own CHECKs have kept from getting here.
        gone = _delete(mirror, "NEW")
        put = sql.SQL("BEGIN {} EXCEPTION WHEN check_violation THEN {}; END;").format(put, gone)
    return _BODY.format(sql.SQL("{} {}").format(moved, put))


def _remove_body(mirror: Mirror) -> sql.Composed:
    return _BODY.format(_remove(mirror))


def _remove(mirror: Mirror) -> sql.Composed:
    """The row of OLD goes; one that this snapshot does not see is met by an INSERT, which fails with 40001."""
    insert = sql.SQL("{} ON CONFLICT DO NOTHING").format(_insert(mirror, "OLD"))
    if mirror.unplaced == "left out":
        insert = sql.SQL("BEGIN {}; EXCEPTION WHEN check_violation THEN NULL; END").format(insert)
    return sql.SQL(
        "{0}; IF NOT FOUND AND pg_catalog.current_setting('transaction_isolation') OPERATOR(pg_catalog.<>)"
        " 'read committed' THEN {1}; {0}; END IF;"
    ).format(_delete(mirror, "OLD"), insert)


def _truncate_body(mirror: Mirror) -> sql.Composed:
    """All rows, or those whose partition it was."""
    if mirror.truncated == (mirror.source,):
        return _BODY.format(sql.SQL("TRUNCATE TABLE {};").format(identifier(mirror.target)))
    key = sql.SQL(" AND ").join(
        _equal(sql.SQL("s.{}").format(sql.Identifier(c)), sql.SQL("t.{}").format(sql.Identifier(c))) for c in mirror.key
    )
    return _BODY.format(
        sql.SQL(
            "IF NOT EXISTS (SELECT FROM {source}) THEN TRUNCATE TABLE {target};"
            " ELSE DELETE FROM {target} AS t WHERE NOT EXISTS (SELECT FROM {source} AS s WHERE {key}); END IF;"
        ).format(source=identifier(mirror.source), target=identifier(mirror.target), key=key)
    )


def _insert(mirror: Mirror, row: Literal["NEW", "OLD"]) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, mirror.columns))
    values = sql.SQL(", ").join(sql.SQL("{}.{}").format(sql.SQL(row), sql.Identifier(c)) for c in mirror.columns)
    return sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
        identifier(mirror.target), names, values
    )


def _delete(mirror: Mirror, row: Literal["NEW", "OLD"]) -> sql.Composed:
    key = sql.SQL(" AND ").join(
        _equal(sql.SQL("t.{}").format(sql.Identifier(c)), sql.SQL("{}.{}").format(sql.SQL(row), sql.Identifier(c)))
        for c in mirror.key
    )
    return sql.SQL("DELETE FROM {} AS t WHERE {}").format(identifier(mirror.target), key)


def _equal(left: sql.Composable, right: sql.Composable) -> sql.Composed:
    return sql.SQL("{} OPERATOR(pg_catalog.=) {}").format(left, right)


def _statement(text: LiteralString, *parts: sql.Composable) -> Statement:
    return Statement(text=render(sql.SQL(text).format(*parts)))
