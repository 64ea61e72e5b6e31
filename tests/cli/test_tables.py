"""The table of errors and the two reference pages are whole, true and up to date."""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex

import click
import pytest

from hedgerow.cli.main import cli
from hedgerow.model.errors import TABLE

EXITS = {1, 2, 3, 4, 5, 6, 7, 8, 9, 130}
# A code that nothing raises yet, and why it stands in the table.
RESERVED: dict[str, str] = {}
# A command that a next step names and that is not there yet, and why.
NOT_YET: dict[str, str] = {}


# Which exit codes each kind of error may end with; the title on the screen is that of the kind.
EXITS_OF = {"refused": {3, 5, 8}, "caller": {2, 4, 130}, "fault": {1, 6, 7}}
EXPLAINS_ONLY = "the exit code is 0 either way"


def tool(repository, name):
    """Load a script of tools/."""
    spec = importlib.util.spec_from_file_location(f"tool_{name}", repository / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def sources(repository):
    files = (repository / "src").rglob("*.py")
    return {path: path.read_text() for path in files if not path.name.startswith("rows_")}


@pytest.mark.parametrize("code", sorted(TABLE))
def test_each_row_has_all_that_a_person_needs(code, repository):
    row = TABLE[code]
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)?", code)
    assert row.message.strip()
    assert "\n" not in row.message
    assert row.next_step.strip()
    assert row.exit in EXITS
    assert 400 <= row.status <= 599
    assert row.root in {"refused", "caller", "fault"}
    page = (repository / "docs" / "errors.md").read_text()
    anchor = row.anchor.removeprefix("errors.md#")
    assert page.count(f'<a id="{anchor}"></a>') == 1


@pytest.mark.parametrize("code", sorted(TABLE))
def test_kind_exit_code_and_title_agree(code):
    row = TABLE[code]
    assert row.exit in EXITS_OF[row.root]
    if row.exit in (1, 6):
        assert row.status >= 500 or row.status == 409
    else:
        assert row.status < 500


def test_each_code_that_is_raised_is_in_the_table(sources):
    raised = set()
    for text in sources.values():
        for node in ast.walk(ast.parse(text)):
            if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
                continue
            if getattr(node.func, "id", "") in {"Refused", "CallerError", "Fault"}:
                raised.add(node.args[0].value)
    assert len(raised) > 100, "the search finds nothing"
    assert raised <= set(TABLE)


def test_each_row_is_raised_somewhere_or_reserved_with_a_reason(sources):
    words = {
        node.value
        for text in sources.values()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(TABLE) - words == set(RESERVED)


def test_commands_named_in_next_steps_exist():
    known = {" ".join(name.split()[1:]) for name, _ in every_command(cli, "hedgerow")}
    words = re.compile(r"`hedgerow ([a-z -]+?)(?= [A-Z{.\-]|`)")
    told = {(row.code, found) for row in TABLE.values() for found in words.findall(row.next_step)}
    assert len(told) > 20
    assert {name for _, name in told if name not in known} == set(NOT_YET)


def every_command(group, path):
    context = click.Context(group, info_name=path)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from every_command(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def test_the_page_of_errors_is_up_to_date(repository):
    assert (repository / "docs" / "errors.md").read_text() == tool(repository, "write_errors").page()


def test_the_page_of_commands_is_up_to_date(repository):
    page = (repository / "docs" / "cli.md").read_text()
    assert page == tool(repository, "write_cli").page(page)


@pytest.mark.parametrize(("name", "command"), sorted(every_command(cli, "hedgerow")))
def test_each_command_explains_itself_and_stands_on_the_page(name, command, repository):
    page = (repository / "docs" / "cli.md").read_text()
    section = page.partition(f"### {name}\n")[2].partition("\n### ")[0]
    assert section
    assert command.help
    assert not command.get_short_help_str(limit=66).endswith("...") or len(name.split()) == 2, (
        "it is cut in lists"
    )
    for param in command.params:
        if isinstance(param, click.Option):
            assert param.help, f"{name} {param.opts}"
            assert all(option in section for option in param.opts)


def examples(command):
    """Read the commands of the example in a help text."""
    lines = (command.help or "").partition("\b\nExample:\n")[2].replace("\\\n", " ").splitlines()
    words = [shlex.split(line) for line in lines]
    return [line[: line.index(">") if ">" in line else None] for line in words if line[:1] == ["hedgerow"]]


@pytest.mark.parametrize(("name", "command"), sorted(every_command(cli, "hedgerow")))
def test_each_command_has_an_example_that_can_be_typed(name, command):
    typed = examples(command)
    assert typed
    for words in typed:
        own = name.split()
        assert words[: len(own)] == own
        # Parsed with its options and types; nothing is run.
        command.make_context(name, words[len(own) :])


def test_explain_says_that_it_only_explains():
    params = [param for _, command in every_command(cli, "hedgerow") for param in command.params]
    told = {param.help for param in params if "--explain" in param.opts}
    assert len(told) == 1
    assert EXPLAINS_ONLY in told.pop()


def test_common_options_mean_the_same_everywhere():
    told: dict[str, set[str]] = {}
    common = {"--space", "--as", "--json", "--explain", "--yes", "--force", "--request-id", "--dry-run"}
    for _, command in every_command(cli, "hedgerow"):
        for param in command.params:
            for option in common & set(param.opts):
                told.setdefault(option, set()).add(param.help)
    assert set(told) == common
    assert {option: len(texts) for option, texts in told.items()} == dict.fromkeys(common, 1)


def test_each_setting_stands_on_the_page(repository, sources):
    page = (repository / "docs" / "cli.md").read_text()
    named = {name for text in sources.values() for name in re.findall(r"\bHEDGEROW_[A-Z_]+\b", text)}
    assert {"HEDGEROW_SPACE", "HEDGEROW_PASSPHRASE", "HEDGEROW_DEBUG"} <= named
    assert all(f"| `{name}` |" in page for name in named)
