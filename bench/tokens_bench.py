"""Tokens of whole columns: keyed ones with repeats, FF1 on 16 digits, AES-SIV by person, all from Arrow.

The yardsticks are the bare primitives in a plain loop, value by value, in the same run. Libraries for
format-preserving encryption are measured by ``make bench-peers PEERS=fpe``.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator

import numpy as np

from frame import SEED, Row, Sizes, apart, interleaved

ROWS, DISTINCT, SEALED, PEOPLE, LOOPED = 1_000_000, 20_000, 200_000, 20_000, 20_000
REPEAT = 3
KEYED_TARGET, FF1_TARGET = 3e6, 1.5e6
SECRET = bytes(range(32))


def rows(sizes: Sizes) -> Iterator[Row]:
    many, sealed = sizes.of(ROWS), sizes.of(SEALED)
    keyed, alone = apart(measure_keyed, many)
    yield told(
        f"keyed tokens, {many:,} rows, {DISTINCT:,} values", keyed, ("HMAC in a loop", alone), KEYED_TARGET
    )
    ff1, words = apart(measure_ff1, many)
    yield told(f"FF1, {many:,} x 16 digits", ff1, ("integers in and out", words), FF1_TARGET)
    siv, alone = apart(measure_siv, sealed)
    yield told(f"AES-SIV, {sealed:,} values of {PEOPLE:,} people", siv, ("one key in a loop", alone))


def told(name: str, rate: float, beside: tuple[str, float], target: float | None = None) -> Row:
    what, peer = beside
    asked = "" if target is None else f"at least {target / 1e6:.1f} million/s cpu"
    figures = {"values_per_cpu_s": rate, "peer_values_per_cpu_s": peer}
    is_met = None if target is None else rate >= target
    return Row(name, millions(rate), f"{what} {millions(peer)}", rate / peer, asked, is_met, figures)


def millions(rate: float) -> str:
    return f"{rate / 1e6:.2f} million/s cpu"


def rates(
    first: tuple[int, Callable[[], object]], other: tuple[int, Callable[[], object]]
) -> tuple[float, float]:
    spent = interleaved(REPEAT, first[1], other[1])
    return first[0] / spent[0].cpu_s, other[0] / spent[1].cpu_s


def made(frame: object, rule: dict[str, object], person: str | None = None) -> object:
    import hedgerow.tokens as ht

    scope = ht.Scope("bench", "bench", "bench", "bench")
    rules = {"columns": {"v": rule}, "others": "drop"}
    return ht.tokenise(frame, rules, secret=SECRET, scope=scope, person=person).frame


def measure_keyed(many: int) -> tuple[float, float]:
    import pyarrow as pa

    random = np.random.default_rng(SEED)
    values = [f"person-{number}@example.org" for number in random.integers(0, DISTINCT, many).tolist()]
    table = pa.table({"v": values})
    raw = [value.encode() for value in values[:LOOPED]]
    alone = min(LOOPED, many)
    return rates(
        (many, lambda: made(table, {"kind": "token"})),
        (alone, lambda: [hmac.digest(SECRET, value, "sha256").hex() for value in raw]),
    )


def measure_ff1(many: int) -> tuple[float, float]:
    import pyarrow as pa

    import hedgerow.tokens as ht

    random = np.random.default_rng(SEED)
    numerals = random.integers(0, 10, (many, 16), np.uint8)
    texts = (numerals + ord("0")).tobytes().decode()
    table = pa.table({"v": [texts[at : at + 16] for at in range(0, len(texts), 16)]})
    cipher = ht.FF1(SECRET, 10, b"bench")
    assert (cipher.decrypt(cipher.encrypt(numerals[:100])) == numerals[:100]).all()
    return rates(
        (many, lambda: made(table, {"kind": "fpe"})),
        (many, lambda: cipher.encrypt(numerals)),
    )


def measure_siv(many: int) -> tuple[float, float]:
    import pyarrow as pa
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    random = np.random.default_rng(SEED)
    values = [f"{number:016d}" for number in random.integers(0, 10**15, many).tolist()]
    table = pa.table({"v": values, "p": random.integers(0, PEOPLE, many)})
    cipher, raw = AESSIV(bytes(64)), [value.encode() for value in values[:LOOPED]]
    return rates(
        (many, lambda: made(table, {"kind": "reversible"}, "p")),
        (len(raw), lambda: [cipher.encrypt(value, [SECRET]) for value in raw]),
    )
