"""FF1 of NIST SP 800-38G over whole columns: ten rounds are ten bulk calls of AES, whatever the rows.

FF3 and FF3-1 are left out on purpose: attacks on them are published, and the second public draft of
revision 1 of the publication (February 2025) drops the family.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from hedgerow.kernel.tokens.numerals import Numerals, Words, numbers, spelled, wide_numbers, wide_spelled
from hedgerow.model.errors import CallerError

MIN_DOMAIN = 1_000_000
"""Fewest values that numbers of one length may take (SP 800-38G revision 1, draft: 1,000,000)."""

MAX_NUMERALS = 1024
"""Longest number encrypted; the publication allows more, nobody's identifier needs it."""

_MIN_RADIX, _MAX_RADIX = 2, 256
_ROUNDS = 10
_BLOCK = 16
_CHUNK = 1 << 14
_EXACT_BITS = 62
_KEY_SIZES = (16, 24, 32)


class FF1:
    """Encrypts numbers of one radix under one key and tweak; shows nothing of the key.

    Args:
        key: 16, 24 or 32 bytes.
        radix: How many numerals there are, 2 to 256.
        tweak: What else the encryption depends on; need not be secret. 0 to 65,535 bytes.

    Raises:
        ValueError: A key, radix or tweak of another size.

    Guarantee:
        Whoever lacks the key cannot tell the encryption from a random permutation of the numbers of that
        length (under the stated assumptions of the publication). It is deterministic: equal numbers
        stay equal, how often each occurs stays visible, and an encrypted identifier can be one that was
        issued to somebody else.

    Source:
        NIST SP 800-38G (2016), algorithms 7 and 8; domain of revision 1 (draft).
    """

    __slots__ = ("_aes", "_radix", "_tweak")

    def __init__(self, key: bytes, radix: int, tweak: bytes = b"") -> None:
        if len(key) not in _KEY_SIZES:
            raise ValueError("a key of AES has 16, 24 or 32 bytes")
        if not _MIN_RADIX <= radix <= _MAX_RADIX:
            raise ValueError("a radix lies between 2 and 256")
        if len(tweak) >= 1 << 16:
            raise ValueError("a tweak has fewer than 65,536 bytes")
        # ECB is what the rounds of FF1 are made of (a MAC over fixed blocks); no data is encrypted by it.
        self._aes = Cipher(AES(key), ECB()).encryptor()  # noqa: S305
        self._radix, self._tweak = radix, tweak

    def __repr__(self) -> str:
        """Show the radix, and nothing of the key."""
        return f"FF1(radix={self._radix})"

    @property
    def min_numerals(self) -> int:
        """Length of the shortest numbers that are encrypted."""
        return shortest(self._radix)

    def encrypt(self, numerals: Numerals) -> Numerals:
        """Encrypt numbers of one length.

        Args:
            numerals: Matrix (n, m), one number a row, numerals below the radix.

        Returns:
            Matrix (n, m).

        Raises:
            CallerError: ``tokens.domain-small`` or ``tokens.too-long``.
            ValueError: A numeral is not below the radix.
        """
        return self._walked(numerals, is_forward=True)

    def decrypt(self, numerals: Numerals) -> Numerals:
        """Undo ``encrypt``; takes and raises the same."""
        return self._walked(numerals, is_forward=False)

    def _walked(self, numerals: Numerals, *, is_forward: bool) -> Numerals:
        length = numerals.shape[1]
        check_length(self._radix, length)
        if numerals.size and int(numerals.max()) >= self._radix:
            raise ValueError("a numeral is not below the radix")
        rounds = _Rounds(self._aes, self._radix, length, self._tweak)
        walk = rounds.narrow if rounds.is_narrow else rounds.wide
        made = np.empty_like(numerals, order="C")
        for begin in range(0, len(numerals), _CHUNK):
            part = slice(begin, begin + _CHUNK)
            made[part] = walk(np.ascontiguousarray(numerals[part]), is_forward=is_forward)
        return made


def shortest(radix: int) -> int:
    """Count the numerals of the shortest numbers encrypted: the least m with radix**m >= 1,000,000.

    Args:
        radix: How many numerals there are.

    Returns:
        The length.
    """
    length = 1
    while radix**length < MIN_DOMAIN:
        length += 1
    return max(2, length)


def check_length(radix: int, length: int) -> None:
    """Refuse numbers too short to be encrypted safely, or too long.

    Args:
        radix: How many numerals there are.
        length: Numerals of a number.

    Raises:
        CallerError: ``tokens.domain-small`` or ``tokens.too-long``.
    """
    if length < shortest(radix):
        raise CallerError("tokens.domain-small", length=length, radix=radix, least=shortest(radix))
    if length > MAX_NUMERALS:
        raise CallerError("tokens.too-long", most=MAX_NUMERALS)


