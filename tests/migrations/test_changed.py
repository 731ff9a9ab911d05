"""What differs from a commit is asked of git, and only that is asked for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from crossfade.errors import UsageError
from crossfade.migrations.changed import changed, only_changed
from crossfade.migrations.read import read

from .folders import write

A, B = "CREATE TABLE a (id int);", "CREATE TABLE b (id int);"


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One commit with five files, of which one is then changed, one removed, one renamed; and two new ones."""
    root = tmp_path / "repository"
    write(root, {"db/1_a.up.sql": A, "db/2_b.up.sql": B, "db/3_c.up.sql": A, "old name.sql": A, ".gitignore": "x/\n"})
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "first")
    write(root, {"db/2_b.up.sql": f"{B}\nSELECT 1;", "db/4_ä.up.sql": A, "x/5_e.up.sql": A})
    (root / "db/3_c.up.sql").unlink()
    git(root, "mv", "old name.sql", "new name.sql")
    return root


def test_files_that_differ_and_new_ones(repository: Path) -> None:
    found = {path.relative_to(repository.resolve()).as_posix() for path in changed("main", [repository])}

    assert found == {"db/2_b.up.sql", "db/4_ä.up.sql", "new name.sql"}


def test_it_does_not_matter_where_in_the_repository_a_path_is(repository: Path) -> None:
    assert changed("HEAD", [repository / "db", repository / "db/2_b.up.sql"]) == changed("HEAD", [repository])


def test_only_what_differs_is_asked_for(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    write(repository, {"plain/1.sql": A})
    git(repository, "add", "plain")
    git(repository, "commit", "--quiet", "-m", "second", "--", "plain")
    projects = read(["db", "plain", "new name.sql"])

    found = only_changed(projects, changed("main", [Path("db")]))

    assert [project.asked for project in found] == [
        frozenset({Path("db/2_b.up.sql"), Path("db/4_ä.up.sql")}),
        frozenset({Path("new name.sql")}),
    ]
    assert [len(project.migrations) for project in found] == [3, 1]
    assert found[0].asks_for(Path("db/2_b.up.sql"))
    assert not found[0].asks_for(Path("db/1_a.up.sql"))


def test_problems_of_files_that_do_not_differ_are_left_out(repository: Path) -> None:
    write(repository, {"db/9_bad.up.sql": b"\0"})
    git(repository, "add", "db/9_bad.up.sql")
    git(repository, "commit", "--quiet", "-m", "second", "--", "db/9_bad.up.sql")
    write(repository, {"db/8_bad.up.sql": b"\0"})

    (project,) = only_changed(read([repository / "db"]), changed("main", [repository]))

    assert [problem.file.name for problem in project.problems] == ["8_bad.up.sql"]


@pytest.mark.parametrize(
    ("reference", "message"),
    [("nothing", "git cannot compare with nothing: "), ("-x", "'-x' is no name"), ("", "'' is no name")],
)
def test_commits_that_git_does_not_know(repository: Path, reference: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        changed(reference, [repository])

    assert str(caught.value).startswith(message)


def test_a_folder_in_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    with pytest.raises(UsageError, match="is in no git repository"):
        changed("main", [tmp_path])


def test_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UsageError, match="git is not installed"):
        changed("main", [tmp_path])
