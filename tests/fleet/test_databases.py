"""Lists of databases: every form of them, and what is wrong with one, without a piece of a URL in the message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.errors import DatabaseRefused, UsageError
from crossfade.fleet.databases import Database, database_of, query_databases, read_databases

if TYPE_CHECKING:
    from pathlib import Path

    from ..fixtures.database import Database as Server

SECRET = "s3cret"


def read(directory: Path, text: str, file: str = "databases.txt") -> list[tuple[str, str, bool]]:
    path = directory / file
    path.write_text(text, encoding="utf-8")
    return [(d.name, d.url, d.is_canary) for d in read_databases(path)]


@pytest.mark.parametrize(
    ("line", "name", "url"),
    [
        ("postgresql://h/shop", "h/shop", "postgresql://h/shop"),
        (
            "postgres://boss:x@h:5433/shop?sslmode=require",
            "h:5433/shop",
            "postgres://boss:x@h:5433/shop?sslmode=require",
        ),
        ("postgresql://h/shop  # ours", "h/shop", "postgresql://h/shop"),
        ("acme = postgresql://h/shop", "acme", "postgresql://h/shop"),
        ("acme=postgresql://h/shop # theirs", "acme", "postgresql://h/shop"),
        (
            "eu/acme-1 = postgresql://h/shop?application_name=a%3Db",
            "eu/acme-1",
            "postgresql://h/shop?application_name=a%3Db",
        ),
        ("host=h dbname=shop", "h/shop", "host=h dbname=shop"),
        ("acme = host=h dbname=shop", "acme", "host=h dbname=shop"),
        ("dbname=shop", "local/shop", "dbname=shop"),
        ("acme = service=shop", "acme", "service=shop"),
    ],
)
def test_a_line_is_a_url_or_a_conninfo_with_or_without_a_name(tmp_path: Path, line: str, name: str, url: str) -> None:
    assert read(tmp_path, f"# all of them\n\n  {line}\n") == [(name, url, False)]


def test_a_yaml_list_marks_canaries(tmp_path: Path) -> None:
    text = "- {name: own, url: 'postgresql://h/a', canary: true}\n- postgresql://h/b\n- url: postgresql://h/c\n"
    assert read(tmp_path, text, "databases.yaml") == [
        ("own", "postgresql://h/a", True),
        ("h/b", "postgresql://h/b", False),
        ("h/c", "postgresql://h/c", False),
    ]


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("d.txt", "", "lists no database"),
        ("d.txt", "# nothing\n", "lists no database"),
        ("d.txt", f"postgresql://h/a\n\nacme: postgresql://x:{SECRET}@h/b\n", "d.txt:3: no database"),
        ("d.txt", f"a = {SECRET}\n", "d.txt:1: no database"),
        ("d.txt", "a = postgresql://h/a\na = postgresql://h/b\n", "two databases named `a`"),
        (
            "d.txt",
            f"a = postgresql://h/shop\nb = postgres://x:{SECRET}@H:5432/shop\n",
            "one database twice: `a` and `b`",
        ),
        ("d.yaml", "", "lists no database"),
        ("d.yaml", "a: postgresql://h/a\n", "have to be a list"),
        ("d.yaml", "- {name: a, url: [}\n", "d.yaml:1:"),
        ("d.yaml", "- postgresql://h/a\n- {name: b, ulr: 'postgresql://h/b'}\n", "d.yaml:2:3: `ulr` is not known"),
        ("d.yaml", f"- {{name: b, url: '{SECRET}'}}\n", "url has to be"),
        ("d.yaml", "- {name: 7, url: 'postgresql://h/b'}\n", "name has to be a text"),
        ("d.yaml", "- {url: 'postgresql://h/b', canary: 1}\n", "canary has to be true or false"),
        ("d.yaml", "- [a, b]\n", "an entry is a URL or has the keys"),
    ],
)
def test_what_is_wrong_with_a_list_is_said_with_its_place(tmp_path: Path, file: str, text: str, words: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(tmp_path, text, file)
    assert words in raised.value.message
    assert SECRET not in f"{raised.value.message} {raised.value.hint} {raised.value.location}"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the list of databases"):
        read_databases(tmp_path / "nowhere.txt")


def test_a_url_is_never_shown() -> None:
    assert SECRET not in repr(database_of(f"postgresql://x:{SECRET}@h/b"))
    with pytest.raises(UsageError):
        database_of("")


def test_a_registry_is_asked(database: Server) -> None:
    database.execute("""
        CREATE TABLE tenants (name text, url text, live bool);
        INSERT INTO tenants
        VALUES ('acme', 'postgresql://h/acme', true), ('own', 'dbname=own', true), ('old', '', false);
    """)
    query = "SELECT name, url FROM tenants WHERE live ORDER BY name"
    found = query_databases(database.url, query)
    assert found == (Database(name="acme", url="postgresql://h/acme"), Database(name="own", url="dbname=own"))
    marked = query_databases(database.url, "SELECT name, url, name = 'own' FROM tenants WHERE live ORDER BY name")
    assert [d.is_canary for d in marked] == [False, True]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT name FROM tenants", "gives 1 columns"),
        ("SELECT name, url FROM tenants WHERE false", "lists no database"),
        ("SELECT name, 'x' FROM tenants", "row 1 of the query for the databases has no database URL"),
        ("SELECT '', url FROM tenants", "row 1 of the query for the databases has no name"),
    ],
)
def test_what_is_wrong_with_a_registrys_answer(database: Server, query: str, words: str) -> None:
    database.execute("CREATE TABLE tenants AS SELECT 'acme' AS name, 'postgresql://h/acme' AS url")
    with pytest.raises(UsageError, match=words):
        query_databases(database.url, query)


def test_a_query_changes_nothing_and_its_error_is_the_servers(database: Server) -> None:
    database.execute("CREATE TABLE tenants AS SELECT 'acme' AS name, 'postgresql://h/acme' AS url")
    with pytest.raises(DatabaseRefused) as raised:
        query_databases(database.url, "DELETE FROM tenants RETURNING name, url")
    assert raised.value.sqlstate == "25006"
    with pytest.raises(DatabaseRefused) as raised:
        query_databases(database.url, "SELECT name, url FROM nowhere")
    assert raised.value.sqlstate == "42P01"
    assert database.execute("SELECT count(*) FROM tenants") == [(1,)]
