"""No module but the importer of old data names a legacy cipher, MD5, SHA-1, ECB or a fixed nonce.

The source is read as a tree: imports, names, attributes, keywords and texts that are no docstrings.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "hedgerow"
IMPORTER = {
    "kernel/legacy/ciphers.py",
    "kernel/legacy/opening.py",
    "cli/commands/legacy.py",
    "app/service/importing.py",
}
# The words of a refusal and its next step speak of old data; they use nothing.
WORDS_ONLY = {"model/errors/rows_sealed.py"}
# FF1 is made of single blocks of AES, which the library calls ECB; hashes are named where they are refused.
TOKENS = {"kernel/tokens/ff1.py": {"ecb"}, "kernel/tokens/enumerable.py": {"md5", "sha1"}}
LEGACY = re.compile(
    r"(?<![a-z])(blowfish|triple_?des|3des|des3|arc4|rc4|cast5|idea|seed_cbc|ecb|md5|sha_?1|fernet|cbc|decrepit)"
    r"(?![a-z0-9])",
    re.IGNORECASE,
)
FIXED = {"CBC", "CTR", "GCM", "CFB", "OFB", "encrypt"}


def docstrings(tree: ast.AST) -> set[int]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    held = [node.body[0] for node in ast.walk(tree) if isinstance(node, kinds) and node.body]
    return {id(first.value) for first in held if isinstance(first, ast.Expr)}


@cache
def parsed(text: str) -> ast.Module:
    return ast.parse(text)


def words(tree: ast.AST):
    """Give every word of a module that could name an algorithm, with its line."""
    told = docstrings(tree)
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Import | ast.ImportFrom):
            named = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
            yield from ((word, line) for word in named)
        elif isinstance(node, ast.Name):
            yield node.id, line
        elif isinstance(node, ast.Attribute):
            yield node.attr, line
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg, line
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value, line


def legacy_in(text: str) -> list[int]:
    found = []
    for word, line in words(parsed(text)):
        if is_legacy(word):
            found.append(line)
    return found


@cache
def is_legacy(word: str) -> bool:
    spelt = re.sub(r"([a-z])([A-Z])", r"\1_\2", word).replace(".", " ").replace("-", " ")
    return bool(LEGACY.search(word) or LEGACY.search(spelt))


def fixed_nonces(text: str) -> list[int]:
    """Find encryption whose nonce or initialisation vector is a constant."""
    found = []
    for node in ast.walk(parsed(text)):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        first = node.args[0]
        is_zeros = isinstance(first, ast.Call) and getattr(first.func, "id", "") in {"bytes", "bytearray"}
        if name in FIXED and (isinstance(first, ast.Constant) or is_zeros):
            found.append(node.lineno)
    return found


def modules():
    return sorted(SOURCE.rglob("*.py"))


def test_only_the_importer_names_a_legacy_cipher():
    found = {
        str(path.relative_to(SOURCE)): lines
        for path in modules()
        if (lines := legacy_in(path.read_text(encoding="utf-8")))
    }
    assert set(found) <= IMPORTER | WORDS_ONLY | set(TOKENS), found
    for name, words in TOKENS.items():
        text = (SOURCE / name).read_text(encoding="utf-8")
        assert {word.lower() for word in LEGACY.findall(text)} <= words, name
    assert "kernel/legacy/opening.py" in found, "the search finds nothing"


def test_no_nonce_is_a_constant():
    found = {
        str(path.relative_to(SOURCE)): fixed_nonces(path.read_text(encoding="utf-8")) for path in modules()
    }
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_the_importer_never_encrypts():
    for name in IMPORTER:
        used = {word for word, _ in words(parsed((SOURCE / name).read_text(encoding="utf-8")))}
        assert not used & {"encryptor", "encrypt", "padder", "encrypt_at_time", "generate_key"}


@pytest.mark.parametrize(
    "line",
    [
        "from cryptography.fernet import Fernet",
        "import hashlib\nhashlib.md5(b'')",
        "import hashlib\nhashlib.new('sha1')",
        "from cryptography.hazmat.primitives.hashes import SHA1",
        "from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES",
        "modes.ECB()",
        "cipher = 'blowfish'",
    ],
)
def test_the_search_sees_each_way_to_name_one(line):
    assert legacy_in(line)


@pytest.mark.parametrize("line", ["modes.CBC(b'0000')", "AESGCM(key).encrypt(bytes(12), x, None)"])
def test_the_search_sees_fixed_nonces(line):
    assert fixed_nonces(line)
