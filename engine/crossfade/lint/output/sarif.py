"""SARIF 2.1.0, as code scanning services read it."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from crossfade.lint.finding import Finding, Severity
from crossfade.lint.listing import all_rules
from crossfade.lint.output.words import whole_message

if TYPE_CHECKING:
    from crossfade.lint.rule import Rule
    from crossfade.lint.verdict import Told, Verdict

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
_FINGERPRINT = "crossfade/v1"


def write(verdict: Verdict, version: str) -> str:
    """The log with one run of crossfade at that version; every rule that has a finding is described."""
    found = sorted({told.finding.rule for told in verdict.told})
    numbers = {rule: number for number, rule in enumerate(found)}
    run = {
        "tool": {
            "driver": {
                "name": "crossfade",
                "semanticVersion": version,
                "rules": [_rule(all_rules()[rule]) for rule in found],
            }
        },
        "columnKind": "unicodeCodePoints",
        "artifacts": [{"location": _location(file)} for file in verdict.files],
        "results": [_result(told, numbers) for told in verdict.told],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    text = rule.explanation.strip()
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": text},
        "help": {"text": text},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _result(told: Told, numbers: dict[str, int]) -> dict[str, Any]:
    finding = told.finding
    place = {"artifactLocation": _location(told.file), "region": _region(finding)}
    return {
        "ruleId": finding.rule,
        "ruleIndex": numbers[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": whole_message(finding)},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {_FINGERPRINT: told.fingerprint},
    }


def _location(file: str) -> dict[str, str]:
    if PurePath(file).is_absolute():
        return {"uri": PurePath(file).as_uri()}
    return {"uri": quote(file, errors="surrogateescape"), "uriBaseId": "%SRCROOT%"}


def _region(finding: Finding) -> dict[str, int]:
    region = {"startLine": finding.position.line, "startColumn": finding.position.column}
    if finding.end is not None and finding.end > finding.position:
        region |= {"endLine": finding.end.line, "endColumn": finding.end.column}
    return region
