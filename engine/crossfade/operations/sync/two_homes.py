"""Columns that have two homes for a while, one in each of two tables: what is written to either is in the other.

Rows of the two tables are the same by a key that is unique in both. The main table's row comes first: a row of the side
table goes with it. Which of the two is the old home is another question.

    paired    the side table is our own: every row has one there, made with it
    sparse    a foreign key has led there before us: a row without values needs none there, and one that is there may
              hold other facts as well

Either side may be written first, so two writers of the same facts can each have a row that the other one wants. A
trigger therefore never waits for a row: it takes the other one if it is free, and otherwise leaves a note of what is
newer. Whoever has both rows next carries what is noted, in its direction, before anything else. That is whoever of the
two commits last: at COMMIT each looks for its notes once more, and so does who wrote other columns of the main table.

    both      each row's facts are equal in both homes, or noted
    follow    the main table's columns are hidden and only follow; nobody reads them, so nobody waits for them either

The functions are VOLATILE, so that each statement in them sees what was committed before it. They run with their
owner's rights, whatever the path, so every function, operator and table has its schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, LiteralString

from psycopg import sql

from crossfade.operations.sync import row_triggers, two_homes_bodies, two_homes_follow, two_homes_settle
from crossfade.operations.sync.row_triggers import close_function, own_function
from crossfade.operations.sync.two_homes_triggers import (
    admitting,
    clearing,
    entering,
    following,
    making_again,
    on_main,
    on_side,
)
from crossfade.operations.sync.two_homes_words import Words
from crossfade.operations.tables.second_name import identifier
from crossfade.postgres.own_names import LEDGER_SCHEMA, mark
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crossfade.postgres.names import QualifiedName


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A column of the key in both tables."""

    main: str
    side: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A column in its main table and in its side one."""

    main: str
    side: str
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
    main: QualifiedName
    side: QualifiedName
    old: Literal["main", "side"]
    """Which of them is the old home, whose values count where nobody has said anything."""
    key: tuple[Key, ...]
    pairs: tuple[Pair, ...]
    """At most 62."""
    reference: str | None = None
    """The name of the foreign key that is going to lead from the side table to the main one; None if one does."""
    room: bool = False
    """Whether apps may insert a row there that we have made before: it has other columns. Only where it is sparse."""
    cleared: bool = False
    """Whether a row there is in the way of a DELETE of the main one's, by a foreign key that not all apps know."""

    @property
    def sparse(self) -> bool:
        """Whether a row without values has none in the side table."""
        return self.reference is None

    @property
    def leaves_rows(self) -> bool:
        """Whether rows that we made in a table of the users' would outlive a rollback, with nothing that is theirs."""
        return self.room and self.old == "main"

    @property
    def made(self) -> sql.Identifier:
        """The table that says which rows of the side table are ours, and that nobody has written since."""
        return sql.Identifier(LEDGER_SCHEMA, f"{self.name}_made")

    @property
    def notes(self) -> sql.Identifier:
        """The table that holds the notes."""
        return sql.Identifier(LEDGER_SCHEMA, f"{self.name}_notes")

    def function(self, what: str) -> sql.Identifier:
        """A function of ours."""
        return own_function(f"{self.name}_{what}")

    def hidden(self, names: Mapping[str, str], side: QualifiedName | None = None) -> TwoHomes:
        """The same once the old home's columns have other names, or the side table as a whole."""
        if self.old == "main":
            pairs = tuple(replace(p, main=names.get(p.main, p.main)) for p in self.pairs)
        else:
            pairs = tuple(replace(p, side=names.get(p.side, p.side)) for p in self.pairs)
        return replace(self, pairs=pairs, side=side or self.side)


def create(homes: TwoHomes) -> Iterator[Statement]:
    """The notes, the functions and the triggers, while both sides are served."""
    key = sql.SQL(", ").join(
        sql.SQL("{} {} NOT NULL").format(sql.Identifier(f"k{n}"), sql.SQL(k.type)) for n, k in enumerate(homes.key, 1)
    )
    yield _statement(
        "CREATE TABLE {} (id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, {}, newer text NOT NULL,"
        " columns int8 NOT NULL)",
        homes.notes,
        key,
    )
    yield _statement("COMMENT ON TABLE {} IS {}", homes.notes, sql.Literal(mark(homes.plan)))
    by_key = sql.SQL(", ").join(sql.Identifier(f"k{n}") for n in range(1, len(homes.key) + 1))
    yield _statement("CREATE INDEX ON {} ({})", homes.notes, by_key)
    if homes.room:
        yield _statement(
            "CREATE TABLE {} ({}, place tid NOT NULL, writer xid NOT NULL, PRIMARY KEY ({}))", homes.made, key, by_key
        )
        yield _statement("COMMENT ON TABLE {} IS {}", homes.made, sql.Literal(mark(homes.plan)))
    yield from serve_both(homes)


