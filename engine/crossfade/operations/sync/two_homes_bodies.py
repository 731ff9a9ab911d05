"""What the triggers of `two_homes` do, in PL/pgSQL. Every name in it has its schema.

    main_write …   the row triggers of each home: each locks the other's row if it is free, else leaves a note
    side_admit      before a row comes into the side table: what of ours is in its way steps aside

The columns of a pair are bits of an int8. `here` is the main table, `there` the side one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from psycopg import sql

from crossfade.operations.sync import two_homes_settle
from crossfade.operations.sync.sameness import same
from crossfade.operations.sync.two_homes_words import Words, listed, of, sets

if TYPE_CHECKING:
    from crossfade.operations.sync.two_homes import TwoHomes

Functions = dict[str, tuple[sql.Composable, sql.Composable]]
"""By their names: the arguments with what is returned, and the body."""

TRIGGER = sql.SQL("() RETURNS trigger")
_NOTHING = sql.SQL("")


def both(homes: TwoHomes) -> Functions:
    """The functions while both homes are served."""
    words = Words(homes)
    found: Functions = {
        "settle": (words.arguments("int8", "int8", returns="bool"), two_homes_settle.settle(words)),
        "try_settle": (words.arguments(returns="bool"), two_homes_settle.try_settle(words)),
        "settle_last": (words.arguments(returns="void"), two_homes_settle.settle_last(words)),
        "main_write": (TRIGGER, _main_write(words)),
        "main_touch": (TRIGGER, _touch(words, words.by("n", "NEW", "main"), "NEW_main")),
        "main_remove": (TRIGGER, _main_remove(words)),
        "main_truncate": (TRIGGER, _main_truncate(words)),
        "side_write": (TRIGGER, _side_write(words)),
        "side_touch": (TRIGGER, _touch(words, words.by("n", "NEW", "side"), "NEW_side")),
        "side_make": (TRIGGER, _make(words, "side", "OLD_side", words.by("here", "OLD", "side"))),
        "side_remove": (TRIGGER, _side_remove(words)),
        "side_truncate": (TRIGGER, _side_truncate(words)),
        "remained": (TRIGGER, two_homes_settle.remained(words)),
        "carry": (TRIGGER, words.body("PERFORM {settle}({NEW_note}, 0, 0);")),
    }
    if homes.sparse:
        if homes.room:
            found["side_admit"] = (TRIGGER, make_room(words, behind_makers(words)))
    else:
        found["side_admit"] = (TRIGGER, _side_admit(words))
        found["main_make"] = (TRIGGER, _make(words, "main", "NEW_main", words.by("here", "NEW", "main")))
    if homes.cleared:
        found["main_clear"] = (TRIGGER, main_clear(words))
    return found


def main_clear(words: Words) -> sql.Composed:
    """Before the main table's row goes: an app that does not know the other one is not stopped by it."""
    return words.text(
        "#variable_conflict use_column\n"
        "BEGIN PERFORM pg_catalog.set_config('crossfade.taken', 'on', true); "
        "DELETE FROM {there} AS there WHERE {at_there}; "
        "PERFORM pg_catalog.set_config('crossfade.taken', 'off', true); RETURN OLD; END",
        at_there=words.by("there", "OLD", "main"),
    )


def _or_note(
    words: Words, alias: LiteralString, at: sql.Composable, key: LiteralString, columns: LiteralString
) -> sql.Composed:
    """Where the other row is there but could not be locked: leave a note, say so to whoever has it, and be done."""
    return words.text(
        "IF NOT FOUND AND EXISTS (SELECT FROM {other} AS {alias} WHERE {at}) THEN "
        "INSERT INTO {notes} ({note_key}, newer, columns) VALUES ({key}, {side}, {columns}); "
        "PERFORM pg_catalog.pg_try_advisory_xact_lock({lock}); RETURN NULL; END IF; ",
        other=words.parts[alias],
        alias=sql.SQL(alias),
        at=at,
        key=words.parts[key],
        side=sql.Literal("main" if alias == "there" else "side"),
        lock=words.lock("main" if alias == "there" else "side", words.parts[key]),
        columns=sql.SQL(columns),
    )


