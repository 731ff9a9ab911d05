"""Printed types compile, and say what the drivers give: TypeScript with node-postgres, Python with psycopg."""

from __future__ import annotations

import datetime as dt
import json
import re
import runpy
import subprocess
import sys
from typing import TYPE_CHECKING, Any, ForwardRef, get_args

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg.types.json import Json, Jsonb

from crossfade import Engine
from crossfade.types.python import python
from crossfade.types.typescript import BigInt, typescript

if TYPE_CHECKING:
    from pathlib import Path

    from ..fixtures.database import Database
    from ..fixtures.servers import Server

KINDS = {
    "JsonValue": "Object",
    "Interval": "PostgresInterval",
    "Point": "Object",
    "Circle": "Object",
    "JsonValue[]": "Object[]",
}
"""How JavaScript calls what has another name in the types."""
AS_TEXT = {"statuses": "string", "mails": "string"}
"""Arrays of the users' types, until a parser is set: a comment says so."""

WRITTEN = {
    "People": ["Insert", "Update"],
    "Found": [],
    "LookedUp": ["Update"],
    "Placed": [],
    "Repeated": [],
    "Listed": ["Insert", "Update"],
    "Twice": ["Insert", "Update"],
}
"""Views, with what may be done through them; LookedUp lacks the name that an INSERT needs."""
UPDATES = 1 << 2
"""The bit of an UPDATE in what `pg_relation_is_updatable` gives."""


def in_typescript(database: Database, bigint: BigInt = BigInt.STRING) -> str:
    with Engine(database.url) as engine:
        return typescript(engine.types().model, bigint, "crossfade types --lang typescript")


def in_python(database: Database) -> str:
    with Engine(database.url) as engine:
        return python(engine.types().model, "crossfade types --lang python")


def shape(text: str, name: str) -> dict[str, str]:
    """The properties of an interface, with their types; a `?` stands behind the name."""
    (body,) = re.findall(rf"^export interface {name} {{\n(.*?)^}}", text, re.MULTILINE | re.DOTALL)
    return dict(re.findall(r"^  (\w+\??|\"[^\n]*\"\??): (.*);$", body, re.MULTILINE))


def aliases(text: str) -> dict[str, str]:
    return dict(re.findall(r"^export type (\w+) = (.*);$", text, re.MULTILINE))


USES = """
import type { EverythingInsert, EverythingRow, EverythingUpdate, OddNamesRow, PeopleRow } from "./db";
const change: EverythingUpdate = { maybe: null, words: "w" };
// @ts-expect-error it is generated
const generated: EverythingUpdate = { doubled: 1 };
// @ts-expect-error it is an identity
const identity: EverythingUpdate = { id: "1" };
// @ts-expect-error it is NOT NULL
const missing: EverythingUpdate = { words: null };
// @ts-expect-error most of it is required
const little: EverythingInsert = { words: "w" };
// @ts-expect-error no such label
const label: EverythingUpdate = { status: "gone" };
const json: EverythingUpdate = { document: { a: [null] }, binary_document: "[1]", documents: [true, 2] };
// @ts-expect-error node-postgres would take it for an array
const list: EverythingUpdate = { document: [1] };
// @ts-expect-error it is NOT NULL
const nothing: EverythingUpdate = { document: null };
export function read(row: EverythingRow, odd: OddNamesRow, person: PeopleRow): string {
  // @ts-expect-error it may be null
  row.maybe.length;
  // @ts-expect-error an expression of a view may be null
  person.loud.length;
  return row.id + row.day.toISOString() + odd["first name"].length + person.full_name.length + row.bytes.length;
}
export const uses = [change, generated, identity, missing, little, label, json, list, nothing];
"""


