"""Versions of apps: six schemes, and ranges over them. Pure; a version that cannot be read is never admitted.

A range is one or more comparators (`>=2.0.0 <3`), by spaces or commas, all of which have to hold. A version without an
operator means exactly that one, and then it stands alone.

    semver    `>=` and `<` take short versions (`<3` is `<3.0.0`); a leading v is ignored, and so is build metadata
    pep440    Python's own rules, with `~=` and `==2.*`
    calver    dotted numbers compared as numbers: 2026.9 is before 2026.11.1, and 2026.11 is 2026.11.0
    integer   a number that counts up
    ordered   the plan's `order` is the order
    git       no order without a repository: a list of commit ids (7 to 64 hex digits); each of them is in the range

A pre-release (semver `2.0.0-rc.1`, pep440 `2.0rc1`) comes before its release, and only a range that itself names a
pre-release admits any. `<3.0.0` never admits a pre-release of 3.0.0.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from crossfade.errors import CrossfadeError
from crossfade.plan.words import shown

if TYPE_CHECKING:
    from collections.abc import Callable

Scheme: TypeAlias = Literal["semver", "pep440", "calver", "integer", "ordered", "git"]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
_COMPARATOR = re.compile(r"(>=|<=|==|!=|~=|>|<|=)?[ \t]*([^\s,<>=!~^|]+)[\s,]*")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_LONGEST = 200

_EXAMPLES: dict[Scheme, str] = {
    "semver": "2.0.0",
    "pep440": "2.0",
    "calver": "2026.11.1",
    "integer": "412",
    "ordered": "one of `order`",
    "git": "4f2c91e",
}
_RANGES: dict[Scheme, str] = {
    "semver": "write comparators with whole versions, such as `>=2.0.0 <3`",
    "pep440": "write specifiers such as `>=2.0, <3`",
    "calver": "write comparators such as `>=2026.11.1`",
    "integer": "write comparators such as `>=412`",
    "ordered": "write a comparator and a version of `order`",
    "git": "list commit ids such as `4f2c91e, 07ad3b5`; a range would need the repository, and this version reads none",
}


class UnreadableVersion(CrossfadeError):
    """A version is not one in its app's scheme, so nothing can be said about it."""

    code = "unreadable_version"
    exit_code = 2

    def __init__(self, scheme: Scheme, version: str) -> None:
        super().__init__(
            f"{shown(version)} is not a {scheme} version",
            hint=f"a {scheme} version looks like {_EXAMPLES[scheme]}",
        )
        self.scheme = scheme
        self.version = version


class UnreadableRange(CrossfadeError):
    """A range of versions makes no sense in its scheme."""

    code = "unreadable_range"
    exit_code = 2

    def __init__(self, scheme: Scheme, text: str, reason: str) -> None:
        super().__init__(f"{shown(text)} is not a range of {scheme} versions: {reason}", hint=_RANGES[scheme])
        self.scheme = scheme
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRange:
    """The versions that a plan means; made by `parse_range`."""

    scheme: Scheme
    """How versions are compared."""
    text: str
    """The range as the plan has it."""
    order: tuple[str, ...] | None
    """Every version from the oldest to the newest, where the scheme is `ordered`."""
    _admits: Callable[[str], bool] = field(repr=False, compare=False)

    def admits(self, version: str) -> bool:
        """Whether the version is in the range; raises `UnreadableVersion` for one that the scheme cannot read."""
        return self._admits(version)

    def is_above(self, version: str, other: str) -> bool:
        """Whether a version comes after another one in its scheme; of commits, which have no order, whether it is
        another one. Raises `UnreadableVersion`.
        """
        if self.scheme == "git":
            return not (version.startswith(other) or other.startswith(version))
        read = _reader(self.scheme, self.order)
        return bool(read(version) > read(other))

    def as_json(self) -> dict[str, Any]:
        """The range as `crossfade.version_admitted` of the ledger takes it.

        `{"scheme": …, "comparators": [[op, version], …], "order": [version, …], "prereleases": bool}`. Versions are
        written out, and pep440's `~=`, `.*` and `<` of a release are resolved. Two operators are pep440's alone: `past`
        is after the version and its post-releases, and `["outside", low, high]` is before low, or high and later.
        """
        comparators = _comparators(self.scheme, self.text)
        plain: list[list[str]] = [[op, version] for op, version in comparators]
        prereleases = False
        if self.scheme == "semver":
            bounds = [(op, _semver_bound(self.text, op, version)) for op, version in comparators]
            plain = [[op, str(bound)] for op, bound in bounds]
            prereleases = any(bound.prerelease for _, bound in bounds)
        elif self.scheme == "pep440":
            plain = [resolved for op, version in comparators for resolved in _plain_pep440(op, version)]
            prereleases = _names_prerelease(comparators)
        # A version has one place; of one that is listed twice it is the last, as `admits` has it.
        order = list(dict.fromkeys(reversed(self.order or ())))[::-1]
        return {"scheme": self.scheme, "comparators": plain, "order": order, "prereleases": prereleases}


