"""What only psql understands is put out of the way, and every other character stays where it was."""

from __future__ import annotations

import pytest

from crossfade.migrations.psql_text import cleaned, without_psql


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("\\set a 1\nSELECT 1;", "SELECT 1;"),
        ("SELECT 1;\n\\echo 'it''s' done\nSELECT 2;", "SELECT 1; SELECT 2;"),
        ("\\connect shop\n\\i other.sql\nSELECT 1;", "SELECT 1;"),
        ("SELECT 1\\; SELECT 2\\;SELECT 3;\n", "SELECT 1 ; SELECT 2 ;SELECT 3;"),
        ("SELECT 1 \\gexec\nSELECT 2;", "SELECT 1 ; SELECT 2;"),
        ("COPY a FROM stdin;\n1\t';\n\\.\nSELECT 1;", "COPY a FROM stdin; SELECT 1;"),
        (
            "COPY a (b) FROM STDIN WITH (FORMAT csv);\r\n$$\r\n\\.\r\nSELECT 1;",
            "COPY a (b) FROM STDIN WITH (FORMAT csv); SELECT 1;",
        ),
        ("\\copy a (b) From STDIN with (format csv)\n';\n\\.\nSELECT 1;", "SELECT 1;"),
        ("\\copy a from pstdin\n\\copy (SELECT 'a from stdin') to b\nSELECT 1;", "SELECT 1;"),
        ("COPY a TO stdout;\nSELECT 1;", "COPY a TO stdout; SELECT 1;"),
        ("COPY a FROM '/tmp/stdin';\nSELECT 1;", "COPY a FROM '/tmp/stdin'; SELECT 1;"),
        ("SELECT :name, :'text', :\"name\";", "SELECT name, 'text', \"name\";"),
        ("CREATE TABLE ${schema}.a_${b} ();", "CREATE TABLE __schema_.a___b_ ();"),
    ],
)
def test_it_is_blanked(text: str, left: str) -> None:
    assert " ".join(without_psql(text).split()) == left


@pytest.mark.parametrize(
    "text",
    [
        "SELECT '\\d', E'\\'\\d', \"\\d\", $$\\d$$, $a$ $$ \\d $a$;",
        "-- \\d :a ${b}\n/* \\d /* nested */ :a */ SELECT 1;",
        "SELECT a::text, b[1:2], f(c := 1), '12:30'::time, '${x}';",
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $body$\nBEGIN\n  a := :b; -- ;\n  RETURN 1;\nEND $body$;",
        "SELECT $1, a$b$c FROM d;",
        "SELECT 'COPY a FROM stdin;';\nSELECT 1;",
    ],
)
def test_it_is_left_alone(text: str) -> None:
    assert without_psql(text) == text


@pytest.mark.parametrize(
    "text", ["\\d\nSELECT 'ä' :a;", "COPY a FROM stdin;\nä\n\\.\n", "SELECT ${ä} ${b};", "SELECT 'x", "/* x", "$$ x"]
)
def test_places_stay_what_they_were(text: str) -> None:
    cleaned = without_psql(text)

    assert len(cleaned) == len(text)
    assert [n for n, c in enumerate(cleaned) if c == "\n"] == [n for n, c in enumerate(text) if c == "\n"]


@pytest.mark.parametrize(
    ("text", "altered"),
    [
        (
            "\\set ON_ERROR_STOP on\n\\echo 'a \\i b'\n\\dt\nSELECT 1 \\gset\nSELECT a[:n];\n\\restrict x",
            [],
        ),
        ("\\i a.sql\nSELECT 1;\n\\copy a from b", ["\\i a.sql", "\\copy a from b"]),
        ("SELECT :a, ${b}, ':c';", [":", "${b}"]),
        ("SELECT 1; SELECT 2 \\gexec\nSELECT 3;", ["SELECT 2 \\gexec"]),
        (
            "\\if :a\n\\if :b\n\\endif\nSELECT 1;\n\\else\n\\endif\nSELECT 2;",
            ["\\if :a\n\\if :b\n\\endif\nSELECT 1;\n\\else\n\\endif"],
        ),
        ("\\if :a \\i b \\endif\n\\if x\nSELECT 1;", ["\\i b \\endif", "\\if :a \\i b \\endif", "\\if x\nSELECT 1;"]),
        ("SELECT 1;\n\\q\nSELECT 2;", ["\\q\nSELECT 2;"]),
    ],
)
def test_what_the_server_does_not_get_as_it_stands_is_told(text: str, altered: list[str]) -> None:
    assert [text[one.begin : one.end] for one in cleaned(text).altered] == altered
