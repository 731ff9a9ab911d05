"""What the triggers of `two_homes` do once the old home is hidden: it follows, and nobody waits for it.

A row of the old home that somebody has locked is noted; `settle` carries it on the way back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from psycopg import sql

from crossfade.operations.sync.two_homes_bodies import TRIGGER, Functions, main_clear, make_room, step_aside
from crossfade.operations.sync.two_homes_words import Words, listed, of, same_pair, sets

if TYPE_CHECKING:
    from crossfade.operations.sync.two_homes import TwoHomes


def follow(homes: TwoHomes) -> Functions:
    """The functions once the main table's columns are hidden."""
    words = Words(homes)
    if homes.old == "main":
        return {
            "follow_one": (words.arguments(returns="void"), _follow_one(words)),
            "follow": (TRIGGER, _follow(words, "side")),
            "follow_truncate": (TRIGGER, words.body("{all_emptied}; DELETE FROM {notes};")),
            **(_room(words) if homes.sparse else {"side_admit": (TRIGGER, step_aside(words))}),
            **({"follow_gone": (TRIGGER, _come_to_nothing(words))} if homes.room else {}),
        }
    found: Functions = {
        "follow_one": (words.arguments(returns="void"), _side_follows(words)),
        "follow": (TRIGGER, _follow(words, "main")),
        "follow_entry": (TRIGGER, _enter(words)),
        "follow_truncate": (TRIGGER, words.body("DELETE FROM {notes};")),
        **_room(words),
    }
    if homes.cleared:
        found["main_clear"] = (TRIGGER, main_clear(words))
    return found


def _room(words: Words) -> Functions:
    """Rows that we made before are in nobody's way now either."""
    return {"side_admit": (TRIGGER, make_room(words))} if words.homes.room else {}


def _come_to_nothing(words: Words) -> sql.Composed:
    """At COMMIT: a row of ours that made room for an INSERT which came to nothing is there again."""
    pairs = words.homes.pairs
    return words.body(
        "DELETE FROM {notes} AS n WHERE {noted} AND n.newer OPERATOR(pg_catalog.=) 'main'; "
        "IF FOUND THEN INSERT INTO {there} ({side_key}, {sides}) SELECT {OLD_side}, {values}"
        " WHERE EXISTS (SELECT FROM {here} AS here WHERE {at_here}) ON CONFLICT ({side_key}) DO NOTHING; END IF;",
        noted=words.by("n", "OLD", "side"),
        at_here=words.by("here", "OLD", "side"),
        sides=listed(sql.Identifier(p.side) for p in pairs),
        values=listed(of("OLD", p.side) for p in pairs),
    )


def _follow_one(words: Words) -> sql.Composed:
    pairs = words.homes.pairs
    return words.text(
        "#variable_conflict use_column\n"
        "BEGIN PERFORM FROM {here} AS here WHERE {at_here} FOR NO KEY UPDATE SKIP LOCKED; "
        "IF NOT FOUND THEN INSERT INTO {notes} ({note_key}, newer, columns) SELECT {arguments}, 'side', -1"
        " WHERE EXISTS (SELECT FROM {here} AS here WHERE {at_here}); RETURN; END IF; "
        "DELETE FROM {notes} AS n WHERE {noted}; "
        "UPDATE {here} AS here SET {taken} FROM {there} AS there WHERE {at_here} AND {at_there} AND ({apart}); "
        "IF NOT FOUND THEN UPDATE {here} AS here SET {emptied} WHERE {at_here} AND NOT ({empty})"
        " AND NOT EXISTS (SELECT FROM {there} AS there WHERE {at_there}); END IF; END",
        noted=words.by_arguments("n"),
        at_here=words.by_arguments("here"),
        at_there=words.by_arguments("there"),
        taken=sets((p.main, of("there", p.side)) for p in pairs),
        apart=sql.SQL(" OR ").join(sql.SQL("NOT {}").format(same_pair(p)) for p in pairs),
        emptied=sets((p.main, p.empty) for p in pairs),
        empty=words.is_empty("here", "main"),
    )


def _side_follows(words: Words) -> sql.Composed:
    """A row that is not there is made on the way back, so that new versions do not find one that they did not make."""
    pairs, room = words.homes.pairs, words.homes.room
    ours, remember = words.is_ours(words.each_argument()), words.remember()
    return words.text(
        "#variable_conflict use_column\n"
        "{declare}BEGIN PERFORM FROM {there} AS there WHERE {at_there} FOR NO KEY UPDATE SKIP LOCKED; "
        "IF FOUND THEN {ours}DELETE FROM {notes} AS n WHERE {noted}; "
        "UPDATE {there} AS there SET {carried} FROM {here} AS here WHERE {at_there} AND {at_here} AND ({apart}); "
        "{remember}"
        "ELSIF EXISTS (SELECT FROM {there} AS there WHERE {at_there}) THEN "
        "INSERT INTO {notes} ({note_key}, newer, columns) VALUES ({arguments}, 'main', -1); END IF; END",
        declare=sql.SQL("DECLARE crossfade_ours pg_catalog.bool; " if room else ""),
        ours=sql.SQL("crossfade_ours := {}; ").format(ours) if room else sql.SQL(""),
        remember=sql.SQL("IF FOUND AND crossfade_ours THEN {} END IF; ").format(remember) if room else sql.SQL(""),
        noted=words.by_arguments("n"),
        at_here=words.by_arguments("here"),
        at_there=words.by_arguments("there"),
        carried=sets((p.side, of("here", p.main)) for p in pairs),
        apart=sql.SQL(" OR ").join(sql.SQL("NOT {}").format(same_pair(p)) for p in pairs),
    )


def _enter(words: Words) -> sql.Composed:
    """Somebody may be writing the main table's row, so that what it has in the end is looked up on the way back."""
    return words.body("INSERT INTO {notes} ({note_key}, newer, columns) VALUES ({NEW_side}, 'main', -1);")


def _follow(words: Words, side: LiteralString) -> sql.Composed:
    return words.body(
        "IF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN IF NOT ({same_key}) THEN"
        " PERFORM {follow_one}({before}); END IF; END IF; "
        "IF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN PERFORM {follow_one}({before});"
        " ELSE PERFORM {follow_one}({after}); END IF;",
        same_key=words.equal_keys(side),
        before=words.parts[f"OLD_{side}"],
        after=words.parts[f"NEW_{side}"],
    )
