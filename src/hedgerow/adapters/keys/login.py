"""One login at one PKCS#11 token, shared by the whole process, and what its errors mean for a person."""

from __future__ import annotations

import hashlib
import hmac
import importlib
import os
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from cryptography.exceptions import InvalidTag

from hedgerow.model.errors import CallerError, Fault, HedgerowError

MODULE_VARIABLE = "HEDGEROW_PKCS11_MODULE"
TAG_BITS = 128
_KEY_BITS = 256
_PROBE = bytes(12)

_lock = threading.RLock()  # a module is told nothing of threads, so they take turns
_logins: dict[tuple[str, str], Login] = {}
_blind = secrets.token_bytes(32)

T = TypeVar("T")


class KeyGoneError(Exception):
    """The token does not hold the key any more."""


class Login:
    """A login at a token; made by ``log_in``.

    A process logs in at a token once, whatever it opens there: PKCS#11 counts logins by process.
    The PIN itself is not kept, only enough to tell whether the same one was given again.

    Args:
        token: The token.
        session: The session that is logged in.
        pin: The PIN it took.
    """

    def __init__(self, token: Any, session: Any, pin: str) -> None:  # noqa: ANN401 - the package is optional
        self.label, self.serial = str(token.label), _serial(token)
        self.manufacturer, self.model = str(token.manufacturer_id), str(token.model)
        self._session = session
        self._mark = _mark(pin)
        self.package = _package()
        self._process = os.getpid()

    def __repr__(self) -> str:
        """Name the token, nothing of the PIN."""
        return f"Login({self.label!r})"

    def __reduce__(self) -> NoReturn:
        """Refuse pickling and copying."""
        raise TypeError("a login is neither pickled nor copied")

    def is_by(self, pin: str) -> bool:
        """Tell whether this process logged in by the same PIN; a stale login is by none."""
        return self._process == os.getpid() and hmac.compare_digest(self._mark, _mark(pin))

    def keys(self, label: str) -> dict[str, Any]:
        """List the master keys of a label that cannot leave the token, by epoch."""
        p11 = _package()
        wanted = {
            p11.Attribute.CLASS: p11.ObjectClass.SECRET_KEY,
            p11.Attribute.LABEL: label,
            p11.Attribute.SENSITIVE: True,
            p11.Attribute.EXTRACTABLE: False,
        }
        found = self.asked(lambda: list(self._session.get_objects(wanted)))
        held: dict[str, Any] = {}
        for key in found:
            with suppress(KeyGoneError):  # another process destroyed it since
                held[bytes(self.asked(partial(key.__getitem__, p11.Attribute.ID))).hex()] = key
        return held

    def generate(self, epoch: str, label: str) -> Any:  # noqa: ANN401 - as above
        """Make a master key inside the token that stays in it and only encrypts.

        Raises:
            CallerError: ``keys.token-unfit`` when the token would let it out or cannot use it.
            Fault: ``keys.token-full`` or ``keys.token-lost``.
        """
        p11 = _package()
        flags, attribute = p11.MechanismFlag, p11.Attribute
        template = {
            attribute.SENSITIVE: True,
            attribute.EXTRACTABLE: False,
            attribute.PRIVATE: True,
            attribute.MODIFIABLE: False,
        }
        key = self.asked(
            lambda: self._session.generate_key(
                p11.KeyType.AES, _KEY_BITS, id=bytes.fromhex(epoch), label=label, store=True,
                capabilities=flags.ENCRYPT | flags.DECRYPT, template=template,
            )
        )  # fmt: skip
        try:
            self._check(key)
        except HedgerowError:
            self.asked(key.destroy)
            raise
        return key

    def _check(self, key: Any) -> None:  # noqa: ANN401 - as above
        """Believe no token: look at what it made and use it once."""
        attribute = _package().Attribute
        stays = self.asked(lambda: key[attribute.SENSITIVE] and not key[attribute.EXTRACTABLE])
        sealed = TokenAead(self, key).encrypt(_PROBE, _PROBE, _PROBE)
        if not stays or TokenAead(self, key).decrypt(_PROBE, sealed, _PROBE) != _PROBE:
            raise CallerError("keys.token-unfit", token=self.label)

    def destroy(self, key: Any) -> None:  # noqa: ANN401 - as above
        """Destroy a key; one that is gone already is as good."""
        try:
            self.asked(key.destroy)
        except KeyGoneError:
            return

    def asked(self, act: Callable[[], T]) -> T:
        """Do something at the token, one thread at a time.

        Raises:
            KeyGoneError: The token does not hold the key any more.
            CallerError: ``keys.token-unfit``.
            Fault: ``keys.token-full`` or ``keys.token-lost``.
        """
        if self._process != os.getpid():
            raise Fault("keys.token-lost", token=self.label)
        with _lock:
            try:
                return act()
            except self.package.PKCS11Error as error:
                raise self._meaning(error) from None

    def _meaning(self, error: Exception) -> Exception:
        name = type(error).__name__
        if name in ("KeyHandleInvalid", "ObjectHandleInvalid"):
            return KeyGoneError()
        if name in ("DeviceMemory", "HostMemory"):
            return Fault("keys.token-full", token=self.label)
        if name.startswith(("Mechanism", "Template", "Attribute", "KeySize", "KeyFunction")):
            return CallerError("keys.token-unfit", token=self.label)
        for place in [place for place, login in _logins.items() if login is self]:
            del _logins[place]
        with suppress(_package().PKCS11Error):
            self._session.close()  # so that opening the workspace again logs in anew
        return Fault("keys.token-lost", token=self.label)


