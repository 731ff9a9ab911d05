"""The command line: a thin layer over `crossfade.workflow.engine`.

`main` is the program. It starts in well under a quarter of a second, since nothing heavy is imported before a command
needs it: modules of this package import typer and the standard library at their top, everything else in functions.
"""


def main() -> None:
    """Run the command that the process was called with, and exit with its code."""
    import gc
    import sys

    # Modules and parse trees are many small objects, and hardly any are garbage: by default Python looks through them
    # after every 700, which is a seventh of all that a lint does.
    gc.set_threshold(50_000)

    from crossfade.cli.boundary import run

    code = run(sys.argv[1:])
    # Nor need it look for garbage in what goes with the process.
    gc.freeze()
    sys.exit(code)
