"""What the triggers of `two_homes` do once the old home's columns are hidden: these follow, and nobody waits for them.

A row of the old home that somebody has locked is noted; `settle` carries it on the way back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.sync.two_homes_bodies import TRIGGER, Functions
from crossfade.operations.sync.two_homes_words import Words, of, same_pair, sets

if TYPE_CHECKING:
    from crossfade.operations.sync.two_homes import TwoHomes


def follow(homes: TwoHomes) -> Functions:
    """The functions once the old home's columns are hidden."""
    words = Words(homes)
    return {
        "follow_one": (words.arguments(returns="void"), _follow_one(words)),
        "follow": (TRIGGER, _follow(words)),
        "follow_truncate": (TRIGGER, words.body("{all_emptied}; DELETE FROM {notes};")),
    }


def _follow_one(words: Words) -> sql.Composed:
    pairs = words.homes.pairs
    return words.text(
        "#variable_conflict use_column\n"
        "BEGIN PERFORM FROM {here} AS here WHERE {at_here} FOR NO KEY UPDATE SKIP LOCKED; "
        "IF NOT FOUND THEN INSERT INTO {notes} ({note_key}, side, columns) SELECT {arguments}, 'new', -1"
        " WHERE EXISTS (SELECT FROM {here} AS here WHERE {at_here}); RETURN; END IF; "
        "DELETE FROM {notes} AS n WHERE {noted}; "
        "UPDATE {here} AS here SET {taken} FROM {there} AS there WHERE {at_here} AND {at_there} AND ({apart}); "
        "IF NOT FOUND THEN UPDATE {here} AS here SET {emptied} WHERE {at_here} AND NOT ({empty})"
        " AND NOT EXISTS (SELECT FROM {there} AS there WHERE {at_there}); END IF; END",
        noted=words.by_arguments("n"),
        at_here=words.by_arguments("here"),
        at_there=words.by_arguments("there"),
        taken=sets((p.old, of("there", p.new)) for p in pairs),
        apart=sql.SQL(" OR ").join(sql.SQL("NOT {}").format(same_pair(p)) for p in pairs),
        emptied=sets((p.old, p.empty) for p in pairs),
        empty=words.is_empty("here", "old"),
    )


def _follow(words: Words) -> sql.Composed:
    return words.body(
        "IF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN IF NOT ({same_key}) THEN"
        " PERFORM {follow_one}({OLD_new}); END IF; END IF; "
        "IF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN PERFORM {follow_one}({OLD_new});"
        " ELSE PERFORM {follow_one}({NEW_new}); END IF;",
        same_key=words.equal_keys("new"),
    )
