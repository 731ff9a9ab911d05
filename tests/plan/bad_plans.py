"""Plans that are no good: what is written, where the fault is, and words that the answer has to have."""

from __future__ import annotations

from dataclasses import dataclass

GOOD = """\
crossfade: 1
name: users-email
changes:
  - rename_column: {table: users, from: email, to: email_address}
"""
"""Four good lines: what is appended begins in line 5."""

ROSTER = GOOD + 'apps: {api: {scheme: semver, new: ">=2.0.0"}}\n'
"""The same with a roster: what is appended begins in line 6."""


@dataclass(frozen=True, slots=True)
class Bad:
    """One bad plan."""

    id: str
    text: str | bytes
    at: str
    """line:column of the fault."""
    words: tuple[str, ...]
    """What message and hint say, in part."""


def change(entry: str) -> str:
    """A plan with this entry in line 4, beginning in column 5."""
    return f"crossfade: 1\nname: users-email\nchanges:\n  - {entry}\n"


def rename(fields: str) -> str:
    """A plan with one rename of these fields, beginning in line 4, column 21."""
    return change(f"rename_column: {{{fields}}}")


def app(fields: str) -> str:
    """The good plan with an app of these fields, beginning in line 5, column 14."""
    return f"{GOOD}apps: {{api: {{{fields}}}}}\n"


def contract(gate: str) -> str:
    """The plan with a roster and this gate before contract, in line 8, beginning in column 7."""
    return f"{ROSTER}gates:\n  contract:\n    - {gate}\n"


def rows(kind: str, fields: str) -> str:
    """A plan with one change of rows, beginning in line 4; what `fields` begin with has column 10 + len(kind)."""
    return change(f"{kind}: {{{fields}}}")


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
)

