"""People shown by invented names, marked as assumed; the true name stays in the vault."""

from __future__ import annotations

from hedgerow.kernel.tokens.surrogates import surrogates
from hedgerow.model.keys import Scope
from hedgerow.model.tokens import INNER_SCOPE

MARK = "assumed name"
"""What stands beside every invented name that is shown."""


def assumed_name(secret: bytes, locale: str = "en_US") -> str:
    """Invent the name by which a person is shown.

    Args:
        secret: The person's own secret for names that are shown (32 bytes); it dies with the person's key.
        locale: Of which country the name is.

    Returns:
        For example ``"Grace Pennyfield (assumed name)"``: the same for the same person, and of nothing that
        the person is known by.
    """
    (name,) = surrogates("name", locale, [secret], Scope(*INNER_SCOPE), [[]])
    return f"{name} ({MARK})"
