"""What the triggers of `two_homes` do, in PL/pgSQL. Every name in it has its schema.

    settle       with both rows of a key locked: make them equal, the columns that are newer in the new home to the old
                 one, all others the other way; a row that only the old home has is made there, too, and one that only
                 the new home has goes. False, and nothing done, where somebody else is just inserting it
    try_settle   the same, if both rows can be locked at once
    old_write …  the row triggers of each home: each locks the other's row if it is free, else leaves a note
    remained     at COMMIT, for each note that is still there

The columns of a pair are bits of an int8. `here` is the old home, `there` the new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from psycopg import sql

from crossfade.operations.sync.sameness import same
from crossfade.operations.sync.two_homes_words import Words, any_of, either, is_taken, listed, of, same_pair, sets

if TYPE_CHECKING:
    from crossfade.operations.sync.two_homes import TwoHomes

Functions = dict[str, tuple[sql.Composable, sql.Composable]]
"""By their names: the arguments with what is returned, and the body."""

TRIGGER = sql.SQL("() RETURNS trigger")
_TRIES = 100
_PAUSE = 0.005
"""Seconds; all of them together are half of what PostgreSQL waits before it looks for a deadlock."""


def both(homes: TwoHomes) -> Functions:
    """The functions while both homes are served."""
    words = Words(homes)
    return {
        "settle": (words.arguments("int8", "int8", returns="bool"), _settle(words)),
        "try_settle": (words.arguments(returns="bool"), _try_settle(words)),
        "old_write": (TRIGGER, _old_write(words)),
        "old_make": (TRIGGER, _make(words, "old", "NEW_old", words.by("here", "NEW", "old"))),
        "old_touch": (TRIGGER, _old_touch(words)),
        "old_remove": (TRIGGER, _old_remove(words)),
        "old_truncate": (TRIGGER, words.body("TRUNCATE TABLE {there}; DELETE FROM {notes};")),
        "new_admit": (TRIGGER, _new_admit(words)),
        "new_write": (TRIGGER, _new_write(words)),
        "new_make": (TRIGGER, _make(words, "new", "OLD_new", words.by("here", "OLD", "new"))),
        "new_remove": (TRIGGER, _new_remove(words)),
        "new_truncate": (TRIGGER, _new_truncate(words)),
        "remained": (TRIGGER, _remained(words)),
        "carry": (TRIGGER, words.body("PERFORM {settle}({NEW_note}, 0, 0);")),
    }


def _settle(words: Words) -> sql.Composed:
    pairs = words.homes.pairs
    taken = [is_taken(n) for n in range(len(pairs))]
    apart = [sql.SQL("NOT {}").format(same_pair(p)) for p in pairs]
    emptied = [sql.SQL("NOT {}").format(same(of("here", p.old), p.empty, exact=p.exact)) for p in pairs]
    return words.text(
        "#variable_conflict use_column\n"
        "DECLARE crossfade_new pg_catalog.int8; crossfade_old pg_catalog.int8; crossfade_take pg_catalog.int8;"
        " crossfade_absent pg_catalog.bool := NOT EXISTS (SELECT FROM {there} AS there WHERE {at_there}); "
        "BEGIN IF crossfade_absent THEN"
        " IF NOT pg_catalog.pg_try_advisory_lock_shared({inserting}) THEN RETURN false; END IF;"
        " PERFORM pg_catalog.pg_advisory_unlock_shared({inserting}); END IF; "
        "WITH gone AS (DELETE FROM {notes} AS g WHERE g.id OPERATOR(pg_catalog.=) ANY (ARRAY("
        "SELECT n.id FROM {notes} AS n WHERE {noted} FOR UPDATE SKIP LOCKED))"
        " RETURNING g.side AS side, g.columns AS columns)"
        " SELECT coalesce(pg_catalog.bit_or(g.columns) FILTER (WHERE g.side OPERATOR(pg_catalog.=) 'new'), 0),"
        " coalesce(pg_catalog.bit_or(g.columns) FILTER (WHERE g.side OPERATOR(pg_catalog.=) 'old'), 0)"
        " INTO crossfade_new, crossfade_old FROM gone AS g; "
        "crossfade_take := ((crossfade_new OPERATOR(pg_catalog.&) (OPERATOR(pg_catalog.~) crossfade_old))"
        " OPERATOR(pg_catalog.|) {give}) OPERATOR(pg_catalog.&) (OPERATOR(pg_catalog.~) {keep}); "
        "IF crossfade_absent THEN "
        "IF crossfade_take OPERATOR(pg_catalog.<>) 0 THEN UPDATE {here} AS here SET {emptied} WHERE {at_here}"
        " AND ({emptied_apart}); END IF; "
        "INSERT INTO {there} ({new_key}, {news}) SELECT {old_key}, {olds} FROM {here} AS here WHERE {at_here}"
        " ON CONFLICT ({new_key}) DO NOTHING; "
        "ELSE IF crossfade_take OPERATOR(pg_catalog.<>) 0 THEN UPDATE {here} AS here SET {taken}"
        " FROM {there} AS there WHERE {at_here} AND {at_there} AND ({taken_apart}); END IF; "
        "UPDATE {there} AS there SET {carried} FROM {here} AS here WHERE {at_there} AND {at_here} AND ({apart}); "
        "IF NOT FOUND THEN DELETE FROM {there} AS there WHERE {at_there}"
        " AND NOT EXISTS (SELECT FROM {here} AS here WHERE {at_here}); END IF; END IF; RETURN true; END",
        noted=words.by_arguments("n"),
        inserting=words.lock("inserting", words.parts["arguments"]),
        at_here=words.by_arguments("here"),
        at_there=words.by_arguments("there"),
        taken=sets((p.old, either(t, of("there", p.new), p)) for t, p in zip(taken, pairs, strict=True)),
        emptied=sets((p.old, either(t, p.empty, p)) for t, p in zip(taken, pairs, strict=True)),
        taken_apart=any_of(zip(taken, apart, strict=True)),
        emptied_apart=any_of(zip(taken, emptied, strict=True)),
        carried=sets((p.new, of("here", p.old)) for p in pairs),
        apart=sql.SQL(" OR ").join(apart),
        news=listed(sql.Identifier(p.new) for p in pairs),
        olds=listed(of("here", p.old) for p in pairs),
        old_key=listed(of("here", k.old) for k in words.homes.key),
    )


def _try_settle(words: Words) -> sql.Composed:
    return words.text(
        "#variable_conflict use_column\n"
        "BEGIN PERFORM FROM {here} AS here WHERE {at_here} FOR NO KEY UPDATE SKIP LOCKED; "
        "IF NOT FOUND AND EXISTS (SELECT FROM {here} AS here WHERE {at_here}) THEN RETURN false; END IF; "
        "PERFORM FROM {there} AS there WHERE {at_there} FOR NO KEY UPDATE SKIP LOCKED; "
        "IF NOT FOUND AND EXISTS (SELECT FROM {there} AS there WHERE {at_there}) THEN RETURN false; END IF; "
        "RETURN {settle}({arguments}, 0, 0); END",
        at_here=words.by_arguments("here"),
        at_there=words.by_arguments("there"),
    )


def _or_note(
    words: Words, alias: LiteralString, at: sql.Composable, key: LiteralString, columns: LiteralString
) -> sql.Composed:
    """Where the other row is there but could not be locked: leave a note, say so to whoever has it, and be done."""
    return words.text(
        "IF NOT FOUND AND EXISTS (SELECT FROM {other} AS {alias} WHERE {at}) THEN "
        "INSERT INTO {notes} ({note_key}, side, columns) VALUES ({key}, {side}, {columns}); "
        "PERFORM pg_catalog.pg_try_advisory_xact_lock({lock}); RETURN NULL; END IF; ",
        other=words.parts[alias],
        alias=sql.SQL(alias),
        at=at,
        key=words.parts[key],
        side=sql.Literal("old" if alias == "there" else "new"),
        lock=words.lock("old" if alias == "there" else "new", words.parts[key]),
        columns=sql.SQL(columns),
    )


def _old_write(words: Words) -> sql.Composed:
    return words.text(
        "#variable_conflict use_column\n"
        "DECLARE crossfade_keep pg_catalog.int8 := -1; "
        "BEGIN IF {nested} AND (TG_OP OPERATOR(pg_catalog.=) 'INSERT' OR {same_key}) THEN"
        " IF EXISTS (SELECT FROM {there} AS there WHERE {at_there} AND {as_here} AND {unnoted}) THEN"
        " RETURN NULL; END IF; END IF; "
        "IF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN crossfade_keep := {bits}; "
        "IF NOT ({same_key}) THEN UPDATE {there} AS there SET {moved} WHERE {at_before}; END IF; END IF; "
        "PERFORM FROM {there} AS there WHERE {at_there} FOR NO KEY UPDATE SKIP LOCKED; {or_note}"
        "IF NOT {settle}({NEW_old}, 0, crossfade_keep) THEN INSERT INTO {notes} ({note_key}, side, columns)"
        " VALUES ({NEW_old}, 'old', crossfade_keep); END IF; RETURN NULL; END",
        bits=words.bits("old", "OLD"),
        same_key=words.equal_keys("old"),
        moved=sets((k.new, of("NEW", k.old)) for k in words.homes.key),
        at_before=words.by("there", "OLD", "old"),
        at_there=words.by("there", "NEW", "old"),
        as_here=words.as_new("there", "old"),
        unnoted=words.unnoted("NEW", "old"),
        or_note=_or_note(words, "there", words.by("there", "NEW", "old"), "NEW_old", "crossfade_keep"),
    )


def _old_remove(words: Words) -> sql.Composed:
    return words.body(
        "PERFORM FROM {there} AS there WHERE {at_there} FOR UPDATE SKIP LOCKED; {or_note}"
        "PERFORM {settle}({OLD_old}, 0, 0);",
        at_there=words.by("there", "OLD", "old"),
        or_note=_or_note(words, "there", words.by("there", "OLD", "old"), "OLD_old", "0"),
    )


def _new_admit(words: Words) -> sql.Composed:
    """What its foreign key will say; and a row that was only made for the old home's steps aside for the real one."""
    return words.text(
        "#variable_conflict use_column\n"
        "BEGIN PERFORM FROM {here} AS here WHERE {at_here} FOR NO KEY UPDATE SKIP LOCKED; "
        "IF NOT FOUND THEN PERFORM pg_catalog.pg_try_advisory_xact_lock({inserting});"
        " PERFORM FROM {here} AS here WHERE {at_here} FOR KEY SHARE; END IF; "
        "IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = 'foreign_key_violation', MESSAGE = {message},"
        " SCHEMA = {schema}, TABLE = {table}, CONSTRAINT = {constraint}; END IF; "
        "IF EXISTS (SELECT FROM {there} AS there WHERE {at_there} AND {empty}) THEN "
        "PERFORM pg_catalog.set_config('crossfade.taken', 'on', true); "
        "DELETE FROM {there} AS there WHERE {at_there} AND {empty}; "
        "PERFORM pg_catalog.set_config('crossfade.taken', 'off', true); END IF; RETURN NEW; END",
        at_here=words.by("here", "NEW", "new"),
        at_there=words.by("there", "NEW", "new"),
        inserting=words.lock("inserting", words.parts["NEW_new"]),
        empty=words.is_empty("there", "new"),
        message=sql.Literal(
            f'insert or update on table "{words.homes.new.name}" violates foreign key constraint '
            f'"{words.homes.reference}"'
        ),
        schema=sql.Literal(words.homes.new.schema),
        table=sql.Literal(words.homes.new.name),
        constraint=sql.Literal(words.homes.reference),
    )


