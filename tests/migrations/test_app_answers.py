"""Every kind of change has an answer for an app's models; what is edited is valid for the tools themselves."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest

from crossfade.migrations.app_models.answers import answer
from crossfade.migrations.app_models.edits import App
from crossfade.migrations.app_models.patches import patches
from crossfade.migrations.app_models.text import now
from crossfade.plan.changes import Change
from crossfade.plan.load import load_plan

from ..fixtures.npm import installed, run
from .test_app_models import plan_of

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

PLANS = sorted((Path(__file__).parents[2] / "plans").glob("*.yaml"))
PRISMA = """\
generator client {
  provider = "prisma-client-js"
}

datasource db {
  provider = "postgresql"
  url      = "postgresql://localhost"
}

model users {
  id     Int      @id @default(autoincrement())
  email  String   @default("a (b) \\"c\\"") // who
  amount Int
  mood   mood     @default(ok)
  code   String   @db.VarChar(5)
  at     DateTime @default(now())
  posts  posts[]
}

model posts {
  id     Int   @id
  author Int
  user   users @relation(fields: [author], references: [id])
}

model junk {
  id Int @id
}

enum mood {
  sad
  ok
}
"""
DRIZZLE = """\
import { integer, pgEnum, pgTable, serial, text, timestamp, varchar } from 'drizzle-orm/pg-core';

