"""Statements are written in a few words of our own and read by SQLGlot; what others wrote is put in as nodes.

The words are read once, as one dialect, and written out for each. Names are quoted. Text holds no character
that any engine, client or session setting could read as more than itself: such a one is told by its number.
"""

from __future__ import annotations

import re
from typing import Final, Literal, get_args

from sqlglot import exp, parse_one

from hedgerow.model.errors import CallerError

Dialect = Literal["duckdb", "spark", "bigquery", "snowflake", "postgres"]
DIALECTS: Final[tuple[Dialect, ...]] = get_args(Dialect)
_WORDS: Final = "duckdb"
_MARK: Final = "_n"
_DELETE: Final = 127
_SPACE: Final = 32
_PARTS: Final = 3
# What means more inside a quoted name, where doubling the quote does not help.
_FORBIDDEN: Final[dict[str, tuple[str, ...]]] = {"spark": ("${",), "bigquery": ("`", "\\", ".")}


class Words:
    """A statement under construction.

    Args:
        dialect: What it is written for.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect: Dialect = dialect
        self._nodes: list[exp.Expression] = []

    def put(self, node: exp.Expression) -> str:
        """Keep a node and give the word that stands for it."""
        self._nodes.append(node)
        return f"{_MARK}{len(self._nodes) - 1}"

    def column(self, name: str) -> str:
        """Quote a column's name."""
        return self.put(exp.column(named(name, self.dialect)))

    def table(self, parts: tuple[str, ...]) -> str:
        """Quote a table's name."""
        if not 1 <= len(parts) <= _PARTS:
            raise CallerError("engine.name")
        made = (named(part, self.dialect) for part in reversed(parts))
        return self.put(exp.Table(**dict(zip(("this", "db", "catalog"), made, strict=False))))

    def text(self, value: str) -> str:
        """Write text."""
        return self.put(text_of(value))

    def read(self, words: str) -> exp.Expression:
        """Read a whole statement and put every kept node in its place."""
        return parse_one(words, read=_WORDS).transform(self.placed, copy=False)

    def placed(self, node: exp.Expression) -> exp.Expression:
        """Give the kept node for a word that stands for one."""
        if isinstance(node, exp.Table | exp.Column) and node.name.startswith(_MARK):
            kept = self._nodes[int(node.name.removeprefix(_MARK))].copy()
            if node.alias and isinstance(kept, exp.Table):
                kept.set("alias", node.args["alias"])
            return kept
        if self.dialect == "bigquery" and isinstance(node, exp.DataType) and node.is_type("decimal"):
            return exp.DataType.build("BIGDECIMAL")  # its plain one keeps nine digits after the point
        return node


def named(name: str, dialect: Dialect) -> exp.Identifier:
    """Quote a name for an engine.

    Args:
        name: A name somebody else chose.
        dialect: The engine.

    Returns:
        The name, quoted.

    Raises:
        CallerError: ``engine.name`` when the engine could not hold such a name, or would read more into it.
    """
    is_odd = not name or any(ord(each) < _SPACE or ord(each) == _DELETE for each in name)
    if is_odd or not is_unicode(name) or any(each in name for each in _FORBIDDEN.get(dialect, ())):
        raise CallerError("engine.name")
    return exp.to_identifier(name, quoted=True)


def is_unicode(text: str) -> bool:
    """Tell whether a column could hold a text: lone surrogates are none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def text_of(value: str) -> exp.Expression:
    """Write text so that it holds no quote, no escape and no control character.

    Args:
        value: Any text without a character of number 0, which not every engine can hold.

    Returns:
        A literal, or literals and numbered characters one after another.

    Raises:
        CallerError: ``engine.text`` for a character of number 0.
    """
    if "\0" in value:
        raise CallerError("engine.text")
    pieces = re.findall(r"[A-Za-z0-9 _.,\-\u0080-\U0010ffff]+|[\x01-\x7f]", value)
    nodes = [_piece(each) for each in pieces] or [exp.Literal.string("")]
    whole = nodes[0]
    for each in nodes[1:]:
        whole = exp.DPipe(this=whole, expression=each)
    return exp.paren(whole) if len(nodes) > 1 else whole


def _piece(text: str) -> exp.Expression:
    if len(text) > 1 or text.isalnum() or text in " _.,-" or ord(text) > _DELETE:
        return exp.Literal.string(text)
    return exp.Chr(expressions=[exp.Literal.number(ord(text))])
