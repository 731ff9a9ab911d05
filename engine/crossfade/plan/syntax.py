"""What the YAML parser complains of, in words for someone who edits a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ruamel.yaml.error import MarkedYAMLError


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One complaint, and where to look."""

    message: str
    hint: str
    at_start: bool = False
    """Whether to look where the thing begins rather than where the parser gave up."""
    unclosed: bool = False
    """Whether a collection that is still open is to blame."""


def in_words(error: MarkedYAMLError) -> Complaint:
    """The complaint in words; the parser's own where it is not known here."""
    problem = error.problem or error.context or ""
    for part, complaint in _COMPLAINTS.items():
        if part in problem:
            return complaint
    return Complaint(
        message=f"not readable as YAML: {problem}", hint="check indentation, colons and quotes around here"
    )


_NEVER_CLOSED = Complaint(message="a quote that is never closed", hint="close it", at_start=True)
_NO_COMMA = Complaint(
    message="a comma or a closing bracket is missing before this", hint="put a text with brackets or commas in quotes"
)

# The first that is part of the parser's text counts.
_COMPLAINTS = {
    "'<document start>'": Complaint(
        message="two things side by side, or a YAML directive", hint="a plan is one mapping of keys"
    ),
    "<stream end>": Complaint(message="a bracket or brace that is never closed", hint="close it", unclosed=True),
    "unexpected end of stream": _NEVER_CLOSED,
    "unexpected document separator": _NEVER_CLOSED,
    r"'\t'": Complaint(message="a tab where YAML allows only spaces", hint="indent with spaces"),
    "mapping values are not": Complaint(
        message="a colon where no key can stand", hint="indent evenly; quote a text with `: ` in it"
    ),
    "find expected ':'": Complaint(message="a line without a colon", hint="write `key: value`", at_start=True),
    "found character '": Complaint(message="a text cannot begin with this character", hint="put it in quotes"),
    "unknown escape character": Complaint(
        message="an unknown escape in a text in double quotes", hint="double the backslash"
    ),
    "expected escape sequence": Complaint(
        message="an escape that is cut short in a text in double quotes", hint="double the backslash"
    ),
    "expected <block end>": Complaint(
        message="this does not fit the lines before", hint="indent evenly; quote a text as a whole"
    ),
    "sequence entries are not": Complaint(
        message="a dash where no entry can stand", hint="put each entry on a line of its own"
    ),
    "expected chomping": Complaint(
        message="text behind `|` or `>`", hint="begin the text on the next line, indented further"
    ),
    "alphabetic or numeric": Complaint(
        message="`*` and `&` stand for YAML's aliases and anchors", hint="put the text in quotes"
    ),
    "expected ',' or": _NO_COMMA,
    "expected the node content": Complaint(
        message="a value is missing before this", hint="write it, or put the text in quotes"
    ),
}
