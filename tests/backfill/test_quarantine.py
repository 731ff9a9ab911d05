"""Rows that the database refuses: named and kept, all others done, tried again later."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from psycopg import errors

from crossfade.backfill.keys import Key
from crossfade.backfill.quarantine import described, is_refusal, key_as_json
from crossfade.errors import CrossfadeError, RowsFailed

from .filling import COUNTED, KEYED, UNKEYED, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from .filling import Filling

SOUND = "ALTER TABLE t ADD CONSTRAINT sound CHECK (id % 10 <> 7) NOT VALID;"
"""Refuses every update of rows 7, 17, 27 …"""
POISON = [7, 17, 27, 37, 47]
IF_SEVEN = "IF NEW.id % 10 = 7 THEN RAISE 'row % is not for you', NEW.id USING ERRCODE = 'P0001';"
ALWAYS = "IF true THEN RAISE 'this table is read-only';"
RAISING = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.id % 10 = 7 THEN RAISE 'row % is not for you', NEW.id USING ERRCODE = '{state}'; END IF;
    RETURN NEW;
END $$;
CREATE {constraint} TRIGGER refuse {when} UPDATE ON t {deferred} FOR EACH ROW EXECUTE FUNCTION {schema}.refuse();
"""


def raising(state: str = "P0001", constraint: str = "", when: str = "BEFORE", deferred: str = "") -> str:
    """A trigger that refuses every update of rows 7, 17, 27 …"""
    made = RAISING
    for name, word in {"state": state, "constraint": constraint, "when": when, "deferred": deferred}.items():
        made = made.replace(f"{{{name}}}", word)
    return made


DEFERRED = raising(constraint="CONSTRAINT", when="AFTER", deferred="DEFERRABLE INITIALLY DEFERRED")


def refuse(filling: Filling, **options: Any) -> RowsFailed:
    with pytest.raises(RowsFailed) as failed:
        filling.fill(**options)
    return failed.value


@pytest.mark.every_server
@pytest.mark.parametrize(
    ("refusal", "sqlstate", "constraint"),
    [
        (SOUND, "23514", "sound"),
        (raising(), "P0001", None),
        (raising("22023"), "22023", None),
        (DEFERRED, "P0001", None),
    ],
    ids=["a check", "a trigger", "bad data", "a deferred trigger"],
)
def test_refused_rows_are_listed_and_all_others_done(
    start: Callable[[str], Filling], refusal: str, sqlstate: str, constraint: str | None
) -> None:
    filling = start(KEYED + rows(50) + refusal + COUNTED)
    refuse(filling, batch_rows=20)
    assert filling.rejected() == {f"id={n}": (sqlstate, constraint, "open") for n in POISON}
    assert filling.updates() == {n: 1 for n in range(1, 51) if n not in POISON}
    assert filling.progress("finished_at IS NOT NULL", "rows_done") == (True, 50)


def test_the_message_names_each_row_and_why_it_was_refused(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(20) + SOUND)
    failed = refuse(filling)
    assert failed.code == "rows_failed"
    assert failed.exit_code == 1
    assert failed.message.splitlines() == [
        f"{filling.table}: 2 rows could not be migrated:",
        f'  - {filling.table} id=7: new row for relation "t" violates check constraint "sound" (23514)',
        f'  - {filling.table} id=17: new row for relation "t" violates check constraint "sound" (23514)',
    ]
    assert "run the command again" in (failed.hint or "")
    assert failed.location == str(filling.table)


def test_one_refused_row_is_spoken_of_in_the_singular(start: Callable[[str], Filling]) -> None:
    assert ": 1 row could not be migrated:" in refuse(start(KEYED + rows(9) + SOUND)).message


def test_a_long_list_is_cut_in_the_message_and_whole_in_the_ledger(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(30) + SOUND.replace("id % 10 <> 7", "id > 25"))
    failed = refuse(filling, batch_rows=50)
    assert len(filling.rejected()) == 25
    assert failed.message.count("\n  - ") == 20
    assert failed.message.endswith("\n  and 5 more")


def test_a_table_all_of_whose_rows_are_refused_is_gone_through(start: Callable[[str], Filling]) -> None:
    """With more refused rows than a transaction may have savepoints, a batch ends early and the next goes on."""
    filling = start(KEYED + rows(70) + SOUND.replace("id % 10 <> 7", "id > 70"))
    assert "70 rows could not be migrated" in refuse(filling, batch_rows=70).message
    assert len(filling.rejected()) == 70
    assert len(filling.batches()) > 1


def test_refused_rows_are_tried_again_first_and_close_once_they_pass(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(50) + SOUND + COUNTED)
    refuse(filling)
    filling.sql("ALTER TABLE t DROP CONSTRAINT sound, ADD CONSTRAINT sound CHECK (id % 20 <> 7) NOT VALID")
    assert "3 rows" in refuse(filling).message
    assert {key for key, (_, _, state) in filling.rejected().items() if state == "open"} == {"id=7", "id=27", "id=47"}
    filling.sql("ALTER TABLE t DROP CONSTRAINT sound")
    filling.fill()
    assert {state for _, _, state in filling.rejected().values()} == {"resolved"}
    assert filling.updates() == dict.fromkeys(range(1, 51), 1)


def test_refused_rows_that_were_deleted_or_corrected_by_hand_close(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(20) + raising())
    refuse(filling)
    filling.sql("DELETE FROM t WHERE id = 7; ALTER TABLE t DISABLE TRIGGER refuse")
    filling.sql("UPDATE t SET new = old WHERE id = 17; ALTER TABLE t ENABLE TRIGGER refuse")
    filling.fill()
    assert {state for _, _, state in filling.rejected().values()} == {"resolved"}


