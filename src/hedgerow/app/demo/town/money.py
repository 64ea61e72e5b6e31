"""The bank and the credit agency: two houses that know the same people by different names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from hedgerow.app.demo.town import words
from hedgerow.app.demo.town.checkdigits import account_iban, card_number, national_number
from hedgerow.app.demo.town.draw import moments, some, stream

if TYPE_CHECKING:
    from hedgerow.app.demo.town.draw import Integers
    from hedgerow.app.demo.town.residents import Residents


def bank_tables(seed: int, residents: Residents) -> dict[str, pa.Table]:
    """Write the bank's books for 2025.

    Args:
        seed: 0 or more.
        residents: The register.

    Returns:
        ``bank_accounts`` (70% of the residents, one account each) and ``bank_transactions``.
    """
    rng = stream(seed, "bank")
    person = some(rng, len(residents), 0.7)
    return {
        "bank_accounts": _accounts(rng, residents, person),
        "bank_transactions": _transactions(rng, residents, person),
    }


def agency_tables(seed: int, residents: Residents) -> dict[str, pa.Table]:
    """Write the credit agency's scores.

    Args:
        seed: 0 or more.
        residents: The register.

    Returns:
        ``credit_agency_scores`` for 80% of the residents; the score rises with the salary.
    """
    rng = stream(seed, "agency")
    person = some(rng, len(residents), 0.8)
    serials = rng.choice(10**10, size=len(person), replace=False).tolist()
    salary = residents.salary[person]
    defaults = np.minimum(rng.poisson(0.9 * np.exp(-salary / 40_000)), 5)
    score = 560 + 90 * np.log(salary / 26_000) - 60 * defaults + rng.normal(0, 45, len(person))
    table = pa.table(
        {
            "consumer_ref": residents.ref[person],
            "national_id": np.array([national_number(serial) for serial in serials]),
            "score": np.clip(np.rint(score), 300, 850).astype(np.int64),
            "defaults": defaults,
        }
    )
    return {"credit_agency_scores": table}


def _accounts(rng: np.random.Generator, residents: Residents, person: Integers) -> pa.Table:
    serials = rng.choice(10**8, size=len(person), replace=False).tolist()
    salary = residents.salary[person]
    return pa.table(
        {
            "account_ref": residents.ref[person],
            "full_name": residents.full_name[person],
            "iban": np.array([account_iban(serial) for serial in serials]),
            "address": residents.address[person],
            "zip": residents.zip_code[person],
            "salary": salary,
            "balance": np.round(salary * rng.normal(0.25, 0.2, len(person)), 2),
        }
    )


def _transactions(rng: np.random.Generator, residents: Residents, person: Integers) -> pa.Table:
    serials = rng.choice(10**9, size=len(person), replace=False).tolist()
    cards = np.array([card_number(serial) for serial in serials])
    account = np.repeat(np.arange(len(person)), np.clip(rng.poisson(8, len(person)), 1, 40))
    time = moments(rng, "2025-01-01", "2026-01-01", len(account))
    order = np.lexsort((account, time))
    account, time = account[order], time[order]
    merchant = rng.integers(0, len(words.MERCHANTS), len(account))
    usual = np.array([row[2] for row in words.MERCHANTS])[merchant]
    return pa.table(
        {
            "transaction_id": np.arange(1, len(account) + 1),
            "account_ref": residents.ref[person][account],
            "card_number": cards[account],
            "merchant": np.array([row[0] for row in words.MERCHANTS])[merchant],
            "merchant_code": np.array([row[1] for row in words.MERCHANTS])[merchant],
            "amount": np.round(usual * rng.lognormal(0, 0.5, len(account)), 2),
            "timestamp": time,
        }
    )