UNREADABLE = [
    Bad("empty", "", "1:1", ("empty", "crossfade new")),
    Bad("only-comments", "# nothing\n\n# here\n", "1:1", ("empty", "crossfade new")),
    Bad("only-a-document-start", "---\n", "1:1", ("empty",)),
    Bad("null", "null\n", "1:1", ("a plan is a mapping",)),
    Bad("a-list", "- crossfade: 1\n", "1:1", ("a plan is a mapping",)),
    Bad("a-text", "rename users.email\n", "1:1", ("a plan is a mapping",)),
    Bad("a-number", "42\n", "1:1", ("a plan is a mapping",)),
    Bad("sql-instead", "ALTER TABLE users RENAME email TO address;\n", "1:1", ("a plan is a mapping",)),
    Bad("binary", b"\x7fELF\x02\x01\x01\x00\x00", "1:1", ("U+007F", "plain text")),
    Bad("png", b"\x89PNG\r\n\x1a\n", "1:1", ("0x89", "UTF-8")),
    Bad("latin-1", GOOD.encode() + b"description: caf\xe9\n", "5:17", ("0xe9", "UTF-8")),
    Bad("utf-16", GOOD.encode("utf-16"), "1:1", ("not UTF-8",)),
    Bad("byte-order-mark", b"\xef\xbb\xbf" + GOOD.encode(), "1:1", ("byte order mark", "without BOM")),
    Bad("nul-byte", GOOD + "description: a\0b\n", "5:15", ("U+0000", "remove it")),
    Bad("bell", GOOD + "hold: 5\x07m\n", "5:8", ("U+0007",)),
    Bad("over-1-mb", "# " + "x" * 1_000_000, "1:1", ("larger than 1 MB",)),
    Bad("tab-indent", "crossfade: 1\nname: n\nchanges:\n\t- rename_column: {}\n", "4:1", ("a tab", "spaces")),
    Bad("tab-first", "\tcrossfade: 1\n", "1:1", ("a tab",)),
    Bad("indent", "crossfade: 1\n  name: n\n", "2:7", ("a colon where no key can stand",)),
    Bad("outdent", "changes:\n    - a: 1\n  - b: 2\n", "3:3", ("does not fit the lines before",)),
    Bad("second-colon", GOOD + "description: Rename: the column\n", "5:20", ("a colon", "quote")),
    Bad("no-colon", GOOD + "hold 5m\n", "5:1", ("without a colon",)),
    Bad("open-quote", GOOD + "description: 'never closed\n", "5:14", ("a quote", "close it")),
    Bad("open-brace", GOOD + "locks: {timeout: 5ms,\n", "5:8", ("bracket or brace", "close it")),
    Bad("wrong-bracket", GOOD + "locks: {timeout: 5ms]\n", "5:21", ("closing bracket",)),
    Bad("percent", GOOD + "description: %x\n", "5:14", ("quotes",)),
    Bad("at-sign", GOOD + "description: @x\n", "5:14", ("quotes",)),
    Bad("escape", GOOD + 'description: "C:\\quux"\n', "5:18", ("unknown escape", "backslash")),
    Bad("beyond-unicode", GOOD + 'description: "\\UFFFFFFFF"\n', "5:15", ("no character",)),
    Bad(
        "unconfirmed",
        rename("table: users, from: a, to: b, intent: unconfirmed"),
        "4:59",
        ("a guess", "intent: confirmed"),
    ),
    Bad("escaped-nul", rename('table: users, from: a, to: "b\\0"'), "4:48", ("cannot store",)),
    Bad("lone-surrogate", rename('table: users, from: a, to: "\\ud800"'), "4:48", ("cannot store",)),
    Bad("two-documents", GOOD + "---\n" + GOOD, "5:1", ("a second document", "its own file")),
    Bad("directive", "%YAML 1.1\n---\n" + GOOD, "1:1", ("directive",)),
    Bad("tag", GOOD + "hold: !!str 5m\n", "5:7", ("tag", "remove it")),
    Bad("python-tag", GOOD + 'hold: !!python/object/apply:os.system ["id"]\n', "5:7", ("tag",)),
    Bad("own-tag", GOOD.replace("users-email", "!env NAME"), "2:7", ("tag",)),
    Bad("alias-bomb", BOMB, "5:8", ("more than 20000", "aliases")),
    Bad("alias-of-itself", "changes: &a [*a]\n", "1:14", ("no anchor before it",)),
    Bad("alias-of-nothing", GOOD + "hold: *later\n", "5:7", ("`*later`", "anchor")),
    Bad("asterisk", GOOD + "description: * important\n", "5:15", ("quotes",)),
    Bad("merge-key", GOOD + "<<: {hold: 5m}\n", "5:1", ("merge keys", "write the keys out")),
    Bad("deep-brackets", "changes: " + "[" * 5000, "1:29", ("nested more than 20",)),
    Bad("deep-braces", "{a: " * 3000, "1:81", ("nested more than 20",)),
    Bad("deep-dashes", "- " * 3000, "1:41", ("nested more than 20",)),
]

KEYS = [
    Bad("no-name", GOOD.replace("name: users-email\n", ""), "1:1", ("`name` is missing", "name: users-email-address")),
    Bad("no-format", GOOD.replace("crossfade: 1\n", ""), "1:1", ("`crossfade` is missing", "crossfade: 1")),
    Bad("no-changes", "crossfade: 1\nname: n\n", "1:1", ("`changes` is missing",)),
    Bad("typo-at-top", GOOD.replace("changes:", "chagnes:"), "3:1", ("`chagnes`", "did you mean `changes`?")),
    Bad("unknown-at-top", GOOD + "owner: me\n", "5:1", ("`owner`", "known here: crossfade, name")),
    Bad("capital-key", GOOD.replace("name:", "Name:"), "2:1", ("`Name`", "did you mean `name`?")),
    Bad("repeated-key", GOOD + "name: other\n", "5:1", ("twice", "line 2")),
    Bad("repeated-inside", rename("table: a, from: b, to: c, to: d"), "4:47", ("`to` is here twice",)),
    Bad("number-key", GOOD + "5: 5m\n", "5:1", ("a key has to be text",)),
    Bad("list-key", GOOD + "? [hold]\n: 5m\n", "5:3", ("a key has to be text",)),
    Bad("truth-key", GOOD + "true: 5m\n", "5:1", ("a key has to be text",)),
    Bad("index-by-name", change("rename_index: {name: i1, from: i2, to: i3}"), "4:20", ("did you mean `from`?",)),
    Bad("too-far-in", GOOD + "locks:\n  hold: 5m\n", "6:3", ("`hold`", "top level")),
    Bad("no-value", GOOD + "apps:\n", "5:1", ("without a value", "remove the key")),
    Bad("escape-sequence-in-key", GOOD + '"\\e[31mhold": 5m\n', "5:1", ("\\x1b[31mhold",)),
]

