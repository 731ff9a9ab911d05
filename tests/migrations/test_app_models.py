"""What a plan makes of a schema.prisma, of a schema.ts and of an app's own SQL."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crossfade.errors import UsageError
from crossfade.migrations.app_models.edits import App
from crossfade.migrations.app_models.patches import Patches, patches
from crossfade.migrations.app_models.text import now
from crossfade.plan.load import load_plan

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

PRISMA = """\
model User {
  id    Int    @id
  email String @unique // the // address
  name  String?
  posts Post[]

  @@map("users")
}

model Post {
  id     Int  @id
  email  Int
  author User @relation(fields: [email], references: [id])
}
"""
DRIZZLE = """\
export const posts = pgTable('posts', {
  id: integer().primaryKey(),
  email: text(),
});
export const users = pgTable("users", {
  id: integer().primaryKey(),
  email: text().notNull(), // the address (of mail)
  name: varchar("name", { length: 40 }),
  code: varchar({ length: 5 }).notNull(),
}, (table) => [index("users_name").on(table.name)]);
"""


def plan_of(tmp_path: Path, *changes: str) -> Plan:
    file = tmp_path / "plan.yaml"
    file.write_text("crossfade: 1\nname: p\nchanges:\n" + "".join(f"  - {c}\n" for c in changes), encoding="utf-8")
    return load_plan(str(file))


def patched(tmp_path: Path, name: str, content: str, found: Patches) -> tuple[str, str]:
    """The file of the new version and the one after contract, made by `patch` as a person would."""
    if shutil.which("patch") is None:
        pytest.skip("patch is not installed")
    file, texts = tmp_path / name, list[str]()
    file.write_text(content, encoding="utf-8")
    for difference in (found.new, found.after):
        if difference:
            subprocess.run(["patch", "-p1", "-s"], input=difference, text=True, check=True, cwd=tmp_path, timeout=30)
        texts.append(file.read_text(encoding="utf-8"))
    return texts[0], texts[1]


CHANGES = (
    "rename_column: {table: users, from: email, to: email_address}",
    "set_not_null: {table: users, column: name, fill: \"''\"}",
    "add_column: {table: users, name: age, type: int, nullable: false, fill: '0'}",
    "create_index: {table: users, name: users_age, columns: [age]}",
)


def test_prisma(tmp_path: Path) -> None:
    found = patches(plan_of(tmp_path, *CHANGES), App.PRISMA, "schema.prisma", PRISMA)
    new, after = patched(tmp_path, "schema.prisma", PRISMA, found)
    assert new == PRISMA.replace(
        "@unique // the // address", '@unique @map("email_address") // the // address'
    ).replace("  posts Post[]\n", "  posts Post[]\n  age Int?\n").replace(
        '  @@map("users")\n', '  @@map("users")\n  @@index([age], map: "users_age")\n'
    )
    assert after == new.replace("String?", "String").replace("Int?", "Int")
    assert (found.others, found.by_hand) == ((), ())


def test_prisma_again_and_back(tmp_path: Path) -> None:
    """A field that has a column's name by itself needs no @map, and another table's is another one's."""
    mapped = PRISMA.replace("email String @unique", 'email String @unique @map("mail")')
    plan = plan_of(tmp_path, "rename_column: {table: users, from: mail, to: email}", "drop_not_null: {table: Post, column: email}")  # fmt: skip # noqa: E501
    new, after = patched(tmp_path, "s", mapped, patches(plan, App.PRISMA, "s", mapped))
    assert (
        new
        == after
        == PRISMA.replace("  email  Int\n", "  email  Int?\n").replace(
            "User @relation(fields: [email], references: [id])",
            "User? @relation(fields: [email], references: [id], onDelete: Restrict)",
        )
    )


def test_prisma_tables_and_dropped_columns(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "rename_table: {from: Post, to: articles}", "drop_column: {table: users, column: name}")
    new, _ = patched(tmp_path, "s", PRISMA, patches(plan, App.PRISMA, "s", PRISMA))
    assert "  name  String?\n" not in new
    assert new.endswith('references: [id])\n\n  @@map("articles")\n}\n')


