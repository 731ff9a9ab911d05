"""The documentation as the tests read it: its pages, their sections, tables and links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_FENCE = re.compile(r"^(```+).*?^\1$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^(#+) (.*)$", re.MULTILINE)
_CODE = re.compile(r"`([^`]*)`")


@dataclass(frozen=True, slots=True)
class Section:
    """What stands below one heading, up to the next one."""

    title: str
    text: str

    def tables(self) -> Iterator[list[list[str]]]:
        """The rows of each table, its heading left out; a cell is its text."""
        for block in re.split(r"\n\n+", self.text):
            lines = [line for line in block.splitlines() if line.startswith("|")]
            if len(lines) > 2:
                yield [_cells(line) for line in lines[2:]]


def pages() -> list[Path]:
    """Every Markdown file that a reader is meant to see."""
    found = [*DOCS.rglob("*.md"), *(ROOT / "examples").rglob("*.md"), *ROOT.glob("*.md"), ROOT / "tests" / "README.md"]
    return sorted(found)


def sections(page: Path) -> dict[str, Section]:
    """The sections of a page by title; fenced blocks stay in their section and hold no headings."""
    text = page.read_text(encoding="utf-8")
    plain = _FENCE.sub(lambda block: re.sub(r"(?m)^#", " ", block[0]), text)
    found = list(_HEADING.finditer(plain))
    ends = [h.start() for h in found[1:]] + [len(plain)]
    return {h[2]: Section(h[2], text[h.end() : end]) for h, end in zip(found, ends, strict=True)}


def links(page: Path) -> list[str]:
    """Where the links of a page lead."""
    return _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))


def anchors(page: Path) -> set[str]:
    """The fragments that a page's headings make, as GitHub writes them."""
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in sections(page)}


def codes(text: str) -> list[str]:
    """Everything between backquotes."""
    return _CODE.findall(text)


def fences(page: Path, language: str) -> list[str]:
    """The contents of the fenced blocks of one language."""
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
