"""The command line: a thin layer over `crossfade.workflow.engine`.

`main` is the program. It starts in well under a quarter of a second, since nothing heavy is imported before a command
needs it: modules of this package import typer and the standard library at their top, everything else in functions.
"""


def main() -> None:
    """Run the command that the process was called with, and exit with its code."""
    import sys

    from crossfade.cli.boundary import run

    sys.exit(run(sys.argv[1:]))
