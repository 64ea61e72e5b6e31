"""Numbers that pass the checks and were never issued to anybody: cards, accounts, phones and national ids.

Each takes one person's row of drawn numbers (see ``seeds.draws``) and, where the number tells it, the sex.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from hedgerow.kernel.checksums import (
    with_cn_check,
    with_iban_check,
    with_luhn,
    with_mod11_10,
    with_nhs_check,
    with_nie_letter,
    with_nir_key,
)

Numbers = Sequence[int]
Maker = Callable[[Numbers, str | None], str]

# The range that payment processors keep for tests.
_CARD_RANGE = "400000"
_NIR_WEIGHTS = (89, 15, 3)
_ES_WEIGHTS = (1, 2, 4, 8, 5, 10, 9, 7, 3, 6)
_GB_PHONES = (
    "020 7946 0", "0113 496 0", "0114 496 0", "0115 496 0", "0116 496 0", "0117 496 0", "0118 496 0",
    "0121 496 0", "0131 496 0", "0141 496 0", "0151 496 0", "0161 496 0", "07700 900",
)  # fmt: skip
_DE_PHONES = ("030 23125 ", "069 90009 ", "040 66969 ", "0221 4710 ", "089 99998 ")
_FR_PHONES = ("01 99 00", "02 61 91", "03 53 01", "04 65 71", "05 36 49", "06 39 98")


def card(numbers: Numbers, _: str | None) -> str:
    """Make a payment card of 16 digits in the range kept for tests, Luhn digit right."""
    return with_luhn(f"{_CARD_RANGE}{numbers[0] % 10**9:09d}")


def _iban_gb(numbers: Numbers, _: str | None) -> str:
    return with_iban_check("GB", f"TEST000000{numbers[0] % 10**8:08d}")


def _iban_de(numbers: Numbers, _: str | None) -> str:
    return with_iban_check("DE", f"{0:08d}{numbers[0] % 10**10:010d}")


def _iban_fr(numbers: Numbers, _: str | None) -> str:
    account = numbers[0] % 10**11
    # Bank and branch are zeros, which count nothing in the national key.
    return with_iban_check("FR", f"{0:010d}{account:011d}{97 - _NIR_WEIGHTS[2] * account % 97:02d}")


def _iban_es(numbers: Numbers, _: str | None) -> str:
    account = f"{numbers[0] % 10**10:010d}"
    total = sum(int(symbol) * weight for symbol, weight in zip(account, _ES_WEIGHTS, strict=True))
    check = {10: 1, 11: 0}.get(11 - total % 11, 11 - total % 11)
    return with_iban_check("ES", f"{0:08d}0{check}{account}")


def _phone_us(numbers: Numbers, _: str | None) -> str:
    # 555-0100 to 555-0199 of any area are kept for fiction; N11 codes and those with a middle 9 are no areas.
    area = 200 + 100 * (numbers[0] % 8) + 10 * (numbers[1] % 9) + 2 + numbers[2] % 8
    return f"({area}) 555-01{numbers[3] % 100:02d}"


def _phone_gb(numbers: Numbers, _: str | None) -> str:
    return f"{_GB_PHONES[numbers[0] % len(_GB_PHONES)]}{numbers[1] % 1000:03d}"


def _phone_de(numbers: Numbers, _: str | None) -> str:
    return f"{_DE_PHONES[numbers[0] % len(_DE_PHONES)]}{numbers[1] % 1000:03d}"


def _phone_fr(numbers: Numbers, _: str | None) -> str:
    return f"{_FR_PHONES[numbers[0] % len(_FR_PHONES)]} {numbers[1] % 100:02d} {numbers[2] % 100:02d}"


def _phone_es(numbers: Numbers, _: str | None) -> str:
    # National numbers begin with 6 to 9 (and 51, 590): 55 leads nowhere.
    return f"55{numbers[0] % 10} {numbers[1] % 1000:03d} {numbers[2] % 1000:03d}"


def _phone_cn(numbers: Numbers, _: str | None) -> str:
    # 154 is given to no operator.
    return f"154 {numbers[0] % 10**4:04d} {numbers[1] % 10**4:04d}"


def _id_us(numbers: Numbers, _: str | None) -> str:
    # Area 666 was never issued and, unlike 900 to 999, holds no taxpayer numbers.
    return f"666-{1 + numbers[0] % 99:02d}-{1 + numbers[1] % 9999:04d}"


def _id_gb(numbers: Numbers, _: str | None) -> str:
    # NHS numbers from 999 are for tests; where a check would be ten the next number has another.
    first = numbers[0] % 10**6
    for step in range(11):
        made = with_nhs_check(f"999{(first + step) % 10**6:06d}")
        if made is not None:
            return f"{made[:3]} {made[3:6]} {made[6:]}"
    raise ValueError("of eleven numbers in a row one has a check digit")


def _id_de(numbers: Numbers, _: str | None) -> str:
    # Tax numbers that begin with 0 are for tests. One of the first ten digits stands twice, one is missing.
    left = list("123456789")
    digits = ["0", *(left.pop((numbers[0] // 9**place) % len(left)) for place in range(9))]
    gone = 1 + numbers[1] % 9
    digits[gone] = digits[(gone + 1 + numbers[2] % 9) % 10]
    return with_mod11_10("".join(digits))


def _id_fr(numbers: Numbers, sex: str | None) -> str:
    # Department 00 does not exist.
    first = {"male": 1, "female": 2}.get(sex or "", 1 + numbers[0] % 2)
    born = f"{numbers[1] % 100:02d}{1 + numbers[2] % 12:02d}"
    return with_nir_key(f"{first}{born}00{1 + numbers[3] % 990:03d}{1 + numbers[4] % 999:03d}")


def _id_es(numbers: Numbers, _: str | None) -> str:
    # Foreigners' numbers from Z9 on have not been reached.
    return with_nie_letter(f"Z9{numbers[0] % 10**6:06d}")


def _id_cn(numbers: Numbers, sex: str | None) -> str:
    # No region begins with 99.
    born = f"{1940 + numbers[0] % 65}{1 + numbers[1] % 12:02d}{1 + numbers[2] % 28:02d}"
    parity = {"male": 1, "female": 0}.get(sex or "", numbers[4] % 2)
    return with_cn_check(f"99{numbers[5] % 10**4:04d}{born}{2 * (numbers[3] % 500) + parity:03d}")


IBANS: Mapping[str, Maker] = {"de_DE": _iban_de, "en_GB": _iban_gb, "es_ES": _iban_es, "fr_FR": _iban_fr}
"""Account numbers by locale, of banks that there are not; the United States and China have none."""

PHONES: Mapping[str, Maker] = {
    "de_DE": _phone_de,
    "en_GB": _phone_gb,
    "en_US": _phone_us,
    "es_ES": _phone_es,
    "fr_FR": _phone_fr,
    "zh_CN": _phone_cn,
}
"""Phone numbers by locale: of the ranges that regulators keep for fiction, else of ranges given to nobody.

