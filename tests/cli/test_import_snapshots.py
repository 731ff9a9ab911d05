"""What an import learns from the snapshots that drizzle-kit has written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from crossfade.migrations.drizzle_ddl import statements
from crossfade.migrations.drizzle_snapshots import Rename, renames_of, state_before

from .test_import_split_drizzle import VERSION_1, VERSIONS, Project

if TYPE_CHECKING:
    from ..fixtures.command import Cli
    from ..fixtures.database import Database

NAME = ", name: text().default('x').notNull()"
FULL_NAME = ", full_name: text().default('x').notNull()"
HINT = json.dumps(
    [{"type": "rename", "kind": "column", "from": ["public", "users", "name"], "to": ["public", "users", "full_name"]}]
)
DROP_AND_ADD = (
    'ALTER TABLE "users" DROP COLUMN "name";--> statement-breakpoint\n'
    """ALTER TABLE "users" ADD COLUMN "full_name" text DEFAULT 'x' NOT NULL;"""
)
RENAME = Rename("columns", ("public", "users", "name"), "full_name")
NOTHING = "00000000-0000-0000-0000-000000000000"


def sql_of(folder: Path, name: str) -> Path:
    (found,) = (path for path in folder.iterdir() if path.name.endswith((f"_{name}", f"_{name}.sql")))
    return found / "migration.sql" if found.is_dir() else found


@pytest.mark.parametrize("packages", VERSIONS)
def test_a_pulled_schema_is_known_before_the_first_migration(
    database: Database, cli: Cli, tmp_path: Path, packages: tuple[str, ...]
) -> None:
    """As after `drizzle-kit pull`, whose first migration is a comment: only the snapshot tells the type of `email`."""
    project = Project(tmp_path, database, packages)
    project.generate("", "init")
    first = sql_of(tmp_path / "drizzle", "init")
    first.write_text(f"/*\n{first.read_text(encoding='utf-8')}\n*/", encoding="utf-8")
    project.generate(", age: integer()", "age")
    second = sql_of(tmp_path / "drizzle", "age")
    second.write_text('ALTER TABLE "users" DROP COLUMN "email", ADD COLUMN "age" integer;', encoding="utf-8")
    done = cli("import", "drizzle", "drizzle", "--out", "plans")
    assert done.code == 0, done
    (file,) = (tmp_path / "plans").glob("*age.yaml")
    # A text is no integer, so it is no rename; of a table that is not known it might be one.
    known = file.read_text(encoding="utf-8")
    for snapshot in (tmp_path / "drizzle").rglob("*snapshot.json"):
        snapshot.write_text("{}", encoding="utf-8")
    assert cli("import", "drizzle", "drizzle", "--out", "others").code == 0
    unknown = (tmp_path / "others" / file.name).read_text(encoding="utf-8")
    assert ("unconfirmed" in known, "unconfirmed" in unknown) == (False, True), (known, unknown)


def test_what_a_snapshot_of_1_calls_a_rename_is_one(database: Database, cli: Cli, tmp_path: Path) -> None:
    project = Project(tmp_path, database, VERSION_1)
    project.generate(NAME, "init")
    (tmp_path / "schema.ts").write_text(
        (tmp_path / "schema.ts").read_text(encoding="utf-8").replace(NAME, FULL_NAME), encoding="utf-8"
    )
    project.kit("generate", "--name", "rename", "--hints", HINT)
    written = sql_of(tmp_path / "drizzle", "rename")
    assert "RENAME COLUMN" in written.read_text(encoding="utf-8")
    written.write_text(DROP_AND_ADD, encoding="utf-8")
    done = cli("import", "drizzle", "drizzle", "--out", "plans")
    assert done.code == 0, done
    (file,) = (tmp_path / "plans").glob("*rename.yaml")
    plan = file.read_text(encoding="utf-8")
    assert "unconfirmed" not in plan, plan
    assert "  - rename_column:\n" in plan
    assert (
        "# It is a rename, and not a new one in the place of an old one: the snapshot of the migration says so." in plan
    )
    (snapshot,) = (tmp_path / "drizzle").glob("*_rename/snapshot.json")
    snapshot.unlink()
    assert cli("import", "drizzle", "drizzle", "--out", "others").code == 0
    assert "unconfirmed" in (tmp_path / "others" / file.name).read_text(encoding="utf-8")


def test_renames_of_every_form() -> None:
    assert renames_of({"_meta": {"columns": {'"users"."name"': '"users"."full_name"'}, "tables": {}}}) == {RENAME}
    assert renames_of({"_meta": {"tables": {'"shop"."a"': '"shop"."b"'}}}) == {Rename("tables", ("shop", "a"), "b")}
    assert renames_of({"renames": ["public.users.name->public.users.full_name", "a->b"]}) == {RENAME}
    delta = {"op": "rename", "key": 'columns\0["public","users","name"]', "set": {"name": "full_name"}}
    assert renames_of({"deltas": [delta, {"op": "drop", "key": 'tables\0["public","x"]'}]}) == {RENAME}
    others: tuple[dict[str, Any], ...] = (
        {},
        {"deltas": [1]},
        {"_meta": []},
        {"renames": "x"},
        {"_meta": {"columns": {"a": 1}}},
    )
    for other in others:
        assert renames_of(other) == set()


def row(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"entityType": kind, "schema": "public", "name": name, **more}


def test_the_rows_of_1_are_followed_through_their_changes() -> None:
    column = {"table": "users", "type": "integer", "notNull": True}
    base = [
        row("enums", "mood", values=["sad", "o'k"]),
        row("tables", "users"),
        row("columns", "id", **column),
        row("columns", "m", table="users", type="mood", typeSchema="public", dimensions=1),
        row("pks", "users_pkey", table="users", columns=["id"]),
        row("tables", "posts"),
        row("columns", "author", **{**column, "table": "posts"}),
        row("fks", "f", table="posts", columns=["author"], schemaTo="public", tableTo="users", columnsTo=["id"]),
        row(
            "indexes", "i", table="users", columns=[{"value": "id", "isExpression": False, "asc": False}], isUnique=True
        ),
        row("views", "v", definition="SELECT 1"),
    ]
    deltas = [
        {"op": "rename", "key": 'columns\0["public","users","id"]', "set": {"name": "number"}},
        {"op": "rename", "key": 'tables\0["public","users"]', "set": {"name": "people"}},
        {"op": "rename", "key": 'enums\0["public","mood"]', "set": {"name": "humour"}},
        {"op": "alter", "key": 'columns\0["public","people","number"]', "set": {"type": "bigint", "default": "7"}},
        {"op": "drop", "key": 'views\0["public","v"]'},
        {"op": "create", "row": row("checks", "c", table="people", value="number > 0")},
    ]
    others = {
        "1": {"prevIds": [NOTHING], "ddl": base},
        "2": {"prevIds": ["1"], "deltas": deltas},
        "3": {"prevIds": ["2"], "deltas": [{"op": "drop", "key": 'tables\0["public","nowhere"]'}]},
    }
    wanted = """\
