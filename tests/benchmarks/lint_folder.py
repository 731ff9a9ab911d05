"""How long `crossfade lint` takes over 300 migrations, as a process of its own with its start-up.

The files are those of a project that has grown for years: every third makes a table with indexes and a foreign key, the
others change tables that are there. The baseline is a process that starts Python and does nothing but parse the same
files with pglast.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from .figures import Figure, Goal

NAME = "lint_folder"
FILES = 300
MOST_SECONDS = 2.0
TABLE = """\
-- CreateTable
CREATE TABLE "Thing{n}" (
    "id" SERIAL NOT NULL,
    "name" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'new',
    "price" DECIMAL(10,2) NOT NULL,
    "ownerId" INTEGER,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "note" VARCHAR(200),
    CONSTRAINT "Thing{n}_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "Thing{n}_name_key" ON "Thing{n}"("name");
CREATE INDEX "Thing{n}_ownerId_idx" ON "Thing{n}"("ownerId");

-- AddForeignKey
ALTER TABLE "Thing{n}" ADD CONSTRAINT "Thing{n}_ownerId_fkey"
    FOREIGN KEY ("ownerId") REFERENCES "Thing{owner}"("id") ON DELETE SET NULL ON UPDATE CASCADE;
"""
CHANGES = (
    """\
-- AlterTable
ALTER TABLE "Thing{n}" ADD COLUMN "extra{file}" INTEGER NOT NULL DEFAULT 0, ADD COLUMN "more{file}" TEXT;
UPDATE "Thing{n}" SET "more{file}" = "name" WHERE "more{file}" IS NULL;
CREATE INDEX "Thing{n}_more{file}_idx" ON "Thing{n}"("more{file}");
""",
    """\
-- AlterTable
ALTER TABLE "Thing{n}" ALTER COLUMN "note" SET NOT NULL;
ALTER TABLE "Thing{n}" ALTER COLUMN "name" SET DATA TYPE VARCHAR(100);
ALTER TABLE "Thing{n}" RENAME COLUMN "price" TO "price{file}";
""",
)
PARSE = """
import sys
from pathlib import Path
from pglast import parse_sql
for file in sorted(Path(sys.argv[1]).rglob("*.sql")):
    parse_sql(file.read_text())
"""


def measure(repetitions: int) -> Iterator[Figure]:
    """The median of some runs, in seconds."""
    with tempfile.TemporaryDirectory(prefix="crossfade-lint-") as made:
        _write(Path(made))
        lint = [_seconds([sys.executable, "-m", "crossfade", "lint", made], 1) for _ in range(repetitions)]
        parse = [_seconds([sys.executable, "-c", PARSE, made], 0) for _ in range(repetitions)]
    yield Figure(
        benchmark=NAME,
        what=f"lint of {FILES} migrations, start-up included",
        unit="s",
        figure=sorted(lint)[repetitions // 2],
        baseline=sorted(parse)[repetitions // 2],
        goal=Goal(of="figure", at_most=MOST_SECONDS),
    )


def _write(folder: Path) -> None:
    (folder / "migration_lock.toml").write_text('provider = "postgresql"\n')
    for file in range(FILES):
        place = folder / f"2026{file + 1:010}_change"
        place.mkdir()
        n = file // 3
        text = TABLE if file % 3 == 0 else CHANGES[file % 3 - 1]
        (place / "migration.sql").write_text(text.format(n=n, owner=max(n - 1, 0), file=file))


def _seconds(command: Sequence[str], code: int) -> float:
    begun = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != code:
        raise RuntimeError(f"exit code {done.returncode}: {done.stderr}")
    return time.monotonic() - begun
