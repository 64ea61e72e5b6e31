"""Proves that every example of README.md and of the documentation does what the page prints.

The tour of README.md runs first, in order, in an empty folder; each page goes on from a copy of
what the tour leaves. The runner itself is proven on pages that lie.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from tests.docs.console import Differs, Shell, Step, fits, python_of, steps
from tests.docs.serving import Served

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
# Tables of every command, code and figure: they have tests of their own.
# The encryption tutorial begins in an empty folder, in a file of its own.
REFERENCE = {"cli.md", "errors.md", "performance.md", "sensitivity.md", "encryption-tutorial.md"}


def with_examples() -> list[str]:
    pages = [page for page in sorted((ROOT / "docs").rglob("*.md")) if page.name not in REFERENCE]
    texts = {page: page.read_text(encoding="utf-8") for page in pages}
    return [str(page.relative_to(ROOT)) for page, text in texts.items() if steps(text) or python_of(text)]


def run(shell: Shell, page: Path) -> int:
    """Run a page; where it lies, say so without the inner workings."""
    try:
        return shell.page(page)
    except Differs as lie:
        pytest.fail(str(lie), pytrace=False)


@pytest.fixture(scope="module")
def toured(tmp_path_factory) -> Shell:
    """Give the folder and variables that the tour leaves."""
    shell = Shell(tmp_path_factory.mktemp("tour"))
    run(shell, README)
    return shell


@pytest.fixture(scope="module")
def served():
    """Give the process that runs the commands of pages; only the tour starts the program each time."""
    with tempfile.TemporaryDirectory() as folder:
        made = Served(Path(folder))
        yield made
        made.close()


@pytest.fixture
def copied(toured, served, tmp_path) -> Shell:
    """Give a copy of what the tour leaves, to go on from."""
    folder = tmp_path / "copy"
    shutil.copytree(toured.folder, folder)
    shell = Shell(folder, served.program())
    shell.environ = toured.environ | {"PATH": shell.environ["PATH"], "HOME": shell.environ["HOME"]}
    return shell


@pytest.mark.system
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_tour_does_what_it_prints(toured):
    assert (toured.folder / "riverside" / "report.html").is_file()
    assert len(steps(README.read_text(encoding="utf-8"))) >= 25


@pytest.mark.system
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", with_examples())
def test_the_examples_of_a_page_do_what_they_print(copied, page):
    assert run(copied, ROOT / page) > 0


@pytest.mark.system
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("library.py", "What is in it:\n...\n  in the 5-anonymous one: 0\n...\nLeft: 1"),
        (
            "application.py mine R-001598",
            (
                "fields of one person, read through the gate: ['age', 'ward']\n"
                "Counts are within ... epsilon left.\n"
                "asked again: the same rows: True\n"
                "refused: No policy lets ana (analyst) do subject.read. ..."
            ),
        ),
    ],
)
def test_an_example_runs(copied, call, said):
    copied.step(Step(0, f"python {ROOT}/examples/{call}", said), "examples")


@pytest.mark.parametrize(
    ("expected", "actual", "is_fit"),
    [
        ("one\ntwo", "one\ntwo\n", True),
        ("one", "one  \n", True),
        ("", "", True),
        ("", "one\n", False),
        ("one", "two\n", False),
        ("one", "one\ntwo\n", False),
        ("a ... c", "a b c\n", True),
        ("a ... c", "a\nb\nc\n", False),
        ("a\n...\nc", "a\nb\nb\nc\n", True),
        ("a\n...\nc", "a\nc\n", True),
        ("a\n...\nc", "a\nb\n", False),
        ("a.c", "abc\n", False),
        ("one", "  ... working\none\n", True),
    ],
)
def test_output_is_compared_line_by_line(expected, actual, is_fit):
    assert fits(expected, actual) is is_fit


def test_a_page_is_read_in_order_with_its_exit_codes():
    page = "a\n```console\n$ one \\\n    two  # exit 3\nsaid\n$ three\n```\n```sh\n$ four\n```\n"
    assert steps(page) == [Step(3, "one two", "said", 3), Step(6, "three", "")]
    assert steps("```console\n$ cat <<E\n> one\n>\n> E\none\n```\n") == [Step(2, "cat <<E\none\n\nE", "one")]
    assert python_of("```pycon\n>>> 1\n1\n```\n") == ">>> 1\n1\n"


@pytest.mark.parametrize(
    "page",
    [
        "```console\n$ echo one\ntwo\n```\n",
        "```console\n$ echo one; exit 3\none\n```\n",
        "```console\n$ echo one  # exit 3\none\n```\n",
        "```console\n$ hedgerow no-such-command\n...\n```\n",
        "```pycon\n>>> 1 + 1\n3\n```\n",
    ],
)
def test_a_page_that_lies_is_caught(tmp_path, page):
    lying = tmp_path / "page.md"
    lying.write_text(page)
    with pytest.raises(Differs):
        Shell(tmp_path).page(lying)


@pytest.mark.parametrize(
    "page",
    [
        "```console\n$ hedgerow no-such-command  # exit 3\n...\n```\n",
        "```console\n$ hedgerow no-such-command\n...\n```\n",
        "```console\n$ hedgerow --version\nanother\n```\n",
    ],
)
def test_a_page_that_lies_is_caught_where_commands_are_served_too(served, tmp_path, page):
    lying = tmp_path / "page.md"
    lying.write_text(page)
    with pytest.raises(Differs):
        Shell(tmp_path, served.program()).page(lying)


def test_a_served_command_has_the_streams_folder_environment_and_code_of_who_asked(served, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "```console\n$ hedgerow init here > said\n$ hedgerow nothing 2> warned  # exit 2\n"
        "$ test -s said && test -s warned && ls here/keys.json\nhere/keys.json\n"
        "$ export HEDGEROW_SPACE=here\n$ hedgerow purpose list | cat\n...\n"
        "$ hedgerow purpose list --json | head -c 1\n...\n[\n```\n"
    )
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    assert Shell(tmp_path, served.program()).page(page) == Shell(fresh).page(page) == 6


def test_what_export_sets_holds_for_the_rest_of_the_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "```console\n$ export WORD='a b'\n$ echo $WORD\na b\n```\n\n```pycon\n>>> 1 + 1\n2\n```\n"
    )
    assert Shell(tmp_path).page(page) == 3
