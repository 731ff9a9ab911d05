"""Neighbouring steps that wait for the same lock become one, so that a plan of several changes takes it once.

Only what is over in a moment is merged: a step that reads or rewrites a table would keep the others' locks for as long,
and statements are never merged into one (`SET NOT NULL` and dropping the CHECK that proves it in one ALTER TABLE reads
all rows; measured on 15 and 18). The names that a plan's changes exchange change hands in one transaction this way, so
no trigger function meets half of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.postgres.statement import LockMode, render

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crossfade.operations.step import Step


def merged(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps, in their order, with neighbours merged that lock the same table against writes."""
    done: list[Step] = []
    for step in steps:
        if done and _can_merge(done[-1], step):
            done[-1] = _merge(done[-1], step)
        else:
            done.append(step)
    return tuple(done)


def _can_merge(one: Step, other: Step) -> bool:
    in_place = (one.part, one.turn) == (other.part, other.turn)
    quick = all(s.transactional and not s.rewrites and not s.scans and not s.falls_with for s in (one, other))
    return in_place and quick and bool(_closed_to_writes(one) & _closed_to_writes(other))


def _closed_to_writes(step: Step) -> frozenset[str]:
    return frozenset(lock.relation for lock in step.locks if lock.mode >= LockMode.SHARE)


def _merge(one: Step, other: Step) -> Step:
    return replace(
        one,
        id=f"{one.id} + {other.id}",
        title=f"{one.title}; {other.title}",
        statements=(*one.statements, *other.statements),
        undo=(*other.undo, *one.undo),
        guards=(*one.guards, *other.guards),
        in_the_way=(*one.in_the_way, *other.in_the_way),
        takes_along=(*one.takes_along, *other.takes_along),
        irreversible="; ".join(filter(None, (one.irreversible, other.irreversible))) or None,
        done=render(sql.SQL("SELECT ({}) AND ({})").format(sql.SQL(one.done), sql.SQL(other.done))),
    )
