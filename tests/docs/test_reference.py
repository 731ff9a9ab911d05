"""The reference says what the code does: commands, options, states, refusals, errors, the plan's keys, the ledger."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import TYPE_CHECKING, Any

import pytest

import crossfade
from crossfade.cli.app import program
from crossfade.errors import CrossfadeError
from crossfade.operations import acks
from crossfade.plan.schema import plan_json_schema
from crossfade.workflow.states import State, diagram

from .pages import DOCS, ROOT, codes, fences, pages, sections

if TYPE_CHECKING:
    from collections.abc import Iterator

REFERENCE = DOCS / "reference"
ENGINE = Path(crossfade.__file__).parent
COMMON = ("Common options",)


def commands() -> dict[str, Any]:
    """Every command of the program that does something, by its words."""
    found: dict[str, Any] = {}

    def walk(command: Any, words: str) -> None:
        below = getattr(command, "commands", {})
        for name, sub in below.items():
            walk(sub, f"{words} {name}")
        if not below:
            found[words] = command

    walk(program(), "crossfade")
    return found


def _written(argument: Any) -> str:
    """An argument as the pages write it: `[RUN]` can be left out, `PLAN...` can be given again."""
    name = f"{argument.metavar}..." if argument.nargs == -1 else str(argument.metavar)
    return name if argument.required else f"[{name}]"


def options_of(command: Any) -> set[str]:
    return {name for p in command.params if p.param_type_name == "option" for name in p.opts if name.startswith("--")}


def described(title: str) -> set[str]:
    """The options in the first column of a section's tables."""
    section = sections(REFERENCE / "commands.md")[title]
    cells = (row[0] for table in section.tables() for row in table)
    return {word for cell in cells for code in codes(cell) for word in code.split() if word.startswith("--")}


def test_every_command_is_described_with_its_arguments_and_no_other() -> None:
    titles = {codes(title)[0] for title in sections(REFERENCE / "commands.md") if title.startswith("`crossfade ")}
    wanted = set()
    for words, command in commands().items():
        arguments = [_written(p) for p in command.params if p.param_type_name == "argument"]
        wanted.add(" ".join([words, *arguments]))
    assert titles == wanted


@pytest.mark.parametrize("words", sorted(commands()))
def test_every_option_is_described_and_exists(words: str) -> None:
    title = next(t for t in sections(REFERENCE / "commands.md") if re.match(rf"`{words}[ `]", t))
    assert described(title) == options_of(commands()[words]) - common_options()


def common_options() -> set[str]:
    return set.intersection(*(options_of(c) for c in commands().values()))


def test_the_common_options_and_the_programs_own_are_described() -> None:
    assert described("Common options") == (options_of(program()) | {"--help"})


@pytest.mark.parametrize("page", pages(), ids=lambda p: str(p.relative_to(ROOT)))
def test_commands_that_a_page_shows_exist_with_their_options(page: Path) -> None:
    known = commands()
    for line in shown_commands(page):
        words = line.split()
        name = next((" ".join(words[:n]) for n in (3, 2) if " ".join(words[:n]) in known), None)
        if name is None:
            assert all(w.startswith("-") or w in ("COMMAND", "…") for w in words[1:2]), f"no such command: {line}"
            continue
        used = {w.partition("=")[0] for w in words if re.match(r"--[a-z]", w)}
        assert used <= options_of(known[name]) | {"--help"}, line


def test_every_command_is_shown_on_some_page_and_the_readme_shows_some_to_run() -> None:
    shown = {" ".join(line.split()[:n]) for page in pages() for line in shown_commands(page) for n in (2, 3)}
    assert set(commands()) <= shown
    assert [line for line in commands_to_run(ROOT / "README.md") if line.startswith("crossfade ")]


def shown_commands(page: Path) -> Iterator[str]:
    yield from commands_to_run(page)
    text = page.read_text(encoding="utf-8")
    for code in codes(re.sub(r"(?ms)^```.*?^```$", "", text)):
        if re.match(r"crossfade (?:--)?[a-z]", code):
            yield code


def commands_to_run(page: Path) -> Iterator[str]:
    """Those in the fenced blocks."""
    for block in (*fences(page, "console"), *fences(page, "sh"), *fences(page, "yaml")):
        for line in block.splitlines():
            found = re.search(r"(?:^|[$ ]|run: )(crossfade [a-z-].*)", line)
            if found and (line.startswith(("$ ", "crossfade ")) or "run:" in line):
                yield re.split(r" (?:#|\||&&|>)", found[1])[0]


def test_the_diagram_is_the_one_of_the_code() -> None:
    assert [block.rstrip("\n") for block in fences(REFERENCE / "states.md", "mermaid")] == [diagram()]


