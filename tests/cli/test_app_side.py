"""`explain --app` as a user has it: patches on standard output, the file untouched, no database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..fixtures.command import Cli

if TYPE_CHECKING:
    from pathlib import Path

PLAN = "crossfade: 1\nname: mail\nchanges:\n  - rename_column: {table: users, from: email, to: mail}\n"
SCHEMA = 'model User {\n  id Int @id\n  email String\n\n  @@map("users")\n}\n'


@pytest.fixture
def alone(tmp_path: Path) -> Cli:
    """The command where nothing answers as a database, with a plan and a schema."""
    (tmp_path / "mail.yaml").write_text(PLAN, encoding="utf-8")
    (tmp_path / "prisma").mkdir()
    (tmp_path / "prisma" / "schema.prisma").write_text(SCHEMA, encoding="utf-8")
    return Cli("postgresql://127.0.0.1:1/nowhere", tmp_path)


def test_it_prints_a_patch_and_edits_nothing(alone: Cli) -> None:
    said = alone("explain", "mail.yaml", "--app", "prisma")
    assert said.code == 0, said
    assert '    +  email String @map("mail")\n' in said.stdout
    assert "After contract, once no old version is live:\n  no change\n" in said.stdout
    assert (alone.directory / "prisma" / "schema.prisma").read_text(encoding="utf-8") == SCHEMA


def test_its_document_has_the_patches(alone: Cli) -> None:
    found = alone("explain", "mail.yaml", "--app", "prisma", "--json").json()
    assert found["new"].startswith("--- a/prisma/schema.prisma\n+++ b/prisma/schema.prisma\n")
    assert (found["name"], found["app"], found["after"], found["by_hand"]) == ("mail", "prisma", "", [])


def test_its_patch_fits_a_file_with_lines_of_windows(alone: Cli) -> None:
    (alone.directory / "prisma" / "schema.prisma").write_bytes(SCHEMA.replace("\n", "\r\n").encode())
    found = alone("explain", "mail.yaml", "--app", "prisma", "--json").json()
    assert '+  email String @map("mail")\r\n' in found["new"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--app", "drizzle"), "src/db/schema.ts cannot be read"),
        (("--app", "sql", "--schema-file", "x"), "--schema-file is for --app prisma and --app drizzle"),
        (("--schema-file", "x"), "--schema-file is of use with --app"),
    ],
)
def test_what_does_not_fit_is_refused(alone: Cli, options: tuple[str, ...], said: str) -> None:
    outcome = alone("explain", "mail.yaml", *options)
    assert outcome.code == 2
    assert said in outcome.stderr
