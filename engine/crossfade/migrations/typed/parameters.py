"""Storage parameters as a plan writes them: numbers, true and false, else texts. Pure."""

from __future__ import annotations

from typing import Any

from crossfade.migrations.typed.entry import printed
from crossfade.postgres.forecast.trees import kind

_WORDS = {"on": True, "true": True, "off": False, "false": False}


def parameters(options: Any) -> dict[str, Any]:
    """The values of a WITH or SET, by name; `toast.` stands before those of the TOAST table."""
    return {parameter_name(option): _value(option.arg) for option in options or ()}


def parameter_name(option: Any) -> str:
    """Its name."""
    return f"{option.defnamespace}.{option.defname}" if option.defnamespace else str(option.defname)


def _value(node: Any) -> Any:
    match kind(node):
        case "Integer":
            return int(node.ival)
        case "Float":
            return float(node.fval)
        case "Boolean":
            return bool(node.boolval)
        case "NoneType":
            return True
    text = str(node.sval) if kind(node) == "String" else printed(node)
    return _WORDS.get(text.lower(), text)
