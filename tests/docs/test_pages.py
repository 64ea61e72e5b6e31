"""Proves that the pages hang together: links, the reading path, the decisions, the first two commands."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
SOURCE = ROOT / "src" / "hedgerow"
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
DECISIONS = sorted((DOCS / "adr").glob("*.md"))
MOST_FILES = 7


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    named = re.findall(r'<a (?:id|name)="([^"]+)"', page.read_text(encoding="utf-8"))
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()).strip() for heading in headings)
    return {re.sub(r"[ ]+", "-", heading) for heading in plain} | set(named)


def dead_links(page: Path) -> list[str]:
    """List the relative links of a page that lead nowhere."""
    dead = []
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        aim = (page.parent / path).resolve() if path else page
        if not aim.exists() or (anchor and aim.suffix == ".md" and anchor not in anchors(aim)):
            dead.append(target)
    return dead


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page):
    assert dead_links(page) == []


def test_a_dead_link_is_caught(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One\n[a](#one) [b](page.md#two) [c](missing.md) [d](https://example.org)\n")
    assert dead_links(page) == ["page.md#two", "missing.md"]


def test_pages_below_docs_link_within_docs_only():
    out = {}
    for page in DOCS.rglob("*.md"):
        targets = LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
        aims = [t for t in targets if not re.match(r"[a-z]+:|#", t)]
        out[page.name] = [
            t for t in aims if not (page.parent / t.partition("#")[0]).resolve().is_relative_to(DOCS)
        ]
    assert not any(out.values()), out


def test_the_first_code_of_the_readme_is_the_two_commands():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^```\w*\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)[0] == "make demo\nmake test\n"
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {"demo", "test"} <= set(targets)


def test_every_page_can_be_reached_from_the_navigation():
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    named = re.findall(r":\s+(\S+\.md)$", nav, re.MULTILINE)
    assert sorted(named) == sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))


def defined(path: Path) -> set[str]:
    """List the functions and classes of a module, methods and fields as ``Class.name``."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
            typed = (part.target for part in node.body if isinstance(part, ast.AnnAssign))
            found |= {f"{node.name}.{target.id}" for target in typed if isinstance(target, ast.Name)}
    return found


def stops() -> list[tuple[str, str]]:
    """Read the reading path: each file with the text about it."""
    parts = re.split(r"^## \d+\. `([^`]+)`$", (DOCS / "reading-path.md").read_text(), flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def test_one_use_is_read_in_at_most_seven_files():
    named = [name for name, _ in stops()]
    assert 0 < len(named) <= MOST_FILES
    assert len(set(named)) == len(named)


@pytest.mark.parametrize(("name", "text"), stops(), ids=[name for name, _ in stops()])
def test_what_the_reading_path_names_exists(name, text):
    known = defined(SOURCE / name)
    other = {symbol for stop, _ in stops() for symbol in defined(SOURCE / stop)}
    called = re.findall(r"`([A-Za-z_]+(?:\.[A-Za-z_]+)?)`", text)
    words = {"ana", "in_space", "UseRequest"}
    missing = [symbol for symbol in called if symbol not in known | other | words]
    assert missing == []
    assert any(symbol in known for symbol in called)


def test_methods_that_pages_name_exist():
    known = {symbol for path in SOURCE.rglob("*.py") for symbol in defined(path)}
    missing = []
    for page in PAGES:
        named = re.findall(r"`([A-Z][a-z]\w*\.[a-z_]+)`", page.read_text(encoding="utf-8"))
        missing += [f"{page.name}: {name}" for name in named if name not in known]
    assert missing == []


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_has_context_decision_and_consequences(page):
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    number = int(page.name[:4])
    assert text.startswith(f"# {number}. ")
    assert number == DECISIONS.index(page) + 1


@pytest.mark.parametrize("page", [*DECISIONS, *PAGES], ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_a_page_names_exist(page):
    named = re.findall(
        r"`((?:src|spine|app|adapters|model|kernel|techniques|cli|tests|specs|examples)/[\w./-]+)`",
        page.read_text(encoding="utf-8"),
    )
    missing = [name for name in named if not ((ROOT / name).exists() or (SOURCE / name).exists())]
    assert missing == []


def test_the_table_of_roles_is_that_of_the_policies():
    roles = ["administrator", "analyst", "privacy-officer", "auditor", "service"]
    text = (DOCS / "policies.md").read_text(encoding="utf-8")
    shown = set()
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == len(roles) + 1:
            actions = re.findall(r"`([^`]+)`", cells[0])
            shown |= {
                (a, r) for a in actions for r, cell in zip(roles, cells[1:], strict=True) if cell == "yes"
            }
    policies = (SOURCE / "app" / "policies" / "default.cedar").read_text(encoding="utf-8")
    stated = set()
    for permit in re.findall(r"^permit \(\n(.*?)^\);", policies, re.MULTILINE | re.DOTALL):
        role = re.search(r'Role::"([^"]+)"', permit)
        stated |= {(action, role[1]) for action in re.findall(r'Action::"([^"]+)"', permit)}
    assert shown == stated
