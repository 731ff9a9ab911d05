"""Names, keys and relations in an app's models: what is edited stays valid, what is left to a person is told once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.errors import UsageError
from crossfade.migrations.app_models.edits import App
from crossfade.migrations.app_models.patches import patches

from .test_app_answers import validate, versions
from .test_app_models import DRIZZLE, PRISMA, patched, plan_of

if TYPE_CHECKING:
    from pathlib import Path

KEYS = """\
datasource pg {
  provider = "postgresql"
  url      = "postgresql://localhost"
}

model a {
  id   Int  @id
  one  Int
  two  Int?
  bad  Int  @default(1)
  code String @pg.VarChar(5)
  tags String []
  b1   b    @relation("x", fields: [one], references: [id])
  b2   b?   @relation("y", fields: [two], references: [id])
}

model b {
  id Int @id
  t  Int
  xs a[] @relation("x")
  ys a[] @relation("y")

  @@unique([t])
}

model c {
  code String @unique
  n    Int
}
"""


def test_names_keys_and_relations_stay_valid_for_prisma(tmp_path: Path) -> None:
    texts, by_hand = versions(
        tmp_path,
        plan_of(
            tmp_path,
            "drop_not_null: {table: a, column: one}",
            "set_not_null: {table: a, column: two, fill: '1'}",
            "drop_not_null: {table: a, column: id}",
            "drop_not_null: {table: c, column: code}",
            "drop_column: {table: c, column: code}",
            "rename_column: {table: c, from: code, to: 'a\"b'}",
            "rename_column: {table: c, from: n, to: 'a\"b'}",
            "rename_table: {from: c, to: b}",
            "rename_table: {from: c, to: 'c\"d'}",
            "set_default: {table: a, column: bad, value: '1.5'}",
            "set_default: {table: a, column: tags, value: \"'{}'\"}",
            "change_type: {table: a, column: code, to: varchar(9)}",
            "add_column: {table: a, name: odd name, type: int, default: '5', nullable: false}",
            "add_column: {table: a, name: odd_name, type: int}",
            "add_column: {table: a, name: _x, type: numeric(10)}",
            "add_column: {table: a, name: 2nd, type: timestamp(3) with time zone}",
            "add_column: {table: a, name: w, type: 'numeric(5,-2)'}",
            "create_enum: {name: class, values: [a]}",
        ),
        App.PRISMA,
        "schema.prisma",
        KEYS,
    )
    new, after = texts
    assert by_hand == (
        "the new version: let id have no value, and give the model another key",
        "the new version: let code have no value, and give the model another key",
        "the new version: remove the field of the column code, and give the model another key",
        'the new version: give the field of the column n the column a"b, once no other field has it',
        "the new version: give the model c the table b, once no other model has it",
        "the new version: write the field of the column odd_name, whose type is int, by another name",
        "the new version: write the field of the column w, whose type is numeric(5,-2)",
        "the new version: add an enum of the type class with a",
    )
    for line in (
        "  one  Int?\n",
        '  b1   b?    @relation("x", fields: [one], references: [id], onDelete: Restrict)\n',
        '  bad  Int @default(dbgenerated("1.5"))\n',
        "  tags String [] @default([])\n",
        '  odd_name Int? @map("odd name") @default(5)\n',
        '  x Decimal? @map("_x") @pg.Decimal(10,0)\n',
        '  field_2nd DateTime? @map("2nd") @pg.Timestamptz(3)\n',
        '  code String @unique @map("a\\"b")\n',
        '  @@map("c\\"d")\n',
    ):
        assert line in new, (line, new)
    for line in (
        "  two  Int\n",
        '  b2   b   @relation("y", fields: [two], references: [id], onDelete: SetNull)\n',
        "  code String @pg.VarChar(9)\n",
        '  odd_name Int @map("odd name") @default(5)\n',
    ):
        assert line in after, (line, after)
    validate(tmp_path, new, after)


def test_what_follows_from_a_column_that_is_left_to_a_person_is_told_of_it(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        "add_column: {table: users, name: tags, type: 'text[]', default: \"'{}'\", nullable: false}",
        "create_index: {table: users, name: users_tags, columns: [tags]}",
        "change_type: {table: users, column: nope, into: other, to: bigint, using: nope, reverse: other}",
    )
    assert patches(plan, App.PRISMA, "s", PRISMA).by_hand == (
        "the new version: write the field of the column tags, whose type is text[]",
        "the new version: give the column tags the default '{}'",
        "the new version: add the index users_tags over tags",
        "the new version: there is no field of the column nope",
        "the new version: give the column other the type bigint",
        "once the run is contracted: let the column tags have a value always",
    )


def test_an_index_that_the_file_has_is_not_added_again(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "add_unique: {table: users, name: users_email_key, columns: [email]}")
    found = patches(plan, App.PRISMA, "s", PRISMA)
    assert found.by_hand == ("until the run is contracted: users has no users_email_key; the file has it already",)
    indexed = PRISMA.replace('  @@map("users")\n', '  @@index([name])\n  @@map("users")\n')
    plan = plan_of(tmp_path, "create_index: {table: users, name: users_name_idx, columns: [name]}")
    with pytest.raises(UsageError, match="it has the index users_name_idx already"):
        patches(plan, App.PRISMA, "s", indexed)


def test_a_schema_tells_tables_and_types_of_one_name_apart(tmp_path: Path) -> None:
    prisma = """\
