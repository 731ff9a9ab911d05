"""What a branch did to migrations that the reference has, as git's own store tells it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from crossfade.errors import UsageError
from crossfade.migrations.changed import changed, only_changed
from crossfade.migrations.committed import compared
from crossfade.migrations.past import Past, Witness
from crossfade.migrations.read import read

from .folders import write

if TYPE_CHECKING:
    from pathlib import Path

A, B, C = (f"CREATE TABLE {name} (id int);\n" for name in "abc")


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "more")


@pytest.fixture
def branch(tmp_path: Path) -> Path:
    """A repository with two migrations of golang-migrate on main, and a branch of it checked out."""
    root = tmp_path / "shop"
    write(root, {"db/2_a.up.sql": A, "db/2_a.down.sql": "DROP TABLE a;", "db/4_b.up.sql": B, "other/x.sql": A})
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root)
    git(root, "switch", "--quiet", "--create", "work")
    return root


def past(root: Path, reference: str = "main") -> Past:
    (project,) = compared(read([root / "db"]), reference, lambda _: False)
    (found,) = project.past
    assert (found.witness, found.where) == (Witness.COMMIT, reference)
    return found


def told(found: Past) -> dict[str, list[str]]:
    """Every field that has something."""
    besides = {"renamed": found.renamed, "late": found.late, "doubled": found.doubled}
    all_of = {name: [f"{b.migration.name} {b.other}" for b in value] for name, value in besides.items()}
    all_of |= {"changed": [m.name for m in found.changed], "gone": list(found.gone)}
    return {name: value for name, value in all_of.items() if value}


def test_what_the_branch_did_not_touch_is_as_it_was(branch: Path) -> None:
    write(branch, {"db/5_c.up.sql": C, "db/4_b.up.sql": f"-- reviewed\n{B}\n", "db/2_a.down.sql": "DROP TABLE a, b;"})

    assert told(past(branch)) == {}


def test_each_way_to_touch_it(branch: Path) -> None:
    write(branch, {"db/2_a.up.sql": A + C, "db/3_c.up.sql": C})
    git(branch, "mv", "db/4_b.up.sql", "db/7_b.up.sql")
    write(branch, {"db/4_d.up.sql": "SELECT 4;"})
    commit(branch)

    # 4_d has the version of what was 4_b, so for the tool it is that one, with another text.
    assert told(past(branch)) == {"changed": ["2_a", "4_d"], "late": ["3_c 4_b"]}
    (branch / "db/4_d.up.sql").unlink()
    assert told(past(branch)) == {"changed": ["2_a"], "renamed": ["7_b 4_b"], "late": ["3_c 4_b"]}


def test_what_main_did_meanwhile_is_not_the_branchs_doing(branch: Path) -> None:
    write(branch, {"db/5_mine.up.sql": C, "db/6_same.up.sql": C})
    commit(branch)
    git(branch, "switch", "--quiet", "main")
    write(branch, {"db/6_theirs.up.sql": "SELECT 6;", "db/4_b.up.sql": "SELECT 'mended on main';"})
    commit(branch)
    git(branch, "switch", "--quiet", "work")

    # Merged, mine would come before theirs, and the other has its number.
    assert told(past(branch)) == {"late": ["5_mine 6_theirs"], "doubled": ["6_same 6_theirs"]}
    assert told(past(branch, "HEAD")) == {}


def test_a_branch_that_only_removes_is_heard(branch: Path) -> None:
    (branch / "db/4_b.up.sql").unlink()
    (project,) = only_changed(compared(read([branch / "db"]), "main", lambda _: False), changed("main", [branch]))

    assert project.asked == frozenset()
    assert [p.gone for p in project.past] == [("4_b",)]


def test_what_is_left_out_is_not_gone(branch: Path) -> None:
    def skip(file: Path) -> bool:
        return file.name.startswith("2_")

    (project,) = compared(read([branch / "db"], skip=skip), "main", skip)
    (found,) = project.past
    assert told(found) == {}


def test_files_with_other_line_ends_are_the_same(branch: Path) -> None:
    (branch / "db/2_a.up.sql").write_bytes(A.replace("\n", "\r\n").encode())

    assert told(past(branch)) == {}


def test_a_folder_that_the_commit_does_not_have_is_new(branch: Path) -> None:
    write(branch, {"new/1_a.up.sql": A})
    (project,) = compared(read([branch / "new"]), "main", lambda _: False)

    assert told(project.past[0]) == {}


def test_the_rows_of_copy_count(branch: Path) -> None:
    rows = "COPY a FROM stdin;\n1\n\\.\n"
    write(branch, {"db/2_a.up.sql": A + rows})
    commit(branch)
    write(branch, {"db/2_a.up.sql": A + rows.replace("1", "2")})

    assert told(past(branch, "HEAD")) == {"changed": ["2_a"]}


def journal(*entries: tuple[str, int]) -> str:
    found = [{"idx": n, "when": when, "tag": tag, "breakpoints": True} for n, (tag, when) in enumerate(entries)]
    return json.dumps({"version": "7", "dialect": "postgresql", "entries": found})


def test_the_journal_of_drizzle_is_read_too(tmp_path: Path) -> None:
    root = tmp_path / "app"
    write(
        root, {"db/0000_a.sql": A, "db/0001_b.sql": B, "db/meta/_journal.json": journal(("0000_a", 10), ("0001_b", 20))}
    )
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root)
    entries = journal(("0000_a", 10), ("0001_b", 25), ("0002_c", 15))
    write(root, {"db/0002_c.sql": C, "db/meta/_journal.json": entries})

    assert told(past(root)) == {"changed": ["0001_b"], "late": ["0002_c 0001_b"]}


def test_diesel_may_be_known_by_a_file_above(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    write(root, {"diesel.toml": "", "db/1_a/up.sql": A, "db/1_a/down.sql": "DROP TABLE a;"})
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root)

    write(root, {"db/1_a/up.sql": B})

    assert told(past(root)) == {"changed": ["1_a"]}


def test_tools_that_sum_a_file_up_sum_up_its_comments(tmp_path: Path) -> None:
    write(tmp_path, {"db/V1__a.sql": A, "db/V2__b.sql": B, "db/R__v.sql": "SELECT 1;"})
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path)
    write(tmp_path, {"db/V1__a.sql": f"-- a\n{A}", "db/R__v.sql": "SELECT 2;"})
    git(tmp_path, "mv", "db/V2__b.sql", "db/V2__better.sql")

    assert told(past(tmp_path)) == {"changed": ["V1__a", "V2__better"]}


def test_plain_files_are_migrations_where_they_have_a_number(tmp_path: Path) -> None:
    write(tmp_path, {"db/001_a.sql": A, "db/views.sql": "SELECT 1;"})
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path)
    write(tmp_path, {"db/001_a.sql": B, "db/views.sql": "SELECT 2;"})

    assert told(past(tmp_path)) == {"changed": ["001_a"]}


def test_a_folder_in_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    write(tmp_path, {"1_a.up.sql": A})

    with pytest.raises(UsageError, match="is in no git repository"):
        compared(read([tmp_path]), "main", lambda _: False)