Source: ATIS (555-0100 to 0199), Ofcom (numbers for drama), Bundesnetzagentur (Drama-Rufnummern), ARCEP
(décision 2018-0881); for Spain and China, which keep none, ranges that were given to nobody when this was
written, as far as is known.
"""

NATIONAL_IDS: Mapping[str, Maker] = {
    "de_DE": _id_de,
    "en_GB": _id_gb,
    "en_US": _id_us,
    "es_ES": _id_es,
    "fr_FR": _id_fr,
    "zh_CN": _id_cn,
}
"""National numbers by locale: check digits right, in ranges that are for tests or were never issued."""

CODES: Mapping[str, Callable[[Numbers], str]] = {
    "de_DE": lambda numbers: f"00{numbers[0] % 1000:03d}",
    "en_GB": lambda numbers: f"ZZ{1 + numbers[0] % 99} {numbers[1] % 10}ZZ",
    "en_US": lambda numbers: f"000{numbers[0] % 100:02d}",
    "es_ES": lambda numbers: f"00{numbers[0] % 1000:03d}",
    "fr_FR": lambda numbers: f"00{numbers[0] % 1000:03d}",
    "zh_CN": lambda numbers: f"00{numbers[0] % 10**4:04d}",
}
"""Postal codes by locale, of areas that there are not."""