def test_every_state_is_described() -> None:
    rows = next(sections(REFERENCE / "states.md")["States"].tables())
    assert [codes(row[0])[0] for row in rows] == [s.value for s in (*_in_order(),)]


def _in_order() -> Iterator[State]:
    final_of_the_way = [s for s in State if s not in (State.REVERTING, State.ROLLING_BACK, State.ROLLED_BACK)]
    yield from final_of_the_way
    yield from (State.REVERTING, State.ROLLING_BACK, State.ROLLED_BACK)


def constructed(name: str) -> set[tuple[str, str]]:
    """The `code` and `ack` of every call of a class in the engine, read from the source."""
    found = set()
    texts = (path.read_text(encoding="utf-8") for path in ENGINE.rglob("*.py"))
    for text in (text for text in texts if f"{name}(" in text):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                given = {k.arg: k.value.value for k in node.keywords if isinstance(k.value, ast.Constant)}
                named = {k.arg: k.value.id for k in node.keywords if isinstance(k.value, ast.Name)}
                given |= {arg: getattr(acks, word) for arg, word in named.items() if arg == "ack"}
                if isinstance(given.get("code"), str):
                    found.add((str(given["code"]), str(given.get("ack") or "")))
    return found


@pytest.mark.parametrize(("title", "name"), [("Refusals", "Refusal"), ("Cautions", "Caution")])
def test_refusals_and_cautions_are_those_of_the_code(title: str, name: str) -> None:
    rows = next(sections(REFERENCE / "preflight.md")[title].tables())
    assert {(codes(row[0])[0], "".join(codes(row[-1]))) for row in rows} == constructed(name)


def errors() -> dict[str, int]:
    """Every code of the error family, with its exit code."""
    for module in walk_packages(crossfade.__path__, "crossfade."):
        if not module.name.endswith(("__main__", "watchdog")):
            import_module(module.name)
    found: dict[str, int] = {}
    waiting: list[type[CrossfadeError]] = [CrossfadeError]
    while waiting:
        error = waiting.pop()
        found[error.code] = error.exit_code
        waiting += error.__subclasses__()
    return found


def test_error_codes_and_their_exit_codes_are_those_of_the_code() -> None:
    rows = next(sections(REFERENCE / "exit-codes.md")["Codes of errors"].tables())
    assert {codes(row[0])[0]: int(row[1]) for row in rows} == {**errors(), "bug": 1}


def test_every_exit_code_of_an_error_is_described() -> None:
    rows = next(sections(REFERENCE / "exit-codes.md")["Exit codes"].tables())
    assert {int(row[0]) for row in rows} == {0, *errors().values()}


PLAN_SECTIONS = {"The plan": None, "`apps.NAME`": "App", "`backfill`": "Backfill"}


@pytest.mark.parametrize("title", [*PLAN_SECTIONS, "`locks`"])
def test_the_plans_keys_are_those_of_the_schema(title: str) -> None:
    schema = plan_json_schema()
    definition = {**PLAN_SECTIONS, "`locks`": "Locks"}[title]
    model = schema if definition is None else schema["$defs"][definition]
    rows = next(sections(REFERENCE / "plan.md")[title].tables())
    assert {codes(row[0])[0] for row in rows} == set(model["properties"])
    required = {codes(row[0])[0] for row in rows if row[2] == "required"}
    assert required == set(model.get("required", ()))
    for row in rows:
        default = model["properties"][codes(row[0])[0]].get("default")
        if isinstance(default, str | int):
            assert codes(row[2]) == [str(default).lower() if isinstance(default, bool) else str(default)], row


def test_the_gates_of_a_plan_are_those_of_the_schema() -> None:
    rows = next(sections(REFERENCE / "plan.md")["`gates`"].tables())
    kinds = plan_json_schema()["$defs"]["Gates"]["properties"]["contract"]["items"]["oneOf"]
    assert {codes(row[0])[0] for row in rows} == {kind["required"][0] for kind in kinds}


def test_the_ledgers_tables_and_functions_are_those_of_its_scripts() -> None:
    scripts = sorted((ENGINE / "workflow" / "sql").glob("ledger_*.sql"))
    text = "\n".join(script.read_text(encoding="utf-8") for script in scripts)
    tables, functions = list(sections(REFERENCE / "ledger.md")["The ledger"].tables())
    assert {codes(row[0])[0] for row in tables} == set(re.findall(r"CREATE TABLE crossfade\.(\w+)", text))
    named = {codes(row[0])[0].partition("(")[0] for row in functions if "…" not in row[0]}
    assert named == set(re.findall(r"CREATE (?:OR REPLACE )?FUNCTION crossfade\.(\w+)", text))
