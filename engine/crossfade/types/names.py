"""Names of types in the printed text: one for each thing, whatever the database calls it. Pure.

`user_status` becomes `UserStatus`. Two things that would have the same name get that of their schema in front, all of
them, and a number where that is not enough. Names depend on nothing but the things themselves, so a text that is
printed again has the same.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from crossfade.postgres.names import QualifiedName


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something that needs a name: a table needs several, that differ in their ends."""

    name: QualifiedName
    ends: tuple[str, ...] = ("",)


def chosen(wanted: Iterable[Wanted], taken: Collection[str]) -> Mapping[Wanted, str]:
    """The name of each without its end; none is `taken`, and no two are the same."""
    things = sorted(set(wanted), key=lambda w: (w.name, w.ends))
    alone = Counter(pascal(w.name.name) + end for w in things for end in w.ends)
    used, found = set(taken), dict[Wanted, str]()
    for thing in things:
        name = pascal(thing.name.name)
        if any(alone[name + end] > 1 or name + end in taken for end in thing.ends):
            name = pascal(thing.name.schema) + name
        number, first = 1, name
        while any(name + end in used for end in thing.ends):
            number += 1
            name = f"{first}_{number}"
        used |= {name + end for end in thing.ends}
        found[thing] = name
    return found


def pascal(name: str) -> str:
    """`user_status` as `UserStatus`; always an identifier, in TypeScript and in Python."""
    normal = unicodedata.normalize("NFKC", name)
    words = "".join(c if f"a{c}".isidentifier() and c != "_" else " " for c in normal).split()
    joined = unicodedata.normalize("NFKC", "".join(word[:1].upper() + word[1:] for word in words)) or "Unnamed"
    return joined if joined.isidentifier() else f"_{joined}"