export const mood = pgEnum('mood', ['sad', 'ok']);
export const users = pgTable('users', {
  id: serial().primaryKey(),
  email: text().default('a (b)').notNull(), // who
  amount: integer().notNull(),
  mood: mood().default('ok'),
  code: varchar({ length: 5 }).notNull(),
  at: timestamp().defaultNow(),
});
export const posts = pgTable('posts', {
  id: integer().primaryKey(),
  author: integer().references(() => users.id),
});
export const junk = pgTable('junk', {
  id: integer().primaryKey(),
});
"""
CHANGES = (
    "change_type: {table: users, column: amount, to: 'numeric(12,2)', using: amount, reverse: amount, into: price}",
    "change_type: {table: users, column: code, to: varchar(9)}",
    "change_type: {table: posts, column: id, to: bigint}",
    "set_default: {table: users, column: email, value: \"'x'\"}",
    "set_default: {table: users, column: price, value: '2 * 3'}",
    "drop_default: {table: users, column: at}",
    "add_column: {table: users, name: ok, type: boolean, default: 'true', nullable: false}",
    "add_enum_value: {type: mood, value: on fire, after: sad}",
    "rename_enum_value: {type: mood, from: ok, to: fine}",
    "create_enum: {name: size, values: [small, big]}",
    "drop_table: {table: junk}",
    "add_unique: {table: users, name: users_code_key, columns: [code]}",
    "create_index: {table: posts, name: posts_author, columns: [author]}",
)
LEFT_ALONE = ("rename_enum_value: {type: mood, from: ok, to: fine}", "remove_enum_values: {map: {sad: ok}, type: mood}")


def versions(tmp_path: Path, plan: Plan, app: App, name: str, content: str) -> tuple[list[str], tuple[str, ...]]:
    """The files of the new version and after contract, as `patch` makes them; and what is left to do by hand."""
    if shutil.which("patch") is None:
        pytest.skip("patch is not installed")
    found = patches(plan, app, name, content)
    file, texts = tmp_path / name, []
    file.write_text(content, encoding="utf-8")
    for difference in (found.new, found.after):
        subprocess.run(["patch", "-p1", "-s"], input=difference, text=True, check=True, cwd=tmp_path, timeout=30)
        texts.append(file.read_text(encoding="utf-8"))
    return texts, found.by_hand


def test_every_kind_has_an_answer_for_every_app() -> None:
    kinds = {change.kind for change in get_args(Change)}
    answered = {app: set[str]() for app in App}
    for file in PLANS:
        for change in load_plan(file).changes:
            for app in App:
                found = answer(change, app)
                assert [bool(found.edits or found.by_hand), found.is_silent].count(True) == 1, (change.kind, app)
                answered[app].add(change.kind)
    assert answered == dict.fromkeys(App, kinds)


@pytest.mark.long
def test_what_prisma_gets_is_valid_for_prisma(tmp_path: Path) -> None:
    texts, by_hand = versions(tmp_path, plan_of(tmp_path, *CHANGES), App.PRISMA, "schema.prisma", PRISMA)
    new, after = texts
    assert by_hand == ()
    for line in (
        '  email  String @default("x") // who\n',
        '  amount Decimal @map("price") @db.Decimal(12,2) @default(dbgenerated("2 * 3"))\n',
        "  at     DateTime\n",
        "  ok Boolean? @default(true)\n",
        '  sad\n  on_fire @map("on fire")\n  ok\n',
        '  @@index([author], map: "posts_author")\n',
        "\nenum size {\n  small\n  big\n}\n",
    ):
        assert line in new, (line, new)
    assert "model junk" not in new
    for line in (
        "  code   String @db.VarChar(9)\n",
        "  id     BigInt   @id\n",
        "  ok Boolean @default(true)\n",
        '  ok @map("fine")\n',
        '  @@unique([code], map: "users_code_key")\n',
    ):
        assert line in after, (line, after)
    validate(tmp_path, PRISMA, new, after)


def validate(tmp_path: Path, *schemas: str) -> None:
    """Have Prisma itself look at schemas."""
    (tmp_path / "node_modules").symlink_to(
        installed("prisma@6.19.3", "@prisma/adapter-pg@6.19.3", "pg@8.16.3") / "node_modules"
    )
    # The check is part of the package; where an engine is named, none is fetched.
    (tmp_path / "no_engine").touch()
    engines = ("PRISMA_QUERY_ENGINE_LIBRARY", "PRISMA_SCHEMA_ENGINE_BINARY")
    environment = dict.fromkeys(engines, str(tmp_path / "no_engine"))
    for number, text in enumerate(schemas):
        (tmp_path / f"{number}.prisma").write_text(text, encoding="utf-8")
        run("node_modules/.bin/prisma", "validate", f"--schema={number}.prisma", cwd=tmp_path, env=environment)


def test_what_drizzle_gets_compiles(tmp_path: Path) -> None:
    changes = [change for change in CHANGES if "rename_enum_value" not in change]
    plan = plan_of(tmp_path, *changes, "rename_enum_value: {type: mood, from: sad, to: blue}")
    texts, by_hand = versions(tmp_path, plan, App.DRIZZLE, "schema.ts", DRIZZLE)
    new, after = texts
    assert by_hand == (
        "once the run is contracted: add unique('users_code_key') on code to users",
        "add index('posts_author') on author to the table posts",
    )
    for line in (
        "import { sql } from 'drizzle-orm';\n",
        "export const mood = pgEnum('mood', ['sad', 'on fire', 'ok']);\n",
        "export const size = pgEnum('size', ['small', 'big']);\n",
        "  email: text().notNull().default('x'), // who\n",
        "  amount: numeric('price', { precision: 12, scale: 2 }).notNull().default(sql`2 * 3`),\n",
        "  at: timestamp(),\n",
        "  ok: boolean('ok').default(true),\n",
    ):
        assert line in new, (line, new)
    assert "junk" not in new
    for line in (
        "['blue', 'on fire', 'ok']",
        "  code: varchar('code', { length: 9 }).notNull(),\n",
        "  id: bigint('id', { mode: 'bigint' }).primaryKey(),\n",
        "  ok: boolean('ok').default(true).notNull(),\n",
    ):
        assert line in after, (line, after)
    packages = installed("typescript@5.9.3", "drizzle-orm@0.45.4", "pg@8.16.3")
    (tmp_path / "node_modules").symlink_to(packages / "node_modules")
    names = []
    for number, text in enumerate((DRIZZLE, new, after)):
        names.append(f"{number}.ts")
        (tmp_path / names[-1]).write_text(text, encoding="utf-8")
    flags = ("--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext")
    run("node_modules/.bin/tsc", *flags, *names, cwd=tmp_path)


def test_what_others_name_is_left_to_a_person(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        "change_type: {table: users, column: id, to: bigint}",
        "drop_column: {table: posts, column: author}",
        "drop_table: {table: posts}",
        "change_type: {table: users, column: email, to: integer, using: '1', reverse: '2'}",
        "add_enum_value: {type: nope, value: x}",
        "remove_enum_values: {type: mood, map: {ok: sad}}",
        "drop_default: {table: users, column: nope}",
    )
    found = patches(plan, App.PRISMA, "s", PRISMA)
    assert (found.new, found.after) == ("", "")
    assert found.by_hand == (
        "the new version writes 'ok' of mood no longer",
        "the new version: remove the field of the column author, and what names it",
        "the new version: remove the model posts, and the fields of others that refer to it",
        "the new version: there is no enum of the type nope",
        "the new version: there is no field of the column nope",
        "once the run is contracted: give the field of id, and those of its relations, the type BigInt",
        "once the run is contracted: write the field of email, whose type is integer and whose default is of another",
        "once the run is contracted: remove the value ok of mood, which is the default of a field",
    )
    found = patches(plan, App.DRIZZLE, "s", DRIZZLE.replace("export const junk", "posts;\nexport const junk"))
    assert "posts" not in found.after
    assert found.by_hand == (
        "the new version writes 'ok' of mood no longer",
        "the new version: remove the table posts, and what names posts",
        "the new version: there is no pgEnum of the type nope with a list of values",
        "the new version: there is no line with the column nope",
        "once the run is contracted: write the column email, whose type is integer and whose default is of another",
        "once the run is contracted: change the value ok of mood, which the file names in other places too",
    )


def test_an_enum_that_a_plan_has_to_name_in_quotes_is_told(tmp_path: Path) -> None:
    schema = f"{PRISMA}\nenum Role {{\n  user\n}}\n"
    folded = patches(plan_of(tmp_path, "add_enum_value: {type: Role, value: x}"), App.PRISMA, "s", schema)
    assert folded.by_hand == ("the new version: there is no enum of the type role; a plan names Role as '\"Role\"'",)
    quoted = plan_of(tmp_path, "add_enum_value: {type: '\"Role\"', value: x}")
    assert patches(quoted, App.PRISMA, "s", schema).by_hand == ()


def test_an_apps_own_sql_is_told_in_words(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, *CHANGES)
    (new, after), by_hand = versions(tmp_path, plan, App.SQL, "sql", now(plan))
    assert "read and write users.price" in new.splitlines()
    assert {"take users.code as varchar(9)", "take 'fine' of mood"} <= set(after.splitlines()) - set(new.splitlines())
    assert by_hand == ("write no row of users that violates users_code_key",)
