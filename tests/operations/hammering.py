"""Two old and two new writers of the same few rows at once, who must not fail each other."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from ..fixtures.database import Database

ROUNDS = 60


def hammer(database: Database, old: tuple[str, ...], new: tuple[str, ...]) -> list[str]:
    """What failed. Each statement gets `what` and `id`; the later half of both is for one writer of its version alone:

    two of a kind that write several rows at once do meet in a deadlock of their own.
    """
    failed: list[str] = []
    writers = [
        threading.Thread(target=_write, args=(database, number, writes, failed))
        for number, writes in enumerate((old, new, old[: len(old) // 2], new[: len(new) // 2]))
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    return failed


def _write(database: Database, number: int, writes: tuple[str, ...], failed: list[str]) -> None:
    chance = random.Random(number)
    try:
        with database.connect(autocommit=True) as connection:
            connection.execute("SET deadlock_timeout = '10ms'")
            for n in range(ROUNDS):
                values = {"what": f"{number}.{n}", "id": chance.randint(1, 4)}
                connection.execute(chance.choice(writes).encode(), values)
    except psycopg.Error as error:
        failed.append(str(error))
