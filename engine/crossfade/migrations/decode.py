"""The bytes of a file into text: UTF-8, or UTF-16 with a byte order mark. Pure."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

_SAMPLE = 8_000


@dataclass(frozen=True, slots=True)
class NotText:
    """Why bytes are no text that can be read, in words that follow the name of the file."""

    message: str
    hint: str
    line: int = 1


def decode(content: bytes) -> str | NotText:
    """The text without its byte order mark; line ends stay what they are."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _decoded(content, "utf-16")
    return _decoded(content, "utf-8-sig")


def _decoded(content: bytes, encoding: str) -> str | NotText:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if b"\0" in content[:_SAMPLE] and encoding != "utf-16":
            return _BINARY
        name = "UTF-8" if encoding == "utf-8-sig" else "UTF-16"
        line = content.count(b"\n", 0, error.start) + 1 if encoding == "utf-8-sig" else 1
        return NotText(
            f"it is not {name}: the byte 0x{content[error.start]:02x} does not belong there",
            "save it as UTF-8, for example with `iconv -f LATIN1 -t UTF-8`",
            line,
        )
    return _BINARY if "\0" in text else text


_BINARY = NotText("it is a binary file, not SQL", "leave it out, or dump it as SQL first")
