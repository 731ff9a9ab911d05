"""Columns that have two homes for a while, one in each of two tables: what is written to either is in the other.

Rows of the two tables are the same by a key that is unique in both. The old home's row comes first: every row there has
one in the new home, made with it, and goes with it.

Either side may be written first, so two writers of the same facts can each have a row that the other one wants. A
trigger therefore never waits for a row: it takes the other one if it is free, and otherwise leaves a note of what is
newer. Whoever has both rows next carries what is noted, in its direction, before anything else. That is whoever of the
two commits last: at COMMIT each looks for its notes once more, and so does who wrote other columns of the old home.

    both      each row's facts are equal in both homes, or noted
    follow    the old home's columns are hidden and only follow; nobody reads them, so nobody waits for them either

The functions are VOLATILE, so that each statement in them sees what was committed before it. They run with their
owner's rights, whatever the path, so every function, operator and table has its schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, LiteralString

from psycopg import sql

from crossfade.operations.own_names import LEDGER_SCHEMA, mark
from crossfade.operations.sync import row_triggers, two_homes_bodies, two_homes_follow
from crossfade.operations.sync.row_triggers import RowTrigger, close_function, own_function
from crossfade.operations.sync.sameness import differs
from crossfade.operations.tables.second_name import identifier
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crossfade.postgres.names import QualifiedName


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A column of the key in both tables."""

    old: str
    new: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A column in its old home and in its new one."""

    old: str
    new: str
    exact: bool
    """Whether its `=` sees every difference."""
    empty: sql.Composable
    """What a row has there that nobody gave a value: its default, a constant, or NULL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoHomes:
    """The two tables and what they share."""

    plan: str
    name: str
    """A name of ours, which those of the triggers, functions and notes begin with."""
    old: QualifiedName
    new: QualifiedName
    key: tuple[Key, ...]
    pairs: tuple[Pair, ...]
    """At most 62."""
    reference: str
    """The name of the foreign key that is going to lead from the new home to the old one."""

    @property
    def notes(self) -> sql.Identifier:
        """The table that holds the notes."""
        return sql.Identifier(LEDGER_SCHEMA, f"{self.name}_notes")

    def function(self, what: str) -> sql.Identifier:
        """A function of ours."""
        return own_function(f"{self.name}_{what}")

    def hidden(self, names: Mapping[str, str]) -> TwoHomes:
        """The same once the old home's columns have other names."""
        return replace(self, pairs=tuple(replace(p, old=names[p.old]) for p in self.pairs))


def create(homes: TwoHomes) -> Iterator[Statement]:
    """The notes, the functions and the triggers, while both sides are served."""
    key = sql.SQL(", ").join(
        sql.SQL("{} {} NOT NULL").format(sql.Identifier(f"k{n}"), sql.SQL(k.type)) for n, k in enumerate(homes.key, 1)
    )
    yield _statement(
        "CREATE TABLE {} (id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, {}, side text NOT NULL,"
        " columns int8 NOT NULL)",
        homes.notes,
        key,
    )
    yield _statement("COMMENT ON TABLE {} IS {}", homes.notes, sql.Literal(mark(homes.plan)))
    by_key = sql.SQL(", ").join(sql.Identifier(f"k{n}") for n in range(1, len(homes.key) + 1))
    yield _statement("CREATE INDEX ON {} ({})", homes.notes, by_key)
    yield from serve_both(homes)


def serve_both(homes: TwoHomes) -> Iterator[Statement]:
    """The functions and triggers while both sides are served."""
    for name, (signature, body) in two_homes_bodies.both(homes).items():
        yield from _function(homes, name, signature, body)
    yield from row_triggers.create(homes.plan, (homes.old,), _on_old(homes))
    yield from row_triggers.create(homes.plan, (homes.new,), _on_new(homes))
    yield from _on_truncate(homes, homes.old, "old_truncate")
    yield from _on_truncate(homes, homes.new, "new_truncate")
    yield from _on_notes(homes)


def let_go(homes: TwoHomes) -> Iterator[Statement]:
    """The triggers away, in whatever state; what was noted until then is carried, since nobody writes any more."""
    yield from row_triggers.drop((homes.old,), _on_old(homes))
    yield from row_triggers.drop((homes.new,), (*_on_new(homes), *_following(homes)))
    for table in (homes.old, homes.new):
        yield _statement("DROP TRIGGER IF EXISTS {} ON {}", _truncate_name(homes), identifier(table))


def settle(homes: TwoHomes) -> Iterator[Statement]:
    """Carry everything that is noted; nobody else may write meanwhile."""
    yield _statement("UPDATE {} SET side = side", homes.notes)


def follow(homes: TwoHomes, names: Mapping[str, str]) -> Iterator[Statement]:
    """Once the old home's columns are hidden under these names: they follow, and nothing else. Undone by `let_go`."""
    for trigger in ("carried", "remained"):
        yield _statement("DROP TRIGGER IF EXISTS {} ON {}", sql.Identifier(trigger), homes.notes)
    hidden = homes.hidden(names)
    for name, (signature, body) in two_homes_follow.follow(hidden).items():
        yield from _function(homes, name, signature, body)
    yield from row_triggers.create(homes.plan, (homes.new,), _following(homes))
    yield from _on_truncate(homes, homes.new, "follow_truncate")


def drop(homes: TwoHomes) -> Iterator[Statement]:
    """The notes and the functions away; does nothing where they are gone. The triggers have to be."""
    yield _statement("DROP TABLE IF EXISTS {}", homes.notes)
    made = {**two_homes_bodies.both(homes), **two_homes_follow.follow(homes)}
    yield from row_triggers.drop_functions(homes.function(name) for name in made)


