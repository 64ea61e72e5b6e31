"""Columns of many values as arrays in the server's own binary form: made as one, not value by value."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import psycopg

# Fewer than these are not worth it.
_FEW = 64
_INT8, _BYTEA, _TEXT = 20, 17, 25
_HEAD = struct.Struct(">iiIii")
_LENGTH = struct.Struct(">i")


@dataclass(frozen=True, slots=True)
class Packed:
    """An array in binary form.

    Args:
        content: What is sent.
    """

    content: bytes = field(repr=False)


class Int8s(Packed):
    """An array of integers of 64 bits."""


class Byteas(Packed):
    """An array of byte strings."""


class Texts(Packed):
    """An array of texts."""


_OIDS: dict[type[Packed], int] = {Int8s: 1016, Byteas: 1001, Texts: 1009}


def packed(base: type, column: list[Any]) -> Packed | list[Any]:
    """Pack a column that was checked, where that pays.

    Args:
        base: The type of its values.
        column: The values.

    Returns:
        The packed array, or the column itself.
    """
    if len(column) < _FEW or base is bool or None in column:
        return column
    if base is int:
        return Int8s(_head(_INT8, len(column)) + _integers(column))
    if base is bytes:
        return Byteas(_head(_BYTEA, len(column)) + _strings(column))
    return Texts(_head(_TEXT, len(column)) + _strings([text.encode() for text in column]))


def _head(oid: int, many: int) -> bytes:
    """One dimension, no value that lacks, and where counting begins."""
    return _HEAD.pack(1, 0, oid, many, 1)


def _integers(column: Sequence[int]) -> bytes:
    each = struct.pack(">iq", _LENGTH.size * 2, 0)
    content = bytearray(each * len(column))
    view = struct.pack(f">{len(column)}q", *column)
    for place in range(8):
        content[4 + place :: 12] = view[place::8]
    return bytes(content)


def _strings(column: Sequence[bytes]) -> bytes:
    lengths = set(map(len, column))
    if len(lengths) == 1:
        head = _LENGTH.pack(lengths.pop())
        return head + head.join(column)
    heads = map(_LENGTH.pack, map(len, column))
    return b"".join(chain.from_iterable(zip(heads, column, strict=True)))


def register(connection: psycopg.Connection[Any]) -> None:
    """Let a connection send packed arrays."""
    for kind, dumper in _dumpers():
        connection.adapters.register_dumper(kind, dumper)


@lru_cache
def _dumpers() -> list[tuple[type[Packed], type[Any]]]:
    from psycopg.adapt import Dumper
    from psycopg.pq import Format

    class PackedDumper(Dumper):
        format = Format.BINARY

        def dump(self, obj: object) -> bytes:
            return cast("Packed", obj).content

    return [(kind, type(kind.__name__, (PackedDumper,), {"oid": oid})) for kind, oid in _OIDS.items()]
