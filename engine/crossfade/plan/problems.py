"""What pydantic found wrong with a document, as problems with positions and in the words of a plan.

A position is that of the key for one that is unknown or left empty, of the mapping's own key for one that is missing,
else of the value. Which keys are known, what is expected, and examples come from the JSON Schema of the same models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from crossfade.errors import PlanProblem
from crossfade.plan import alternatives, durations, sizes
from crossfade.plan.document import Mapping, Node, Place, Scalar, Sequence
from crossfade.plan.faults import FAULT
from crossfade.plan.schema_parts import schema_at
from crossfade.plan.words import nearest, nearest_word, one_of, shown
from crossfade.plan.written import on_one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

_NOT_YET = frozenset({"terminate_blockers", "repository", "if_blocked"})
"""Keys that the format foresees and this version cannot honour: refused rather than ignored."""

_UNWRITTEN = "of"
"""The key that `all`, `any` and `not` may leave out: what they are made of stands in its place."""

Loc: TypeAlias = tuple[int | str, ...]
Said: TypeAlias = tuple[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
    """One error of pydantic's beside what is written there."""

    kind: str
    loc: Loc
    key: Place
    """Where the key stands; for the entry of a list, where the entry does."""
    node: Node
    """The value; the one around it if there is none."""
    exists: bool
    of_form: bool
    """Whether it is about the whole value, in one of the forms that it may have."""
    context: dict[str, Any]
    otherwise: str
    """pydantic's own words."""

    @property
    def name(self) -> str:
        """The key."""
        return str(self.loc[-1])

    @property
    def at(self) -> Place:
        """Where to look."""
        left_empty = isinstance(self.node, Scalar) and self.node.value is None and not self.node.raw
        on_the_key = self.kind in {"missing", "extra_forbidden"} or not self.exists or left_empty
        return self.key if on_the_key else self.node.at

    @property
    def is_echo(self) -> bool:
        """Whether a list is called too short only because its entries are wrong."""
        return self.kind == "too_short" and isinstance(self.node, Sequence) and bool(self.node.items)

    @property
    def got(self) -> str:
        """What is written there, for a message."""
        node = self.node
        return shown(node.raw) if isinstance(node, Scalar) and node.raw else _kind(node)


def problems_of(error: ValidationError, root: Node, file: str) -> Iterator[PlanProblem]:
    """One problem per fault, with its place in the tree that was validated."""
    faults = [_fault(details, root) for details in error.errors(include_url=False, include_input=False)]
    mistyped = {(*f.loc[:-1], _meant(f)) for f in faults if f.kind == "extra_forbidden"}
    for found, *others in alternatives.settled(faults):
        if (found.kind == "missing" and found.loc in mistyped) or found.is_echo:
            continue
        message, hint = _of_no_form((found, *others)) if others else _said(found)
        yield PlanProblem(file=file, line=found.at.line, column=found.at.column, message=message, hint=hint)


def _fault(details: ErrorDetails, root: Node) -> _Fault:
    of_key = details["loc"][-1:] == ("[key]",)
    loc: list[int | str] = []
    key, node, exists, of_form = root.at, root, True, False
    for part in details["loc"][:-1] if of_key else details["loc"]:
        of_form = False
        inside = _entry(node, part) if exists else None
        if inside is not None:
            key, node = inside
        elif exists and alternatives.is_form(part):
            of_form = True
            continue
        elif part != _UNWRITTEN:
            exists = False
        loc.append(part)
    return _Fault(
        kind=details["type"],
        loc=tuple(loc),
        key=key,
        node=node,
        exists=exists and not of_key,
        of_form=of_form,
        context=details.get("ctx", {}),
        otherwise=details["msg"],
    )


def _entry(node: Node, part: int | str) -> tuple[Place, Node] | None:
    """What stands there in a mapping or a list, and where; None for nothing.

    Of a list it may be the text itself: where a model keeps another order, its faults name the text.
    """
    if isinstance(node, Mapping):
        return node.entries.get(str(part))
    if not isinstance(node, Sequence):
        return None
    if isinstance(part, int):
        return node.items[part].at, node.items[part]
    return next(((n.at, n) for n in node.items if isinstance(n, Scalar) and n.raw == part), None)


def _meant(found: _Fault) -> str | None:
    """The known key that an unknown one is nearest to."""
    return nearest_word(found.name, schema_at(found.loc[:-1]).get("properties", ()))


def _said(found: _Fault) -> Said:
    if found.kind == FAULT:
        return found.context["message"], found.context["hint"]
    words = _WORDS.get(found.kind)
    return words(found) if words else (f"{found.got} is not valid here: {found.otherwise}", None)


def _of_no_form(faults: tuple[_Fault, ...]) -> Said:
    """What may be one of several things is none of them."""
    words = [str(f.context["expected"]).replace("'", "`") for f in faults if f.kind == "literal_error"]
    plain = [alternatives.EXPECTED[f.kind] for f in faults if f.kind != "literal_error"]
    forms = list(dict.fromkeys((*(p for p in plain if p != "a whole number" or "a number" not in plain), *words)))
    found = faults[0]
    near = nearest(found.node.raw, [w.strip("`") for w in words]) if isinstance(found.node, Scalar) else None
    examples = schema_at(found.loc).get("examples")
    example = f", such as `{found.name}: {on_one_line(examples[0])}`" if examples else ""
    return f"expected {', '.join(forms[:-1])} or {forms[-1]}; got {found.got}", near or f"write one of them{example}"


