"""Proves the shape of the code: layers, imports, sizes, docstrings, no guard by assert, no machine's path.

Also proves the test set-up itself: that asserts of tests hold under ``python -O`` where those of
the product vanish, that no test reaches beyond this machine, and that every file is shipped.
"""

from __future__ import annotations

import ast
import fnmatch
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "hedgerow"
SOURCES = sorted(PACKAGE.rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MAX_FUNCTION_LINES = 60
MAX_FILE_LINES = 500
# Packages that are distributed under another name, for where they are not installed.
OTHERWISE = {"sklearn": "scikit-learn"}

# Written in pieces, so that this file does not hold what it looks for.
HOSTS = ("py" + "pi.org", "python" + "hosted.org", "download.py" + "torch.org", "ana" + "conda.org")
MACHINE = re.compile(r"(?<![\w.~$}])/(work|farm|root|home/\w+|Users/\w+|opt|tmp/dev)" + "/|file:" + "//")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def place(path: Path, node: ast.AST | None = None) -> str:
    name = path.relative_to(ROOT).as_posix()
    return name if node is None else f"{name}:{node.lineno}"


def project_files() -> list[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this copy is no git repository, so what is tracked is unknown")
    files = (ROOT / name for name in listed.stdout.split("\0") if name)
    return [path for path in files if path.is_file()]


@cache
def imported_names(tree: ast.AST) -> set[tuple[str, int]]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {(alias.name.partition(".")[0], node.lineno) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module.partition(".")[0], node.lineno))
    return found


def is_public(path: Path) -> bool:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return not any(part.startswith("_") and part != "__init__" for part in parts)


def undocumented(body: list[ast.stmt]) -> list[ast.stmt]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    public = [node for node in body if isinstance(node, kinds) and not node.name.startswith("_")]
    inner = [found for node in public if isinstance(node, ast.ClassDef) for found in undocumented(node.body)]
    return [node for node in public if ast.get_docstring(node) is None] + inner


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def required(*extras: str) -> set[str]:
    project = PROJECT["project"]
    lines = [*project["dependencies"]]
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    return {normalised(re.split(r"[^\w.-]", line, maxsplit=1)[0]) for line in lines}


def lint_imports(folder: Path, sources: Path = ROOT / "src") -> subprocess.CompletedProcess:
    code = "from importlinter.cli import lint_imports_command as run; run()"
    options = ["--no-cache", "--no-logo", "--config", str(ROOT / "pyproject.toml")]
    environ = os.environ | {"PYTHONPATH": str(sources)}
    return subprocess.run(
        [sys.executable, "-c", code, *options],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_layers_hold():
    linted = lint_imports(ROOT)
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_a_broken_layer_is_caught(tmp_path):
    for layer in ("cli", "app", "governance", "spine", "techniques", "adapters", "kernel", "model"):
        (tmp_path / "hedgerow" / layer).mkdir(parents=True)
        (tmp_path / "hedgerow" / layer / "__init__.py").touch()
    (tmp_path / "hedgerow" / "__init__.py").touch()
    (tmp_path / "hedgerow" / "model" / "__init__.py").write_text("from hedgerow import spine\n")
    (tmp_path / "hedgerow" / "spine" / "__init__.py").write_text("import duckdb\n")
    linted = lint_imports(tmp_path, sources=tmp_path)
    assert linted.returncode == 1
    assert "hedgerow.model is not allowed to import hedgerow.spine" in linted.stdout
    assert "hedgerow.spine is not allowed to import duckdb" in linted.stdout


@pytest.mark.parametrize("layer", ["", "model"])
def test_only_the_standard_library_is_imported(layer):
    folder = PACKAGE / layer
    files = folder.rglob("*.py") if layer else [folder / "__init__.py"]
    allowed = sys.stdlib_module_names | {"hedgerow"}
    foreign = [
        f"{place(path)}:{line} {name}"
        for path in files
        for name, line in imported_names(tree_of(path))
        if name not in allowed
    ]
    assert foreign == []


def test_importing_the_package_loads_nothing_else():
    code = "import sys, hedgerow; print(*{name.partition('.')[0] for name in sys.modules})"
    bare = subprocess.run(
        [sys.executable, "-c", code.replace(", hedgerow", "")], capture_output=True, text=True, check=True
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(shown.stdout.split()) - set(bare.stdout.split()) - sys.stdlib_module_names
    assert loaded == {"hedgerow"}


@pytest.mark.with_extras
def test_every_import_is_declared():
    declared = required(*set(PROJECT["project"]["optional-dependencies"]) - {"all", "dev", "docs"})
    owners = packages_distributions()
    undeclared = [
        f"{place(path)}:{line} {name}"
        for path in SOURCES
        for name, line in imported_names(tree_of(path))
        if name not in sys.stdlib_module_names | {"hedgerow"}
        and not declared & {normalised(owner) for owner in owners.get(name, [OTHERWISE.get(name, name)])}
    ]
    assert undeclared == []


def test_functions_and_files_stay_small():
    long = []
    for path in SOURCES:
        if path.read_text().count("\n") > MAX_FILE_LINES:
            long.append(place(path))
        for node in ast.walk(tree_of(path)):
            is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if is_function and node.end_lineno - node.lineno >= MAX_FUNCTION_LINES:
                long.append(f"{place(path, node)} {node.name}")
    assert long == []


def test_everything_public_has_a_docstring():
    bare = [place(path) for path in SOURCES if ast.get_docstring(tree_of(path)) is None]
    bare += [
        f"{place(path, node)} {node.name}"
        for path in SOURCES
        if is_public(path)
        for node in undocumented(tree_of(path).body)
    ]
    assert bare == []


def test_no_assert_guards_the_product():
    guards = [
        place(path, node)
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Assert)
    ]
    assert guards == []


def test_nothing_names_an_index_or_a_machine():
    found = []
    for path in project_files():
        try:
            lines = path.read_text().splitlines()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(lines, 1):
            if MACHINE.search(line) or any(host in line for host in HOSTS):
                found.append(f"{place(path)}:{number}")
    assert found == []


def test_constraints_hold_names_and_versions_only():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line)] == []
    pinned = {line.partition("==")[0] for line in lines}
    assert required(*PROJECT["project"]["optional-dependencies"]) - {"hedgerow"} - pinned == set()


