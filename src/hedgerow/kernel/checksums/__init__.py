"""Check digits of numbers that name people, over whole arrays at once.

Every check takes a matrix with one number a row and answers with one truth a row. A checksum that
holds says that a number is well formed, never that it was issued. The functions named ``with_`` make
what a check looks for, for one number.
"""

from __future__ import annotations

from hedgerow.kernel.checksums.digits import (
    aadhaar_verhoeff,
    bsn_eleven,
    cn_resident_id,
    cpf_two_checks,
    luhn,
    nhs_mod_11,
    pesel_mod_10,
    ssn_structure,
)
from hedgerow.kernel.checksums.letters import iban_mod_97
from hedgerow.kernel.checksums.making import (
    with_cn_check,
    with_iban_check,
    with_luhn,
    with_mod11_10,
    with_nhs_check,
    with_nie_letter,
    with_nir_key,
)

__all__ = [
    "aadhaar_verhoeff",
    "bsn_eleven",
    "cn_resident_id",
    "cpf_two_checks",
    "iban_mod_97",
    "luhn",
    "nhs_mod_11",
    "pesel_mod_10",
    "ssn_structure",
    "with_cn_check",
    "with_iban_check",
    "with_luhn",
    "with_mod11_10",
    "with_nhs_check",
    "with_nie_letter",
    "with_nir_key",
]
