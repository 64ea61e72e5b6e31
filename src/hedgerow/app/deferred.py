"""Rooms that need a heavy library, built when they are first used: small commands start fast."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

T = TypeVar("T")


class _Deferred:
    """Stands for an object and builds it at the first use of any of its attributes.

    Args:
        build: Imports what is needed and makes the object.
    """

    def __init__(self, build: Callable[[], object]) -> None:
        self._build = build

    def __getattr__(self, name: str) -> object:
        """Build the object once, then hand its attributes through."""
        made = self.__dict__.get("_made")
        if made is None:
            made = self.__dict__.setdefault("_made", self._build())
        return getattr(made, name)


def deferred(build: Callable[[], T]) -> T:
    """Put off building an object until it is used.

    Args:
        build: Imports what is needed and makes the object.

    Returns:
        A stand-in that behaves as the object; what fails in building fails at the first use.
    """
    return cast("T", _Deferred(build))