def serve_both(homes: TwoHomes) -> Iterator[Statement]:
    """The functions and triggers while both sides are served."""
    for name, (signature, body) in two_homes_bodies.both(homes).items():
        yield from _function(homes, name, signature, body)
    yield from row_triggers.create(homes.plan, (homes.main,), on_main(homes))
    yield from row_triggers.create(homes.plan, (homes.side,), on_side(homes))
    yield from _on_truncate(homes, homes.main, "main_truncate")
    yield from _on_truncate(homes, homes.side, "side_truncate")
    yield from _on_notes(homes)


def let_go(homes: TwoHomes) -> Iterator[Statement]:
    """The triggers away, in whatever state; what was noted until then is carried, since nobody writes any more."""
    yield from row_triggers.drop((homes.main,), (*on_main(homes), *following(homes)))
    yield from row_triggers.drop(
        (homes.side,), (*on_side(homes), *following(homes), *entering(homes), making_again(homes))
    )
    for table in (homes.main, homes.side):
        yield _statement("DROP TRIGGER IF EXISTS {} ON {}", _truncate_name(homes), identifier(table))


def let_go_of_writes(homes: TwoHomes) -> Iterator[Statement]:
    """The same but for the trigger that lets rows of ours make room: there may be some until they are taken back."""
    yield from row_triggers.drop((homes.main,), on_main(homes))
    admitted = {trigger.name for trigger in admitting(homes)}
    yield from row_triggers.drop((homes.side,), tuple(t for t in on_side(homes) if t.name not in admitted))
    for table in (homes.main, homes.side):
        yield _statement("DROP TRIGGER IF EXISTS {} ON {}", _truncate_name(homes), identifier(table))


def take_back(homes: TwoHomes) -> Statement:
    """Rows of the side table that we made, and that nobody has written since, go; nothing may be in step any more."""
    words = Words(homes)
    return Statement(
        text=render(
            words.text(
                "DELETE FROM {there} AS there USING {made} AS m WHERE there.ctid OPERATOR(pg_catalog.=) m.place"
                " AND there.xmin OPERATOR(pg_catalog.=) m.writer AND {same}",
                same=words.at("there", words.made_key("m")),
            )
        )
    )


def settle(homes: TwoHomes) -> Iterator[Statement]:
    """Carry everything that is noted; nobody else may write meanwhile."""
    yield _statement("UPDATE {} SET newer = newer", homes.notes)


def follow(homes: TwoHomes) -> Iterator[Statement]:
    """Once the old home is hidden, under these names: it follows, and nothing else. Undone by `let_go`."""
    for trigger in ("carried", "remained"):
        yield _statement("DROP TRIGGER IF EXISTS {} ON {}", sql.Identifier(trigger), homes.notes)
    for name, (signature, body) in two_homes_follow.follow(homes).items():
        yield from _function(homes, name, signature, body)
    leading = homes.side if homes.old == "main" else homes.main
    yield from row_triggers.create(homes.plan, (leading,), following(homes))
    if homes.old == "side":
        yield from row_triggers.create(homes.plan, (homes.side,), entering(homes))
    elif homes.room:
        yield from row_triggers.create(homes.plan, (homes.side,), (making_again(homes),))
    if homes.cleared:
        yield from row_triggers.create(homes.plan, (homes.main,), (clearing(homes),))
    if homes.room or not homes.sparse:
        yield from row_triggers.create(homes.plan, (homes.side,), admitting(homes))
    yield from _on_truncate(homes, leading, "follow_truncate")


def make_owed(homes: TwoHomes) -> Statement:
    """Rows that new versions made while the side table was hidden, or its columns were, get theirs there."""
    return Statement(text=render(two_homes_settle.owed(Words(homes))))


def drop(homes: TwoHomes) -> Iterator[Statement]:
    """The notes and the functions away; does nothing where they are gone. The triggers have to be."""
    yield _statement("DROP TABLE IF EXISTS {}", homes.notes)
    if homes.room:
        yield _statement("DROP TABLE IF EXISTS {}", homes.made)
    made = {**two_homes_bodies.both(homes), **two_homes_follow.follow(homes)}
    yield from row_triggers.drop_functions(homes.function(name) for name in made)


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
