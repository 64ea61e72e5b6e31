"""Open values that old systems encrypted: Fernet, and CBC with the initialisation vector in front."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import NoReturn

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.decrepit.ciphers.algorithms import Blowfish, TripleDES
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from hedgerow.model.errors import CallerError

_ALGORITHMS: dict[str, type[AES | Blowfish | TripleDES]] = {
    "aes-cbc": AES,
    "blowfish-cbc": Blowfish,
    "3des-cbc": TripleDES,
}
_KEY_BYTES = {"aes-cbc": (16, 24, 32), "blowfish-cbc": range(4, 57), "3des-cbc": (16, 24)}
_TAG_BYTES = 32
_KEY_LIMIT_CHARACTERS = 4096


class LegacyKey:
    """An old key, for opening alone.

    Args:
        cipher: A name in ``READABLE``.
        key: The key.
        mac_key: Key of the HMAC-SHA256 that ends each value, or none.
    """

    __slots__ = ("_cipher", "_key", "_mac_key", "cipher")

    def __init__(self, cipher: str, key: bytes, mac_key: bytes | None = None) -> None:
        self.cipher = cipher
        self._key, self._mac_key = key, mac_key
        self._cipher: Fernet | None = None
        if cipher == "fernet":
            self._cipher = _fernet(key)
        elif len(key) not in _KEY_BYTES[cipher]:
            raise CallerError("legacy.key-malformed", cipher=cipher)

    @property
    def is_authentic(self) -> bool:
        """Whether a value that opens is known to be what was encrypted; else a few wrong ones may pass."""
        return self._cipher is not None or self._mac_key is not None

    def open(self, value: str) -> str | None:
        """Open one value.

        Args:
            value: Fernet's own text; for CBC initialisation vector, ciphertext and with a MAC key 32 bytes
                of HMAC-SHA256 over both, in base64 (either alphabet) or hexadecimal.

        Returns:
            The text, or none when it does not open.
        """
        try:
            opened = self._cipher.decrypt(value) if self._cipher is not None else self._cbc(_raw(value))
            return opened.decode("utf-8")
        except (InvalidToken, ValueError, TypeError):
            return None

    def _cbc(self, raw: bytes) -> bytes:
        kind = _ALGORITHMS[self.cipher]
        if self._mac_key is not None:
            raw, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
            if not hmac.compare_digest(hmac.digest(self._mac_key, raw, "sha256"), tag):
                raise ValueError("changed")
        algorithm: BlockCipherAlgorithm = kind(self._key)
        size = algorithm.block_size // 8
        if len(raw) < 2 * size:
            raise ValueError("too short")
        reading = Cipher(algorithm, CBC(raw[:size])).decryptor()
        padded = reading.update(raw[size:]) + reading.finalize()
        unpadding = PKCS7(algorithm.block_size).unpadder()
        return unpadding.update(padded) + unpadding.finalize()

    def __repr__(self) -> str:
        """Name the cipher, nothing of the key."""
        return f"LegacyKey({self.cipher})"

    def __reduce__(self) -> NoReturn:
        """Refuse pickling and copying."""
        raise TypeError("a key is neither pickled nor copied")


def read_legacy_key(cipher: str, text: str) -> LegacyKey:
    """Read an old key from the content of its file.

    Args:
        cipher: A name in ``READABLE``.
        text: For Fernet its own text; else the key in base64 or hexadecimal, and on a second line, where
            values end with an HMAC-SHA256, the key of that.

    Raises:
        CallerError: ``legacy.key-malformed``.
    """
    lines = [line.strip() for line in text[:_KEY_LIMIT_CHARACTERS].splitlines() if line.strip()]
    most = 1 if cipher == "fernet" else 2
    if not 0 < len(lines) <= most:
        raise CallerError("legacy.key-malformed", cipher=cipher)
    if cipher == "fernet":
        return LegacyKey(cipher, lines[0].encode())
    try:
        keys = [_raw(line) for line in lines]
    except ValueError:
        raise CallerError("legacy.key-malformed", cipher=cipher) from None
    return LegacyKey(cipher, *keys)


def _fernet(key: bytes) -> Fernet:
    try:
        return Fernet(key)
    except (ValueError, binascii.Error):
        raise CallerError("legacy.key-malformed", cipher="fernet") from None


def _raw(text: str) -> bytes:
    word = text.strip()
    try:
        return bytes.fromhex(word)
    except ValueError:
        plain = word.replace("-", "+").replace("_", "/")
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
