"""An enum with other values that takes another's place: the type itself. Its columns are the matter of `exchange`.

expand    the successor under a name of ours, with the rights and the owner of the enum
contract  in the transaction that exchanges the columns the enum steps aside, and the successor takes its name
          once no column needs the enum, it goes
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.data_types import made_types
from crossfade.operations.rights import type_rights
from crossfade.operations.step import Caution, Part, Step
from crossfade.operations.twins.exchange import Move, negated
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.postgres.catalog import DataType


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumTwin:
    """An enum and its successor."""

    place: Place
    enum: DataType
    labels: tuple[str, ...]
    """Of the successor."""

    @property
    def name(self) -> QualifiedName:
        """The successor's until contract."""
        return self._own("twin")

    @property
    def hidden(self) -> QualifiedName:
        """The enum's from then on."""
        return self._own("old")

    def _own(self, purpose: str) -> QualifiedName:
        name = self.enum.name
        return QualifiedName(name.schema, self.place.name(purpose, "type", name.schema, name.name))

    @property
    def type(self) -> DataType:
        """The successor as it is until contract."""
        return replace(self.afterwards, asked=str(self.name), spelling=str(self.name), name=self.name, base=self.name)

    @property
    def afterwards(self) -> DataType:
        """The successor as contract leaves it."""
        return replace(self.enum, labels=self.labels)

    @property
    def prelude(self) -> tuple[str, ...]:
        """Statements after which, within a trial, the enum is as contract leaves it."""
        return (self.create.text, *(s.text for s in _renamed(self.enum.name, self.hidden, self.name)))

    @property
    def create(self) -> Statement:
        """The successor under its name until contract."""
        labels = sql.SQL(", ").join(map(sql.Literal, self.labels))
        text = sql.SQL("CREATE TYPE {} AS ENUM ({})").format(_identifier(self.name), labels)
        return Statement(text=render(text))


def create(twin: EnumTwin) -> Step:
    """The successor is made; nothing uses it yet."""
    owner = sql.SQL("ALTER TYPE {} OWNER TO {}").format(_identifier(twin.name), sql.Identifier(twin.enum.owner))
    return Step(
        id=twin.place.id("type"),
        part=Part.EXPAND,
        title=f"make the enum that takes the place of {twin.enum.name}",
        statements=(
            twin.create,
            _comment(twin.name, twin.place.mark),
            Statement(text=render(owner)),
            *(Statement(text=render(right)) for right in type_rights.rights(twin.enum, twin.name)),
        ),
        undo=(Statement(text=render(sql.SQL("DROP TYPE IF EXISTS {}").format(_identifier(twin.name)))),),
        done=made_types.exists(twin.name),
    )


def take_name(twin: EnumTwin) -> Move:
    """The names go over, and the user's comment with them."""
    users = twin.enum.name
    return Move(
        do=(
            *_renamed(users, twin.hidden, twin.name),
            _comment(twin.hidden, twin.place.mark),
            _comment(users, twin.enum.comment),
            *_read_again(twin.enum),
        ),
        undo=(
            *_renamed(users, twin.name, twin.hidden),
            _comment(twin.name, twin.place.mark),
            _comment(users, twin.enum.comment),
            *_read_again(twin.enum),
        ),
    )


def _read_again(enum: DataType) -> Iterator[Statement]:
    """Sessions that have called a function keep the types of its variables until its row in the catalog is written."""
    for function in enum.kept_by:
        if function.owned:
            text = sql.SQL("ALTER ROUTINE {}({}) SECURITY {}").format(
                _identifier(function.name),
                sql.SQL(function.arguments),
                sql.SQL("DEFINER" if function.security_definer else "INVOKER"),
            )
            yield Statement(text=render(text))


def cautions(twin: EnumTwin) -> Iterator[Caution]:
    """Functions of others, which keep the enum."""
    for function in twin.enum.kept_by:
        if not function.owned:
            yield Caution(
                code="kept_type",
                object=f"function {function}",
                message=f"a session that has called it may keep the enum {twin.enum.name} of before, and this role is "
                "not (a member of) its owner: let its owner run CREATE OR REPLACE after contract, or sessions connect "
                "anew.",
            )


def drop(twin: EnumTwin) -> Step:
    """The enum goes, and with it what its columns held besides. Without CASCADE: what nobody knew of stops it."""
    return Step(
        id=twin.place.id("drop_type"),
        part=Part.DROP,
        title=f"drop what {twin.enum.name} was",
        statements=(Statement(text=render(sql.SQL("DROP TYPE IF EXISTS {}").format(_identifier(twin.hidden)))),),
        done=negated(made_types.exists(twin.hidden)),
    )


def _renamed(users: QualifiedName, aside: QualifiedName, successor: QualifiedName) -> tuple[Statement, ...]:
    """What has the user's name goes aside, and the successor takes it."""
    return _rename(users, aside.name), _rename(successor, users.name)


def _rename(source: QualifiedName, target: str) -> Statement:
    text = sql.SQL("ALTER TYPE {} RENAME TO {}").format(_identifier(source), sql.Identifier(target))
    return Statement(text=render(text))


def _comment(name: QualifiedName, comment: str | None) -> Statement:
    return Statement(text=render(sql.SQL("COMMENT ON TYPE {} IS {}").format(_identifier(name), sql.Literal(comment))))


def _identifier(name: QualifiedName) -> sql.Identifier:
    return sql.Identifier(name.schema, name.name)