VALUES = [
    Bad("format-2", GOOD.replace("crossfade: 1", "crossfade: 2"), "1:12", ("format 1", "crossfade: 1")),
    Bad("format-text", GOOD.replace("crossfade: 1", 'crossfade: "1"'), "1:12", ("without quotes",)),
    Bad("format-true", GOOD.replace("crossfade: 1", "crossfade: true"), "1:12", ("format 1",)),
    Bad("format-float", GOOD.replace("crossfade: 1", "crossfade: 1.0"), "1:12", ("format 1",)),
    Bad("name-capitals", GOOD.replace("users-email", "Users Email"), "2:7", ("small letters", "`users-email`")),
    Bad("name-number", GOOD.replace("users-email", "2026"), "2:7", ("as a number", 'quotes: "2026"')),
    Bad("name-empty", GOOD.replace("users-email", '""'), "2:7", ("small letters",)),
    Bad("name-long", GOOD.replace("users-email", "n" * 64), "2:7", ("1 to 63",)),
    Bad("name-injection", GOOD.replace("users-email", "x'; DROP TABLE users; --"), "2:7", ("small letters",)),
    Bad("name-newline", GOOD.replace("users-email", '"users\\n"'), "2:7", ("`users\\n`", "`users`")),
    Bad("description-list", GOOD + "description: [a]\n", "5:14", ("expected text", "a list")),
    Bad("changes-empty", "crossfade: 1\nname: n\nchanges: []\n", "3:10", ("`changes` is empty",)),
    Bad(
        "a-list-is-missing",
        "crossfade: 1\nname: n\nchanges:\n  - merge_columns: {table: t, into: c, type: text, using: a, reverse: {}}\n",
        "4:5",
        ("`from` is missing", "such as `from: [city, zip]`"),
    ),
    Bad("changes-mapping", "crossfade: 1\nname: n\nchanges: {rename_column: {}}\n", "3:10", ("a list", "dash")),
    Bad("changes-text", "crossfade: 1\nname: n\nchanges: rename\n", "3:10", ("expected a list", "`rename`")),
    Bad("hold-number", GOOD + "hold: 5\n", "5:7", ("a duration such as 250ms", "got `5`", "`5s`")),
    Bad("hold-zero", GOOD + "hold: 0\n", "5:7", ("a duration", "write `0s`")),
    Bad("hold-quoted-number", GOOD + 'hold: "5"\n', "5:7", ("a duration", "`5s`")),
    Bad("hold-words", GOOD + "hold: 5 minutes\n", "5:7", ("a duration", "write `5m`")),
    Bad("hold-two-units", GOOD + "hold: 1h30m\n", "5:7", ("one whole number",)),
    Bad("hold-fraction", GOOD + "hold: 1.5s\n", "5:7", ("1500ms rather than 1.5s",)),
    Bad("hold-negative", GOOD + "hold: -5s\n", "5:7", ("a duration",)),
    Bad("hold-nothing", GOOD + "hold:\n", "5:1", ("a duration", "nothing")),
    Bad("hold-huge", GOOD + "hold: 400d\n", "5:7", ("0s to 90d",)),
    Bad("hold-digits", GOOD + f"hold: {'9' * 5000}s\n", "5:7", ("a duration",)),
    Bad("batch-zero", GOOD + "backfill: {batch_rows: 0}\n", "5:24", ("too small", "at least 1")),
    Bad("batch-large", GOOD + "backfill: {batch_rows: 100001}\n", "5:24", ("too large", "at most 100000")),
    Bad("batch-text", GOOD + 'backfill: {batch_rows: "10"}\n', "5:24", ("a whole number", "without quotes")),
    Bad("nice-text", GOOD + "backfill: {nice: half}\n", "5:18", ("a number; got `half`", "without quotes")),
    Bad("batch-float", GOOD + "backfill: {batch_rows: 1e3}\n", "5:24", ("a whole number",)),
    Bad("batch-true", GOOD + "backfill: {batch_rows: true}\n", "5:24", ("a whole number",)),
    Bad("backfill-text", GOOD + "backfill: fast\n", "5:11", ("expected a mapping", "`fast`")),
    Bad("lock-timeout", GOOD + "locks: {timeout: 1m}\n", "5:18", ("outside of 1ms to 10s",)),
    Bad("lock-limit", GOOD + "locks: {timeout: 5s, give_up_after: 1s}\n", "5:37", ("shorter than one attempt",)),
]