class _Rounds:
    """The ten rounds for numbers of one length."""

    def __init__(self, aes: Any, radix: int, length: int, tweak: bytes) -> None:  # noqa: ANN401 - its context
        self._aes, self._radix = aes, radix
        self._u, self._v = length // 2, length - length // 2
        self._moduli = (radix**self._u, radix**self._v)
        # Bytes of the longer half: ceil(ceil(v log2 radix) / 8), exactly.
        self._b = ((self._moduli[1] - 1).bit_length() + 7) // 8
        self._d = 4 * ((self._b + 3) // 4) + 4
        head = bytes([1, 2, 1]) + radix.to_bytes(3) + bytes([10, self._u % 256])
        head += length.to_bytes(4) + len(tweak).to_bytes(4)
        fixed = tweak + bytes((-len(tweak) - self._b - 1) % _BLOCK)
        whole = len(fixed) // _BLOCK * _BLOCK
        self._tail = fixed[whole:]
        self._state = self._mac(head + fixed[:whole])

    @property
    def is_narrow(self) -> bool:
        """Whether a half and what is added to it are exact in 64 bits."""
        return bool(self._moduli[1] <= 1 << _EXACT_BITS)

    def _mac(self, blocks: bytes) -> bytes:
        state = bytes(_BLOCK)
        for at in range(0, len(blocks), _BLOCK):
            mixed = int.from_bytes(state) ^ int.from_bytes(blocks[at : at + _BLOCK])
            state = self._aes.update(mixed.to_bytes(_BLOCK))
        return state

    def narrow(self, numerals: Numerals, *, is_forward: bool) -> Numerals:
        left, right = (
            numbers(numerals[:, : self._u], self._radix),
            numbers(numerals[:, self._u :], self._radix),
        )
        block = _NarrowBlock(self._aes, self._state, self._tail, len(numerals))
        for turn in range(_ROUNDS) if is_forward else reversed(range(_ROUNDS)):
            modulus = self._moduli[turn % 2]
            added = block.below(modulus, right if is_forward else left, turn, self._b, self._d)
            # What wraps around below zero is larger than any half: the smaller one is the remainder.
            if is_forward:
                mixed = left + added
                left, right = right, np.minimum(mixed, mixed - np.uint64(modulus))
            else:
                mixed = right - added
                left, right = np.minimum(mixed, mixed + np.uint64(modulus)), left
        made = np.empty_like(numerals)
        spelled(left, self._radix, made[:, : self._u])
        spelled(right, self._radix, made[:, self._u :])
        return made

    def wide(self, numerals: Numerals, *, is_forward: bool) -> Numerals:
        left = wide_numbers(numerals[:, : self._u], self._radix)
        right = wide_numbers(numerals[:, self._u :], self._radix)
        for turn in range(_ROUNDS) if is_forward else reversed(range(_ROUNDS)):
            modulus = self._moduli[turn % 2]
            added = self._wide_added(right if is_forward else left, turn)
            if is_forward:
                mixed = [(one + more) % modulus for one, more in zip(left, added, strict=True)]
                left, right = right, mixed
            else:
                mixed = [(one - more) % modulus for one, more in zip(right, added, strict=True)]
                left, right = mixed, left
        halves = wide_spelled(left, self._radix, self._u), wide_spelled(right, self._radix, self._v)
        return np.concatenate(halves, axis=1)

    def _wide_added(self, halves: list[int], turn: int) -> list[int]:
        many, size = len(halves), len(self._tail) + 1 + self._b
        fixed = self._tail + bytes([turn])
        text = b"".join([fixed + half.to_bytes(self._b) for half in halves])
        blocks = np.frombuffer(text, np.uint8).reshape(many, size)
        state = np.broadcast_to(np.frombuffer(self._state, np.uint8), (many, _BLOCK))
        for at in range(0, size, _BLOCK):
            state = self._bulk(state ^ blocks[:, at : at + _BLOCK])
        counts = (
            np.frombuffer(count.to_bytes(_BLOCK), np.uint8) for count in range(1, -(-self._d // _BLOCK))
        )
        parts = [state, *(self._bulk(state ^ count) for count in counts)]
        whole = np.concatenate(parts, axis=1)[:, : self._d]
        return [int.from_bytes(row.tobytes()) for row in whole]

    def _bulk(self, blocks: Numerals) -> Numerals:
        return np.frombuffer(self._aes.update(blocks.tobytes()), np.uint8).reshape(blocks.shape)


class _NarrowBlock:
    """The one block of a round that differs between rows, and what AES makes of it."""

    def __init__(self, aes: Any, state: bytes, tail: bytes, many: int) -> None:  # noqa: ANN401 - its context
        self._aes = aes
        self._state, self._tail = int.from_bytes(state), tail
        self._given = np.empty((many, 2), np.dtype(">u8"))
        self._taken = bytearray(many * _BLOCK + _BLOCK)
        self._made = np.frombuffer(self._taken, np.dtype(">u8")).reshape(-1, 2)[:many]

    def below(self, modulus: int, halves: Words, turn: int, b: int, d: int) -> Words:
        """Give the number that a round adds to each half, below the modulus."""
        fixed = self._state ^ int.from_bytes(self._tail + bytes([turn]) + bytes(b))
        self._given[:, 0] = fixed >> 64
        self._given[:, 1] = halves ^ np.uint64(fixed & (1 << 64) - 1)
        self._aes.update_into(self._given.view(np.uint8).reshape(-1), self._taken)
        rest = _remainder(self._made[:, 0].astype(np.uint64), modulus)
        if d == _BLOCK // 2:
            return rest
        return _shifted_in(rest, self._made[:, 1].astype(np.uint64) >> np.uint64(32), 32, modulus)


def _remainder(values: Words, modulus: int) -> Words:
    # Division by one number is vectorised where the remainder is not.
    step = np.uint64(modulus)
    whole = values // step
    whole *= step
    values -= whole
    return values


def _shifted_in(rest: Words, more: Words, bits: int, modulus: int) -> Words:
    """Reduce ``rest * 2**bits + more`` in steps that never leave 64 bits."""
    step = 64 - (modulus - 1).bit_length()
    while bits:
        taken = min(step, bits)
        bits -= taken
        rest = (rest << np.uint64(taken)) | ((more >> np.uint64(bits)) & np.uint64((1 << taken) - 1))
        rest = _remainder(rest, modulus)
    return rest
