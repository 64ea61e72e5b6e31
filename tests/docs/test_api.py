"""Proves that docstrings and the Python page tell what the code takes: every public name, every argument."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

import hedgerow

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "hedgerow"
FACES = ("anonymity", "audit", "discover", "dp", "learn", "local", "places", "synthetic", "tokens")
SECTION = re.compile(r"^Args:\n(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"^    \*{0,2}(\w+)(?: \([^)]*\))?:", re.MULTILINE)
# A place where the arguments are those of another function, which is named there.
EXCEPTIONS: frozenset[str] = frozenset()


def told(docstring: str) -> list[str] | None:
    """List the arguments a docstring names; none where it has no such section."""
    section = SECTION.search(inspect.cleandoc(docstring) + "\n")
    return NAME.findall(section[1]) if section else None


def taken(node: ast.FunctionDef) -> list[str]:
    """List the arguments a function takes, without the instance."""
    spec = node.args
    every = [*spec.posonlyargs, *spec.args, spec.vararg, *spec.kwonlyargs, spec.kwarg]
    return [arg.arg for arg in every if arg is not None and arg.arg not in ("self", "cls")]


def fields_of(node: ast.ClassDef) -> list[str]:
    """List what a class is made from: the arguments of its constructor, else its annotated fields."""
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and part.name == "__init__":
            return taken(part)
    return [
        part.target.id
        for part in node.body
        if isinstance(part, ast.AnnAssign)
        and isinstance(part.target, ast.Name)
        and "ClassVar" not in ast.unparse(part.annotation)
    ]


def wrong(tree: ast.Module) -> list[str]:
    """List public functions and classes whose docstring names other arguments than they take."""
    bodies = [(tree, "")] + [(n, n.name + ".") for n in tree.body if isinstance(n, ast.ClassDef)]
    found = []
    for body, prefix in bodies:
        if prefix.startswith("_"):
            continue
        for node in body.body:
            if not isinstance(node, (ast.FunctionDef, ast.ClassDef)) or node.name.startswith("_"):
                continue
            named = told(ast.get_docstring(node) or "")
            actual = taken(node) if isinstance(node, ast.FunctionDef) else fields_of(node)
            if named is not None and sorted(named) != sorted(actual):
                found.append(f"{prefix}{node.name}: tells {named}, takes {actual}")
    return found


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda p: p.relative_to(SOURCE).as_posix())
def test_docstrings_name_the_arguments_that_are_taken(path):
    found = wrong(ast.parse(path.read_text(encoding="utf-8")))
    assert [each for each in found if each.partition(":")[0] not in EXCEPTIONS] == []


@pytest.mark.parametrize(
    ("code", "is_wrong"),
    [
        ('def f(a, *, b):\n    """Do.\n\n    Args:\n        a: One.\n        b: Two.\n    """', False),
        ('def f(a, *, b):\n    """Do.\n\n    Args:\n        a: One.\n    """', True),
        ('def f(a):\n    """Do.\n\n    Args:\n        b: One.\n\n    Returns:\n        a: b.\n    """', True),
        ('class C:\n    """Do.\n\n    Args:\n        a: One.\n    """\n    a: int\n', False),
        ('class C:\n    """Do.\n\n    Args:\n        a: One.\n    """\n    b: int\n', True),
        ('def f(a):\n    """Do."""', False),
    ],
)
def test_a_docstring_that_drifted_is_caught(code, is_wrong):
    assert bool(wrong(ast.parse(code))) is is_wrong


def public() -> list[tuple[str, object]]:
    named = [(name, getattr(hedgerow, name)) for name in hedgerow.__all__ if name not in FACES]
    for face in FACES:
        module = importlib.import_module(f"hedgerow.{face}")
        named += [(f"{face}.{name}", getattr(module, name)) for name in module.__all__]
    return named


@pytest.mark.parametrize(("name", "thing"), public(), ids=[name for name, _ in public()])
def test_every_public_name_is_documented(name, thing):
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    short = name.rpartition(".")[2]
    assert re.search(rf"\b{re.escape(short)}\b", page), f"docs/python.md does not name {name}"
    assert inspect.getdoc(thing)
    if inspect.isfunction(thing):
        arguments = list(inspect.signature(thing).parameters)
        assert told(thing.__doc__ or "") or not arguments, f"{name} tells no Args"
        assert "Returns:" in (thing.__doc__ or "")


def test_the_list_of_public_names_is_what_can_be_loaded():
    assert sorted(hedgerow.__all__) == hedgerow.__all__
    assert {*hedgerow.__all__, "__version__"} == set(dir(hedgerow))
    for name in hedgerow.__all__:
        assert getattr(hedgerow, name) is not None
    with pytest.raises(AttributeError):
        hedgerow.no_such_name  # noqa: B018 - reading it is the test
