"""The layouts of tools' folders, one module for each, in the order in which a folder is shown to them.

Each has `claim(folder)`, see `claim`. What the text of files tells comes after what names and plans tell; the last
takes any SQL.
"""

from __future__ import annotations

from collections.abc import Callable

from crossfade.migrations.folder import Folder
from crossfade.migrations.layouts import (
    dbmate,
    diesel,
    drizzle,
    drizzle_1,
    flyway,
    golang_migrate,
    goose,
    node_pg_migrate,
    plain,
    prisma,
    sqitch,
    up_down,
    up_down_folders,
)
from crossfade.migrations.layouts.claim import Claim

LAYOUTS: tuple[Callable[[Folder], Claim | None], ...] = (
    sqitch.claim,
    drizzle.claim,
    drizzle_1.claim,
    prisma.claim,
    diesel.claim,
    up_down_folders.claim,
    flyway.claim,
    dbmate.claim,
    goose.claim,
    node_pg_migrate.claim,
    golang_migrate.claim,
    up_down.claim,
    plain.claim,
)
"""Each says whether a folder is its tool's, and what stands in it."""