def _new_write(words: Words) -> sql.Composed:
    return words.text(
        "#variable_conflict use_column\n"
        "DECLARE crossfade_give pg_catalog.int8; "
        "BEGIN IF ({nested} OR {backfill}) AND (TG_OP OPERATOR(pg_catalog.=) 'INSERT' OR {same_key}) THEN"
        " IF EXISTS (SELECT FROM {here} AS here WHERE {at_here} AND {as_there} AND {unnoted}) THEN"
        " RETURN NULL; END IF; END IF; "
        "IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN crossfade_give := {given}; "
        "ELSIF {same_key} THEN crossfade_give := {changed}; "
        "ELSE crossfade_give := -1; PERFORM {settle}({OLD_new}, -1, 0); END IF; "
        "PERFORM FROM {here} AS here WHERE {at_here} FOR NO KEY UPDATE SKIP LOCKED; {or_note}"
        "PERFORM {settle}({NEW_new}, crossfade_give, 0); RETURN NULL; END",
        given=words.bits("new", "empty"),
        changed=words.bits("new", "OLD"),
        same_key=words.equal_keys("new"),
        at_here=words.by("here", "NEW", "new"),
        as_there=words.as_new("here", "new"),
        unnoted=words.unnoted("NEW", "new"),
        or_note=_or_note(words, "here", words.by("here", "NEW", "new"), "NEW_new", "crossfade_give"),
    )