/* model b {
  old Int
} */
model a {
  id Int @id

  @@map("users")
  @@schema("public")
}
model b {
  id Int @id
  k  K2

  @@map("users")
  @@schema("other")
}
enum K {
  x
  @@map("k")
  @@schema("public")
}
enum K2 {
  x
  @@map("k")
  @@schema("other")
}
"""
    drizzle = """\
import { integer, pgSchema, pgTable } from 'drizzle-orm/pg-core';
export const users = pgTable('users', {
  id: integer(),
});
const other = pgSchema('other');
export const others = other.table('users', {
  id: integer(),
});
"""
    added = "add_column: {{table: {}, name: z, type: {}}}"
    plan = plan_of(tmp_path, added.format("other.users", "other.k"))
    new, _ = patched(tmp_path, "s", prisma, patches(plan, App.PRISMA, "s", prisma))
    assert new == prisma.replace("  k  K2\n", "  k  K2\n  z K2?\n")
    for table, name in (("users", "users = pgTable("), ("other.users", "others = other.table(")):
        plan = plan_of(tmp_path, added.format(table, "int"))
        new, _ = patched(tmp_path, "s", drizzle, patches(plan, App.DRIZZLE, "s", drizzle))
        old = f"{name}'users', {{\n  id: integer(),\n"
        assert new == drizzle.replace(old, f"{old}  z: integer('z'),\n")
    found = patches(plan_of(tmp_path, added.format("users", "int")), App.PRISMA, "s", prisma)
    assert found.by_hand[0] == "the new version: there is more than one model of the table users"


def test_a_patch_has_the_lines_that_patch_has(tmp_path: Path) -> None:
    """Python ends lines at other characters too."""
    content = PRISMA.replace("// the // address", "// the\u2028address")
    plan = plan_of(tmp_path, "set_not_null: {table: users, column: name}")
    _, after = patched(tmp_path, "s", content, patches(plan, App.PRISMA, "s", content))
    assert after == content.replace("String?", "String")


def test_drizzle_columns_that_others_name_and_names_that_are_no_words(tmp_path: Path) -> None:
    content = (
        DRIZZLE + "export const r = relations(posts, ({ one }) => ({ u: one(users, { fields: [posts.email] }) }));\n"
    )
    content = content.replace(
        "  email: text(),\n", "  email: text(),\n  tags: text().array(),\n  key: text().$default(f),\n"
    )
    plan = plan_of(
        tmp_path,
        "drop_column: {table: posts, column: email}",
        "add_column: {table: posts, name: odd name, type: text, default: \"'x'\"}",
        "add_column: {table: users, name: 'odd\"name', type: text}",
        'rename_column: {table: users, from: code, to: "it\'s"}',
        'rename_table: {from: users, to: "it\'s"}',
        "set_default: {table: posts, column: tags, value: \"'{}'\"}",
        "change_type: {table: posts, column: tags, to: text, using: '1', reverse: '2'}",
        "change_type: {table: posts, column: key, to: integer, using: '1', reverse: '2'}",
        "create_enum: {name: static, values: [a]}",
    )
    found = patches(plan, App.DRIZZLE, "s", "import { text } from 'drizzle-orm/pg-core';\n" + content)
    assert [line for line in found.new.splitlines() if line.startswith(("+ ", "- "))] == [
        "-  tags: text().array(),",
        "+  tags: text().array().default(sql`'{}'`),",
        "+  odd_name: text('odd name').default('x'),",
    ]
    assert found.after == ""
    assert found.by_hand == (
        "the new version: remove the column email, and what names it",
        'the new version: write the column odd"name, whose type is text, by another name',
        "the new version: give the column code the name it's",
        "the new version: give the table users the name it's",
        "the new version: add an enum of the type static with a",
        "once the run is contracted: write the column tags, whose type is text",
        "once the run is contracted: write the column key, whose type is integer and whose default is of another",
    )
