"""Use people's personal data for analytics and AI through one gate, with evidence of each use.

``import hedgerow as hr; space = hr.open("DIR")`` opens a workspace. The technique functions
``hr.anonymity``, ``hr.audit``, ``hr.discover``, ``hr.dp``, ``hr.learn``, ``hr.places``,
``hr.synthetic`` and ``hr.tokens`` work on data
frames without one, and ``hr.local`` on reports. Everything is loaded when it is first named: importing this
package imports no third party.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hedgerow import anonymity, audit, discover, dp, learn, local, places, synthetic, tokens
    from hedgerow.app.space import Session, Space
    from hedgerow.app.space import create_checked as create
    from hedgerow.app.space import open_checked as open  # noqa: A004 - hr.open reads as it is meant
    from hedgerow.model.errors import CallerError, Fault, HedgerowError, Refused

from hedgerow.model import version as _version

__version__ = _version.VERSION

__all__ = [
    "CallerError",
    "Fault",
    "HedgerowError",
    "Refused",
    "Session",
    "Space",
    "anonymity",
    "audit",
    "create",
    "discover",
    "dp",
    "learn",
    "local",
    "open",
    "places",
    "synthetic",
    "tokens",
]

_PLACES = {
    "CallerError": ("hedgerow.model.errors", "CallerError"),
    "Fault": ("hedgerow.model.errors", "Fault"),
    "HedgerowError": ("hedgerow.model.errors", "HedgerowError"),
    "Refused": ("hedgerow.model.errors", "Refused"),
    "Session": ("hedgerow.app.space", "Session"),
    "Space": ("hedgerow.app.space", "Space"),
    "create": ("hedgerow.app.space", "create_checked"),
    "open": ("hedgerow.app.space", "open_checked"),
    "anonymity": ("hedgerow.anonymity", ""),
    "audit": ("hedgerow.audit", ""),
    "discover": ("hedgerow.discover", ""),
    "dp": ("hedgerow.dp", ""),
    "learn": ("hedgerow.learn", ""),
    "local": ("hedgerow.local", ""),
    "places": ("hedgerow.places", ""),
    "synthetic": ("hedgerow.synthetic", ""),
    "tokens": ("hedgerow.tokens", ""),
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first used."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PLACES[name]
    found = importlib.import_module(module)
    return getattr(found, attribute) if attribute else found


def __dir__() -> list[str]:
    """List the public names."""
    return sorted([*__all__, "__version__"])