def parse_range(scheme: Scheme, text: str, *, order: tuple[str, ...] | None = None) -> VersionRange:
    """Read a range; raises `UnreadableRange`. `order` goes with the scheme `ordered`."""
    try:
        admits = _admission(scheme, text, order)
    except UnreadableVersion as error:
        reason = f"{shown(error.version)} is not in `order`" if order else error.message
        raise UnreadableRange(scheme, text, reason) from None
    return VersionRange(scheme=scheme, text=text, order=order, _admits=admits)


def _admission(scheme: Scheme, text: str, order: tuple[str, ...] | None) -> Callable[[str], bool]:
    comparators = _comparators(scheme, text)
    if scheme == "semver":
        return _semver(text, comparators)
    if scheme == "pep440":
        return _pep440(text, comparators)
    if scheme == "git":
        return _git(text, comparators)
    read = _reader(scheme, order)
    bounds = [(_COMPARE[op], read(version)) for op, version in comparators]
    return lambda version: all(compare(read(version), bound) for compare, bound in bounds)


def _reader(scheme: Scheme, order: tuple[str, ...] | None) -> Callable[[str], Any]:
    """What versions of a scheme that has an order are compared by."""
    if scheme == "ordered":
        return _position(order or ())
    return {"semver": _read_semver, "pep440": _read_pep440, "calver": _calver, "integer": _integer}[scheme]


def _comparators(scheme: Scheme, text: str) -> list[tuple[str, str]]:
    found, at, rest = [], 0, text.strip()
    exact = 0
    while at < len(rest):
        match = _COMPARATOR.match(rest, at)
        if match is None or (match[1] == "~=" and scheme != "pep440"):
            raise UnreadableRange(scheme, text, f"{shown(rest[at : at + 20])} is not a comparator")
        exact += match[1] in {None, "=", "=="}
        found.append(({None: "==", "=": "=="}.get(match[1], match[1]), match[2]))
        at = match.end()
    if not found:
        raise UnreadableRange(scheme, text, "it is empty")
    if exact and len(found) > 1 and scheme != "git":
        raise UnreadableRange(scheme, text, "an exact version stands alone, since all comparators have to hold")
    return found


def _semver(text: str, comparators: list[tuple[str, str]]) -> Callable[[str], bool]:
    bounds = [(op, _semver_bound(text, op, version)) for op, version in comparators]
    admits_prerelease = any(bound.prerelease for _, bound in bounds)

    def admits(version: str) -> bool:
        seen = _read_semver(version)
        if seen.prerelease and not admits_prerelease:
            return False
        return all(_semver_holds(op, seen, bound) for op, bound in bounds)

    return admits