def _new_remove(words: Words) -> sql.Composed:
    return words.body(
        "IF pg_catalog.current_setting('crossfade.taken', true) OPERATOR(pg_catalog.=) 'on' THEN RETURN NULL; END IF; "
        "IF NOT EXISTS (SELECT FROM {here} AS here WHERE {at_here}) THEN RETURN NULL; END IF; "
        "PERFORM FROM {here} AS here WHERE {at_here} FOR NO KEY UPDATE SKIP LOCKED; {or_note}"
        "IF NOT {settle}({OLD_new}, -1, 0) THEN INSERT INTO {notes} ({note_key}, side, columns)"
        " VALUES ({OLD_new}, 'new', -1); END IF;",
        at_here=words.by("here", "OLD", "new"),
        or_note=_or_note(words, "here", words.by("here", "OLD", "new"), "OLD_new", "-1"),
    )


def _new_truncate(words: Words) -> sql.Composed:
    return words.body(
        "DELETE FROM {notes}; {all_emptied}; INSERT INTO {there} ({new_key}, {news}) SELECT {old_key}, {olds}"
        " FROM {here} AS here ON CONFLICT ({new_key}) DO NOTHING;",
        news=listed(sql.Identifier(p.new) for p in words.homes.pairs),
        olds=listed(of("here", p.old) for p in words.homes.pairs),
        old_key=listed(of("here", k.old) for k in words.homes.key),
    )