def _missing(found: _Fault) -> Said:
    schema = schema_at(found.loc)
    examples = schema.get("examples") or schema.get("enum")
    where = f" in `{found.loc[-2]}`" if len(found.loc) > 1 and isinstance(found.loc[-2], str) else ""
    hint = f"add it, such as `{found.name}: {on_one_line(examples[0])}`" if examples else f"add `{found.name}:`"
    return f"`{found.name}` is missing{where}", hint


_NAMED_BY = ("from", "table", "type")
"""What a change is about, where it has no `name`."""


def _unknown(found: _Fault) -> Said:
    key, known = found.name, list(schema_at(found.loc[:-1]).get("properties", ()))
    if key in _NOT_YET:
        return f"this version of crossfade has no {shown(key)} yet", "remove it"
    meant = next((word for word in _NAMED_BY if word in known), None)
    if key == "name" and found.loc[0] == "changes" and meant is not None:
        # It is a key of the plan itself, too, but here one means what the change is about.
        return f"unknown key {shown(key)}", f"did you mean `{meant}`?"
    if len(found.loc) > 1 and key in schema_at(())["properties"]:
        return f"unknown key {shown(key)}", f"`{key}` belongs to the top level: indent it less"
    return f"unknown key {shown(key)}", nearest(key, known) or f"known here: {', '.join(known)}"


_MEASURES = {
    durations.PATTERN: (durations.EXPECTED, "s"),
    sizes.PATTERN: (sizes.EXPECTED, "MB"),
}
"""Texts that begin with a number: what is expected, and a unit to write behind it, by the pattern of the schema."""


def _not_text(found: _Fault) -> Said:
    node = found.node
    expected, unit = _MEASURES.get(schema_at(found.loc).get("pattern", ""), ("expected text", None))
    if not isinstance(node, Scalar) or node.value is None:
        return f"{expected}; got {_kind(node)}", "write it after the colon"
    if unit is not None:
        return f"{expected}; got {found.got}", _with_unit(node, unit)
    return f"{expected}; YAML reads {found.got} as {_kind(node)}", f'put it in quotes: "{node.raw}"'


def _with_unit(node: Scalar, unit: str) -> str:
    if isinstance(node.value, bool):
        return "write a whole number and its unit"
    return f"write `0{unit}`" if node.raw == "0" else f"add the unit: `{node.raw}{unit}`"


def _not_whole(found: _Fault) -> Said:
    return f"expected a whole number; got {found.got}", "write digits only, without quotes"


def _not_a_number(found: _Fault) -> Said:
    return f"expected a number; got {found.got}", "write digits, with a point where it is no whole one, without quotes"


def _not_a_truth(found: _Fault) -> Said:
    return f"expected true or false; got {found.got}", "write `true` or `false`, without quotes"


def _not_a_list(found: _Fault) -> Said:
    return f"expected a list; got {found.got}", "start each entry with a dash, or write [one, two]"


def _not_a_mapping(found: _Fault) -> Said:
    schema = schema_at(found.loc)
    optional = "properties" in schema and not schema.get("required")
    hint = f"write `{found.name}: {{}}`, or `key: value` lines below it" if optional else _BELOW
    return f"expected a mapping; got {found.got}", hint


def _not_a_choice(found: _Fault) -> Said:
    schema = schema_at(found.loc)
    choices = [str(c) for c in schema.get("enum", [schema.get("const")])]
    near = nearest(found.node.raw, choices) if isinstance(found.node, Scalar) else None
    return f"expected {one_of(choices)}; got {found.got}", near or "this version knows no other"


def _too_small(found: _Fault) -> Said:
    return f"{found.got} is too small", f"at least {found.context['ge']}"


def _too_large(found: _Fault) -> Said:
    return f"{found.got} is too large", f"at most {found.context['le']}"


def _malformed(found: _Fault) -> Said:
    examples = schema_at(found.loc).get("examples")
    hint = f"write something like `{on_one_line(examples[0])}`" if examples else "write another"
    return f"{found.got} is not valid here", hint


def _empty(found: _Fault) -> Said:
    if isinstance(found.node, Scalar):
        return "an empty text", "write something between the quotes"
    needed = found.name == _UNWRITTEN or found.name in schema_at(found.loc[:-1]).get("required", ())
    hint = "list at least one entry" if needed else "list at least one entry, or remove the key"
    written = found.loc[-2] if found.name == _UNWRITTEN else found.name
    return f"`{written}` is empty", hint


def _too_long(found: _Fault) -> Said:
    return f"a text of more than {found.context['max_length']} characters", "shorten it"


_BELOW = "write `key: value` lines below it, indented further"
_WORDS: dict[str, Callable[[_Fault], Said]] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    "string_type": _not_text,
    "int_type": _not_whole,
    "float_type": _not_a_number,
    "bool_type": _not_a_truth,
    "tuple_type": _not_a_list,
    "dict_type": _not_a_mapping,
    "model_type": _not_a_mapping,
    "literal_error": _not_a_choice,
    "greater_than_equal": _too_small,
    "less_than_equal": _too_large,
    "string_pattern_mismatch": _malformed,
    "string_too_short": _empty,
    "too_short": _empty,
    "string_too_long": _too_long,
}


def _kind(node: Node) -> str:
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    if node.value is None:
        return "nothing"
    if node.value == "":
        return "an empty text"
    return "true or false" if isinstance(node.value, bool) else "a number"
