"""How `two_homes` makes the two rows of a key equal, in PL/pgSQL; every name in it has its schema.

settle       with both rows of a key locked: make them equal, the columns that are newer in the new home to the old
             one, all others the other way; a row that the side table owes is made there, and one that it must not
             have goes. False, and nothing done, where somebody else is just inserting it
try_settle   the same, if both rows can be locked at once
settle_last  the same at COMMIT, one transaction after the other: the last of those that are in each other's way can
remained     at COMMIT, for each note that is still there
owed         no function, a statement on the way back: rows that the side table owes are made there
"""

from __future__ import annotations

from psycopg import sql

from crossfade.operations.sync.sameness import same
from crossfade.operations.sync.two_homes_words import Words, any_of, either, is_taken, listed, of, same_pair, sets

_TRIES = 100
_PAUSE = 0.005
"""Seconds; all of them together are half of what PostgreSQL waits before it looks for a deadlock."""


def settle(words: Words) -> sql.Composed:
    """Its body: the key, the columns to take from the side table, and those not to."""
    pairs = words.homes.pairs
    taken = [is_taken(n) for n in range(len(pairs))]
    emptied = [sql.SQL("NOT {}").format(same(of("here", p.main), p.empty, exact=p.exact)) for p in pairs]
    return words.text(
        "#variable_conflict use_column\n"
        "DECLARE crossfade_side pg_catalog.int8; crossfade_main pg_catalog.int8; crossfade_take pg_catalog.int8;"
        " {declare_ours}"
        " crossfade_absent pg_catalog.bool := NOT EXISTS (SELECT FROM {there} AS there WHERE {at_there}); "
        "BEGIN IF crossfade_absent THEN {unless_inserted}"
        "IF NOT pg_catalog.pg_try_advisory_xact_lock_shared({making}) THEN RETURN false; END IF; "
        "{unless_inserted}END IF; "
        "WITH gone AS (DELETE FROM {notes} AS g WHERE g.id OPERATOR(pg_catalog.=) ANY (ARRAY("
        "SELECT n.id FROM {notes} AS n WHERE {noted} FOR UPDATE SKIP LOCKED))"
        " RETURNING g.newer AS newer, g.columns AS columns)"
        " SELECT coalesce(pg_catalog.bit_or(g.columns) FILTER (WHERE g.newer OPERATOR(pg_catalog.=) 'side'), 0),"
        " coalesce(pg_catalog.bit_or(g.columns) FILTER (WHERE g.newer OPERATOR(pg_catalog.=) 'main'), 0)"
        " INTO crossfade_side, crossfade_main FROM gone AS g; "
        "crossfade_take := {take}; "
        "IF crossfade_absent THEN "
        "IF crossfade_take OPERATOR(pg_catalog.<>) 0 THEN UPDATE {here} AS here SET {emptied} WHERE {at_here}"
        " AND ({emptied_apart}); END IF; "
        "INSERT INTO {there} ({side_key}, {sides}) SELECT {main_key}, {mains} FROM {here} AS here WHERE {at_here}"
        "{with_values} ON CONFLICT ({side_key}) DO NOTHING; {is_ours}"
        "ELSE {equalled} END IF; RETURN true; END",
        equalled=_equalled(words),
        take=_take(words),
        **_existence(words),
        noted=words.by_arguments("n"),
        unless_inserted=_unless_inserted(words),
        making=words.making(words.parts["arguments"]),
        at_here=words.by_arguments("here"),
        at_there=words.by_arguments("there"),
        emptied=sets((p.main, either(t, p.empty, p)) for t, p in zip(taken, pairs, strict=True)),
        emptied_apart=any_of(zip(taken, emptied, strict=True)),
        sides=listed(sql.Identifier(p.side) for p in pairs),
        mains=listed(of("here", p.main) for p in pairs),
        main_key=listed(of("here", k.main) for k in words.homes.key),
    )


