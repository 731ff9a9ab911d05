"""JUnit's XML: a suite for each file and a case for each finding; what makes lint fail is a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.lint.output.words import printable, whole_message

if TYPE_CHECKING:
    from xml.etree import ElementTree as ET

    from crossfade.lint.verdict import Told, Verdict


def write(verdict: Verdict) -> str:
    """The document; a file without a finding is a case that passes."""
    from xml.etree import ElementTree as ET

    by_file: dict[str, list[Told]] = {file: [] for file in verdict.files}
    for told in verdict.told:
        by_file.setdefault(told.file, []).append(told)
    root = ET.Element("testsuites", name="crossfade lint")
    for file, found in by_file.items():
        _suite(root, file, found, verdict)
    failures = sum(_fails(told, verdict) for told in verdict.told)
    root.attrib |= {"tests": str(sum(max(len(found), 1) for found in by_file.values())), "failures": str(failures)}
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(root: ET.Element, file: str, found: list[Told], verdict: Verdict) -> None:
    from xml.etree import ElementTree as ET

    failures = sum(_fails(told, verdict) for told in found)
    name = printable(file)
    counts = {"tests": str(max(len(found), 1)), "failures": str(failures), "errors": "0", "skipped": "0"}
    suite = ET.SubElement(root, "testsuite", {"name": name, **counts})
    if not found:
        ET.SubElement(suite, "testcase", {"classname": name, "name": "nothing found"})
    for told in found:
        finding = told.finding
        at = f"{finding.rule} at {finding.position.line}:{finding.position.column}"
        case = ET.SubElement(suite, "testcase", {"classname": name, "name": at})
        text = printable(whole_message(finding))
        if _fails(told, verdict):
            said = {"message": printable(finding.message), "type": finding.rule}
            ET.SubElement(case, "failure", said).text = text
        else:
            ET.SubElement(case, "system-out").text = f"{finding.severity.word}: {text}"


def _fails(told: Told, verdict: Verdict) -> bool:
    return verdict.fail_on.fails(told.finding.severity)
