"""Files, folders and standard input are read; what cannot be read is told with its place, and hinders nothing else."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from crossfade.migrations import walk
from crossfade.migrations.migration import Tool, Transaction
from crossfade.migrations.read import read

from .folders import names, only, only_told, told, ups, write

A, B = "CREATE TABLE a (id int);", "CREATE TABLE b (id int);"


def test_files_are_read_in_the_order_given(tmp_path: Path) -> None:
    write(tmp_path, {"z.sql": A, "a.sql": B})

    (project,) = read([tmp_path / "z.sql", str(tmp_path / "a.sql"), tmp_path / "z.sql"])

    assert project.tool is Tool.PLAIN
    assert names(project) == ["z", "a"]
    assert project.asked is None


def test_paths_stay_as_they_were_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"db/a.sql": A, "in/x.txt": ""})
    monkeypatch.chdir(tmp_path / "in")

    (folder,) = read(["../db"])
    (file,) = read(["../db/a.sql"])
    monkeypatch.chdir(tmp_path / "db")
    (here,) = read(["."])

    assert str(folder.migrations[0].file) == "../db/a.sql"
    assert str(file.migrations[0].file) == "../db/a.sql"
    assert str(here.migrations[0].file) == "a.sql"


def test_standard_input() -> None:
    (project,) = read(["-"], stdin=io.BytesIO(A.encode()))

    assert project.tool is Tool.PLAIN
    assert str(project.migrations[0].file) == "<stdin>"
    assert ups(project) == [["CREATE TABLE a (id int)"]]


def test_standard_input_with_the_marks_of_a_tool() -> None:
    (project,) = read(["-"], stdin=io.BytesIO(b"-- migrate:up transaction:false\nVACUUM a;\n-- migrate:down\n"))

    assert project.tool is Tool.DBMATE
    assert project.migrations[0].transaction is Transaction.IF_SEVERAL
    assert ups(project) == [["VACUUM a"]]


def test_standard_input_that_is_no_text() -> None:
    assert only_told(read(["-"], stdin=io.BytesIO(b"\0\1\2"))) == ["<stdin>: it is a binary file, not SQL"]


@pytest.mark.parametrize(
    ("content", "is_read"),
    [
        ("SELECT 'ä';".encode(), True),
        ("SELECT 'ä';".encode("utf-8-sig"), True),
        ("SELECT 'ä';".encode("utf-16"), True),
        ("SELECT 'ä';".encode("utf-16-be"), False),
        (b"\xfe\xff" + "SELECT 'ä';".encode("utf-16-be"), True),
        ("SELECT 'ä';".encode("latin1"), False),
    ],
)
def test_encodings(tmp_path: Path, content: bytes, is_read: bool) -> None:
    (project,) = read([write(tmp_path, {"a.sql": content, "b.sql": B})])

    assert ("SELECT 'ä'" in str(ups(project))) is is_read
    assert names(project) == (["a", "b"] if is_read else ["b"])
    assert len(project.problems) == (0 if is_read else 1)


def test_a_byte_that_is_not_utf_8_is_told_with_its_line(tmp_path: Path) -> None:
    project = only(tmp_path, {"a.sql": b"SELECT 1;\nSELECT '\xe4';\n", "b.sql": B})
    (problem,) = project.problems

    assert (problem.file, problem.line) == (tmp_path / "a.sql", 2)
    assert problem.message == "it is not UTF-8: the byte 0xe4 does not belong there"
    assert problem.hint is not None
    assert "iconv" in problem.hint


def test_a_binary_file_hinders_no_other(tmp_path: Path) -> None:
    project = only(tmp_path, {"1_a.up.sql": A, "2_b.up.sql": b"\x7fELF\0\0\0\xff", "3_c.up.sql": B})

    assert project.tool is Tool.GOLANG_MIGRATE
    assert names(project) == ["1_a", "3_c"]
    assert told(project) == ["2_b.up.sql: it is a binary file, not SQL"]


def test_too_much_sql_is_told_and_rows_of_copy_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MOST_SQL", 1_000_000)
    rows = "COPY a FROM stdin;\n" + "1\n" * 600_000 + "\\.\n" + A
    project = only(tmp_path, {"a.sql": "SELECT 1;" * 130_000, "b.sql": rows})

    assert told(project) == ["a.sql: it has 1.2 MB of SQL, and at most 1 MB of a file are read"]
    assert names(project) == ["b"]


def test_a_file_that_does_not_end_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "_MOST_BYTES", 1_000_000)
    project = only(tmp_path, {"a.sql": "-" * 1_000_001, "b.sql": B})

    assert told(project) == ["a.sql: it has more than 1 MB, and at most 5 MB of a file are read"]


def test_what_is_not_there(tmp_path: Path) -> None:
    write(tmp_path, {"a.sql": A})

    projects = read([tmp_path / "nothing.sql", tmp_path / "a.sql", tmp_path / "none"])

    assert [name for project in projects for name in names(project)] == ["a"]
    assert only_told(projects) == [
        "nothing.sql: there is no such file or folder",
        "none: there is no such file or folder",
    ]


def test_devices_and_pipes_are_not_opened(tmp_path: Path) -> None:
    write(tmp_path, {"b.sql": B})
    os.mkfifo(tmp_path / "a.sql")

    assert only_told(read([tmp_path])) == ["a.sql: it is no regular file"]
    assert only_told(read([tmp_path / "a.sql", "/dev/zero"])) == [
        "a.sql: it is no regular file",
        "zero: it is no regular file",
    ]


def test_links_in_a_circle(tmp_path: Path) -> None:
    write(tmp_path, {"db/a.sql": A})
    (tmp_path / "db" / "again").symlink_to(tmp_path / "db")
    (tmp_path / "db" / "b.sql").symlink_to("b.sql")
    (tmp_path / "db" / "c.sql").symlink_to("nowhere")

    (project,) = read([tmp_path / "db"])

    assert names(project) == ["a"]
    assert told(project) == [
        "again: it is a symbolic link to a folder that it is in",
        "b.sql: it is a symbolic link that leads back to itself",
        "c.sql: it is a symbolic link that leads nowhere",
    ]
    assert only_told(read([tmp_path / "db" / "b.sql"])) == ["b.sql: it is a symbolic link that leads back to itself"]


def test_links_within_the_folder_are_followed_and_links_out_of_it_are_told(tmp_path: Path) -> None:
    write(tmp_path, {"db/real/one.sql": A, "secret.sql": B, "other/x.sql": B, "notes.txt": ""})
    (tmp_path / "db" / "1.sql").symlink_to("real/one.sql")
    (tmp_path / "db" / "2.sql").symlink_to("../secret.sql")
    (tmp_path / "db" / "3").symlink_to("../other")
    (tmp_path / "db" / "notes.txt").symlink_to("../notes.txt")
    (tmp_path / "db" / "same").symlink_to("real")

    projects = read([tmp_path / "db"])

    assert [names(project) for project in projects] == [["1"], ["one"]]
    out = f"it is a symbolic link that leads out of {tmp_path / 'db'}, and is not followed"
    assert only_told(projects) == [f"2.sql: {out}", f"3: {out}"]


def test_a_link_that_is_named_is_followed(tmp_path: Path) -> None:
    write(tmp_path, {"db/a.sql": A})
    (tmp_path / "there").symlink_to("db")
    (tmp_path / "x.sql").symlink_to("db/a.sql")

    assert [names(project) for project in read([tmp_path / "there"])] == [["a"]]
    assert [names(project) for project in read([tmp_path / "x.sql"])] == [["x"]]


def test_folders_nested_without_end(tmp_path: Path) -> None:
    write(tmp_path, {"/".join(["d"] * 70) + "/a.sql": A, "b.sql": B})

    projects = read([tmp_path])

    assert [name for project in projects for name in names(project)] == ["b"]
    assert only_told(projects) == ["d: folders are nested more than 64 deep"]


def test_what_the_system_refuses(tmp_path: Path) -> None:
    write(tmp_path, {"a.sql": A})
    long = "x" * 300 + ".sql"

    (project,) = read([tmp_path / long, tmp_path / "a.sql"])

    assert names(project) == ["a"]
    assert told(project) == [f"{long}: it cannot be read: File name too long"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_must_not_be_read(tmp_path: Path) -> None:
    write(tmp_path, {"a.sql": A, "b.sql": B, "c/d.sql": A})
    (tmp_path / "a.sql").chmod(0)
    (tmp_path / "c").chmod(0)
    try:
        told_of = only_told(read([tmp_path]))
        told_alone = [only_told(read([tmp_path / name])) for name in ("a.sql", "c", "c/d.sql")]
    finally:
        (tmp_path / "c").chmod(0o700)

    assert told_of == ["a.sql: it cannot be read: Permission denied", "c: it cannot be read: Permission denied"]
    assert told_alone == [[f"{name}: it cannot be read: Permission denied"] for name in ("a.sql", "c", "d.sql")]


def test_folders_named_twice_are_read_once(tmp_path: Path) -> None:
    write(tmp_path, {"a/1.sql": A, "a/b/2.sql": B})

    paths = [[tmp_path, tmp_path / "a"], [tmp_path / "a" / "b", tmp_path], [tmp_path, tmp_path / "a" / "1.sql"]]

    assert [sorted(n for project in read(p) for n in names(project)) for p in paths] == [["1", "2"]] * 3


def test_what_is_to_be_skipped(tmp_path: Path) -> None:
    write(tmp_path, {"a/1.sql": A, "b/2.sql": B, "b/3.sql": B})

    projects = read([tmp_path], skip=lambda path: path.name in {"a", "3.sql"})

    assert [names(project) for project in projects] == [["2"]]
