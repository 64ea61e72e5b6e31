"""A compiler knows elements of a plan by name, and every field of them: what it does not know it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, TypeVar

from hedgerow.model.errors import CallerError

_C = TypeVar("_C", bound="Callable[..., object]")


class Known:
    """The elements that are known, and what compiles each."""

    def __init__(self) -> None:
        self._fields: dict[type, frozenset[str]] = {}
        self._functions: dict[type, Callable[..., Any]] = {}

    def part(self, kind: type, *names: str) -> None:
        """Know an element that has no function of its own.

        Args:
            kind: Its type.
            names: The fields that are heeded; any other must hold its default.
        """
        self._fields[kind] = frozenset(names)

    def compiles(self, kind: type, *names: str) -> Callable[[_C], _C]:
        """Know an element by the function that compiles it; one such function is all that a new one needs."""

        def registered(function: _C) -> _C:
            self.part(kind, *names)
            self._functions[kind] = function
            return function

        return registered

    def join(self, other: Known) -> None:
        """Know what another one knows, too."""
        self._fields |= other._fields

    def function(self, part: object) -> Callable[..., Any]:
        """Find what compiles an element.

        Raises:
            CallerError: ``engine.element`` when nothing does.
        """
        found = self._functions.get(type(part))
        if found is None:
            raise CallerError("engine.element", element=type(part).__name__)
        return found

    def check(self, part: object) -> None:
        """Refuse a plan that holds, at any depth, an element or a field that is not known.

        Raises:
            CallerError: ``engine.element`` with its name.
        """
        if isinstance(part, tuple | list | frozenset):
            for each in part:
                self.check(each)
        if not is_dataclass(part) or isinstance(part, type):
            return
        if type(part) not in self._fields:
            raise CallerError("engine.element", element=type(part).__name__)
        for one in fields(part):
            value = getattr(part, one.name)
            if one.name in self._fields[type(part)]:
                self.check(value)
            elif not _is_default(one, value):
                raise CallerError("engine.element", element=f"{type(part).__name__}.{one.name}")


def _is_default(one: Field[Any], value: object) -> bool:
    if one.default is not MISSING:
        return bool(value == one.default)
    return one.default_factory is not MISSING and bool(value == one.default_factory())
