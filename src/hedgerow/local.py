"""Surveys with local privacy: reports randomised where they arise, and estimates from many; no workspace."""

from __future__ import annotations

from hedgerow.kernel.local import (
    Client,
    Estimates,
    Forecast,
    Refusal,
    Survey,
    Tally,
    amplified,
    estimate,
    forecast,
)
from hedgerow.kernel.local.drafting import parse_survey

__all__ = [
    "Client",
    "Estimates",
    "Forecast",
    "Refusal",
    "Survey",
    "Tally",
    "amplified",
    "estimate",
    "forecast",
    "parse_survey",
]
