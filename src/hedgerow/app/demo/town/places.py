"""The shop chain with its loyalty card, and the building of 520 flats with its door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from hedgerow.app.demo.town import words
from hedgerow.app.demo.town.checkdigits import loyalty_number
from hedgerow.app.demo.town.draw import moments, pick, some, stream

if TYPE_CHECKING:
    from hedgerow.app.demo.town.residents import Residents

FLATS = 520
_FLATS_A_FLOOR = 20
_OCCUPANTS = 720


def shop_tables(seed: int, residents: Residents) -> dict[str, pa.Table]:
    """Write the shop chain's purchases of 2025.

    Args:
        seed: 0 or more.
        residents: The register.

    Returns:
        ``shop_purchases`` of the 60% of the residents who hold a card.
    """
    rng = stream(seed, "shop")
    person = some(rng, len(residents), 0.6)
    cards = np.array(
        [loyalty_number(serial) for serial in rng.choice(10**9, len(person), replace=False).tolist()]
    )
    member = np.repeat(np.arange(len(person)), np.clip(rng.poisson(8, len(person)), 1, 40))
    time = moments(rng, "2025-01-01", "2026-01-01", len(member))
    order = np.lexsort((member, time))
    member, time = member[order], time[order]
    goods = rng.integers(0, len(words.GOODS), len(member))
    table = pa.table(
        {
            "purchase_id": np.array([f"P-{number:07d}" for number in range(1, len(member) + 1)]),
            "loyalty_card": cards[member],
            "member_ref": residents.ref[person][member],
            "item": np.array([row[0] for row in words.GOODS])[goods],
            "category": np.array([row[1] for row in words.GOODS])[goods],
            "amount": np.round(
                np.array([row[2] for row in words.GOODS])[goods] * rng.integers(1, 4, len(member)), 2
            ),
            "timestamp": time,
        }
    )
    return {"shop_purchases": table}


def building_tables(seed: int, residents: Residents) -> dict[str, pa.Table]:
    """Write the list of the building's occupants and how each opens the door.

    Args:
        seed: 0 or more.
        residents: The register.

    Returns:
        ``building_residents``: 720 people (fewer in a smaller town) in up to 520 flats.
    """
    rng = stream(seed, "building")
    person = rng.choice(len(residents), size=min(_OCCUPANTS, len(residents)), replace=False)
    # A first occupant for each flat, then companions wherever they fall.
    home = np.concatenate(
        [np.arange(min(FLATS, len(person))), rng.integers(0, FLATS, max(0, len(person) - FLATS))]
    )
    order = np.lexsort((person, home))
    person, home = person[order], home[order]
    table = pa.table(
        {
            "flat": np.array(
                [f"F{1 + flat // _FLATS_A_FLOOR:02d}-{1 + flat % _FLATS_A_FLOOR:02d}" for flat in home]
            ),
            "resident_ref": residents.ref[person],
            "full_name": residents.full_name[person],
            "phone": residents.phone[person],
            "entry_method": pick(rng, ("face", "badge", "pin"), len(person), (50, 35, 15)),
        }
    )
    return {"building_residents": table}