def test_prisma_types_of_more_than_a_word_and_relations_beside_columns(tmp_path: Path) -> None:
    """The parts of a field are those that the schema around it gives it."""
    place = """\
model place { // where people are
  id       Int  @id
  geo      Unsupported("geometry(Point, 4326)") // null island
  area     Unsupported("geometry")?
  tags     String[]
  owner    User @relation(fields: [ownerId], references: [id])
  ownerId  Int @map("owner")
}
"""
    changes = (
        "drop_not_null: {table: place, column: geo}",
        "set_not_null: {table: place, column: area}",
        "drop_not_null: {table: place, column: tags}",
        "rename_column: {table: place, from: owner, to: keeper}",
    )
    found = patches(plan_of(tmp_path, *changes), App.PRISMA, "s", place)
    new, after = patched(tmp_path, "s", place, found)
    assert new == place.replace('4326)")', '4326)")?').replace('@map("owner")', '@map("keeper")')
    assert after == new.replace('"geometry")?', '"geometry")')
    assert found.by_hand == ()


@pytest.mark.parametrize("app", [App.PRISMA, App.DRIZZLE])
def test_lines_end_as_those_of_the_file(tmp_path: Path, app: App) -> None:
    content = {App.PRISMA: PRISMA, App.DRIZZLE: DRIZZLE}[app]
    plan = plan_of(tmp_path, *CHANGES)
    bare, found = (patches(plan, app, "s", text) for text in (content, content.replace("\n", "\r\n")))
    heads = ("---", "+++", "@@ -")
    assert [line for line in found.new.split("\n") if line and not line.endswith("\r")] == [
        line for line in found.new.split("\n") if line.startswith(heads)
    ]
    assert found.new.replace("\r", "") == bare.new


def test_drizzle(tmp_path: Path) -> None:
    found = patches(plan_of(tmp_path, *CHANGES), App.DRIZZLE, "schema.ts", DRIZZLE)
    new, after = patched(tmp_path, "schema.ts", DRIZZLE, found)
    assert new == DRIZZLE.replace("text().notNull(), // the", "text('email_address').notNull(), // the").replace(
        "length: 5 }).notNull(),\n", "length: 5 }).notNull(),\n  age: integer('age'),\n"
    )
    assert after == new.replace("length: 40 }),", "length: 40 }).notNull(),").replace("('age')", "('age').notNull()")
    assert found.by_hand == ("add index('users_age') on age to the table users",)


def test_drizzle_names_and_drops(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        "rename_column: {table: users, from: name, to: full_name}",
        "rename_column: {table: users, from: code, to: country}",
        "drop_not_null: {table: users, column: email}",
        "drop_column: {table: posts, column: email}",
        "rename_table: {from: posts, to: articles}",
    )
    new, _ = patched(tmp_path, "s", DRIZZLE, patches(plan, App.DRIZZLE, "s", DRIZZLE))
    assert 'name: varchar("full_name", { length: 40 }),' in new
    assert "code: varchar('country', { length: 5 }).notNull()," in new
    assert "email: text(), // the address" in new
    assert new.count("email") == 1
    assert "pgTable('articles'" in new


def test_a_comment_may_have_a_quote(tmp_path: Path) -> None:
    content = DRIZZLE.replace("40 }),", "40 }), // it's of \"the\", owner's,")
    found = patches(plan_of(tmp_path, "set_not_null: {table: users, column: name}"), App.DRIZZLE, "s", content)
    assert "40 }).notNull(), // it's of" in found.after


def test_sql(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, *CHANGES)
    new, after = patched(tmp_path, "sql", now(plan), patches(plan, App.SQL, "sql", now(plan)))
    assert now(plan).splitlines() == ["read and write users.email", "take NULL for users.name"]
    assert new.splitlines() == [
        "take NULL for users.name",
        "read and write users.email_address",
        "read and write users.age",
    ]
    assert after.splitlines()[-2:] == ["take no NULL for users.name", "take no NULL for users.age"]


@pytest.mark.parametrize("app", [App.PRISMA, App.DRIZZLE])
def test_what_is_not_there_or_not_understood_is_told(tmp_path: Path, app: App) -> None:
    content = {App.PRISMA: PRISMA, App.DRIZZLE: DRIZZLE}[app]
    plan = plan_of(
        tmp_path,
        "drop_column: {table: users, column: nope}",
        "drop_column: {table: nowhere, column: id}",
        "add_column: {table: users, name: tags, type: 'text[]'}",
    )
    found = patches(plan, app, "s", content)
    assert (found.new, found.after) == ("", "")
    assert [("nope" in said, "nowhere" in said, "tags" in said) for said in found.by_hand] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]


