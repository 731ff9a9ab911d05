"""`[lint.naming]`: what it takes, and the names that do not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crossfade.errors import UsageError
from crossfade.lint.check import check
from crossfade.lint.naming import naming_of
from crossfade.lint.settings import lint_settings
from crossfade.migrations.migration import Migration, Project, Tool
from crossfade.migrations.script import Script, Source
from crossfade.postgres.catalog import Catalog
from crossfade.postgres.forecast import Schema

from .one_rule import SHOP

PATTERNS = {
    "migration": r"\d{4}_[a-z_]+",
    "table": "[a-z]+s",
    "view": "[a-z]+_view",
    "type": "[a-z]+_t",
    "column": "(?!{table}_)[a-z_]+",
    "index": "ix_{table}_{columns}",
    "primary_key": "{table}_pkey",
    "unique": "{table}_{columns}_key",
    "foreign_key": "fk_{table}_{referenced}",
    "check": "ck_{table}_.+",
    "exclude": "{table}_{columns}_excl",
}
FIT = """
CREATE TABLE orders (
    id bigint, owner bigint CONSTRAINT fk_orders_users REFERENCES users, PRIMARY KEY (id), UNIQUE (id)
);
CREATE TABLE items (id bigint PRIMARY KEY, price int CONSTRAINT ck_items_price CHECK (price > 0));
CREATE INDEX ix_users_email_name ON users (email, name) INCLUDE (age);
CREATE INDEX ix_users_lowered ON users (lower(email));
ALTER TABLE orders ADD CONSTRAINT orders_owner_excl EXCLUDE USING gist (owner WITH =);
ALTER TABLE users RENAME name TO full_name;
ALTER INDEX users_name RENAME TO ix_users_name;
ALTER TABLE users RENAME CONSTRAINT users_email_key TO users_email_key;
CREATE TEMPORARY TABLE "Any" (x int);
CREATE VIEW old_view AS SELECT 1 AS a;
CREATE TYPE state_t AS ENUM ('a');
"""
MISSES = [
    ("CREATE TABLE order_item (id int)", ["gives the table the name order_item, and the project's names of that kind"]),
    ("ALTER TABLE posts RENAME TO entry", ["gives the table the name entry"]),
    ('ALTER TABLE posts ADD "posts_at" date', ["gives the column the name posts_at"]),
    ("ALTER TABLE posts RENAME author TO posts_by", ["gives the column the name posts_by"]),
    ("CREATE INDEX ON users (age)", ["gives the index no name, so that PostgreSQL calls it users_age_idx"]),
    (
        "CREATE INDEX i ON users (age)",
        ["the name i, and the project's names of that kind are as ix_users_age."],
    ),
    ("ALTER INDEX users_name RENAME TO n", ["gives the index the name n"]),
    ("ALTER TABLE posts ADD FOREIGN KEY (author) REFERENCES users", ["PostgreSQL calls it posts_author_fkey"]),
    ("ALTER TABLE users ADD CHECK (age > 0)", ["PostgreSQL calls it users_age_check"]),
    ("ALTER TABLE users ADD CHECK (age > id)", ["PostgreSQL calls it users_check"]),
    ("ALTER TABLE users ADD CONSTRAINT u UNIQUE (name)", ["gives the unique constraint the name u"]),
    ("ALTER TABLE users ADD CONSTRAINT u UNIQUE USING INDEX users_name", ["gives the unique constraint the name u"]),
    ("ALTER TABLE users RENAME CONSTRAINT users_email_key TO u", ["gives the unique constraint the name u"]),
    ("ALTER TABLE posts RENAME CONSTRAINT posts_author_fkey TO f", ["gives the foreign key the name f"]),
    ("ALTER INDEX users_pkey RENAME TO p", ["gives the primary key the name p"]),
    ("CREATE MATERIALIZED VIEW v AS SELECT 1", ["gives the view the name v"]),
    ("CREATE TABLE made AS SELECT 1", ["gives the table the name made"]),
    ("CREATE TYPE state AS ENUM ('a')", ["gives the type the name state"]),
    ("CREATE TYPE pair AS (a int)", ["gives the type the name pair"]),
    ("CREATE DOMAIN name AS text", ["gives the type the name name"]),
    ("DO $$ BEGIN CREATE TYPE state AS ENUM (); END $$", ["in a DO block, gives the type the name state"]),
    ("CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE t (a int); END $$", []),
]


def told(sql: str, name: str = "0002_more", down: str | None = None) -> list[str]:
    """What the rule says of a migration after the shop's."""
    migrations = []
    for each, up, back in (("0001_shop", SHOP, None), (name, sql, down)):
        scripts = [None if text is None else Script(source=Source(Path(each), text)) for text in (up, back)]
        assert scripts[0] is not None
        migrations.append(Migration(name=each, file=Path(each), up=scripts[0], down=scripts[1]))
    project = Project(tool=Tool.GOOSE, root=Path(), migrations=tuple(migrations))
    schema = Schema.of(Catalog(server_version=140000, time_zone="?"))
    found = check([project], schema, naming=naming_of(PATTERNS, "crossfade.toml")).findings
    return [f.message for f in found if f.rule == "name-pattern" and f.file == Path(name)]