def _main_write(words: Words) -> sql.Composed:
    return words.text(
        "#variable_conflict use_column\n"
        "DECLARE crossfade_keep pg_catalog.int8 := -1; "
        "BEGIN IF {nested} AND (TG_OP OPERATOR(pg_catalog.=) 'INSERT' OR {same_key}) THEN"
        " IF EXISTS (SELECT FROM {there} AS there WHERE {at_there} AND {as_here} AND {unnoted}) THEN"
        " RETURN NULL; END IF; END IF; "
        "{inserted}IF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN crossfade_keep := {bits}; "
        "IF NOT ({same_key}) THEN UPDATE {there} AS there SET {moved} WHERE {at_before}; END IF; END IF; "
        "PERFORM FROM {there} AS there WHERE {at_there} FOR NO KEY UPDATE SKIP LOCKED; {or_note}"
        "IF NOT {settle}({NEW_main}, 0, crossfade_keep) THEN INSERT INTO {notes} ({note_key}, newer, columns)"
        " VALUES ({NEW_main}, 'main', crossfade_keep); END IF; RETURN NULL; END",
        inserted=_inserted(words),
        bits=words.bits("main", "OLD"),
        same_key=words.equal_keys("main"),
        moved=sets((k.side, of("NEW", k.main)) for k in words.homes.key),
        at_before=words.by("there", "OLD", "main"),
        at_there=words.by("there", "NEW", "main"),
        as_here=words.as_row("there", "main"),
        unnoted=words.unnoted("NEW", "main"),
        or_note=_or_note(words, "there", words.by("there", "NEW", "main"), "NEW_main", "crossfade_keep"),
    )


def _inserted(words: Words) -> sql.Composed:
    """What an INSERT into a new home left out is not newer than what the old one has."""
    if words.homes.old == "main":
        return sql.SQL("").format()
    return sql.SQL("IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN crossfade_keep := {}; END IF; ").format(
        words.bits("main", "empty")
    )


def _main_truncate(words: Words) -> sql.Composed:
    """Where there is a foreign key, the side table is empty already."""
    return words.body("DELETE FROM {notes};" if words.homes.sparse else "TRUNCATE TABLE {there}; DELETE FROM {notes};")


def _main_remove(words: Words) -> sql.Composed:
    return words.body(
        "PERFORM FROM {there} AS there WHERE {at_there} FOR UPDATE SKIP LOCKED; {or_note}"
        "PERFORM {settle}({OLD_main}, 0, 0);",
        at_there=words.by("there", "OLD", "main"),
        or_note=_or_note(words, "there", words.by("there", "OLD", "main"), "OLD_main", "0"),
    )


def _side_admit(words: Words) -> sql.Composed:
    """What its foreign key will say; and a row that was only made for the main table's steps aside for the real one."""
    return words.text(
        "#variable_conflict use_column\n"
        "BEGIN {behind_makers}"
        "PERFORM FROM {here} AS here WHERE {at_here} FOR KEY SHARE; "
        "IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = 'foreign_key_violation', MESSAGE = {message},"
        " SCHEMA = {schema}, TABLE = {table}, CONSTRAINT = {constraint}; END IF; "
        "{aside}RETURN NEW; END",
        at_here=words.by("here", "NEW", "side"),
        behind_makers=behind_makers(words),
        aside=_aside(words),
        message=sql.Literal(
            f'insert or update on table "{words.homes.side.name}" violates foreign key constraint '
            f'"{words.homes.reference}"'
        ),
        schema=sql.Literal(words.homes.side.schema),
        table=sql.Literal(words.homes.side.name),
        constraint=sql.Literal(words.homes.reference),
    )


def _aside(words: Words) -> sql.Composed:
    return words.text(
        "IF EXISTS (SELECT FROM {there} AS there WHERE {at_there} AND {empty}) THEN "
        "PERFORM pg_catalog.set_config('crossfade.taken', 'on', true); "
        "DELETE FROM {there} AS there WHERE {at_there} AND {empty}; "
        "PERFORM pg_catalog.set_config('crossfade.taken', 'off', true); END IF; ",
        at_there=words.by("there", "NEW", "side"),
        empty=words.is_empty("there", "side"),
    )