def _unless_inserted(words: Words) -> sql.Composed:
    """Asked before a maker has said what it does, and behind that: whoever inserts looks the other way round."""
    return words.text(
        "IF NOT pg_catalog.pg_try_advisory_lock({inserting}) THEN RETURN false; END IF; "
        "PERFORM pg_catalog.pg_advisory_unlock({inserting}); ",
        inserting=words.lock("inserting", words.parts["arguments"]),
    )


def _equalled(words: Words) -> sql.Composed:
    """Both rows get the same values: the old home's first, whose values our triggers take for the true ones."""
    homes, otherwise = words.homes, _existence(words)["otherwise"]
    taken = [is_taken(n) for n in range(len(homes.pairs))]
    apart = [sql.SQL("NOT {}").format(same_pair(p)) for p in homes.pairs]
    merged = [either(t, of("there", p.side), p) for t, p in zip(taken, homes.pairs, strict=True)]
    any_apart = sql.SQL(" OR ").join(apart)
    if homes.old == "main":
        first = _set_here(words, merged, any_of(zip(taken, apart, strict=True)))
        second = _set_there(words, [of("here", p.main) for p in homes.pairs], any_apart)
        guarded = sql.SQL("IF crossfade_take OPERATOR(pg_catalog.<>) 0 THEN {} END IF; ").format(first)
        return sql.SQL("{}{}{}").format(guarded, second, otherwise)
    kept = (sql.SQL("NOT ({})").format(t) for t in taken)
    first = _set_there(words, merged, any_of(zip(kept, apart, strict=True)))
    second = _set_here(words, [of("there", p.side) for p in homes.pairs], any_apart)
    return sql.SQL("{}{} {}").format(first, otherwise, second)


def _set_here(words: Words, values: list[sql.Composed], where: sql.Composed) -> sql.Composed:
    return words.text(
        "UPDATE {here} AS here SET {values} FROM {there} AS there WHERE {at_here} AND {at_there} AND ({where});",
        values=sets((p.main, v) for p, v in zip(words.homes.pairs, values, strict=True)),
        at_here=words.by_arguments("here"),
        at_there=words.by_arguments("there"),
        where=where,
    )


def _set_there(words: Words, values: list[sql.Composed], where: sql.Composed) -> sql.Composed:
    return words.text(
        "UPDATE {there} AS there SET {values} FROM {here} AS here WHERE {at_there} AND {at_here} AND ({where}); ",
        values=sets((p.side, v) for p, v in zip(words.homes.pairs, values, strict=True)),
        at_here=words.by_arguments("here"),
        at_there=words.by_arguments("there"),
        where=where,
    )


def _take(words: Words) -> sql.Composed:
    """The columns that go from the side table to the main one; where both are newer, the old home's count."""
    newer_there, newer_here = (
        ("crossfade_side", "crossfade_main") if words.homes.old == "main" else ("crossfade_main", "crossfade_side")
    )
    given, kept = ("give", "keep") if words.homes.old == "main" else ("keep", "give")
    to_old = words.text(
        "(({newer_there} OPERATOR(pg_catalog.&) (OPERATOR(pg_catalog.~) {newer_here}))"
        " OPERATOR(pg_catalog.|) {given}) OPERATOR(pg_catalog.&) (OPERATOR(pg_catalog.~) {kept})",
        newer_there=sql.SQL(newer_there),
        newer_here=sql.SQL(newer_here),
        given=words.parts[given],
        kept=words.parts[kept],
    )
    return to_old if words.homes.old == "main" else sql.SQL("OPERATOR(pg_catalog.~) ({})").format(to_old)


def _existence(words: Words) -> dict[str, sql.Composable]:
    """The pieces of `settle` that say which rows the side table has."""
    nothing = sql.SQL("")
    if not words.homes.sparse:
        otherwise = words.text(
            "IF NOT FOUND THEN DELETE FROM {there} AS there WHERE {at_there}"
            " AND NOT EXISTS (SELECT FROM {here} AS here WHERE {at_here}); END IF;",
            at_here=words.by_arguments("here"),
            at_there=words.by_arguments("there"),
        )
        return {"declare_ours": nothing, "with_values": nothing, "is_ours": nothing, "otherwise": otherwise}
    with_values = sql.SQL(" AND NOT ({})").format(words.is_empty("here", "main"))
    if not words.homes.room:
        return {"declare_ours": nothing, "with_values": with_values, "is_ours": nothing, "otherwise": nothing}
    return {
        "declare_ours": sql.SQL("crossfade_ours pg_catalog.bool := {};").format(words.is_ours(words.each_argument())),
        "with_values": with_values,
        "is_ours": words.remember(),
        "otherwise": sql.SQL("IF FOUND AND crossfade_ours THEN {} END IF;").format(words.remember()),
    }