CREATE TYPE "public"."humour" AS ENUM ('sad', 'o''k')
CREATE TABLE "public"."people" ("number" bigint NOT NULL DEFAULT 7, "m" "public"."humour"[], \
CONSTRAINT "users_pkey" PRIMARY KEY ("number"), CONSTRAINT "c" CHECK (number > 0))
CREATE TABLE "public"."posts" ("author" integer NOT NULL)
ALTER TABLE "public"."posts" ADD CONSTRAINT "f" FOREIGN KEY ("author") \
REFERENCES "public"."people" ("number")
CREATE UNIQUE INDEX "i" ON "public"."people" USING "btree" ("number" DESC)"""
    assert list(statements(state_before({"prevIds": ["2"]}, others) or ())) == wanted.splitlines()
    assert state_before({"prevIds": [NOTHING]}, others) == ()
    for unknown in ({"prevIds": ["3"]}, {"prevIds": ["1", "2"]}, {"prevIds": ["9"]}, {}):
        assert state_before(unknown, others) is None


def test_a_snapshot_that_is_broken_is_said(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "drizzle" / "20260101000000_a"
    folder.mkdir(parents=True)
    (folder / "migration.sql").write_text("CREATE TABLE t (id int);", encoding="utf-8")
    (folder / "snapshot.json").write_text('{"id": ', encoding="utf-8")
    done = cli("import", "drizzle", "drizzle", "--out", "plans")
    assert done.code == 2, done
    assert "cannot read the snapshot drizzle/20260101000000_a/snapshot.json: it is no JSON" in done.stderr
    (folder / "snapshot.json").write_text("{}", encoding="utf-8")
    assert cli("import", "drizzle", "drizzle", "--out", "plans").code == 0