CHANGES = [
    Bad("kind-typo", change("renam_column: {}"), "4:5", ("unknown change", "did you mean `rename_column`?")),
    Bad("kind-unknown", change("explode: {}"), "4:5", ("unknown change", "this version knows `rename_column`")),
    Bad("kind-missing", change("{}"), "4:5", ("without a kind",)),
    Bad("kind-only", change("rename_column"), "4:5", ("a mapping with one key", "`rename_column: {}`")),
    Bad("kind-empty", change("rename_column:"), "4:5", ("expected a mapping", "below it")),
    Bad("kind-flat", change("rename_column:\n    table: users"), "4:5", ("has one key", "indent")),
    Bad("change-text", change("rename users"), "4:5", ("expected a change", "`rename users`")),
    Bad("table-missing", rename("from: a, to: b"), "4:5", ("`table` is missing in `rename_column`", "table: users")),
    Bad("from-missing", rename("table: users, to: b"), "4:5", ("`from` is missing", "from: email")),
    Bad("from-typo", rename("table: users, form: a, to: b"), "4:35", ("`form`", "did you mean `from`?")),
    Bad("from-underscore", rename("table: users, from_: a, to: b"), "4:35", ("did you mean `from`?",)),
    Bad("same-name", rename("table: users, from: a, to: a"), "4:48", ("keep its name `a`",)),
    Bad("to-empty", rename("table: users, from: a, to: ''"), "4:48", ("an empty name",)),
    Bad("to-number", rename("table: users, from: a, to: 5"), "4:48", ("as a number", '"5"')),
    Bad("to-true", rename("table: users, from: a, to: true"), "4:48", ("true or false", '"true"')),
    Bad("to-64-bytes", rename(f"table: users, from: a, to: {'x' * 64}"), "4:48", ("64 bytes", "63")),
    Bad("to-64-bytes-in-32-letters", rename(f"table: users, from: a, to: {'ü' * 32}"), "4:48", ("64 bytes",)),
    Bad("strategy", rename("table: users, from: a, to: b, strategy: aliass"), "4:61", ("`copy`", "`alias`")),
    Bad("table-parts", rename("table: db.shop.users, from: a, to: b"), "4:28", ("3 parts", "`schema.name`")),
    Bad("table-empty-part", rename("table: shop., from: a, to: b"), "4:28", ("an empty name",)),
    Bad("table-spaces", rename("table: shop . users, from: a, to: b"), "4:28", ("spaces around a name",)),
    Bad("table-quote", rename("""table: 'a"b', from: a, to: b"""), "4:28", ("double quote",)),
    Bad("table-open-quote", rename("""table: '"a', from: a, to: b"""), "4:28", ("double quote",)),
    Bad("table-injection", rename("""table: 'users"; DROP TABLE x', from: a, to: b"""), "4:28", ("double quote",)),
    Bad("table-list", rename("table: [users], from: a, to: b"), "4:28", ("expected text", "a list")),
]

