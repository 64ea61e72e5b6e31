"""Keys in a token: what a kill leaves is made good, each failure is one clear line, nothing shows a PIN."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pkcs11
import pytest

from hedgerow.adapters.keys import login as login_module
from hedgerow.adapters.keys import token as token_keys
from hedgerow.adapters.keys.login import TokenAead, log_in
from hedgerow.adapters.keys.tokenfile import TokenRecord, parse
from hedgerow.kernel.envelope import new_key
from hedgerow.model.errors import TABLE, CallerError, Fault, HedgerowError
from hedgerow.model.keys import Binding, EpochState

pytestmark = pytest.mark.extra

BINDING = Binding("w-one", "subject-key", 7, "", 1)


class KilledError(BaseException):
    """Stands for a kill: nothing of the product catches it to tidy up."""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "token.json"


@pytest.fixture
def tenant():
    return "w-" + new_key().hex()


@pytest.fixture
def keys(path, tenant, hsm):
    return token_keys.create(path, tenant, hsm.label, hsm.pin)


def opened(path, hsm):
    return token_keys.open_(path, hsm.pin)


def error_of(call, *args, **kwargs) -> HedgerowError:
    with pytest.raises(HedgerowError) as caught:
        call(*args, **kwargs)
    return caught.value


def code_of(call, *args, **kwargs) -> str:
    return error_of(call, *args, **kwargs).code


def in_token(keys):
    return set(keys._login.keys(keys._record.key_label))


def killing(monkeypatch, owner, name, *, after=False, on=1):
    """Kill at a call of something, before or after it was done."""
    real, calls = getattr(owner, name), []

    def stops(*args, **kwargs):
        calls.append(name)
        result = real(*args, **kwargs) if after or len(calls) != on else None
        if len(calls) == on:
            raise KilledError
        return result

    monkeypatch.setattr(owner, name, stops)


class TestWhatTheTokenKeeps:
    def test_the_key_is_made_inside_and_cannot_be_read_or_made_readable(self, keys):
        (key,) = keys._held.values()
        attribute = pkcs11.Attribute
        with pytest.raises(pkcs11.AttributeSensitive):
            key[attribute.VALUE]
        for name in ("SENSITIVE", "ALWAYS_SENSITIVE", "NEVER_EXTRACTABLE", "LOCAL", "PRIVATE", "TOKEN"):
            assert key[getattr(attribute, name)] is True, name
        assert (key[attribute.EXTRACTABLE], key[attribute.MODIFIABLE], key[attribute.WRAP]) == (False,) * 3
        assert (key[attribute.ID].hex(), key[attribute.LABEL]) == (
            keys.current_epoch(),
            keys._record.key_label,
        )
        for change in ((attribute.EXTRACTABLE, True), (attribute.SENSITIVE, False)):
            with pytest.raises(pkcs11.PKCS11Error):
                key[change[0]] = change[1]

    def test_a_key_that_could_leave_is_never_used(self, keys, hsm):
        session = keys._login._session
        session.generate_key(
            pkcs11.KeyType.AES, 256, id=bytes(16), label=keys._record.key_label, store=True,
            template={pkcs11.Attribute.SENSITIVE: False, pkcs11.Attribute.EXTRACTABLE: True},
        )  # fmt: skip
        keys.refresh()
        assert bytes(16).hex() not in {state.id for state in keys.epochs()}

    def test_two_workspaces_share_a_token_and_not_a_key(self, keys, tmp_path, hsm):
        other = token_keys.create(tmp_path / "other.json", "w-other", hsm.label, hsm.pin)
        assert not in_token(keys) & in_token(other)
        assert code_of(other.unwrap, keys.wrap(new_key(), BINDING), BINDING) == "keys.epoch-unknown"
        other.retire()
        assert keys.unwrap(keys.wrap(bytes(32), BINDING), BINDING) == bytes(32)

    def test_it_says_what_protects_the_keys(self, keys, hsm):
        told = keys.describe()
        assert (told["token"], told["manufacturer"], told["keys_can_leave"]) == (
            hsm.label,
            "SoftHSM project",
            False,
        )
        assert "no copy of the token's own storage" in keys.assuming

    def test_the_file_holds_no_secret_and_is_the_owners(self, keys, path, hsm):
        assert hsm.pin not in path.read_text()
        assert path.stat().st_mode & 0o777 == 0o600
        assert set(json.loads(path.read_text())["epochs"][0]) == {"id", "created", "algorithm"}


class TestKilledBetween:
    def test_before_the_key_was_made(self, keys, path, hsm, monkeypatch):
        first = keys.current_epoch()
        with monkeypatch.context() as patch:
            killing(patch, login_module.Login, "generate")
            with pytest.raises(KilledError):
                keys.new_epoch()
        again = opened(path, hsm)
        assert (again.current_epoch(), [s.id for s in again.epochs()]) == (first, [first])
        assert again.new_epoch() != first
        assert len(again.epochs()) == 2

    def test_a_key_made_and_not_recorded_is_held_and_can_be_ended(self, keys, path, hsm, monkeypatch):
        first = keys.current_epoch()
        with monkeypatch.context() as patch:
            killing(patch, login_module.Login, "generate", after=True)
            with pytest.raises(KilledError):
                keys.new_epoch()
        again = opened(path, hsm)
        (lost,) = in_token(again) - {first}
        assert again.current_epoch() == first
        assert [(s.id, s.destroyed) for s in again.epochs()] == [(lost, None), (first, None)]
        assert again.warnings == ()
        fresh = again.new_epoch()
        for epoch in (lost, first):
            again.destroy_epoch(epoch)
        assert in_token(again) == {fresh}
        assert [s.destroyed is None for s in opened(path, hsm).epochs()] == [False, False, True]

    def test_a_key_destroyed_and_not_recorded_is_gone_and_then_recorded(self, keys, path, hsm, monkeypatch):
        first = keys.current_epoch()
        blob = keys.wrap(new_key(), BINDING)
        keys.new_epoch()
        with monkeypatch.context() as patch:
            killing(patch, login_module.Login, "destroy", after=True)
            with pytest.raises(KilledError):
                keys.destroy_epoch(first)
        again = opened(path, hsm)
        assert first not in in_token(again)
        assert again.epochs()[0].destroyed is None, "nothing is said that was not written"
        assert code_of(again.unwrap, blob, BINDING) == "keys.token-key-gone"
        again.destroy_epoch(first)
        assert again.epochs()[0].destroyed is not None
        assert code_of(opened(path, hsm).unwrap, blob, BINDING) == "keys.epoch-destroyed"

    def test_while_the_first_key_was_made(self, path, tenant, hsm, monkeypatch):
        with monkeypatch.context() as patch:
            killing(patch, token_keys, "_discard")
            killing(patch, login_module.Login, "generate", after=True)
            with pytest.raises(KilledError):
                token_keys.create(path, tenant, hsm.label, hsm.pin)
        record = token_keys.glance(path)
        assert record.making is not None
        token_keys.discard(path, hsm.pin)
        assert log_in(hsm.label, None, hsm.pin).keys(record.key_label) == {}
        assert not path.exists()

    def test_a_failed_creation_leaves_neither_key_nor_file(self, path, tenant, hsm, monkeypatch):
        def full(*_, **__):
            raise OSError(28, "no space")

        monkeypatch.setattr(token_keys.durable, "replace_file", full)
        assert code_of(token_keys.create, path, tenant, hsm.label, hsm.pin) == "keys.file-unwritten"
        assert not path.exists()
        assert log_in(hsm.label, None, hsm.pin).keys(f"hedgerow {tenant}") == {}

    def test_an_older_copy_of_the_file_is_noticed(self, keys, path, hsm):
        old = path.read_bytes()
        first = keys.current_epoch()
        keys.new_epoch()
        path.write_bytes(old)
        again = opened(path, hsm)
        assert "older copy" in again.warnings[0]
        assert (again.current_epoch(), len(again.epochs())) == (first, 2)
        keys.refresh()
        keys.new_epoch()
        keys.destroy_epoch(first)
        path.write_bytes(old)
        assert code_of(opened, path, hsm) == "keys.token-key-gone"

    def test_a_destroyed_key_that_came_back_counts_as_held(self, keys, path, hsm):
        first = keys.current_epoch()
        second = keys.new_epoch()
        text = json.loads(path.read_text())
        text["epochs"][0]["destroyed"] = "2026-01-01T00:00:00Z"
        text.pop("checksum")
        states = tuple(EpochState(**entry) for entry in text["epochs"])
        record = TokenRecord(text["tenant"], hsm.label, text["token"]["serial"], states)
        path.write_bytes(record.rendered())
        again = opened(path, hsm)
        assert [s.destroyed for s in again.epochs()] == [None, None]
        assert "again" in again.warnings[0]
        again.destroy_epoch(first)
        assert in_token(again) == {second}


class TestOtherProcesses:
    def test_they_see_a_new_key_and_that_an_old_one_went(self, keys, path, hsm):
        first = keys.current_epoch()
        blob = keys.wrap(bytes(32), BINDING)
        _elsewhere(path, hsm, "fresh = keys.new_epoch()")
        assert keys.unwrap(blob, BINDING) == bytes(32)
        _elsewhere(path, hsm, f"keys.destroy_epoch({first!r})")
        assert code_of(keys.unwrap, blob, BINDING) == "keys.epoch-destroyed"
        assert keys.unwrap(keys.wrap(bytes(32), BINDING), BINDING) == bytes(32)

    def test_what_is_wrapped_after_the_old_key_went_is_under_the_new_one(self, keys, path, hsm):
        first = keys.current_epoch()
        _elsewhere(path, hsm, f"keys.new_epoch(); keys.destroy_epoch({first!r})")
        keys.wrap(bytes(32), BINDING)
        assert keys.current_epoch() != first

    def test_a_child_process_opens_it_anew(self, keys, path, hsm):
        child = os.fork()
        if child == 0:  # nothing but an exit code comes back
            fine = code_of(keys.wrap, bytes(32), BINDING) == "keys.token-lost"
            fine = fine and opened(path, hsm).unwrap(opened(path, hsm).wrap(b"x", BINDING), BINDING) == b"x"
            os._exit(0 if fine else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert keys.unwrap(keys.wrap(b"x", BINDING), BINDING) == b"x"


def _elsewhere(path, hsm, act):
    script = (
        f"from hedgerow.adapters.keys.token import open_\nkeys = open_({str(path)!r}, {hsm.pin!r})\n{act}\n"
    )
    subprocess.run([sys.executable, "-c", script], env=os.environ | hsm.environment, check=True)


class Stub:
    """A session or key of which every call fails in one way."""

    def __init__(self, error):
        self._error = error

    def __getattr__(self, name):
        def fails(*_, **__):
            raise self._error

        return fails


class TestFailures:
    @pytest.mark.parametrize("pin", ["0000", "4321-hawthorn ", "x" * 300])
    def test_a_wrong_pin(self, keys, path, hsm, pin):
        before = path.read_bytes()
        error = error_of(token_keys.open_, path, pin)
        assert (error.code, TABLE[error.code].exit) == ("keys.pin-wrong", 4)
        assert pin not in f"{error} {error!r} {error.next_step} {vars(error)}"
        assert path.read_bytes() == before

    def test_a_wrong_pin_in_a_process_that_never_logged_in(self, keys, path, hsm):
        script = (
            "import sys, traceback\nfrom hedgerow.adapters.keys.token import open_\n"
            f"try: open_({str(path)!r}, sys.stdin.read())\nexcept Exception: traceback.print_exc()\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], env=os.environ | hsm.environment, input="wrong-3141",
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert "The PIN does not open the token" in done.stderr
        assert "wrong-3141" not in done.stderr
        assert keys.unwrap(keys.wrap(b"x", BINDING), BINDING) == b"x"

    @pytest.mark.parametrize("pin", [None, ""])
    def test_no_pin(self, path, keys, pin):
        assert code_of(token_keys.open_, path, pin) == "keys.pin-needed"

    def test_a_pin_that_is_no_text(self, path, keys):
        error = error_of(token_keys.open_, path, "4321\ud800")
        assert (error.code, error.__context__ is None or error.__suppress_context__) == (
            "keys.passphrase-not-text",
            True,
        )

    def test_an_absent_token(self, path, tenant, hsm, keys):
        assert code_of(token_keys.create, path.with_name("x"), tenant, "nobody's", hsm.pin) == (
            "keys.token-absent"
        )
        record = token_keys.glance(path)
        path.write_bytes(TokenRecord(record.tenant, record.label, "00" * 8, record.epochs).rendered())
        assert code_of(opened, path, hsm) == "keys.token-absent", "another token of the same label is not it"

    def test_the_library_is_named_by_the_environment_alone(self, path, keys, hsm, monkeypatch, tmp_path):
        monkeypatch.delenv("HEDGEROW_PKCS11_MODULE")
        assert code_of(opened, path, hsm) == "keys.module-unset"
        library = tmp_path / "library.so"
        library.write_text("no library")
        for named in ("library.so", "./library.so", str(tmp_path / "none.so"), str(library)):
            monkeypatch.chdir(tmp_path)
            monkeypatch.setenv("HEDGEROW_PKCS11_MODULE", named)
            assert code_of(opened, path, hsm) == "keys.module-unusable", named

    def test_the_extra_is_missing(self, path, keys, hsm, monkeypatch):
        monkeypatch.setitem(sys.modules, "pkcs11", None)
        error = error_of(opened, path, hsm)
        assert (error.code, TABLE[error.code].exit) == ("keys.extra-missing", 7)
        assert "hedgerow[pkcs11]" in error.next_step

    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (pkcs11.PinLocked(), "keys.pin-locked"),
            (pkcs11.PinExpired(), "keys.pin-unset"),
            (pkcs11.UserPinNotInitialized(), "keys.pin-unset"),
            (pkcs11.UserAlreadyLoggedIn(), "keys.token-busy"),
            (pkcs11.TokenNotPresent(), "keys.token-absent"),
            (pkcs11.DeviceError(), "keys.token-lost"),
        ],
    )
    def test_what_a_token_answers_to_a_login(self, path, keys, hsm, monkeypatch, error, code):
        def fails(*_):
            raise error

        monkeypatch.setattr(login_module, "_logged_in", fails)
        assert code_of(opened, path, hsm) == code

    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (pkcs11.DeviceMemory(), "keys.token-full"),
            (pkcs11.DeviceRemoved(), "keys.token-lost"),
            (pkcs11.GeneralError(), "keys.token-lost"),
            (pkcs11.SessionHandleInvalid(), "keys.token-lost"),
            (pkcs11.TemplateInconsistent(), "keys.token-unfit"),
        ],
    )
    def test_what_a_token_answers_to_a_new_key(self, keys, path, hsm, monkeypatch, error, code):
        first, real = keys.current_epoch(), keys._login._session

        class Session(Stub):
            get_objects = real.get_objects
            close = staticmethod(lambda: None)

        logins = dict(login_module._logins)
        with monkeypatch.context() as patch:
            patch.setattr(keys._login, "_session", Session(error))
            assert code_of(keys.new_epoch) == code
        login_module._logins.update(logins)
        assert keys.current_epoch() == first
        again = opened(path, hsm)
        assert [s.id for s in again.epochs()] == [first]
        assert again.new_epoch() != first

    def test_a_token_that_makes_a_key_that_does_not_work_is_unfit(self, keys, monkeypatch):
        before = in_token(keys)
        monkeypatch.setattr(login_module.TokenAead, "decrypt", lambda *_: b"else")
        assert code_of(keys.new_epoch) == "keys.token-unfit"
        assert in_token(keys) == before

    def test_a_token_lost_while_running_is_no_altered_value(self, tmp_path, hsm):
        script = f"""
