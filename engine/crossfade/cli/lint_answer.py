"""What `crossfade lint` found, in the form that is asked for, and the files that it writes and keeps."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from crossfade import __version__
from crossfade.cli.call import Call
from crossfade.cli.lint_options import LintFormat
from crossfade.cli.output import print_json, say
from crossfade.errors import UsageError

if TYPE_CHECKING:
    from crossfade.lint.baseline import Baseline
    from crossfade.lint.verdict import Verdict


def form_of(call: Call, wanted: LintFormat | None) -> LintFormat:
    """The form of the answer. Raises UsageError for two at once."""
    if call.json and wanted not in (None, LintFormat.JSON):
        raise UsageError(f"--json and --format {wanted} are two forms of the answer", hint="Leave one of them out.")
    return LintFormat.JSON if call.json else wanted or LintFormat.TEXT


def answer(verdict: "Verdict", form: LintFormat, output: Path | None) -> int:
    """Print it, or write it into a file; the exit code."""
    if output is None:
        sys.stdout.write(_text(verdict, form, in_colours=_has_colours()))
        sys.stdout.flush()
    else:
        from crossfade.lint.output.words import summary

        _write(output, _text(verdict, form, in_colours=False))
        say(f"{summary(verdict)}; written to {output}")
    return 1 if verdict.failed else 0


def _text(verdict: "Verdict", form: LintFormat, *, in_colours: bool) -> str:
    from crossfade.lint.output import github, gitlab, junit, sarif, text
    from crossfade.lint.output import json as json_form

    writers: Mapping[LintFormat, Callable[[Verdict], str]] = {
        LintFormat.TEXT: partial(text.write, paint=text.in_colours if in_colours else text.plain),
        LintFormat.JSON: json_form.write,
        LintFormat.SARIF: partial(sarif.write, version=__version__),
        LintFormat.GITHUB: github.write,
        LintFormat.GITLAB: gitlab.write,
        LintFormat.JUNIT: junit.write,
    }
    return writers[form](verdict)


def _has_colours() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror or error}", location=str(file)) from None


def keep_baseline(file: Path, text: str, form: LintFormat) -> int:
    """Write the baseline, and say so; the exit code."""
    from crossfade.plan.words import counted

    _write(file, text)
    number = len(json.loads(text)["findings"])
    if form is LintFormat.JSON:
        print_json({"baseline": str(file), "findings": number})
    else:
        say(f"{file} has {counted(number, 'finding')} now")
    return 0


def baseline_at(file: Path, *, is_written: bool) -> "Baseline":
    """The baseline in a file; an empty one where there is none yet and it is to be written. Raises UsageError."""
    from crossfade.lint.baseline import empty_baseline, read_baseline
    from crossfade.migrations.script import Source

    try:
        return read_baseline(Source(file, file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        if is_written:
            return empty_baseline(file)
        raise UsageError(
            f"the baseline {file} is not there",
            hint="Write it with: crossfade lint --write-baseline",
            location=str(file),
        ) from None
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UsageError(f"cannot read the baseline {file}: {reason}", location=str(file)) from None