@pytest.mark.parametrize(
    ("change", "prisma", "drizzle"),
    [
        (
            "add_column: {table: users, name: code, type: text}",
            PRISMA.replace("  name  String?\n", '  name  String?\n  sign String? @map("code")\n'),
            DRIZZLE,
        ),
        ("rename_column: {table: users, from: mail, to: email}", PRISMA, DRIZZLE),
        ("change_type: {table: users, column: label, into: name, to: text}", PRISMA, DRIZZLE),
        ("rename_table: {from: articles, to: posts}", PRISMA.replace("model Post ", "model posts "), DRIZZLE),
        (
            "create_enum: {name: mood, values: [sad, ok]}",
            PRISMA + "\nenum mood {\n  sad\n  ok\n}\n",
            DRIZZLE + "export const mood = pgEnum('mood', ['sad', 'ok']);\n",
        ),
        (
            "add_enum_value: {type: mood, value: ok}",
            PRISMA + '\nenum mood {\n  sad\n  fine @map("ok")\n}\n',
            DRIZZLE + "export const mood = pgEnum('mood', ['sad', 'ok']);\n",
        ),
    ],
)
def test_a_file_of_the_new_shape_is_refused(tmp_path: Path, change: str, prisma: str, drizzle: str) -> None:
    """As it is right after a migration was generated from it and imported."""
    plan = plan_of(tmp_path, change)
    for app, content in ((App.PRISMA, prisma), (App.DRIZZLE, drizzle)):
        with pytest.raises(UsageError, match=r"s is not the file of the old version: it has .* already") as error:
            patches(plan, app, "s", content)
        assert "git show COMMIT:s > OLD" in str(error.value.hint)


def test_other_things_of_the_same_name_are_no_new_shape(tmp_path: Path) -> None:
    """A relation is no column, nor is an index; a field cannot have a name twice."""
    plan = plan_of(tmp_path, "add_column: {table: Post, name: author, type: text}")
    found = patches(plan, App.PRISMA, "s", PRISMA)
    assert found.by_hand == (
        "the new version: write the field of the column author, whose type is text, by another name",
    )
    indexed = DRIZZLE.replace("[index(", "({\n  tag: index('tag').on(table.name),\n  other: index(")
    plan = plan_of(tmp_path, "add_column: {table: users, name: tag, type: text}")
    indexed = indexed.replace(")]);", "),\n}));")
    new, _ = patched(tmp_path, "s", indexed, patches(plan, App.DRIZZLE, "s", indexed))
    assert new == indexed.replace("5 }).notNull(),\n", "5 }).notNull(),\n  tag: text('tag'),\n")


def test_what_is_so_after_contract_only_is_told_where_the_file_says_it_already(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        "set_not_null: {table: users, column: email}",
        "change_type: {table: users, column: id, to: bigint}",
    )
    prisma = PRISMA.replace("  id    Int ", "  id    BigInt ")
    drizzle = DRIZZLE.replace("integer().primaryKey()", 'bigint("id", { mode: "number" }).primaryKey()')
    for app, content in ((App.PRISMA, prisma), (App.DRIZZLE, drizzle)):
        found = patches(plan, app, "s", content)
        assert (found.new, found.after) == ("", "")
        assert found.by_hand == (
            "until the run is contracted: let users.email have no value; the file says that it has one",
            "until the run is contracted: users.id has the old type; the file has bigint already",
        )


@pytest.mark.parametrize(
    ("app", "new", "after"),
    [
        (App.PRISMA, "  age Int? @default(0)\n", "  age Int @default(0)\n"),
        (App.DRIZZLE, "  age: integer('age').default(0),\n", "  age: integer('age').default(0).notNull(),\n"),
    ],
)
def test_a_new_column_keeps_its_default(tmp_path: Path, app: App, new: str, after: str) -> None:
    plan = plan_of(tmp_path, "add_column: {table: users, name: age, type: integer, nullable: false, default: '0'}")
    found = patches(plan, app, "s", PRISMA if app is App.PRISMA else DRIZZLE)
    assert f"+{new}" in found.new
    assert f"-{new}+{after}" in found.after
