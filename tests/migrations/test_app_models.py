"""What a plan makes of a schema.prisma, of a schema.ts and of an app's own SQL."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crossfade.migrations.app_models.patches import App, Patches, patches
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
    ).replace("  posts Post[]\n", "  posts Post[]\n  age Int?\n")
    assert after == new.replace("String?", "String").replace("Int?", "Int")
    assert found.others == ("create_index",)
    assert found.by_hand == ()


def test_prisma_again_and_back(tmp_path: Path) -> None:
    """A field that has a column's name by itself needs no @map, and another table's is another one's."""
    mapped = PRISMA.replace("email String @unique", 'email String @unique @map("mail")')
    plan = plan_of(tmp_path, "rename_column: {table: users, from: mail, to: email}", "drop_not_null: {table: Post, column: email}")  # fmt: skip # noqa: E501
    new, after = patched(tmp_path, "s", mapped, patches(plan, App.PRISMA, "s", mapped))
    assert new == after == PRISMA.replace("  email  Int\n", "  email  Int?\n")


def test_prisma_tables_and_dropped_columns(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "rename_table: {from: Post, to: articles}", "drop_column: {table: users, column: name}")
    new, _ = patched(tmp_path, "s", PRISMA, patches(plan, App.PRISMA, "s", PRISMA))
    assert "  name  String?\n" not in new
    assert new.endswith('references: [id])\n\n  @@map("articles")\n}\n')


def test_drizzle(tmp_path: Path) -> None:
    found = patches(plan_of(tmp_path, *CHANGES), App.DRIZZLE, "schema.ts", DRIZZLE)
    new, after = patched(tmp_path, "schema.ts", DRIZZLE, found)
    assert new == DRIZZLE.replace("text().notNull(), // the", "text('email_address').notNull(), // the").replace(
        "length: 5 }).notNull(),\n", "length: 5 }).notNull(),\n  age: integer('age'),\n"
    )
    assert after == new.replace("length: 40 }),", "length: 40 }).notNull(),").replace("('age')", "('age').notNull()")


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