DATA = [
    Bad("set-missing", rows("update_rows", "table: a"), "4:5", ("`set` is missing", "set:")),
    Bad("set-empty", rows("update_rows", "table: a, set: {}"), "4:34", ("`set` is empty", "at least one")),
    Bad("set-list", rows("update_rows", "table: a, set: [b]"), "4:34", ("expected a mapping", "a list")),
    Bad("set-number", rows("update_rows", "table: a, set: {b: 1}"), "4:38", ("`1` as a number", 'quotes: "1"')),
    Bad("set-nothing", rows("update_rows", "table: a, set: {b: }"), "4:35", ("expected text", "nothing")),
    Bad("set-no-name", rows("update_rows", "table: a, set: {'': c}"), "4:35", ("an empty name",)),
    Bad("set-long-name", rows("update_rows", f"table: a, set: {{{'x' * 64}: c}}"), "4:35", ("64 bytes",)),
    Bad("set-empty-text", rows("update_rows", "table: a, set: {b: ''}"), "4:38", ("an empty expression",)),
    Bad("set-no-sql", rows("update_rows", "table: a, set: {b: c +}"), "4:38", ("`c +`", "syntax error")),
    Bad("set-two", rows("update_rows", "table: a, set: {b: '1, c = 2'}"), "4:38", ("not one SQL expression",)),
    Bad("set-subquery", rows("update_rows", "table: a, set: {b: (SELECT 1)}"), "4:38", ("a subquery", "STABLE")),
    Bad("where-true", rows("update_rows", "table: a, set: {b: c}, where: true"), "4:49", ("true or false", '"true"')),
    Bad("where-nothing", rows("update_rows", "table: a, set: {b: c}, where: "), "4:42", ("without a value",)),
    Bad(
        "where-injection",
        rows("update_rows", "table: a, set: {b: c}, where: 'true; DROP TABLE a'"),
        "4:49",
        ("not one SQL expression",),
    ),
    Bad("where-comment", rows("delete_rows", "table: a, where: '-- all'"), "4:36", ("not one SQL expression",)),
    Bad("where-missing", rows("delete_rows", "table: a"), "4:5", ("`where` is missing", "add it")),
    Bad("where-column-of-table", rows("delete_rows", "table: a, where: a.b"), "4:36", ("`a.b`", "write `b`")),
    Bad("archive-same", rows("delete_rows", "table: a, where: b, archive_to: a"), "4:51", ("the table itself",)),
    Bad("archive-nothing", rows("delete_rows", "table: a, where: b, archive_to: "), "4:39", ("without a value",)),
    Bad("schedule", rows("delete_rows", "table: a, where: b, every: 1d"), "4:39", ("unknown key `every`",)),
    Bad("columns-missing", rows("copy_rows", "from: a, into: b"), "4:5", ("`columns` is missing", "columns:")),
    Bad("columns-empty-list", rows("copy_rows", "from: a, into: b, columns: []"), "4:44", ("`columns` is empty",)),
    Bad("columns-empty", rows("copy_rows", "from: a, into: b, columns: {}"), "4:44", ("`columns` is empty",)),
    Bad("columns-text", rows("copy_rows", "from: a, into: b, columns: c"), "4:44", ("expected a mapping", "`c`")),
    Bad("columns-twice", rows("copy_rows", "from: a, into: b, columns: [c, c]"), "4:48", ("`c` is listed twice",)),
    Bad("columns-number", rows("copy_rows", "from: a, into: b, columns: [c, 5]"), "4:48", ("the name of a column",)),
    Bad("columns-long", rows("copy_rows", f"from: a, into: b, columns: [{'x' * 64}]"), "4:45", ("1 to 63 bytes",)),
    Bad("columns-no-sql", rows("copy_rows", "from: a, into: b, columns: {c: 'd e'}"), "4:48", ("not one SQL",)),
    Bad(
        "moved-empty-list",
        rows("move_columns", "table: a, to_table: b, key: {c: d}, columns: []"),
        "4:65",
        ("is empty",),
    ),
    Bad(
        "moved-number", rows("move_columns", "table: a, to_table: b, key: {c: d}, columns: [1]"), "4:66", ("a column",)
    ),
    Bad("moved-twice", rows("split_table", "table: a, to_table: b, key: {c: d}, columns: [e, e]"), "4:68", ("twice",)),
    Bad("moved-text", rows("split_table", "table: a, to_table: b, key: {c: d}, columns: e"), "4:64", ("a mapping",)),
    Bad("moved-key", rows("move_columns", "table: a, to_table: b, key: {c: d}, columns: [c]"), "4:65", ("part of",)),
    Bad("into-same", rows("copy_rows", "from: a, into: a, columns: [c]"), "4:32", ("into itself", "another table")),
    Bad(
        "conflict-typo",
        rows("copy_rows", "from: a, into: b, columns: [c], on_conflict: ignore"),
        "4:62",
        ("`error`, `skip` or `update`",),
    ),
    Bad(
        "schema-and-data",
        rename("table: a, from: b, to: c") + "  - update_rows: {table: a, set: {b: c}}\n",
        "5:5",
        ("`update_rows` changes data", "`rename_column` before it the schema", "a plan of its own"),
    ),
    Bad(
        "data-and-schema",
        rows("delete_rows", "table: a, where: b") + "  - rename_column: {table: a, from: b, to: c}\n",
        "5:5",
        ("`rename_column` changes the schema", "`delete_rows` before it data"),
    ),
]

