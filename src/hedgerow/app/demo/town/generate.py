"""Making the town, and what an outsider could know of it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.app.demo.town.clinics import clinic_tables
from hedgerow.app.demo.town.draw import moments, pick, some, stream
from hedgerow.app.demo.town.hierarchies import HIERARCHIES
from hedgerow.app.demo.town.money import agency_tables, bank_tables
from hedgerow.app.demo.town.places import building_tables, shop_tables
from hedgerow.app.demo.town.residents import settle
from hedgerow.app.demo.town.shape import Town
from hedgerow.app.demo.town.truth import SUBJECT_KEYS, TRUTH

if TYPE_CHECKING:
    from hedgerow.app.demo.town.residents import Residents

MAX_PEOPLE = 70_000  # distinct telephone numbers reserved for fiction end near here
_CLUB_MEMBERS = 200
_REMARKABLE_AGE = 100
_CONSENT_SHARE = 0.85


def generate(seed: int = 20260, people: int = 2000) -> Town:
    """Make Riverside from a seed.

    Args:
        seed: 0 or more; the same seed and size give the same town, value for value.
        people: Residents, 1 to 70,000.

    Returns:
        The town.

    Raises:
        ValueError: When the seed or the number of people is out of range.
    """
    _check("seed", seed, 0, 2**63 - 1)
    _check("people", people, 1, MAX_PEOPLE)
    residents = settle(seed, people)
    houses = (clinic_tables, bank_tables, agency_tables, shop_tables, building_tables)
    tables = {name: table for house in houses for name, table in house(seed, residents).items()}
    return Town(
        seed=seed,
        residents=residents.to_table(),
        tables=MappingProxyType(tables),
        truth=TRUTH,
        subject_keys=SUBJECT_KEYS,
        consents=_consents(seed, residents),
        hierarchies=HIERARCHIES,
    )


def attacker_view(town: Town) -> pa.Table:
    """Show what an outsider could have: the public member list of a club.

    Args:
        town: The town.

    Returns:
        ``full_name, age, zip, sex`` of 200 residents (all of a smaller town), the
        remarkably old among them, by name.
    """
    rng = stream(town.seed, "club")
    remarkable = np.flatnonzero(town.residents["age"].to_numpy() >= _REMARKABLE_AGE)
    rest = np.setdiff1d(np.arange(town.residents.num_rows), remarkable)
    size = min(_CLUB_MEMBERS - len(remarkable), len(rest))
    members = np.concatenate([remarkable, rng.choice(rest, size=size, replace=False)])
    club = town.residents.select(["full_name", "age", "zip", "sex"]).take(pa.array(members))
    return club.take(pc.sort_indices(club, [(name, "ascending") for name in club.column_names]))


def _check(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} is a whole number from {low} to {high}")


def _consents(seed: int, residents: Residents) -> pa.Table:
    rng = stream(seed, "consents")
    person = some(rng, len(residents), _CONSENT_SHARE)
    size = len(person)
    # Given before the first visit of the clinics' books.
    time = moments(rng, "2023-09-01", "2024-01-01", size)
    return pa.table(
        {
            "subject": residents.ref[person],
            "purpose": np.full(size, "research"),
            "notice_version": pick(rng, ("2023-1", "2023-2"), size, (1, 3)),
            "time": pa.array(time).cast(pa.timestamp("s")).cast(pa.timestamp("s", tz="UTC")),
            "channel": pick(rng, ("paper", "web", "desk"), size, (2, 5, 3)),
        }
    )
