"""Rules about lint's own doings: files that cannot be read, allowances, the baseline.

They have no functions: `verdict` and its neighbours say what they find under these names.
"""

from __future__ import annotations

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule

NOT_READ = Rule(
    id="file-not-read",
    severity=Severity.ERROR,
    summary="a file or folder could not be read as what it looks like",
    explanation="""
The file cannot be opened, is no text, is in an encoding that is not known, or is a migration in a programming language.
What it does is not known, so it is an error, and everything else is looked at all the same. Migrations written in
Python or JavaScript have to be printed as SQL by their tool first; the finding says how. Files that are no migrations
are left out by `exclude` in the project's settings.
""",
)
UNREADABLE = Rule(
    id="unreadable",
    severity=Severity.ERROR,
    summary="PostgreSQL's grammar does not take a statement",
    explanation="""
The text is parsed by PostgreSQL's own parser, of version 18. What it does not take fails on the server too, unless it
is meant for another program. The other statements of the file are looked at all the same. Commands of psql, such as
\\set and \\copy, and the rows of COPY are passed over.
""",
)
ALLOWANCE_UNCLEAR = Rule(
    id="allowance-unclear",
    severity=Severity.WARNING,
    summary="a comment for crossfade cannot be understood, and allows nothing",
    explanation="""
A comment that begins with `crossfade:` is read as `allow RULE[, RULE] because REASON` or as the same with `allow-file`.
This one is neither, so nothing is allowed by it.
""",
)
ALLOWANCE_WITHOUT_REASON = Rule(
    id="allowance-without-reason",
    severity=Severity.WARNING,
    summary="an allowance gives no reason, and allows nothing",
    explanation="""
`-- crossfade: allow RULE because REASON` says why it is right here, for whoever reads it after you. Without a reason
nothing is allowed.
""",
)
ALLOWANCE_OF_UNKNOWN_RULE = Rule(
    id="allowance-of-unknown-rule",
    severity=Severity.WARNING,
    summary="an allowance names a rule that there is not",
    explanation="""
The name is misspelt, or the rule is gone. A misspelt name never allows anything. `crossfade lint --list` has all names.
""",
)
ALLOWANCE_UNUSED = Rule(
    id="allowance-unused",
    severity=Severity.WARNING,
    summary="an allowance that nothing needs",
    explanation="""
The rule has nothing to say about the statement that the comment stands on, or about its file. What was wrong is
repaired, or the comment stands in the wrong place. Left as it is, it would allow what nobody has looked at.
""",
)
BASELINE_UNUSED = Rule(
    id="baseline-unused",
    severity=Severity.WARNING,
    summary="the baseline has an entry that matches nothing any more",
    explanation="""
The finding is gone, so its entry in the baseline can go too: `crossfade lint --write-baseline` writes the file anew.
Entries of files that were not looked at this time are left alone.
""",
)
BOOKKEEPING = (
    NOT_READ,
    UNREADABLE,
    ALLOWANCE_UNCLEAR,
    ALLOWANCE_WITHOUT_REASON,
    ALLOWANCE_OF_UNKNOWN_RULE,
    ALLOWANCE_UNUSED,
    BASELINE_UNUSED,
)