def test_every_file_of_the_package_is_shipped():
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["*"]
    lost = [
        place(path)
        for path in project_files()
        if path.is_relative_to(PACKAGE) and not any(fnmatch.fnmatch(path.name, each) for each in patterns)
    ]
    assert lost == []


def test_every_ignored_rule_says_why():
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    rules = [line for line in lines if re.fullmatch(r'    "[A-Z]+\d*",.*', line)]
    assert rules
    assert [line for line in rules if not re.search(r",  # \w", line)] == []


PLANTED = """
from elsewhere import check

def test_assert_in_a_test():
    assert 1 == 2

def test_assert_elsewhere():
    check()

def test_a_far_host_is_out_of_reach():
    import socket
    socket.create_connection(("192.0.2.1", 80), timeout=1)

def test_it_is_optimised():
    assert not __debug__
"""


def test_asserts_of_tests_hold_where_those_of_the_product_vanish(tmp_path):
    (tmp_path / "test_planted.py").write_text(PLANTED)
    (tmp_path / "elsewhere.py").write_text("def check():\n    assert 1 == 2\n")
    command = [sys.executable, "-O", "-m", "pytest", "-q", "-rA", "-c", str(ROOT / "pyproject.toml")]
    command += ["-o", f"cache_dir={tmp_path}", "--rootdir", str(tmp_path), "--import-mode=prepend"]
    ran = subprocess.run([*command, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True, check=False)
    verdicts = re.findall(r"^(PASSED|FAILED) \S*::(\w+)", ran.stdout, re.MULTILINE)
    assert sorted(verdicts) == [
        ("FAILED", "test_a_far_host_is_out_of_reach"),
        ("FAILED", "test_assert_in_a_test"),
        ("PASSED", "test_assert_elsewhere"),
        ("PASSED", "test_it_is_optimised"),
    ], ran.stdout + ran.stderr
    assert "SocketConnectBlockedError" in ran.stdout
