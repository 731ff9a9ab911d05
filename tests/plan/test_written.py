"""A plan as text: what is written reads back as the same entries, whatever the names and texts in it are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfade.plan.load import parse_plan
from crossfade.plan.written import entries_written, written

ENTRY = {"add_column": {"type": "text", "table": "users", "name": "handle", "default": "'none'", "nullable": False}}


def test_keys_stand_in_order_and_short_values_on_one_line() -> None:
    entries: list[dict[str, Any]] = [
        ENTRY,
        {
            "add_foreign_key": {
                "references": {"table": "teams", "columns": ("id",)},
                "note": "why",
                "columns": ("team",),
                "name": "users_team_fkey",
                "table": "users",
            }
        },
    ]
    assert written("users-handle", entries, ["users: handle", "two\n\nlines"], head="Made from 0001.sql.") == (
        "# Made from 0001.sql.\n"
        "\n"
        "crossfade: 1\n"
        "name: users-handle\n"
        "\n"
        "changes:\n"
        "  # users: handle\n"
        "  - add_column:\n"
        "      table: users\n"
        "      name: handle\n"
        "      type: text\n"
        "      nullable: false\n"
        "      default: \"'none'\"\n"
        "\n"
        "  # two\n"
        "  #\n"
        "  # lines\n"
        "  - add_foreign_key:\n"
        "      table: users\n"
        "      name: users_team_fkey\n"
        "      columns: [team]\n"
        "      references: {table: teams, columns: [id]}\n"
        "      note: why\n"
    )


def test_what_is_long_stands_below() -> None:
    columns = {f"column_{n}": {"type": "numeric(12,2)", "nullable": False} for n in range(3)}
    text = entries_written([{"create_table": {"name": "t", "columns": columns}}])
    assert text == (
        "- create_table:\n"
        "    name: t\n"
        "    columns:\n"
        "      column_0: {type: 'numeric(12,2)', nullable: false}\n"
        "      column_1: {type: 'numeric(12,2)', nullable: false}\n"
        "      column_2: {type: 'numeric(12,2)', nullable: false}\n"
    )


def test_statements_of_several_lines_keep_them() -> None:
    run = 'CREATE TABLE t (\n\tid int -- it\'s "the" key\n)'
    text = entries_written([{"sql": {"expand": ({"run": run, "undo": "DROP TABLE IF EXISTS t"},)}}])
    assert text == (
        "- sql:\n"
        "    expand:\n"
        "      - run: |-\n"
        "          CREATE TABLE t (\n"
        '          \tid int -- it\'s "the" key\n'
        "          )\n"
        "        undo: DROP TABLE IF EXISTS t\n"
    )


ODD = (
    *(
        "on",
        "yes",
        "null",
        "~",
        "true",
        "1",
        "1.5",
        "0x1F",
        "1e3",
        "2026-01-01",
        "-",
        "- a",
        "? a",
        "a: b",
        "a #b",
        "#a",
    ),
    *(
        "'a'",
        '"a"',
        "it's",
        'say "a"',
        "{a}",
        "[a]",
        "a, b",
        "&a",
        "*a",
        "!a",
        "%a",
        "@a",
        "`a`",
        "|",
        ">",
        "\\",
        "\\n",
    ),
    *(
        " a",
        "a ",
        "a\tb",
        "é",
        "日本",
        "😀",
        "a\nb",
        "\na",
        "a\n",
        "a \nb",
        "=",
        "key:",
        "\x7f",
        "\u2028",
        "\ufeffa",
    ),
)


@pytest.mark.parametrize("text", ODD)
def test_odd_texts_read_back(text: str) -> None:
    reads_back(text)


@settings(max_examples=25)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=7))
def test_any_text_reads_back(text: str) -> None:
    reads_back(text)


def reads_back(text: str) -> None:
    entries: list[dict[str, Any]] = [
        {"set_comment": {"table": "t", "column": text, "comment": f"x{text}x"}},
        {"create_enum": {"name": "e", "values": (text, f"{text}{text}")}},
        {"remove_enum_values": {"type": "e", "map": {text: None}}},
        {"add_unique": {"table": "t", "name": "u", "columns": (text,)}},
    ]
    plan = parse_plan(written("odd", entries, [text, f"{text}\n{text}"], head=text), "odd.yaml")
    comment, enum, removed, unique = plan.changes
    assert (comment.column, comment.comment) == (text, f"x{text}x")  # type: ignore[union-attr]
    assert enum.values == (text, text * 2)  # type: ignore[union-attr]
    assert removed.map_ == {text: None}  # type: ignore[union-attr]
    assert unique.columns == (text,)  # type: ignore[union-attr]