def _make(words: Words, side: LiteralString, key: LiteralString, at_here: sql.Composable) -> sql.Composed:
    """At COMMIT: a row here that has none there gets one; a note instead where somebody has one of the two."""
    return words.body(
        "IF EXISTS (SELECT FROM {here} AS here WHERE {at_here}) THEN IF NOT {try_settle}({key}) THEN"
        " INSERT INTO {notes} ({note_key}, side, columns) VALUES ({key}, {side}, 0); END IF; END IF;",
        at_here=at_here,
        key=words.parts[key],
        side=sql.Literal(side),
    )


def _old_touch(words: Words) -> sql.Composed:
    """At COMMIT of a write of other columns, which may have kept a writer of the new home from carrying its own."""
    return words.body(
        "IF EXISTS (SELECT FROM {notes} AS n WHERE {noted}) THEN PERFORM {try_settle}({NEW_old}); END IF;",
        noted=words.by("n", "NEW", "old"),
    )


def _remained(words: Words) -> sql.Composed:
    """Wait for the other row, as long as nobody waits for ours; of two that left notes the later one has it free.

    It looks again and again and never waits for a lock, so that it is no part of a deadlock.
    """
    return words.text(
        "#variable_conflict use_column\n"
        "BEGIN FOR crossfade_try IN 1 .. {tries} LOOP "
        "IF NOT EXISTS (SELECT FROM {notes} AS n WHERE n.id OPERATOR(pg_catalog.=) NEW.id) THEN RETURN NULL; END IF; "
        "IF {try_settle}({NEW_note}) THEN RETURN NULL; END IF; "
        "EXIT WHEN NOT pg_catalog.pg_try_advisory_xact_lock(CASE WHEN NEW.side OPERATOR(pg_catalog.=) 'old'"
        " THEN {new_lock} ELSE {old_lock} END); "
        "EXIT WHEN EXISTS (SELECT FROM pg_catalog.pg_locks AS l WHERE l.locktype OPERATOR(pg_catalog.=) 'transactionid'"
        " AND NOT l.granted AND l.transactionid OPERATOR(pg_catalog.=)"
        " pg_catalog.pg_current_xact_id()::pg_catalog.xid); "
        "PERFORM pg_catalog.pg_sleep({pause}); END LOOP; "
        "FOR crossfade_try IN 1 .. {tries} LOOP "
        "IF pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended({run}, 0)) THEN"
        " PERFORM {try_settle}({NEW_note}); RETURN NULL; END IF; "
        "PERFORM pg_catalog.pg_sleep({pause}); END LOOP; RETURN NULL; END",
        tries=sql.Literal(_TRIES),
        pause=sql.Literal(_PAUSE),
        old_lock=words.lock("old", words.parts["NEW_note"]),
        new_lock=words.lock("new", words.parts["NEW_note"]),
    )