def step_aside(words: Words) -> sql.Composed:
    """A row that was only made for the main table's steps aside for the real one, and nothing more."""
    return words.text("#variable_conflict use_column\nBEGIN {aside}RETURN NEW; END", aside=_aside(words))


def behind_makers(words: Words) -> sql.Composed:
    """Who inserts a row of the side table keeps makers of the same one out, or comes behind them: a key is made once.

    A maker has the main table's row locked. Where it is free we have it, and none can come. Where it is not, whoever
    has it may be one: it waits for no insert that is announced, and an insert waits for what is being made.
    """
    return words.text(
        "IF {backfill} AND NOT {nested} THEN"
        " IF NOT pg_catalog.pg_try_advisory_xact_lock_shared({making})"
        " OR NOT pg_catalog.pg_try_advisory_lock({inserting}) THEN"
        " INSERT INTO {notes} ({note_key}, newer, columns) VALUES ({NEW_side}, 'main', 0); RETURN NULL; END IF;"
        " PERFORM pg_catalog.pg_advisory_unlock({inserting}); "
        "ELSE PERFORM FROM {here} AS here WHERE {at_here} FOR NO KEY UPDATE SKIP LOCKED; "
        "IF NOT FOUND AND EXISTS (SELECT FROM {here} AS here WHERE {at_here}) THEN"
        " PERFORM pg_catalog.pg_advisory_xact_lock_shared({inserting});"
        " PERFORM pg_catalog.pg_advisory_lock({making});"
        " PERFORM pg_catalog.pg_advisory_unlock({making}); END IF; END IF; ",
        at_here=words.by("here", "NEW", "side"),
        inserting=words.lock("inserting", words.parts["NEW_side"]),
        making=words.making(words.parts["NEW_side"]),
    )


def make_room(words: Words, before: sql.Composable = _NOTHING) -> sql.Composed:
    """A row that we made, and nobody has written since, steps aside for an app's, and leaves it its values.

    The note is for an INSERT that comes to nothing: then the row is made again.
    """
    kept = (
        words.text(
            "IF {empty} THEN {column} := {was}; END IF; ",
            empty=same(of("NEW", p.side), p.empty, exact=p.exact),
            column=of("NEW", p.side),
            was=of("crossfade_was", p.side),
        )
        for p in words.homes.pairs
    )
    return words.text(
        "#variable_conflict use_column\n"
        "DECLARE crossfade_was record; "
        "BEGIN {before}IF {ours} THEN PERFORM pg_catalog.set_config('crossfade.taken', 'on', true); "
        "DELETE FROM {there} AS there WHERE {at_there} RETURNING there.* INTO crossfade_was; "
        "IF FOUND THEN {kept}END IF; "
        "PERFORM pg_catalog.set_config('crossfade.taken', 'off', true); "
        "INSERT INTO {notes} ({note_key}, newer, columns) VALUES ({NEW_side}, 'main', -1); END IF; RETURN NEW; END",
        before=before,
        ours=words.is_ours(of("NEW", k.side) for k in words.homes.key),
        at_there=words.by("there", "NEW", "side"),
        kept=sql.SQL("").join(kept),
    )