@pytest.mark.alike
def test_typescript_takes_it_strictly(everything: Database, node: Path, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(node / "node_modules")
    (tmp_path / "db.ts").write_text(in_typescript(everything), encoding="utf-8")
    (tmp_path / "uses.ts").write_text(USES, encoding="utf-8")
    flags = ["--strict", "--noEmit", "--target", "es2022", "--module", "commonjs", "--types", "node", "--skipLibCheck"]
    command = ["node", "node_modules/typescript/bin/tsc", *flags, "db.ts", "uses.ts"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout


def test_node_postgres_gives_these_values(everything: Database, node: Path) -> None:
    command = ["node", "values.js", everything.url]
    done = subprocess.run(command, cwd=node, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    given, text = json.loads(done.stdout), in_typescript(everything)
    printed = shape(text, "EverythingRow")
    assert given.keys() == printed.keys()
    named = aliases(text)
    for name, kind in given.items():
        said = printed[name].removesuffix(" | null")
        while said in named and said not in KINDS:
            said = "string" if named[said].startswith('"') else named[said]
        if kind != "null":
            assert kind == AS_TEXT.get(name, KINDS.get(said, said)), name


def test_node_postgres_takes_json_as_it_is_typed(database: Database, node: Path) -> None:
    database.execute("CREATE TABLE a (id serial, b jsonb)")
    command = ["node", "json.js", database.url]
    done = subprocess.run(command, cwd=node, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, '[{"a":[1]},[1],5,true]\n["invalid input syntax for type json"]\n')


USES_IN_PYTHON = """
from psycopg.types.json import Json, Jsonb

from db import EverythingInsert, EverythingRow, EverythingUpdate, OddNamesRow, PeopleRow

change: EverythingUpdate = {"maybe": None, "words": "w"}
generated: EverythingUpdate = {"doubled": 1}  # type: ignore[typeddict-unknown-key]
missing: EverythingUpdate = {"words": None}  # type: ignore[typeddict-item]
little: EverythingInsert = {"words": "w"}  # type: ignore[typeddict-item]
label: EverythingUpdate = {"status": "gone"}  # type: ignore[typeddict-item]
documents: EverythingUpdate = {"document": Json([1]), "binary_document": Jsonb(None), "documents": [Jsonb("a")]}
bare: EverythingUpdate = {"document": {"a": 1}}  # type: ignore[typeddict-item]
nothing: EverythingUpdate = {"document": None}  # type: ignore[typeddict-item]


def read(row: EverythingRow, odd: OddNamesRow, person: PeopleRow) -> str:
    len(row["maybe"])  # type: ignore[arg-type]
    len(person["loud"])  # type: ignore[arg-type]
    return f"{row['id'] + 1}{row['day'].isoformat()}{len(odd['first name'])}{len(person['full_name'])}"
"""


@pytest.mark.alike
def test_mypy_takes_it_strictly(everything: Database, tmp_path: Path) -> None:
    (tmp_path / "db.py").write_text(in_python(everything), encoding="utf-8")
    (tmp_path / "uses.py").write_text(USES_IN_PYTHON, encoding="utf-8")
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = true\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / "cache"), "db.py", "uses.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout


def test_psycopg_gives_these_values(everything: Database, tmp_path: Path) -> None:
    (tmp_path / "db.py").write_text(in_python(everything), encoding="utf-8")
    module = runpy.run_path(str(tmp_path / "db.py"))
    annotations: dict[str, ForwardRef] = module["EverythingRow"].__annotations__
    names = {**module, "JsonValue": object}
    hints = {name: eval(hint.__forward_arg__, names) for name, hint in annotations.items()}
    with psycopg.connect(everything.url, row_factory=dict_row) as connection:
        (row,) = connection.execute("SELECT * FROM app.everything").fetchall()
    assert row.keys() == hints.keys()
    for name, value in row.items():
        if name not in AS_TEXT:
            assert _fits(value, hints[name]), (name, value, hints[name])


def test_psycopg_takes_json_as_it_is_typed(database: Database) -> None:
    database.execute("CREATE TABLE a (b json, c jsonb)")
    with psycopg.connect(database.url, autocommit=True) as connection:
        for value in (Json([1]), Jsonb([1])):
            connection.execute("INSERT INTO a VALUES (%s, %s)", [value, value])
        assert connection.execute("SELECT * FROM a").fetchall() == [([1], [1])] * 2
        with pytest.raises(psycopg.ProgrammingError, match="cannot adapt type 'dict'"):
            connection.execute("INSERT INTO a VALUES (%s)", [{"a": 1}])


def _fits(value: object, hint: Any) -> bool:
    origin, arguments = getattr(hint, "__origin__", None), get_args(hint)
    if origin is list:
        return isinstance(value, list) and all(_fits(v, arguments[0]) for v in value)
    if isinstance(origin, type):
        return isinstance(value, origin)
    if arguments and not any(isinstance(a, type) for a in arguments):
        return value in arguments
    if arguments:
        return any(_fits(value, a) for a in arguments)
    is_date_only = hint is dt.date and isinstance(value, dt.datetime)
    return isinstance(value, hint) and not is_date_only


def test_what_an_insert_and_an_update_take(everything: Database) -> None:
    text = in_typescript(everything)
    inserted, updated = shape(text, "EverythingInsert"), shape(text, "EverythingUpdate")
    assert {"id", "id?", "doubled", "doubled?"}.isdisjoint(inserted.keys() | updated.keys())
    optional = {name.removesuffix("?") for name in inserted if name.endswith("?")}
    assert optional == {"number", "serial_number", "flag", "instant", "markup", "status", "cents", "state", "maybe"}
    assert all(name.endswith("?") for name in updated)
    assert inserted["contact"] == inserted["mail"].replace("Email", "Contact") == "Contact"


def test_an_empty_text_is_a_module_too(database: Database) -> None:
    assert in_typescript(database).endswith("\n\nexport {};\n")
    assert in_python(database).endswith("from __future__ import annotations\n")


@pytest.mark.parametrize(
    ("bigint", "read", "written"),
    [
        (BigInt.STRING, "string", "string | number | bigint"),
        (BigInt.NUMBER, "number", "number"),
        (BigInt.BIGINT, "bigint", "bigint"),
    ],
)
def test_bigint_is_what_the_driver_is_told_to_give(database: Database, bigint: BigInt, read: str, written: str) -> None:
    database.execute("CREATE TABLE a (big bigint NOT NULL, bigs bigint[] NOT NULL)")
    text = in_typescript(database, bigint)
    assert shape(text, "ARow") == {"big": read, "bigs": "string[]"}
    assert shape(text, "AInsert") == {"big": written, "bigs": "(string | number | bigint)[]"}


def test_a_parser_for_bigint_is_not_asked_for_its_arrays(database: Database, node: Path) -> None:
    command = ["node", "bigints.js", database.url]
    done = subprocess.run(command, cwd=node, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "bigint string\n"), done.stderr


def test_the_default_of_a_domain_below_another_is_not_its_own(database: Database) -> None:
    database.execute("CREATE DOMAIN below AS text")
    database.execute("CREATE DOMAIN early AS below NOT NULL")
    database.execute("ALTER DOMAIN below SET DEFAULT 'x'")
    database.execute("CREATE DOMAIN late AS below NOT NULL")
    database.execute("CREATE TABLE a (early early, late late)")
    assert shape(in_typescript(database), "AInsert") == {"early": "Early", "late?": "Late"}
    with pytest.raises(psycopg.errors.NotNullViolation):
        database.execute("INSERT INTO a (late) VALUES ('x')")
    database.execute("INSERT INTO a (early) VALUES ('x')")


def test_rows_of_a_child_are_read_through_its_parent_too(database: Database, server: Server) -> None:
    database.execute("CREATE TABLE parent (a int, b int NOT NULL)")
    database.execute("CREATE TABLE child () INHERITS (parent)")
    if server.major < 18:
        database.execute("ALTER TABLE ONLY parent ALTER a SET NOT NULL")
    else:
        database.execute("ALTER TABLE parent ADD CONSTRAINT needed NOT NULL a NO INHERIT")
    database.execute("INSERT INTO child VALUES (NULL, 1)")
    text = in_typescript(database)
    assert shape(text, "ParentRow") == {"a": "number | null", "b": "number"}
    assert shape(text, "ParentInsert") == {"a": "number", "b": "number"}


def test_views_say_what_they_show(everything: Database) -> None:
    text = in_typescript(everything)
    assert shape(text, "PeopleRow") == {"id": "number", "full_name": "string", "loud": "string | null"}
    assert shape(text, "CountedRow") == {"how_many": "string | null", "last": "string | null"}
    assert "interface CountedInsert" not in text
    assert "interface KeptUpdate" not in text
    # A domain that takes no NULL has it where a join or a subquery finds nothing.
    assert shape(text, "FoundRow") == {"id": "number | null", "mail": "Email | null"}
    assert shape(text, "LookedUpRow") == {"id": "number", "mail": "Email | null"}
    # The table wants an id.
    assert "interface NamesInsert" not in text
    assert shape(text, "NamesUpdate") == {"name?": "string"}


def test_only_what_postgresql_writes_through_a_view_may_be_written(everything: Database) -> None:
    text = in_typescript(everything)
    shapes = {v: [f"{v}{end}" for end in ("Insert", "Update") if f"interface {v}{end} " in text] for v in WRITTEN}
    assert shapes == {v: [f"{v}{end}" for end in ends] for v, ends in WRITTEN.items()}
    assert shape(text, "TwiceInsert") == {"id": "number", "name": "string"}
    with psycopg.connect(everything.url, autocommit=True) as connection:
        for view, ends in WRITTEN.items():
            name = re.sub(r"\B([A-Z])", r"_\1", view).lower()
            (events,) = connection.execute("SELECT pg_relation_is_updatable(%s::regclass, false)", [f"app.{name}"])
            assert bool(events[0] & UPDATES) == ("Update" in ends), view


INSTEAD = """
CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE notes (id int, text text);
CREATE FUNCTION handled() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE VIEW by_trigger AS SELECT u.id, upper(name) AS name, n.text FROM users u JOIN notes n USING (id);
CREATE TRIGGER handled INSTEAD OF INSERT OR UPDATE ON by_trigger FOR EACH ROW EXECUTE FUNCTION handled();
CREATE VIEW by_insert AS SELECT id FROM users;
CREATE TRIGGER handled INSTEAD OF INSERT ON by_insert FOR EACH ROW EXECUTE FUNCTION handled();
CREATE VIEW by_rule AS SELECT id, max(text) AS last FROM notes GROUP BY id;
CREATE RULE updated AS ON UPDATE TO by_rule DO INSTEAD UPDATE notes SET id = NEW.id WHERE id = OLD.id;
CREATE VIEW sometimes AS SELECT id FROM users;
CREATE RULE noted AS ON INSERT TO sometimes WHERE NEW.id > 0 DO INSTEAD INSERT INTO notes VALUES (NEW.id);
"""


def test_a_view_takes_any_column_where_a_trigger_or_a_rule_does_the_writing(database: Database) -> None:
    database.execute(INSTEAD)
    text = in_typescript(database)
    any_of_them = {"id?": "number | null", "name?": "string | null", "text?": "string | null"}
    assert shape(text, "ByTriggerInsert") == shape(text, "ByTriggerUpdate") == any_of_them
    assert shape(text, "ByInsertInsert") == {"id?": "number"}
    assert shape(text, "ByInsertUpdate") == {"id?": "number"}
    assert shape(text, "ByRuleUpdate") == {"id?": "number | null", "last?": "string | null"}
    assert not re.search("interface (ByRule|Sometimes)Insert", text)


OVER = """
CREATE VIEW over_trigger AS SELECT name AS n, name AS again, text, id + 1 AS next FROM by_trigger;
CREATE VIEW over_that AS SELECT again, n FROM over_trigger;
CREATE VIEW over_table AS SELECT id AS number, upper(full_name) AS loud, full_name FROM people;
CREATE VIEW over_rule AS SELECT last FROM by_rule;
CREATE VIEW over_join AS SELECT id FROM joined;
CREATE VIEW over_counted AS SELECT id FROM counted;
"""
WRITES = {
    "over_trigger": ("INSERT INTO over_trigger (n, text) VALUES ('n', 't')", "UPDATE over_trigger SET n = 'n'"),
    "over_that": ("INSERT INTO over_that (again) VALUES ('n')", "UPDATE over_that SET again = 'n'"),
    "over_table": (
        "INSERT INTO over_table (number, full_name) VALUES (7, '')",
        "UPDATE over_table SET full_name = 'n'",
    ),
    "over_rule": (None, "UPDATE over_rule SET last = 'n'"),
    "over_join": (None, None),
    "over_counted": (None, None),
}
"""What may be written through a view over a view; None where PostgreSQL refuses it."""


@pytest.mark.alike
def test_a_view_over_a_view_takes_what_that_one_hands_on(database: Database) -> None:
    database.execute(INSTEAD)
    database.execute("CREATE VIEW people AS SELECT id, name AS full_name FROM users")
    database.execute("CREATE VIEW joined AS SELECT u.id FROM users u JOIN notes n USING (id)")
    database.execute("CREATE VIEW counted AS SELECT id, row_number() OVER () AS place FROM users")
    database.execute("INSERT INTO users VALUES (1, 'a')")
    database.execute("INSERT INTO notes VALUES (1, 'a')")
    database.execute(OVER)
    text = in_typescript(database)
    assert shape(text, "OverTriggerInsert") == {"n?": "string | null", "text?": "string | null"}
    assert shape(text, "OverThatUpdate") == {"again?": "string | null"}
    assert shape(text, "OverTableRow") == {"number": "number", "loud": "string | null", "full_name": "string"}
    assert shape(text, "OverTableInsert") == {"number": "number", "full_name": "string"}
    assert shape(text, "OverTableUpdate") == {"number?": "number", "full_name?": "string"}
    for view, statements in WRITES.items():
        name = "".join(map(str.capitalize, view.split("_")))
        for end, statement in zip(("Insert", "Update"), statements, strict=True):
            assert (f"interface {name}{end} " in text) == (statement is not None), (view, end)
            if statement is not None:
                database.execute(statement)
        if statements == (None, None):
            with pytest.raises(psycopg.Error):
                database.execute(f"UPDATE {view} SET id = 1")


def test_what_a_view_is_over_may_be_in_another_schema(database: Database) -> None:
    database.execute("CREATE SCHEMA a")
    database.execute("CREATE SCHEMA b")
    database.execute("CREATE TABLE a.t (id int PRIMARY KEY)")
    database.execute("CREATE VIEW a.v AS SELECT id FROM a.t")
    database.execute("CREATE VIEW b.v AS SELECT id FROM a.v")
    with Engine(database.url) as engine:
        text = typescript(engine.types(["b"]).model, BigInt.STRING, "")
    assert shape(text, "VInsert") == {"id": "number"}


def test_partitions_and_our_own_things_are_left_out(everything: Database) -> None:
    with Engine(everything.url) as engine:
        engine.init()
        names = {str(r.name) for r in engine.types().model.relations}
    assert "app.events" in names
    assert "app.events_2026" not in names
    assert not any(name.startswith("crossfade.") for name in names)


def test_names_that_are_alike_have_their_schemas(everything: Database) -> None:
    text = in_typescript(everything)
    assert {"LegacyUsersRow", "AppUsersRow", "AppUsers_2Row", "UserSRow", "_1stRow", "UnnamedRow"} <= set(
        re.findall(r"^export interface (\w+)", text, re.MULTILINE)
    )
    named = aliases(text)
    assert named["AppStatus"].startswith('"active"')
    assert named["LegacyStatus"] == '"old"'
    assert {named["AppDate"], named["AppDate_2"]} == {'"a date"', '"another"'}
