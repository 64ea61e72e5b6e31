"""The one form of an e-mail address, a phone number or a national id, by name and version."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hedgerow.kernel.blindindex.email import normalise_email
from hedgerow.kernel.blindindex.national import SCHEMES, normalise_national_ids
from hedgerow.kernel.blindindex.phone import is_country_code, normalise_phone

KINDS = ("email", "phone", "national-id")
_VERSION = "1"
_MOST_CHARACTERS = 1024

__all__ = ["KINDS", "SCHEMES", "Form", "form_named", "new_form"]


@dataclass(frozen=True, slots=True)
class Form:
    """How values are brought into one form.

    Args:
        kind: One of ``KINDS``.
        version: Version of the rules; another version may give another form for the same value.
        detail: Country code for phones, scheme for national ids; empty for none.
    """

    kind: str
    version: str
    detail: str = ""

    @property
    def name(self) -> str:
        """The name as an index keeps it, for example ``phone/1/47``."""
        return "/".join(part for part in (self.kind, self.version, self.detail) if part)

    def normalise(self, values: Iterable[str]) -> list[str | None]:
        """Bring values into their one form.

        Args:
            values: As collected or as typed.

        Returns:
            For each its form, or none where it does not read as one of this kind.
        """
        bounded = [value if len(value) <= _MOST_CHARACTERS else "" for value in values]
        return _READERS[self.kind](bounded, self.detail)


def new_form(kind: str, country: str = "", scheme: str = "") -> Form:
    """Name a form in its newest version.

    Args:
        kind: One of ``KINDS``.
        country: Country code of numbers without one, one to three digits; for phones only.
        scheme: One of ``SCHEMES``; for national ids only.

    Raises:
        ValueError: A kind, country code or scheme that is not known, or one that does not go with the kind.
    """
    fits = {
        "email": not country and not scheme,
        "phone": not scheme and (not country or is_country_code(country)),
        "national-id": not country and (not scheme or scheme in SCHEMES),
    }
    if not fits.get(kind, False):
        raise ValueError("no such form")
    return Form(kind, _VERSION, country or scheme)


def form_named(name: str) -> Form:
    """Read the name of a form back.

    Args:
        name: As ``Form.name`` gives it.

    Raises:
        ValueError: The kind or version is not known here.
    """
    kind, version, detail = [*name.split("/"), ""][:3]
    if kind not in KINDS or version != _VERSION:
        raise ValueError("no such form")
    return Form(kind, version, detail)


def _emails(values: Sequence[str], _: str) -> list[str | None]:
    return [normalise_email(value) for value in values]


def _phones(values: Sequence[str], country: str) -> list[str | None]:
    return [normalise_phone(value, country) for value in values]


_READERS: dict[str, Callable[[Sequence[str], str], list[str | None]]] = {
    "email": _emails,
    "phone": _phones,
    "national-id": normalise_national_ids,
}
