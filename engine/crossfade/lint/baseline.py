"""The baseline: findings of old migrations, which are known and are not told again.

A JSON file with an entry for each, one on a line, by the file below the baseline's own directory, the rule, and a
fingerprint that stays when lines move. An entry that matches nothing any more is told, so that the file only shrinks.
Pure.
"""

from __future__ import annotations

import json
import os.path
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from crossfade.errors import UsageError
from crossfade.lint.bookkeeping import BASELINE_UNUSED
from crossfade.lint.finding import Finding
from crossfade.migrations.script import Position, Source

if TYPE_CHECKING:
    from crossfade.lint.fingerprint import Known

_FORMAT = "crossfade_lint_baseline"
_VERSION = 1


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One finding that is known."""

    file: str
    """Below the baseline's directory, with `/`."""
    rule: str
    fingerprint: str
    about: str
    """The begin of its statement, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A baseline as it was read; an empty one is to be written first."""

    source: Source
    entries: tuple[Entry, ...]

    @property
    def path(self) -> Path:
        """Where it stands, as it was named."""
        return self.source.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Sifted:
    """Findings that are not in the baseline, and the entries of the baseline without a finding."""

    kept: tuple[Known, ...]
    in_baseline: int
    unmatched: tuple[Entry, ...]


def read_baseline(source: Source) -> Baseline:
    """The baseline of that text. Raises UsageError where it is none."""
    hint = "Write it anew with: crossfade lint --write-baseline"
    try:
        document: Any = json.loads(source.text)
        version, entries = document[_FORMAT], tuple(_entry(e) for e in document["findings"])
    except (ValueError, TypeError, LookupError) as error:
        said = str(error) if isinstance(error, ValueError) else "it has not the form of one"
        raise UsageError(f"{source.path} is no baseline: {said}", hint=hint, location=str(source.path)) from None
    if version != _VERSION:
        said = f"{source.path} is a baseline of version {version}, and this crossfade reads version {_VERSION}"
        raise UsageError(said, hint=hint, location=str(source.path))
    return Baseline(source=source, entries=entries)


def empty_baseline(path: Path) -> Baseline:
    """One without entries."""
    return Baseline(source=Source(path, ""), entries=())


def sift(findings: Iterable[Known], baseline: Baseline, here: Path) -> Sifted:
    """The findings without those in the baseline; `here` is where relative paths begin."""
    entries = {(e.file, e.rule, e.fingerprint): e for e in baseline.entries}
    kept: list[Known] = []
    found: set[tuple[str, str, str]] = set()
    for each in findings:
        key = _key(each, baseline.path, here)
        if key in entries:
            found.add(key)
        else:
            kept.append(each)
    unmatched = tuple(entry for key, entry in entries.items() if key not in found)
    return Sifted(kept=tuple(kept), in_baseline=len(found), unmatched=unmatched)


def unused(entries: Iterable[Entry], baseline: Baseline) -> Iterator[Finding]:
    """What is said about entries that match nothing."""
    lines = baseline.source.text.split("\n")
    for entry in entries:
        file = json.dumps(entry.file, ensure_ascii=False)
        written = (n for n, line in enumerate(lines, 1) if entry.fingerprint in line and file in line)
        yield Finding(
            rule=BASELINE_UNUSED.id,
            severity=BASELINE_UNUSED.severity,
            file=baseline.path,
            position=Position(next(written, 1), 1),
            message=f"{entry.rule} is not found in {entry.file} any more, so the entry can go.",
        )


def stale(
    entries: Iterable[Entry],
    baseline: Baseline,
    here: Path,
    looked_at: Iterable[Path],
    is_there: Callable[[Path], bool],
) -> tuple[Entry, ...]:
    """The entries without a finding whose file was looked at, or is gone; of others nothing is known."""
    seen, root = {_absolute(path, here) for path in looked_at}, _absolute(baseline.path, here).parent
    files = {entry: Path(os.path.normpath(root / entry.file)) for entry in entries}
    return tuple(entry for entry, file in files.items() if file in seen or not is_there(file))


def written(findings: Iterable[Known], kept: Iterable[Entry], baseline: Baseline, here: Path) -> str:
    """The text of a baseline with these findings and these entries of before."""
    made = {
        Entry(*_key(each, baseline.path, here), each.about)
        for each in findings
        if each.finding.rule != BASELINE_UNUSED.id
    }
    entries = sorted({*made, *kept})
    lines = ",\n".join(f"    {json.dumps(_document(entry), ensure_ascii=False)}" for entry in entries)
    listed = f"[\n{lines}\n  ]" if entries else "[]"
    return f'{{\n  "{_FORMAT}": {_VERSION},\n  "findings": {listed}\n}}\n'


def _entry(value: Any) -> Entry:
    entry = Entry(value["file"], value["rule"], value["fingerprint"], value.get("about", ""))
    if not all(isinstance(part, str) for part in (entry.file, entry.rule, entry.fingerprint, entry.about)):
        raise TypeError
    return entry


def _document(entry: Entry) -> dict[str, str]:
    return {"file": entry.file, "rule": entry.rule, "fingerprint": entry.fingerprint, "about": entry.about}


def _key(each: Known, baseline: Path, here: Path) -> tuple[str, str, str]:
    root = _absolute(baseline, here).parent
    file = PurePath(os.path.relpath(_absolute(each.finding.file, here), root)).as_posix()
    return file, each.finding.rule, each.fingerprint


def _absolute(path: Path, here: Path) -> Path:
    """Without `..`, and without asking the file system."""
    return Path(os.path.normpath(here / path))