PARTITIONS = "by: range, key: [a], partitions: {o1: "
FORMS = [
    Bad("bounds-typo", rows("partition_table", f"table: t, {PARTITIONS}{{form: 1, to: 2}}}}"), "4:72", ("`from`?",)),
    Bad(
        "bounds-of-no-form",
        rows("partition_table", f"table: t, {PARTITIONS}[]}}"),
        "4:71",
        ("a mapping or `default`", "got a list"),
    ),
    Bad("bounds-default", rows("partition_table", f"table: t, {PARTITIONS}dfault}}"), "4:71", ("`default`?",)),
    Bad(
        "target-of-no-form",
        rows("set_statistics", "table: t, column: a, target: []"),
        "4:51",
        ("a whole number or `default`", "got a list", "`target: 500`"),
    ),
    Bad("target-typo", rows("set_statistics", "table: t, column: a, target: deflt"), "4:51", ("`default`?",)),
    Bad("target-negative", rows("set_statistics", "table: t, column: a, target: -1"), "4:51", ("at least 0",)),
    Bad(
        "parameter-of-no-form",
        rows("set_storage_parameters", "table: t, set: {fillfactor: []}"),
        "4:58",
        ("true or false, a number or text", "got a list"),
    ),
    Bad(
        "type-of-many-parts",
        rows("change_type", "table: t, column: a, to: a.b.c.d"),
        "4:44",
        ("has 4 parts", "`schema.name`", "double quotes"),
    ),
]