import shutil
from hedgerow.adapters.keys.token import create
from hedgerow.model.errors import HedgerowError
from hedgerow.model.keys import Binding
keys = create({str(tmp_path / "t.json")!r}, "w-lost", {hsm.label!r}, {hsm.pin!r})
bound = Binding("w-lost", "secret", "x", "", 1)
blob = keys.wrap(b"x", bound)
shutil.rmtree({str(tmp_path / "tokens")!r})
for act in (lambda: keys.unwrap(blob, bound), lambda: keys.wrap(b"x", bound), keys.new_epoch):
    try:
        act()
    except HedgerowError as error:
        print(error.code)
"""
        shutil.copytree(hsm.storage, tmp_path / "tokens")
        conf = (
            (hsm.directory / "softhsm2.conf").read_text().replace(str(hsm.storage), str(tmp_path / "tokens"))
        )
        (tmp_path / "conf").write_text(conf)
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True,
            env=os.environ | hsm.environment | {"SOFTHSM2_CONF": str(tmp_path / "conf")},
        )  # fmt: skip
        codes = done.stdout.split()
        assert len(codes) == 3
        assert set(codes) <= {"keys.token-lost", "keys.token-key-gone"}

    def test_a_general_error_of_a_token_that_stopped_is_no_altered_value(self, keys, path, hsm):
        dead = TokenAead(keys._login, Stub(pkcs11.GeneralError()))
        assert code_of(dead.decrypt, bytes(12), bytes(48), b"") == "keys.token-lost"
        assert code_of(keys.wrap, b"x", BINDING) == "keys.token-lost", "the login went with it"
        again = opened(path, hsm)
        assert again.unwrap(again.wrap(b"x", BINDING), BINDING) == b"x"

    def test_several_threads_share_the_login(self, keys):
        def act(number):
            bound = Binding("w-one", "subject-key", number, "", 1)
            return all(keys.unwrap(keys.wrap(bytes([number]), bound), bound)[0] == number for _ in range(30))

        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(act, range(8)))

    def test_an_altered_value_is_no_lost_token(self, keys):
        blob = bytearray(keys.wrap(b"x", BINDING))
        blob[-1] ^= 1
        assert code_of(keys.unwrap, bytes(blob), BINDING) == "envelope.unreadable"


class TestTheFile:
    STATE = EpochState("ab" * 16, "2026-01-01T00:00:00Z", "AES-256-GCM")
    RECORD = TokenRecord("w-one", "label", "00ff", (STATE,), None)

    def test_what_is_written_is_read(self):
        gone = EpochState(
            "cd" * 16, *("2026-01-01T00:00:00Z", "AES-256-GCM", "2026-01-02T00:00:00Z", "words")
        )
        for record in (
            self.RECORD,
            TokenRecord("w-one", "label", "", (gone, self.STATE), gone),
            TokenRecord("w-one", "label", "00", (), self.STATE),
        ):
            assert parse(record.rendered(), "here") == record

    @pytest.mark.parametrize(
        "change",
        [
            {"format": "other"},
            {"version": 0},
            {"version": True},
            {"epochs": None},
            {"epochs": [7]},
            {"epochs": [{"id": "x"}]},
            {"token": {"label": "x"}},
            {"token": {"label": 1, "serial": ""}},
            {"tenant": 1},
            {"making": 1},
            {"more": 1},
        ],
    )
    def test_what_is_no_such_file_is_corrupt(self, change):
        content = json.loads(self.RECORD.rendered())
        content.update(change)
        assert code_of(parse, json.dumps(content).encode(), "here") == "keys.file-corrupt"
        del content["checksum"]
        from hedgerow.adapters.keys.tokenfile import _checksum

        content["checksum"] = _checksum(content)
        assert code_of(parse, json.dumps(content).encode(), "here") == "keys.file-corrupt"

    @pytest.mark.parametrize("raw", [b"", b"[]", b"7", b'{"version": 1}', b'{"a":1,"a":1}', b"[" * 100_000])
    def test_what_was_never_one_is_corrupt(self, raw):
        assert code_of(parse, raw, "here") == "keys.file-corrupt"

    def test_a_newer_one_is_left_alone(self):
        content = json.loads(self.RECORD.rendered()) | {"version": 2}
        assert code_of(parse, json.dumps(content).encode(), "here") == "keys.file-newer"

    def test_another_tokens_file_in_its_place_is_noticed(self, keys, path):
        path.write_bytes(self.RECORD.rendered())
        with pytest.raises(Fault) as caught:
            keys.refresh()
        assert caught.value.code == "keys.file-changed"

    def test_it_is_missing(self, path):
        with pytest.raises(CallerError) as caught:
            token_keys.glance(path)
        assert caught.value.code == "keys.file-missing"
