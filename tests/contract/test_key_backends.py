"""Every key backend keeps one contract: it wraps, binds, rotates and destroys alike, and shows no key."""

import copy
import pickle

import pytest

from hedgerow.adapters.keys import OWASP_MINIMUM, MemoryKeys, create, open_
from hedgerow.adapters.keys.moving import MovableKeys
from hedgerow.adapters.keys.ring import Ring
from hedgerow.kernel.envelope import epoch_of, new_key
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.keys import Binding, KeyBackend

BINDING = Binding("local", "subject-key", 7, "", 1)
PASSPHRASE = "three hedges and a gate"


class Contract:
    """What any backend must do; a subclass makes the backend."""

    @pytest.fixture
    def backend(self, tmp_path) -> KeyBackend:
        raise AssertionError("a subclass makes the backend")

    def test_it_is_a_key_backend(self, backend):
        assert isinstance(backend, KeyBackend)
        assert backend.name
        assert isinstance(backend.sealed, bool)

    def test_what_is_wrapped_unwraps(self, backend):
        key = new_key()
        blob = backend.wrap(key, BINDING)
        assert backend.unwrap(blob, BINDING) == key
        assert key not in blob
        assert epoch_of(blob) == backend.current_epoch()

    def test_wrapping_twice_gives_different_bytes(self, backend):
        key = new_key()
        assert backend.wrap(key, BINDING) != backend.wrap(key, BINDING)

    def test_a_secret_of_another_length_can_be_kept(self, backend):
        for secret in (b"x", bytes(64), bytes(8192)):
            assert backend.unwrap(backend.wrap(secret, BINDING), BINDING) == secret

    @pytest.mark.parametrize(
        "other",
        [
            Binding("other", "subject-key", 7, "", 1),
            Binding("local", "bucket-key", 7, "", 1),
            Binding("local", "subject-key", 8, "", 1),
            Binding("local", "subject-key", "7", "", 1),
            Binding("local", "subject-key", 7, "x", 1),
            Binding("local", "subject-key", 7, "", 2),
        ],
    )
    def test_every_field_of_the_binding_is_bound(self, backend, other):
        blob = backend.wrap(new_key(), BINDING)
        with pytest.raises(Fault) as caught:
            backend.unwrap(blob, other)
        assert caught.value.code == "envelope.unreadable"

    def test_every_byte_of_the_blob_is_bound(self, backend):
        blob = backend.wrap(new_key(), BINDING)
        for at in range(len(blob)):
            altered = blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :]
            with pytest.raises(Fault):
                backend.unwrap(altered, BINDING)

    def test_many_at_once_are_as_one_by_one(self, backend):
        keys = [new_key() for _ in range(10)]
        bindings = [Binding("local", "subject-key", i, "", 1) for i in range(10)]
        blobs = backend.wrap_many(keys, bindings)
        assert backend.unwrap_many(blobs, bindings) == keys
        assert [backend.unwrap(b, w) for b, w in zip(blobs, bindings, strict=True)] == keys
        with pytest.raises(Fault):
            backend.unwrap_many(blobs, bindings[::-1])
        with pytest.raises(ValueError, match="zip"):
            backend.wrap_many(keys, bindings[:-1])
        with pytest.raises(ValueError, match="zip"):
            backend.unwrap_many(blobs, bindings[:-1])

    def test_a_new_epoch_is_current_and_the_old_one_still_opens(self, backend):
        old, key = backend.current_epoch(), new_key()
        blob = backend.wrap(key, BINDING)
        fresh = backend.new_epoch()
        assert fresh == backend.current_epoch() != old
        assert backend.unwrap(blob, BINDING) == key
        assert epoch_of(backend.wrap(key, BINDING)) == fresh
        assert [state.id for state in backend.epochs()] == [old, fresh]
        assert {state.algorithm for state in backend.epochs()} == {"AES-256-GCM"}

    def test_a_destroyed_epoch_opens_nothing_and_is_still_listed(self, backend):
        old = backend.current_epoch()
        blob = backend.wrap(new_key(), BINDING)
        fresh = backend.new_epoch()
        survivor = backend.wrap(new_key(), BINDING)
        backend.destroy_epoch(old)
        with pytest.raises(Fault) as caught:
            backend.unwrap(blob, BINDING)
        assert caught.value.code == "keys.epoch-destroyed"
        assert backend.unwrap(survivor, BINDING)
        assert [(state.id, state.destroyed is None) for state in backend.epochs()] == [
            (old, False),
            (fresh, True),
        ]

    def test_the_current_epoch_cannot_be_destroyed(self, backend):
        with pytest.raises(CallerError) as caught:
            backend.destroy_epoch(backend.current_epoch())
        assert caught.value.code == "keys.epoch-current"
        assert backend.unwrap(backend.wrap(bytes(32), BINDING), BINDING) == bytes(32)

    def test_an_unknown_or_destroyed_epoch_cannot_be_destroyed(self, backend):
        old = backend.current_epoch()
        backend.new_epoch()
        backend.destroy_epoch(old)
        for epoch in (old, "00" * 16, ""):
            with pytest.raises(CallerError) as caught:
                backend.destroy_epoch(epoch)
            assert caught.value.code == "keys.epoch-absent"

    def test_another_backends_blob_names_an_unknown_epoch(self, backend):
        with pytest.raises(Fault) as caught:
            backend.unwrap(MemoryKeys().wrap(new_key(), BINDING), BINDING)
        assert caught.value.code == "keys.epoch-unknown"

    @pytest.mark.parametrize("blob", [b"", b"\x01", bytes(77), b"\x02" + bytes(76)])
    def test_what_is_no_wrapped_key_is_unreadable(self, backend, blob):
        with pytest.raises(Fault) as caught:
            backend.unwrap(blob, BINDING)
        assert caught.value.code == "envelope.unreadable"

    def secrets_of(self, backend) -> list[bytes]:
        """Give what no text may show: the keys, or what opens them where they are out of reach."""
        return [epoch.key.reveal() for epoch in backend._ring.epochs]

    def test_no_key_is_shown_copied_or_pickled(self, backend):
        held = self.secrets_of(backend)
        assert held
        for shown in (repr(backend), str(backend), repr(vars(backend)), str(backend.describe())):
            assert not any(key.hex() in shown or repr(key)[2:-1] in shown for key in held)
        for take in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="neither pickled nor copied"):
                take(backend)