def try_settle(words: Words) -> sql.Composed:
    """Its body: the key."""
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


def settle_last(words: Words) -> sql.Composed:
    """Its body: the key."""
    return words.text(
        "BEGIN FOR crossfade_try IN 1 .. {tries} LOOP "
        "IF pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended({run}, 0)) THEN"
        " PERFORM {try_settle}({arguments}); RETURN; END IF; "
        "PERFORM pg_catalog.pg_sleep({pause}); END LOOP; END",
        tries=sql.Literal(_TRIES),
        pause=sql.Literal(_PAUSE),
    )


def remained(words: Words) -> sql.Composed:
    """Wait for the other row, as long as nobody waits for ours; of two that left notes the later one has it free.

    It looks again and again and never waits for a lock, so that it is no part of a deadlock.
    """
    return words.text(
        "#variable_conflict use_column\n"
        "BEGIN FOR crossfade_try IN 1 .. {tries} LOOP "
        "IF NOT EXISTS (SELECT FROM {notes} AS n WHERE n.id OPERATOR(pg_catalog.=) NEW.id) THEN RETURN NULL; END IF; "
        "IF {try_settle}({NEW_note}) THEN RETURN NULL; END IF; "
        "EXIT WHEN NOT pg_catalog.pg_try_advisory_xact_lock(CASE WHEN NEW.newer OPERATOR(pg_catalog.=) 'main'"
        " THEN {side_lock} ELSE {main_lock} END); "
        "EXIT WHEN EXISTS (SELECT FROM pg_catalog.pg_locks AS l WHERE l.locktype OPERATOR(pg_catalog.=) 'transactionid'"
        " AND NOT l.granted AND l.transactionid OPERATOR(pg_catalog.=)"
        " pg_catalog.pg_current_xact_id()::pg_catalog.xid); "
        "PERFORM pg_catalog.pg_sleep({pause}); END LOOP; PERFORM {settle_last}({NEW_note}); RETURN NULL; END",
        tries=sql.Literal(_TRIES),
        pause=sql.Literal(_PAUSE),
        main_lock=words.lock("main", words.parts["NEW_note"]),
        side_lock=words.lock("side", words.parts["NEW_note"]),
    )


def owed(words: Words) -> sql.Composed:
    """A statement: each row with values gets the one there that it has not, as an old version would write it.

    Where apps have rows there of their own, these are ours, and make room for theirs.
    """
    made = words.text(
        "INSERT INTO {there} AS there ({side_key}, {sides}) SELECT {main_key}, {mains} FROM {here} AS here"
        " WHERE NOT ({empty}) AND NOT EXISTS (SELECT FROM {there} AS there WHERE {both})",
        sides=listed(sql.Identifier(p.side) for p in words.homes.pairs),
        main_key=listed(of("here", k.main) for k in words.homes.key),
        mains=listed(of("here", p.main) for p in words.homes.pairs),
        empty=words.is_empty("here", "main"),
        both=words.at("there", (of("here", k.main) for k in words.homes.key)),
    )
    if not words.homes.room:
        return made
    return words.text(
        "WITH ours AS ({made_there} RETURNING {there_key}, there.ctid, there.xmin)"
        " INSERT INTO {made} ({note_key}, place, writer) TABLE ours"
        " ON CONFLICT ({note_key}) DO UPDATE SET place = excluded.place, writer = excluded.writer",
        made_there=made,
        there_key=listed(of("there", k.side) for k in words.homes.key),
    )