# Triggers


def _on_old(homes: TwoHomes) -> tuple[RowTrigger, ...]:
    written, gone = f"{homes.name}_old_write", f"{homes.name}_old_remove"
    return (
        RowTrigger(
            name=f"~{homes.name}_i", event="INSERT", function=written, timing="AFTER", when=_given(homes, "old")
        ),
        RowTrigger(
            name=f"~{homes.name}_m",
            event="INSERT",
            function=f"{homes.name}_old_make",
            timing="AFTER",
            when=sql.SQL("NOT ({})").format(_given(homes, "old")),
            deferred=True,
        ),
        RowTrigger(
            name=f"~{homes.name}_u", event="UPDATE", function=written, timing="AFTER", when=_changed(homes, "old")
        ),
        RowTrigger(
            name=f"~{homes.name}_o",
            event="UPDATE",
            function=f"{homes.name}_old_touch",
            timing="AFTER",
            when=sql.SQL("NOT ({})").format(_changed(homes, "old")),
            deferred=True,
        ),
        RowTrigger(name=f"~{homes.name}_d", event="DELETE", function=gone, timing="AFTER"),
    )


def _on_new(homes: TwoHomes) -> tuple[RowTrigger, ...]:
    written, admitted = f"{homes.name}_new_write", f"{homes.name}_new_admit"
    moved = _key_changed(homes, "new")
    return (
        RowTrigger(name=f"~{homes.name}_a", event="INSERT", function=admitted),
        RowTrigger(name=f"~{homes.name}_k", event="UPDATE", function=admitted, when=moved),
        RowTrigger(name=f"~{homes.name}_i", event="INSERT", function=written, timing="AFTER"),
        RowTrigger(
            name=f"~{homes.name}_u", event="UPDATE", function=written, timing="AFTER", when=_changed(homes, "new")
        ),
        RowTrigger(name=f"~{homes.name}_d", event="DELETE", function=f"{homes.name}_new_remove", timing="AFTER"),
        RowTrigger(
            name=f"~{homes.name}_m",
            event="DELETE",
            function=f"{homes.name}_new_make",
            timing="AFTER",
            deferred=True,
        ),
    )


def _following(homes: TwoHomes) -> tuple[RowTrigger, ...]:
    follow = f"{homes.name}_follow"
    return (
        RowTrigger(name=f"~{homes.name}_fi", event="INSERT", function=follow, timing="AFTER"),
        RowTrigger(
            name=f"~{homes.name}_fu", event="UPDATE", function=follow, timing="AFTER", when=_changed(homes, "new")
        ),
        RowTrigger(name=f"~{homes.name}_fd", event="DELETE", function=follow, timing="AFTER"),
    )


def _given(homes: TwoHomes, side: str) -> sql.Composable:
    """Whether an INSERT gave any of the columns a value."""
    return sql.SQL(" OR ").join(differs(_field("NEW", _named(p, side)), p.empty, exact=p.exact) for p in homes.pairs)


def _changed(homes: TwoHomes, side: str) -> sql.Composable:
    each = (differs(_field("NEW", _named(p, side)), _field("OLD", _named(p, side)), exact=p.exact) for p in homes.pairs)
    return sql.SQL(" OR ").join((_key_changed(homes, side), *each))


def _key_changed(homes: TwoHomes, side: str) -> sql.Composable:
    return sql.SQL(" OR ").join(
        differs(_field("NEW", _named(k, side)), _field("OLD", _named(k, side)), exact=False) for k in homes.key
    )


def _named(of: Key | Pair, side: str) -> str:
    return of.old if side == "old" else of.new


def _field(record: LiteralString, column: str) -> sql.Composed:
    return sql.SQL("{}.{}").format(sql.SQL(record), sql.Identifier(column))


def _truncate_name(homes: TwoHomes) -> sql.Identifier:
    return sql.Identifier(f"~{homes.name}_t")


def _on_truncate(homes: TwoHomes, table: QualifiedName, function: str) -> Iterator[Statement]:
    name, relation = _truncate_name(homes), identifier(table)
    yield _statement(
        "CREATE TRIGGER {} AFTER TRUNCATE ON {} FOR EACH STATEMENT EXECUTE FUNCTION {}()",
        name,
        relation,
        homes.function(function),
    )
    yield _statement("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}", relation, name)
    yield _statement("COMMENT ON TRIGGER {} ON {} IS {}", name, relation, sql.Literal(mark(homes.plan)))


def _on_notes(homes: TwoHomes) -> Iterator[Statement]:
    yield _statement(
        "CREATE CONSTRAINT TRIGGER remained AFTER INSERT ON {} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
        " EXECUTE FUNCTION {}()",
        homes.notes,
        homes.function("remained"),
    )
    yield _statement(
        "CREATE TRIGGER carried AFTER UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION {}()",
        homes.notes,
        homes.function("carry"),
    )
    for trigger in ("remained", "carried"):
        yield _statement("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}", homes.notes, sql.Identifier(trigger))


def _function(homes: TwoHomes, name: str, signature: sql.Composable, body: sql.Composable) -> Iterator[Statement]:
    yield _statement(
        "CREATE OR REPLACE FUNCTION {}{} LANGUAGE plpgsql SECURITY DEFINER AS {}",
        homes.function(name),
        signature,
        sql.Literal(render(body)),
    )
    yield from close_function(homes.plan, homes.function(name))


def _statement(text: LiteralString, *parts: sql.Composable) -> Statement:
    return Statement(text=render(sql.SQL(text).format(*parts)))
