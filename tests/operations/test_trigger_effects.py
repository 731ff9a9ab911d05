"""What is read from a trigger's text: which columns it sets to the present time, and what else it does."""

from __future__ import annotations

import pytest

from crossfade.operations.rows.trigger_effects import Effects, effects_of
from crossfade.postgres.catalog import QualifiedName, Trigger


def effects(body: str, *, language: str = "plpgsql", definition: str = "") -> Effects:
    return effects_of(
        Trigger(
            name="it",
            function=QualifiedName("public", "f"),
            timing="before",
            events=frozenset({"update"}),
            row=True,
            definition=definition,
            function_body=body,
            function_language=language,
        )
    )


@pytest.mark.parametrize(
    "value",
    [
        "now()",
        "NOW()",
        "pg_catalog.now()",
        "current_timestamp",
        "current_timestamp(3)",
        "current_date",
        "localtimestamp",
        "clock_timestamp()",
        "transaction_timestamp()",
        "statement_timestamp()::timestamp(0)",
        "timezone('utc', now())",
        "now() AT TIME ZONE 'UTC'",
        "date_trunc('second', now())",
        "(extract(epoch from clock_timestamp()) * 1000)::bigint",
    ],
)
@pytest.mark.parametrize("assigned", [":=", "="])
def test_the_present_time_is_a_stamp(value: str, assigned: str) -> None:
    found = effects(f"BEGIN NEW.updated_at {assigned} {value}; RETURN NEW; END")
    assert found == Effects(stamps=frozenset({"updated_at"}), only_stamps=True)


@pytest.mark.parametrize(
    "value",
    [
        "now() + interval '1 day'",
        "coalesce(NEW.updated_at, now())",
        "greatest(OLD.updated_at, now())",
        "OLD.updated_at",
        "my.now()",
        "(SELECT now())",
        "current_user",
        "5",
        "stamp_of(now())",
    ],
)
def test_any_other_value_is_none(value: str) -> None:
    assert effects(f"BEGIN NEW.updated_at := {value}; RETURN NEW; END") == Effects()


@pytest.mark.parametrize(
    ("written", "column"),
    [("Updated_At", "updated_at"), ('"Mod ""At"" := x"', 'Mod "At" := x'), ('"a = b"', "a = b"), ("ĉeno", "ĉeno")],
)
def test_a_columns_name_is_read_as_sql_reads_it(written: str, column: str) -> None:
    assert effects(f"BEGIN new . {written} := now(); RETURN NEW; END").stamps == {column}


def test_a_stamp_under_a_condition_counts() -> None:
    body = "BEGIN IF NEW IS DISTINCT FROM OLD THEN NEW.a := now(); ELSE NEW.b = now(); END IF; RETURN NEW; END"
    assert effects(body) == Effects(stamps=frozenset({"a", "b"}), only_stamps=True)


def test_what_reaches_beyond_the_row_is_told() -> None:
    found = effects(
        """
        BEGIN
            NEW.updated_at := now();
            INSERT INTO audit.log SELECT NEW.id;
            UPDATE "Counts" SET n = n + 1;
            PERFORM pg_notify('rows', NEW.id::text);
            RETURN NEW;
        END
        """
    )
    assert found == Effects(stamps=frozenset({"updated_at"}), notifies=True, writes=("audit.log", '"Counts"'))
    assert str(found) == (
        'sets updated_at to the present time and writes to audit.log, "Counts" and sends a notification (NOTIFY)'
    )


@pytest.mark.parametrize("statement", ["NOTIFY rows", "PERFORM count_it()", "NEW.version := OLD.version + 1"])
def test_a_stamp_beside_anything_else_is_not_all(statement: str) -> None:
    found = effects(f"BEGIN NEW.updated_at := now(); {statement}; RETURN NEW; END")
    assert found.stamps == {"updated_at"}
    assert not found.only_stamps


@pytest.mark.parametrize(("body", "language"), [("BEGIN what is this", "plpgsql"), ("NEW.a = now()", "plv8")])
def test_what_cannot_be_read_is_unknown(body: str, language: str) -> None:
    assert effects(body, language=language) == Effects()


def test_moddatetime_names_its_column() -> None:
    definition = "CREATE TRIGGER m BEFORE UPDATE ON s.t FOR EACH ROW EXECUTE FUNCTION s.moddatetime('it''s')"
    found = effects("moddatetime", language="c", definition=definition)
    assert found == Effects(stamps=frozenset({"it's"}), only_stamps=True)