def test_names_that_fit_are_no_findings() -> None:
    assert told(FIT) == []


@pytest.mark.parametrize(("sql", "words"), MISSES, ids=[sql for sql, _ in MISSES])
def test_names_that_do_not_fit(sql: str, words: list[str]) -> None:
    found = told(sql)

    assert len(found) == len(words), found
    for message, expected in zip(found, words, strict=True):
        assert expected in message


def test_a_migrations_own_name() -> None:
    assert told("SELECT 1", "2_more") == [r"the migration is called 2_more, and the project's are as /\d{4}_[a-z_]+/."]


def test_the_way_back_may_name_things_as_they_were() -> None:
    assert told("SELECT 1", down='CREATE TABLE "Old" (a int)') == []


def test_a_name_that_is_cut_off_is_not_held_against_its_pattern() -> None:
    assert told(f"CREATE TABLE {'_' * 63} (a int)") == []
    assert len(told(f"CREATE TABLE {'_' * 62} (a int)")) == 1


def test_no_pattern_no_finding() -> None:
    project = Project(tool=Tool.PLAIN, root=Path(), migrations=())
    assert lint_settings({}, "crossfade.toml").naming.patterns == {}
    assert check([project], Schema.of(Catalog(server_version=140000, time_zone="?"))).findings == ()


BAD: list[tuple[Any, str, str]] = [
    ("a", "`lint.naming` is a table of patterns", "[lint.naming]"),
    ({"indexes": "a"}, "unknown setting `lint.naming.indexes`", "did you mean `index`?"),
    ({"trigger": "a"}, "unknown setting `lint.naming.trigger`", "patterns for `migration`, `table`"),
    ({"index": ["a"]}, "`lint.naming.index` is a text", "in quotes"),
    ({"index": ""}, "`lint.naming.index` is a text", "in quotes"),
    ({"index": "({table}"}, "`lint.naming.index` is no pattern: missing )", "a regular expression"),
    ({"index": "{tabel}"}, "`lint.naming.index` has `{tabel}`, which stands for nothing", "`{columns}` or `{table}`"),
    ({"table": "{table}"}, "`lint.naming.table` has `{table}`, which stands for nothing", "no such words"),
]


@pytest.mark.parametrize(("value", "said", "hint"), BAD, ids=[said for _, said, _ in BAD])
def test_a_bad_pattern_is_refused_by_name(value: Any, said: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        lint_settings({"naming": value}, "crossfade.toml")

    assert caught.value.message.startswith("crossfade.toml: ")
    assert said in caught.value.message
    assert hint in (caught.value.hint or "")
    assert caught.value.location == "crossfade.toml"