def _semver_holds(op: str, seen: Any, bound: Any) -> bool:
    if op == "<" and seen.prerelease and not bound.prerelease and seen.finalize_version() == bound.finalize_version():
        return False
    return _COMPARE[op](seen.compare(bound), 0)


def _semver_bound(text: str, op: str, version: str) -> Any:
    if re.fullmatch(r"v?[0-9]+(\.[0-9]+)?", version):
        if op not in {">=", "<"}:
            raise UnreadableRange("semver", text, f"{shown(op + version)} leaves open which patch is meant")
        version += ".0" * (2 - version.count("."))
    return _read_semver(version)


def _read_semver(version: str) -> Any:
    from semver import Version

    try:
        return Version.parse(_short("semver", version).removeprefix("v"))
    except ValueError:
        raise UnreadableVersion("semver", version) from None


def _pep440(text: str, comparators: list[tuple[str, str]]) -> Callable[[str], bool]:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        specifiers = SpecifierSet(",".join(op + version for op, version in comparators))
    except InvalidSpecifier as error:
        raise UnreadableRange("pep440", text, str(error)) from None
    prereleases = _names_prerelease(comparators)
    return lambda version: specifiers.contains(_read_pep440(version), prereleases=prereleases)


def _names_prerelease(comparators: list[tuple[str, str]]) -> bool:
    bounds = [_read_pep440(version.removesuffix(".*")) for _, version in comparators]
    return any(bound.is_prerelease for bound in bounds)


def _plain_pep440(op: str, version: str) -> list[list[str]]:
    """A specifier of pep440 as comparators that need no rules but the order of versions."""
    bound = _read_pep440(version.removesuffix(".*"))
    if op == "~=":
        return [[">=", str(bound)], ["<", _next_release(bound.epoch, bound.release[:-1])]]
    if version.endswith(".*"):
        low, high = f"{bound.base_version}.dev0", _next_release(bound.epoch, bound.release)
        return [[">=", low], ["<", high]] if op == "==" else [["outside", low, high]]
    if op == "<" and not bound.is_prerelease:
        return [["<", f"{bound}.dev0"]]
    if op == ">" and not (bound.is_postrelease or bound.is_devrelease):
        return [["past", str(bound)]]
    return [[op, str(bound)]]


def _next_release(epoch: int, release: tuple[int, ...]) -> str:
    """Where the releases that begin so end: 2.1 gives 2.2.dev0."""
    *first, last = release
    return f"{epoch}!{'.'.join(map(str, [*first, last + 1]))}.dev0"


def _read_pep440(version: str) -> Any:
    from packaging.version import Version

    try:
        return Version(_short("pep440", version))
    except ValueError:
        raise UnreadableVersion("pep440", version) from None


def _git(text: str, comparators: list[tuple[str, str]]) -> Callable[[str], bool]:
    listed = [version for _, version in comparators]
    if any(op != "==" for op, _ in comparators) or not all(_COMMIT.fullmatch(c) for c in listed):
        raise UnreadableRange("git", text, "it is not a list of commit ids of 7 to 64 hex digits")

    def admits(version: str) -> bool:
        if not _COMMIT.fullmatch(version):
            raise UnreadableVersion("git", version)
        return any(commit.startswith(version) or version.startswith(commit) for commit in listed)

    return admits


def _calver(version: str) -> tuple[int, ...]:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})*", _short("calver", version)):
        raise UnreadableVersion("calver", version)
    numbers = [int(n) for n in version.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def _integer(version: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", version):
        raise UnreadableVersion("integer", version)
    return int(version)


def _position(order: tuple[str, ...]) -> Callable[[str], int]:
    places = {version: place for place, version in enumerate(order)}

    def position(version: str) -> int:
        if version not in places:
            raise UnreadableVersion("ordered", version)
        return places[version]

    return position


def _short(scheme: Scheme, version: str) -> str:
    if len(version) > _LONGEST:
        raise UnreadableVersion(scheme, version)
    return version