def _side_write(words: Words) -> sql.Composed:
    return words.text(
        "#variable_conflict use_column\n"
        "DECLARE crossfade_give pg_catalog.int8; "
        "BEGIN {unreferenced}IF ({nested} OR {backfill}) AND (TG_OP OPERATOR(pg_catalog.=) 'INSERT' OR {same_key}) THEN"
        " IF EXISTS (SELECT FROM {here} AS here WHERE {at_here} AND {as_there} AND {unnoted}) THEN"
        " RETURN NULL; END IF; END IF; "
        "IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN crossfade_give := {given}; "
        "ELSIF {same_key} THEN crossfade_give := {changed}; "
        "ELSE IF {nested} AND NOT EXISTS (SELECT FROM {here} AS here WHERE {at_before}) THEN RETURN NULL; END IF;"
        " crossfade_give := -1; PERFORM {settle}({OLD_side}, -1, 0); END IF; "
        "PERFORM FROM {here} AS here WHERE {at_here} FOR NO KEY UPDATE SKIP LOCKED; {or_note}"
        "PERFORM {settle}({NEW_side}, crossfade_give, 0); RETURN NULL; END",
        unreferenced=_unreferenced(words),
        at_before=words.by("here", "OLD", "side"),
        given=words.bits("side", "empty"),
        changed=words.bits("side", "OLD"),
        same_key=words.equal_keys("side"),
        at_here=words.by("here", "NEW", "side"),
        as_there=words.as_row("here", "side"),
        unnoted=words.unnoted("NEW", "side"),
        or_note=_or_note(words, "here", words.by("here", "NEW", "side"), "NEW_side", "crossfade_give"),
    )


def _unreferenced(words: Words) -> sql.Composed:
    """By a deferred foreign key a row may come before the one that it belongs to, which then takes what is noted."""
    if not words.homes.sparse:
        return sql.SQL("").format()
    return words.text(
        "IF NOT EXISTS (SELECT FROM {here} AS here WHERE {at_here}) THEN"
        " INSERT INTO {notes} ({note_key}, newer, columns) VALUES ({NEW_side}, 'side', -1); RETURN NULL; END IF; ",
        at_here=words.by("here", "NEW", "side"),
    )


def _side_remove(words: Words) -> sql.Composed:
    return words.body(
        "IF pg_catalog.current_setting('crossfade.taken', true) OPERATOR(pg_catalog.=) 'on' THEN RETURN NULL; END IF; "
        "IF NOT EXISTS (SELECT FROM {here} AS here WHERE {at_here}) THEN RETURN NULL; END IF; "
        "PERFORM FROM {here} AS here WHERE {at_here} FOR NO KEY UPDATE SKIP LOCKED; {or_note}"
        "IF NOT {settle}({OLD_side}, -1, 0) THEN INSERT INTO {notes} ({note_key}, newer, columns)"
        " VALUES ({OLD_side}, 'side', -1); END IF;",
        at_here=words.by("here", "OLD", "side"),
        or_note=_or_note(words, "here", words.by("here", "OLD", "side"), "OLD_side", "-1"),
    )


def _side_truncate(words: Words) -> sql.Composed:
    if words.homes.sparse:
        return words.body("DELETE FROM {notes}; {all_emptied};")
    return words.body(
        "DELETE FROM {notes}; {all_emptied}; INSERT INTO {there} ({side_key}, {sides}) SELECT {main_key}, {mains}"
        " FROM {here} AS here ON CONFLICT ({side_key}) DO NOTHING;",
        sides=listed(sql.Identifier(p.side) for p in words.homes.pairs),
        mains=listed(of("here", p.main) for p in words.homes.pairs),
        main_key=listed(of("here", k.main) for k in words.homes.key),
    )


def _make(words: Words, side: LiteralString, key: LiteralString, at_here: sql.Composable) -> sql.Composed:
    """At COMMIT: a row here that has none there gets one; a note instead where somebody has one of the two."""
    return words.body(
        "IF EXISTS (SELECT FROM {here} AS here WHERE {at_here}) THEN IF NOT {try_settle}({key}) THEN"
        " INSERT INTO {notes} ({note_key}, newer, columns) VALUES ({key}, {side}, 0); END IF; END IF;",
        at_here=at_here,
        key=words.parts[key],
        side=sql.Literal(side),
    )


def _touch(words: Words, noted: sql.Composable, key: LiteralString) -> sql.Composed:
    """At COMMIT of a write of other columns, which may have kept a writer of the other table from carrying its own."""
    return words.body(
        "IF EXISTS (SELECT FROM {notes} AS n WHERE {noted}) THEN IF NOT {try_settle}({key}) THEN"
        " PERFORM {settle_last}({key}); END IF; END IF;",
        noted=noted,
        key=words.parts[key],
    )
