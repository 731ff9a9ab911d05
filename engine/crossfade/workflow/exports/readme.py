"""The README of an export: the folders in order, what has to be true before each, and how a file is applied. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from crossfade.workflow.exports.layouts import Layout
from crossfade.workflow.exports.parts import Stage

if TYPE_CHECKING:
    from crossfade.workflow.exports.layouts import ExportedFile, Settings

_BEFORE = {
    Stage.EXPAND: "at any time. The old version goes on; the new one must not be live yet.",
    Stage.BACKFILL: "at any time after that. It fills the rows in batches, and ends with a comparison of both shapes.",
    Stage.CONTRACT: "the new version is everywhere and no instance of the old one is left, not even a worker that "
    "sleeps. crossfade would ask its gates; here it is up to you.",
    Stage.DROP: "you are sure that you do not want to go back: this cannot be taken back.",
}
_HOW = {
    Layout.SQL: """Apply the `.up.sql` of a folder in the order of their numbers, and the `.down.sql` in the opposite
order to take the folder back. golang-migrate looks for the file of the version that the database is at, so it needs
what is in the folders before as well: copy a folder's files to those, once it is time for it, and run `migrate up`, or
`migrate down N` for the last N. Their numbers begin with 1: a table of versions of their own keeps them from those of
other migrations (`x-migrations-table=NAME` in the database's URL). With psql:
""",
    Layout.PRISMA: """Copy what is in a folder into `prisma/migrations` once it is time for it, and run
`prisma migrate deploy`. Prisma has no way down: take a folder back by `prisma db execute --file …/down.sql`, the last
one first, and delete the rows of its migrations from `_prisma_migrations`.
""",
    Layout.DRIZZLE_0: """Go through the folders in a folder in their order. Copy what is in `…-drizzle` into your
folder of migrations, its `meta/_journal.json` over yours, and run `drizzle-kit migrate` (0.x) before you copy the next:
Drizzle runs everything that is pending in one transaction, and what reads a whole table must not be in that of what
blocks its writers. Take it back with psql by its `.down.sql`, the last one first. The journal is yours with these files
behind the last: export the plan again if you generate a migration before all are copied. What is in `…-psql` cannot
run in a transaction:
""",
    Layout.DRIZZLE: """Go through the folders in a folder in their order. Copy what is in `…-drizzle` into your folder
of migrations and run `drizzle-kit migrate` (1.x) before you copy the next: Drizzle runs everything that is pending in
one transaction, and what reads a whole table must not be in that of what blocks its writers. Take it back with psql by
its `down.sql`, the last one first. What is in `…-psql` cannot run in a transaction:
""",
}
_AFTER = {
    Layout.DRIZZLE_0: """These files have no snapshot, and `drizzle-kit generate` compares your schema with the last one
that there is: it would write the same changes again. Once the last file is copied, and your schema says what they come
to, run it, give the `meta/NNNN_snapshot.json` that it makes the number of the last of these files, and remove the
`.sql` that it made and its entry in the journal.
""",
    Layout.DRIZZLE: """These folders have no `snapshot.json`, and `drizzle-kit generate` compares your schema with the
last one that there is: it would write the same changes again. Once the last folder is copied, and your schema says what
they come to, run it, move the `snapshot.json` that it makes into the last of these folders, and remove its own folder.
""",
}
_PSQL = """    export PGOPTIONS='-c lock_timeout={lock_timeout}'
    for file in {folder}/*.up.sql; do psql -X -v ON_ERROR_STOP=1 -f "$file" "$DATABASE_URL" || break; done
"""


def readme(files: Sequence[ExportedFile], settings: Settings) -> str:
    """The page, in Markdown."""
    stages = [stage for stage in Stage if any(file.path.startswith(f"{stage.value}/") for file in files)]
    return "\n".join(_lines(stages, settings))


def _lines(stages: Sequence[Stage], settings: Settings) -> Iterator[str]:
    yield f"# {settings.plan}, as migrations"
    yield ""
    yield "Written by `crossfade export`. Apply one folder after the other, each when what it says is true:"
    yield ""
    for stage in stages:
        yield f"- `{stage.value}`: {_BEFORE[stage]}"
    yield ""
    yield from _migrations(settings)
    yield _HOW[settings.layout]
    if settings.layout is not Layout.PRISMA:
        yield _PSQL.format(lock_timeout=settings.lock_timeout, folder="FOLDER")
    if settings.layout in _AFTER:
        yield _AFTER[settings.layout]
    yield "A file that could not have its locks in time has changed nothing: apply it again. Where an index was being"
    yield "built outside a transaction, run the file's way back first, which removes what is left of it."
    yield ""


def _migrations(settings: Settings) -> Iterator[str]:
    """What becomes of the migrations that the plan covers."""
    for name in settings.replaced:
        yield f"These files take the place of `{name}`: remove it from your folder before you apply the first of them."
    for tool, name in settings.recorded:
        yield f"They write the row of `{name}` into the history of {tool}, in the file that completes its work."
    if settings.replaced or settings.recorded:
        yield ""
