"""Keys in a token keep the contract of every key backend, though the program never has one in its hands."""

import pkcs11
import pytest
from tests.contract.test_key_backends import Contract
from tests.hsm import PIN

from hedgerow.adapters.keys import token as token_keys
from hedgerow.kernel.envelope import new_key

pytestmark = pytest.mark.extra


class TestTokenKeys(Contract):
    @pytest.fixture
    def backend(self, tmp_path, hsm):
        return token_keys.create(tmp_path / "token.json", new_key().hex(), hsm.label, hsm.pin)

    def secrets_of(self, backend):
        return [PIN.encode()]

    def test_the_token_shows_no_key(self, backend):
        assert backend._held
        for key in backend._held.values():
            with pytest.raises(pkcs11.AttributeSensitive):
                key[pkcs11.Attribute.VALUE]


class TestReopenedAfterEachChange(TestTokenKeys):
    """Whatever the backend did, the token and the file opened afresh do the same."""

    @pytest.fixture
    def backend(self, tmp_path, hsm):
        made = token_keys.create(tmp_path / "token.json", new_key().hex(), hsm.label, hsm.pin)
        return Reopening(made._path, hsm.pin)


class Reopening:
    """A backend that forgets everything but token and file between two calls."""

    def __init__(self, path, pin):
        self._again = lambda: token_keys.open_(path, pin)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._again(), name)

    def __repr__(self):
        return repr(self._again())

    def __reduce__(self):
        return self._again().__reduce__()