APPS = [
    Bad("version-float", app("scheme: semver, new: 1.10"), "5:35", ("`1.10` as a number", '"1.10"')),
    Bad("version-int", app("scheme: integer, new: 412"), "5:36", ("`412` as a number", '"412"')),
    Bad("version-hex", app("scheme: git, new: 1234567"), "5:32", ("as a number", '"1234567"')),
    Bad("version-caret", app("scheme: semver, new: ^2.0.0"), "5:35", ("`^2.0.0`", ">=2.0.0 <3")),
    Bad("version-short", app('scheme: semver, new: ">2"'), "5:35", ("leaves open",)),
    Bad("version-empty", app('scheme: semver, new: ""'), "5:35", ("an empty text",)),
    Bad("version-blank", app('scheme: semver, new: " "'), "5:35", ("it is empty",)),
    Bad("version-two-exact", app('scheme: semver, new: "2.0.0, 2.0.1"'), "5:35", ("stands alone",)),
    Bad("version-list", app("scheme: semver, new: [2.0.0]"), "5:35", ("expected text", "a list")),
    Bad("version-pep440", app('scheme: pep440, new: ">=banana"'), "5:35", ("pep440", ">=2.0, <3")),
    Bad("version-calver", app('scheme: calver, new: ">=2026-11"'), "5:35", ("calver",)),
    Bad("version-git-range", app('scheme: git, new: ">=4f2c91e"'), "5:32", ("commit ids", "repository")),
    Bad("new-missing", app("scheme: semver"), "5:8", ("`new` is missing in `api`", 'new: ">=2.0.0"')),
    Bad("scheme-missing", app('new: ">=2.0.0"'), "5:8", ("`scheme` is missing", "scheme: semver")),
    Bad("scheme-typo", app('scheme: semvr, new: "2.0.0"'), "5:22", ("did you mean `semver`?",)),
    Bad("order-missing", app('scheme: ordered, new: ">=a"'), "5:22", ("needs `order`",)),
    Bad(
        "order-not-ordered", app('scheme: semver, order: [a], new: "2.0.0"'), "5:37", ("belongs to `scheme: ordered`",)
    ),
    Bad("order-twice", app('scheme: ordered, order: [a, b, a], new: ">=b"'), "5:45", ("`a` is listed twice",)),
    Bad("order-number", app('scheme: ordered, order: [1.10, b], new: ">=b"'), "5:39", ("as a number", '"1.10"')),
    Bad("order-unlisted", app('scheme: ordered, order: [a, b], new: ">=c"'), "5:51", ("`c` is not in `order`",)),
    Bad("source-typo", app('scheme: semver, new: "2.0.0", sources: [hartbeat]'), "5:54", ("mean `heartbeat`?",)),
    Bad("sources-empty", app('scheme: semver, new: "2.0.0", sources: []'), "5:53", ("`sources` is empty",)),
    Bad("ttl-zero", app('scheme: semver, new: "2.0.0", ttl: 0s'), "5:49", ("1s to 1d",)),
    Bad("expect-zero", app('scheme: semver, new: "2.0.0", expect: 0'), "5:52", ("at least 1",)),
    Bad("roles-empty", app('scheme: semver, new: "2.0.0", roles: []'), "5:51", ("`roles` is empty",)),
    Bad("roles-nothing", app('scheme: semver, new: "2.0.0", roles: '), "5:44", ("a key without a value",)),
    Bad("roles-number", app('scheme: semver, new: "2.0.0", roles: [7]'), "5:52", ("as a number", '"7"')),
    Bad("roles-long", app(f'scheme: semver, new: "2.0.0", roles: [{"r" * 64}]'), "5:52", ("64 bytes",)),
    Bad("repository", app('scheme: git, new: "4f2c91e", repository: .'), "5:43", ("no `repository` yet",)),
    Bad("app-name", GOOD + 'apps:\n  "a@b": {scheme: semver, new: "2.0.0"}\n', "6:3", ("an app's name", "`a@b`")),
    Bad("app-text", GOOD + "apps: {api: v2}\n", "5:13", ("expected a mapping", "`v2`")),
    Bad("apps-list", GOOD + "apps: [api]\n", "5:7", ("expected a mapping", "a list")),
    Bad("apps-empty", GOOD + "apps: {}\n", "5:7", ("`apps` is empty",)),
]