def test_a_row_that_is_refused_for_another_reason_says_the_newest(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(9) + SOUND)
    refuse(filling)
    filling.sql("ALTER TABLE t DROP CONSTRAINT sound")
    filling.sql(raising("22003").replace("{schema}", filling.schema))
    assert "row 7 is not for you (22003)" in refuse(filling).message
    assert filling.rejected() == {"id=7": ("22003", None, "open")}


@pytest.mark.parametrize("refusal", [SOUND, raising(), DEFERRED], ids=["a check", "a trigger", "a deferred trigger"])
def test_rows_that_are_still_refused_fail_as_they_did_before(start: Callable[[str], Filling], refusal: str) -> None:
    filling = start(KEYED + rows(20) + refusal)
    first = refuse(filling)
    assert refuse(filling).message == first.message


def test_without_a_key_refused_rows_are_named_by_their_place_and_found_anew(start: Callable[[str], Filling]) -> None:
    filling = start(UNKEYED + rows(50) + SOUND + COUNTED)
    failed = refuse(filling, batch_rows=20)
    assert "ctid=(0,7)" in failed.message
    assert set(filling.rejected()) == {f"ctid=(0,{n})" for n in POISON}
    filling.sql("VACUUM FULL t")
    assert "5 rows" in refuse(filling).message
    filling.sql("ALTER TABLE t DROP CONSTRAINT sound")
    filling.fill()
    assert filling.pending() == 0
    assert {state for _, _, state in filling.rejected().values()} == {"resolved"}
    assert filling.updates() == dict.fromkeys(range(1, 51), 1)


def test_a_composite_key_is_named_in_full(start: Callable[[str], Filling]) -> None:
    filling = start("CREATE TABLE t (id int, tenant text DEFAULT 'a b', old text, PRIMARY KEY (tenant, id));" + rows(9))
    filling.sql(SOUND)
    message = refuse(filling).message
    assert all(part in message for part in ("tenant=a b", "id=7"))
    assert filling.sql("SELECT key FROM crossfade.rejected_rows WHERE run_id = %s", [filling.run_id]) == [
        ({"tenant": "a b", "id": "7"},)
    ]
    filling.sql("ALTER TABLE t DROP CONSTRAINT sound")
    filling.fill()
    assert filling.pending() == 0


def test_with_very_many_refused_rows_the_backfill_stops_there(
    start: Callable[[str], Filling], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossfade.backfill.quarantine.FEWEST", 4)
    filling = start(KEYED + rows(100) + SOUND.replace("id % 10 <> 7", "id > 15"))
    assert "stopped there, since they are so many" in refuse(filling, batch_rows=20).message
    assert filling.pending() == 95
    assert filling.progress("frontier", "finished_at") == (["20"], None)


def test_while_rows_are_refused_it_is_said_on_the_way(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(20) + SOUND)
    refuse(filling, batch_rows=20)
    (said,) = filling.troubles
    assert said.startswith('2 rows were refused, the first id=7: new row for relation "t" violates')


def test_a_failure_that_is_not_about_the_row_is_not_put_down_to_it(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(20))
    filling.change = replace(filling.change, pending="new IS DISTINCT FROM nothing(old)")
    with pytest.raises(Exception, match="nothing"):
        filling.fill()
    assert filling.rejected() == {}


def test_a_table_that_refuses_every_statement_but_has_nothing_to_fill_is_done(start: Callable[[str], Filling]) -> None:
    """A statement's trigger fires where no row is pending, so there is no row to put it down to."""
    filling = start(KEYED + rows(20) + "UPDATE t SET old = NULL;")
    filling.sql(
        raising().replace("{schema}", filling.schema).replace("EACH ROW", "EACH STATEMENT").replace(IF_SEVEN, ALWAYS)
    )
    filling.fill()
    assert filling.progress("finished_at IS NOT NULL", "rows_done") == (True, 20)


def test_a_row_that_a_trigger_leaves_out_in_silence_is_not_taken_for_done(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(20) + raising().replace(IF_SEVEN, "IF NEW.id = 7 THEN RETURN NULL;"))
    with pytest.raises(CrossfadeError, match="id=7"):
        filling.fill()


@pytest.mark.parametrize(
    ("sqlstate", "refusal"),
    [
        ("23505", True),
        ("22P02", True),
        ("P0001", True),
        ("54000", True),
        ("44000", True),
        ("21000", True),
        ("P0002", True),
        ("38000", True),
        ("42501", False),
        ("42P01", False),
        ("40001", False),
        ("40P01", False),
        ("55P03", False),
        ("57014", False),
        ("57P01", False),
        ("08006", False),
        ("53100", False),
        ("XX000", False),
    ],
)
def test_only_errors_about_a_rows_values_are_refusals(sqlstate: str, refusal: bool) -> None:
    assert is_refusal(errors.lookup(sqlstate)()) is refusal


def test_an_error_without_a_sqlstate_is_no_refusal() -> None:
    assert is_refusal(errors.OperationalError("the connection is closed")) is False


def test_a_key_is_an_object_with_each_column() -> None:
    assert key_as_json(Key(columns=("a", "b"), types=("text", "integer")), ("x", "5")) == {"a": "x", "b": "5"}
    assert key_as_json(Key(), ("(0,7)",)) == {"ctid": "(0,7)"}
    assert described({"a": "x", "b": "5"}) == "a=x, b=5"


def test_a_row_that_was_given_up_in_one_change_still_counts_in_another(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(20) + SOUND)
    refuse(filling)
    filling.sql("UPDATE crossfade.rejected_rows SET state = 'waived' WHERE run_id = %s", [filling.run_id])
    filling.fill()
    assert filling.verify().mismatches == 0
    filling.change = replace(filling.renaming, id="2.rename_column/rows")
    assert filling.verify().mismatches == 2
