"""Definitions as PostgreSQL prints them, made fit to be read back: what is made from one prints as the one it is from.

Not all of the server's deparse survives a round trip. Two forms do not, and both are common (measured on 15 and 18):

- `x IN ('a', 'b')` over a varchar is printed as `(ARRAY['a'::varchar, 'b'::varchar])::text[]`, and a cast over ARRAY[…]
  is read as a cast of each element. A second cast, to what the elements are, in between keeps it one of the array.
- A column without a name, as in the later branches of a UNION, is printed without one: `'x'::text`, which is read
  as a column named `text`.

Both are found in the parse tree and mended by an insertion at the place that it tells; nothing is printed anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from pglast.parser import Token

_AFTER_A_COLUMN = frozenset(
    {"FROM", "WHERE", "GROUP_P", "HAVING", "WINDOW", "UNION", "INTERSECT", "EXCEPT", "ORDER", "LIMIT", "OFFSET"}
    | {"FETCH", "FOR", "ASCII_44", "ASCII_59"}
)
"""What may follow a column of a SELECT outside parentheses; the last two are the comma and the semicolon."""
_OPENING = frozenset({"ASCII_40", "ASCII_91"})
_CLOSING = frozenset({"ASCII_41", "ASCII_93"})


def repeatable(definition: str) -> str:
    """The definition (one statement), so that what the server makes of it prints as this one does.

    A text that is beyond our parser's grammar comes back as it is.
    """
    from pglast.parser import ParseError, parse_sql, scan

    try:
        tree, tokens = parse_sql(definition), scan(definition)
    except ParseError:
        return definition
    pieces: list[str] = []
    done = 0
    for place, piece in sorted(_insertions(tree, tokens)):
        pieces += (definition[done:place], piece)
        done = place
    return "".join((*pieces, definition[done:]))


def _insertions(tree: Any, tokens: list[Token]) -> Iterator[tuple[int, str]]:
    """Places in the text, counted in characters, and what is missing there."""
    from pglast import ast
    from pglast.visitors import Visitor

    found: list[tuple[int, str]] = []

    class Search(Visitor):
        """Casts over ARRAY[…] and unnamed casts in a list of columns."""

        def visit_TypeCast(self, _ancestors: Any, cast: Any) -> None:  # noqa: N802  # pglast finds it by this name
            if isinstance(cast.arg, ast.A_ArrayExpr):
                found.extend((cast.location, piece) for piece in _element_cast(cast.arg))

        def visit_ResTarget(self, _ancestors: Any, target: Any) -> None:  # noqa: N802  # as above
            if target.name is None and isinstance(target.val, ast.TypeCast):
                found.append((_end_of_column(target.val, tokens), ' AS "?column?"'))

    Search()(tree)
    yield from found


def _element_cast(array: Any) -> Iterator[str]:
    """A cast to the array's own type, where one of its elements tells it by a cast to a type that is no array."""
    from pglast import ast

    for element in array.elements or ():
        written: Any = element.typeName if isinstance(element, ast.TypeCast) else None
        if written is not None and not written.arrayBounds:
            names = (name.sval for name in written.names)
            yield f"::{render(sql.Identifier(*names))}[]"
            return


def _end_of_column(cast: Any, tokens: list[Token]) -> int:
    """Where the column ends of which this is the outermost cast; its place is that of the `::`."""
    start: int = cast.location
    end, depth = start, 0
    for token in tokens:
        if token.start < start:
            continue
        if depth == 0 and (token.name in _AFTER_A_COLUMN or token.name in _CLOSING):
            break
        depth += (token.name in _OPENING) - (token.name in _CLOSING)
        end = token.end + 1
    return end