IGNORE = [
    Bad(
        "ignore-nothing", ROSTER + "ignore: [{}]\n", "6:10", ("about nobody", "`role`, `application_name` or `address`")
    ),
    Bad("ignore-typo", ROSTER + "ignore: [{rôle: metabase}]\n", "6:11", ("unknown key", "did you mean `role`?")),
    Bad("ignore-text", ROSTER + "ignore: [metabase]\n", "6:10", ("expected a mapping",)),
    Bad("ignore-mapping", ROSTER + "ignore: {role: metabase}\n", "6:9", ("expected a list",)),
    Bad("ignore-no-value", ROSTER + "ignore:\n  - role:\n", "7:5", ("a key without a value",)),
    Bad("ignore-everybody", ROSTER + 'ignore: [{role: "*"}]\n', "6:17", ("everybody", "strangers: {mode: observe}")),
    Bad("ignore-any-name", ROSTER + 'ignore: [{application_name: "**"}]\n', "6:29", ("everybody",)),
    Bad("ignore-address", ROSTER + "ignore: [{address: somewhere}]\n", "6:20", ("`local`", "10.0.0.0/8")),
    Bad("ignore-host-bits", ROSTER + "ignore: [{address: 10.1.2.3/8}]\n", "6:20", ("did you mean `10.0.0.0/8`?",)),
    Bad("ignore-mask", ROSTER + "ignore: [{address: 10.0.0.0/33}]\n", "6:20", ("expected an address",)),
    Bad("ignore-number", ROSTER + "ignore: [{address: 10.5}]\n", "6:20", ("as a number", '"10.5"')),
    Bad("ignore-twice", ROSTER + "ignore: [{role: a}, {role: a}]\n", "6:21", ("listed twice",)),
    Bad("ignore-same", ROSTER + "ignore: [{address: 10.0.0.7}, {address: 10.0.0.7/32}]\n", "6:31", ("listed twice",)),
    Bad("ignore-without-roster", GOOD + "ignore: [{role: metabase}]\n", "5:9", ("the plan has no `apps`",)),
    Bad("strangers-without-roster", GOOD + "gates: {contract: [strangers: {}]}\n", "5:31", ("the roster", "`apps`")),
    Bad("strangers-phase", ROSTER + "gates: {expand: [strangers: {}]}\n", "6:18", ("before expand", "`contract`")),
    Bad("strangers-key", contract("strangers: {ignore: []}"), "8:19", ("unknown key", "top level")),
]

GATES = [
    Bad("phase-typo", ROSTER + "gates: {contrct: []}\n", "6:9", ("did you mean `contract`?",)),
    Bad("gates-list", ROSTER + "gates: [approval]\n", "6:8", ("expected a mapping",)),
    Bad("gate-typo", contract("aproval: {role: x}"), "8:7", ("unknown gate", "did you mean `approval`?")),
    Bad("gate-empty", contract("legacy_writes:"), "8:7", ("`legacy_writes: {}`",)),
    Bad("gate-text", contract("legacy_writes"), "8:7", ("`legacy_writes: {}`",)),
    Bad("gate-twice", contract("legacy_writes: {}\n    - legacy_writes: {}"), "9:7", ("listed twice",)),
    Bad("gate-mode", contract("legacy_writes: {mode: warn}"), "8:29", ("`enforce` or `observe`", "`warn`")),
    Bad("gate-phase", ROSTER + "gates: {expand: [legacy_writes: {}]}\n", "6:18", ("before expand", "`contract`")),
    Bad("role-missing", contract("approval: {}"), "8:7", ("`role` is missing in `approval`",)),
    Bad("role-empty", contract("approval: {role: ''}"), "8:24", ("an empty text",)),
    Bad("role-long", contract(f"approval: {{role: {'r' * 101}}}"), "8:24", ("more than 100 characters",)),
    Bad("count-zero", contract("approval: {role: x, count: 0}"), "8:34", ("at least 1",)),
    Bad("count-eleven", contract("approval: {role: x, count: 11}"), "8:34", ("at most 10",)),
    Bad("count-text", contract("approval: {role: x, count: two}"), "8:34", ("a whole number", "`two`")),
    Bad("four-eyes-text", contract("approval: {role: x, four_eyes: 4}"), "8:38", ("true or false", "`4`")),
    Bad("expires-zero", contract("approval: {role: x, expires: 0s}"), "8:36", ("1m to 365d",)),
    Bad("expires-number", contract("approval: {role: x, expires: 24}"), "8:36", ("`24s`",)),
    Bad("app-unknown", contract("app_version: {apps: [zeta, apii]}"), "8:34", ("`apii`", "did you mean `api`?")),
    Bad("app-without-roster", GOOD + "gates: {contract: [app_version: {}]}\n", "5:33", ("the roster", "`apps`")),
]

BAD_PLANS = [*UNREADABLE, *KEYS, *VALUES, *CHANGES, *DATA, *FORMS, *APPS, *IGNORE, *GATES]
