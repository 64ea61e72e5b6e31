"""Local differential privacy: a client that randomises, decoders that count, and what shuffling adds."""

from __future__ import annotations

from importlib import resources

from hedgerow.kernel.local.client import Client, Refusal, Survey
from hedgerow.kernel.local.estimate import Estimates, estimate
from hedgerow.kernel.local.forecast import Forecast, forecast, worst_odds
from hedgerow.kernel.local.shuffle import amplified, least_people
from hedgerow.kernel.local.tally import Tally, is_answer

__all__ = [
    "Client",
    "Estimates",
    "Forecast",
    "Refusal",
    "Survey",
    "Tally",
    "amplified",
    "client_source",
    "estimate",
    "forecast",
    "is_answer",
    "least_people",
    "worst_odds",
]


def client_source() -> bytes:
    """Read the single-file client that any program can carry.

    Returns:
        Its source, UTF-8.
    """
    return resources.files("hedgerow.kernel.local").joinpath("client.py").read_bytes()