class TokenAead:
    """AES-256-GCM under a key inside a token.

    Args:
        login: Where the key is.
        key: The key.
    """

    __slots__ = ("_key", "_login")

    def __init__(self, login: Login, key: Any) -> None:  # noqa: ANN401 - as above
        self._login = login
        self._key = key

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Give the ciphertext and its tag of 16 bytes."""
        call = self._how(nonce, associated_data)
        return bytes(self._login.asked(lambda: self._key.encrypt(data, **call)))

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Give the plaintext; ``InvalidTag`` when anything does not fit."""
        call, p11 = self._how(nonce, associated_data), self._login.package

        def act() -> bytes | None:
            try:
                return bytes(self._key.decrypt(data, **call))
            except (p11.GeneralError, p11.FunctionFailed, p11.DataInvalid, p11.DataLenRange,
                    p11.EncryptedDataInvalid, p11.EncryptedDataLenRange, p11.SignatureInvalid):  # fmt: skip
                return None

        opened = self._login.asked(act)
        if opened is None:
            # Some tokens say "general error" of a wrong tag: if the key still works, that is what it was.
            self.encrypt(nonce, _PROBE, None)
            raise InvalidTag
        return opened

    def _how(self, nonce: bytes, associated_data: bytes | None) -> dict[str, object]:
        p11 = self._login.package
        parameters = p11.GCMParams(nonce, associated_data or b"", TAG_BITS)
        return {"mechanism": p11.Mechanism.AES_GCM, "mechanism_param": parameters}


def log_in(label: str, serial: str | None, pin: str | None) -> Login:
    """Log in at a token.

    Args:
        label: Its label.
        serial: Its serial number in hexadecimal, or none for whichever has the label.
        pin: The PIN of its user.

    Returns:
        The login; the same one for the same token and PIN.

    Raises:
        CallerError: ``keys.module-unset``, ``keys.module-unusable``, ``keys.module-failed``,
            ``keys.token-absent``, ``keys.token-twice``, ``keys.token-unfit``, ``keys.pin-needed``,
            ``keys.pin-wrong``, ``keys.pin-locked`` or ``keys.pin-unset``.
        Fault: ``keys.extra-missing``, ``keys.token-busy`` or ``keys.token-lost``.
    """
    p11, path = _package(), _module_path()
    if not pin:
        raise CallerError("keys.pin-needed", token=label)
    _encodable(pin)
    with _lock:
        try:
            library = p11.lib(path)
            known = [login for login in _logins.values() if login._process != os.getpid()]  # noqa: SLF001
            if known:  # a child process has its parent's memory and none of its logins
                library.reinitialize()
                _logins.clear()
        except p11.PKCS11Error as error:
            # What cannot be loaded raises the bare class; a library that answered, one of its own errors.
            if type(error) is p11.PKCS11Error:
                raise CallerError("keys.module-unusable", path=path) from None
            raise CallerError("keys.module-failed", path=path) from None
        try:
            token = _token(library, label, serial)
            return _logged_in(path, token, pin)
        except p11.PKCS11Error as error:
            raise _refusal(error, label) from None


def _token(library: Any, label: str, serial: str | None) -> Any:  # noqa: ANN401 - as above
    found = [t for t in library.get_tokens(token_label=label) if serial is None or _serial(t) == serial]
    if not found:
        raise CallerError("keys.token-absent", token=label)
    if len(found) > 1:
        raise CallerError("keys.token-twice", token=label)
    mechanism = _package().Mechanism
    if not {mechanism.AES_KEY_GEN, mechanism.AES_GCM} <= set(found[0].slot.get_mechanisms()):
        raise CallerError("keys.token-unfit", token=label)
    return found[0]


def _logged_in(path: str, token: Any, pin: str) -> Login:  # noqa: ANN401 - as above
    place = (path, _serial(token))
    login = _logins.get(place)
    if login is None:
        if token.flags & _package().TokenFlag.USER_PIN_LOCKED:
            raise CallerError("keys.pin-locked", token=str(token.label))
        login = _logins[place] = Login(token, token.open(rw=True, user_pin=pin), pin)
    elif not login.is_by(pin):
        raise CallerError("keys.pin-wrong", token=str(token.label))
    return login


def _refusal(error: Exception, label: str) -> HedgerowError:
    name = type(error).__name__
    if name in ("PinIncorrect", "PinInvalid", "PinLenRange"):
        return CallerError("keys.pin-wrong", token=label)
    if name == "PinLocked":
        return CallerError("keys.pin-locked", token=label)
    if name in ("PinExpired", "UserPinNotInitialized"):
        return CallerError("keys.pin-unset", token=label)
    if name in ("UserAlreadyLoggedIn", "AnotherUserAlreadyLoggedIn"):
        return Fault("keys.token-busy", token=label)
    if name in ("TokenNotPresent", "TokenNotRecognised", "DeviceRemoved"):
        return CallerError("keys.token-absent", token=label)
    return Fault("keys.token-lost", token=label)


def _package() -> Any:  # noqa: ANN401 - as above
    try:
        return importlib.import_module("pkcs11")
    except ImportError:
        raise Fault("keys.extra-missing") from None


def _module_path() -> str:
    # From the environment alone: a workspace must not choose which library is loaded.
    named = os.environ.get(MODULE_VARIABLE)
    if not named:
        raise CallerError("keys.module-unset")
    if not Path(named).is_absolute() or not Path(named).is_file():
        raise CallerError("keys.module-unusable", path=named)
    return named


def _encodable(pin: str) -> None:
    try:
        pin.encode()
    except UnicodeEncodeError:
        # The original error carries the PIN.
        raise CallerError("keys.passphrase-not-text") from None


def _mark(pin: str) -> bytes:
    return hmac.new(_blind, pin.encode(), hashlib.sha256).digest()


def _serial(token: Any) -> str:  # noqa: ANN401 - as above
    return bytes(token.serial).hex()