class TestMovableKeys(Contract):
    """Keys that may move house keep the contract of the house they are in."""

    @pytest.fixture
    def backend(self, tmp_path):
        return MovableKeys(create(tmp_path / "keys.json", None))

    def secrets_of(self, backend):
        return [epoch.key.reveal() for epoch in backend._held._ring.epochs]


class TestMovedKeys(TestMovableKeys):
    """So they do while the old house still stands."""

    @pytest.fixture
    def backend(self, tmp_path):
        made = MovableKeys(create(tmp_path / "old.json", None))
        made.turn_to(lambda: create(tmp_path / "keys.json", None))
        old = made.current_epoch()
        made.new_epoch()
        made._leaving._adopt(Ring(()))  # its epochs are not those the contract counts
        assert made.current_epoch() != old
        return made


class TestMemoryKeys(Contract):
    @pytest.fixture
    def backend(self):
        return MemoryKeys()


class TestUnsealedFile(Contract):
    @pytest.fixture
    def backend(self, tmp_path):
        create(tmp_path / "keys.json", None)
        return open_(tmp_path / "keys.json", None)


class TestSealedFile(Contract):
    @pytest.fixture
    def backend(self, tmp_path):
        return create(tmp_path / "keys.json", PASSPHRASE, profile=OWASP_MINIMUM)


class TestReopenedAfterEachChange(Contract):
    """Whatever a file backend did, the file opened afresh does the same."""

    @pytest.fixture
    def backend(self, tmp_path):
        return Reopening(tmp_path / "keys.json")


class Reopening:
    """A backend that forgets everything but its file between two calls."""

    def __init__(self, path):
        create(path, None)
        self._path = path

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(open_(self._path, None), name)

    def __repr__(self):
        return repr(open_(self._path, None))

    def __reduce__(self):
        return open_(self._path, None).__reduce__()
