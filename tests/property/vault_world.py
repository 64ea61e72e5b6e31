"""A real workspace with its backups and outside places, each act paired with what plain Python says of it.

A *line* is one workspace: it ends where a restored one goes on in its place, and the restored one knows the
past up to its backup. What is known of the time after a backup is what the list of erasures and the head
kept outside that were given to the restore tell, and nothing more.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import io
import json
import shutil
import tempfile
from fractions import Fraction
from pathlib import Path

from tests.property.cutting import POINTS
from tests.property.vault_base import base_world, clean, follow_taken, take
from tests.property.vault_promises import Kept, check_index, check_people, check_rows, demand
from tests.simulator.adapters import Crash, SetClock

from hedgerow.adapters.keys import file as key_file
from hedgerow.app.backup.folder import Folder
from hedgerow.app.backup.making import owner_of, take_over
from hedgerow.app.backup.restoring import Wish
from hedgerow.app.space import open_space, restore_space
from hedgerow.kernel.envelope import epoch_of
from hedgerow.kernel.hybrid import open_stream
from hedgerow.model.errors import Fault, HedgerowError
from hedgerow.model.records import (
    Account,
    Backup,
    Bucket,
    Certificate,
    Dataset,
    Subject,
    Tombstone,
)
from hedgerow.model.uses import Actor
from hedgerow.spine.audit import check_records
from hedgerow.spine.keyring import binding_of

COST = Fraction(1, 8)
CRASHED = object()
# What a sound backup may be refused by: what is known of erasures, and keys that are no more.
WITHHELD = ("restore.erasures-unknown", "backup.keys-missing", "backup.keys-ended")
OWN = ("visits", "care")


class VaultWorld:
    """A workspace, its model, its backups, and all that anybody has kept on the way."""

    def __init__(self):
        base, moment, model, self.identity = base_world()
        self.folder = Path(tempfile.mkdtemp(prefix="hedgerow-model-"))
        self.clock, self.model = SetClock(moment), copy.deepcopy(model)
        self.line, self.moment, self.tag = 0, 0, len(model.rows)
        self.directory = self.folder / "space-0"
        shutil.copytree(base / "space", self.directory)
        (self.folder / "outside").mkdir()
        self.backups, self.lists, self.heads, self.lines = {}, {}, {}, {}
        self.images, self.dead = {}, set()
        self.space = None
        self.reopen()
        self._witness()

    @property
    def spine(self):
        return self.space.opened.spine

    @property
    def service(self):
        return self.space.service

    @property
    def place(self):
        return self.folder / "backup"

    def read(self):
        return self.space.opened.store.read()

    def reopen(self):
        """Start the program anew over what is on the disk."""
        POINTS.disarm()
        if self.space is not None:
            self.space.close()
        self.space = open_space(self.directory, passphrase=lambda _: None, clock=self.clock)

    def close(self):
        POINTS.disarm()
        self.space.close()
        clean(self.folder)

    def _witness(self):
        self.head_file = self.folder / "outside" / f"head-{self.line}.json"
        self.service.add_witness("usb", self.head_file, self.directory)

    def attempt(self, act, crash=None):
        """Do an act, cut off after some steps where a crash is given as (steps, whether it is a kill)."""
        self.moment += 1
        self.clock.advance(seconds=1)
        if crash is not None:
            POINTS.arm(crash[0], kill=crash[1])
        try:
            return act()
        except Crash:
            self.reopen()
            return CRASHED
        except HedgerowError as error:
            return error
        finally:
            POINTS.disarm()

    def succeed(self, promise, act, crash=None):
        done = self.attempt(act, crash)
        demand(not isinstance(done, HedgerowError), promise, f"refused: {getattr(done, 'code', '')}")
        return done

    # The acts

    def collect(self, refs, *, with_consent, crash=None):
        tag, before = self.tag, self._version()
        self.tag += len(refs)
        after, values = (
            copy.deepcopy(self.model),
            {ref: self.model.values.get(ref, f"{ref}.{tag}@example.org") for ref in refs},
        )
        if not with_consent and set(refs) <= self.model.erased:
            return  # nothing would be left to collect
        follow_taken(after, refs, values, tag, with_consent=with_consent)
        act = lambda: take(  # noqa: E731 - named for the call below
            self.space, copy.deepcopy(self.model), refs, self.clock, tag, with_consent=with_consent
        )
        done = self.succeed("reads back", act, crash)
        if done is not CRASHED or self._version() != before:
            self.model = after

    def _version(self):
        with self.read() as reader:
            return reader.get(Dataset, "visits").version

    def erase(self, ref, crash=None):
        is_there = ref in self.model.values
        done = self.attempt(lambda: self.service.erase_subject(ref), crash)
        if not is_there:
            wanted = "subject.erased" if ref in self.model.erased else "subject.unknown"
            demand(
                done is CRASHED or getattr(done, "code", "") == wanted, "erased", "erased who was not there"
            )
            return
        demand(not isinstance(done, HedgerowError), "erased", "an erasure was refused")
        with self.read() as reader:
            is_gone = reader.get(Tombstone, self.spine.vault.lookup(ref)) is not None
        demand(is_gone or done is CRASHED, "erased", "an erasure left no tombstone")
        if is_gone:
            self.model.forget(ref, self.moment)

    def rotate(self, crash=None):
        with self.read() as reader:
            begun = self.spine.epochs.unfinished(reader)
        act = lambda: self.service.change_epoch(is_ending=False)  # noqa: E731 - as above
        if begun is None or not begun.is_ending:
            self.succeed("keys", act, crash)
            return
        done = self.attempt(act, crash)
        told = done is CRASHED or getattr(done, "code", "") == "keys.epoch-unfinished"
        demand(told, "keys", "what destroys no key went on with an end of the epochs")

    def end_epoch(self, crash=None):
        """End the epochs: from then on nothing that was wrapped before opens, with any key in reach."""
        self._go_on(crash)
        with self.read() as reader:
            waiting = bool(self.spine.epochs.pending(reader))
        captured = set(self.images)
        done = self.succeed("keys", lambda: self.service.change_epoch(is_ending=True), crash)
        with self.read() as reader:
            is_final = not self.spine.epochs.pending(reader)
        demand(is_final or done is CRASHED, "final", "an epoch ended and an erasure is not final")
        is_over = done is not CRASHED or (waiting and is_final)
        if is_over:
            self.dead |= captured
        for kept in self.backups.values():
            kept.keys = "gone" if is_over else "unsure" if kept.keys == "there" else kept.keys

    def _go_on(self, crash):
        """End a change that was cut off: it leaves what was held when it began, so what came since stays."""
        if not self.is_moving(self.spine):
            return
        plan, captured = self.service.plan_epoch(is_ending=True), set(self.images)
        done = self.succeed("keys", lambda: self.service.change_epoch(is_ending=True), crash)
        if done is CRASHED:
            for kept in self.backups.values():
                kept.keys = "unsure" if kept.keys == "there" else kept.keys
            return
        said, is_so = set(plan["becomes_final"]), self.final_of(done["final"])
        demand(said == is_so, "final", "the plan foresaw other erasures as final")
        gone = set(done["destroyed"])
        self.dead |= {image for image in captured if epoch_of(image) in gone}
        with self.read() as reader:
            ended = {each.id for each in reader.find(Backup) if gone & set(each.epochs.split(","))}
        for name in self.backups.keys() & ended:
            self.backups[name].keys = "gone"

    def final_of(self, names):
        """Name the erasures that final certificates are of."""
        with self.read() as reader:
            found = [json.loads(reader.get(Certificate, name).body)["body"] for name in names]
        return {body["erasure"] for body in found}

    def index(self, *, rotates, crash=None):
        """Make or rotate the index; where the values became too few it may be refused."""
        act = (
            (lambda: self.service.rotate_index("visits", "email"))
            if rotates
            else (lambda: self.service.make_index("visits", "email", "email"))
        )
        done = self.attempt(act, crash)
        if isinstance(done, HedgerowError):
            demand(done.code.startswith("index."), "index", done.code)

    def spend(self, crash=None):
        sql = "SELECT COUNT(*) FROM visits"
        act = lambda: self.service.query("visits", sql, purpose="care", epsilon="0.125", fresh=True)  # noqa: E731
        done = self.attempt(act, crash)
        if self.model.is_unknown:
            code = getattr(done, "code", "")
            demand(done is CRASHED or code == "budget.unknown", "budget", "unknown spending was given back")
            return
        demand(not isinstance(done, HedgerowError), "budget", f"refused: {getattr(done, 'code', '')}")
        before, now = self.model.spent, self._spent(self.space)
        demand(now == before + COST or (done is CRASHED and now == before), "budget", "a use was not charged")
        self.model.spent = now

    def backup(self, crash=None):
        before = self._whole()
        to = [self.identity.recipient.text]
        act = lambda: self.service.backup(self.directory, self.place, recipients=to)  # noqa: E731
        is_told = self.is_moving(self.spine)
        done = self.succeed("backup", act, crash)
        demand(done is CRASHED or done["ends_with_change"] == is_told, "backup", "its end was not told")
        fresh = self._whole() - before
        demand(len(fresh) == 1 or (done is CRASHED and not fresh), "backup", "a backup is not there whole")
        self.model.backups = self._begun()
        for name in fresh:
            self.backups[name] = Kept(self.moment, copy.deepcopy(self.model))
            self.lines[name] = owner_of(self.spine).line()

    def _whole(self):
        return {p.name.removeprefix("manifest-").removesuffix(".json") for p in self.place.glob("manifest-*")}

    def look(self, ref):
        """Ask for one person by name, as the front desk does, and by the value in the index."""
        done = self.attempt(lambda: self.service.export_subject(ref))
        if ref not in self.model.values:
            demand(
                getattr(done, "code", "") in ("subject.erased", "subject.unknown"),
                "erased",
                "an export told of somebody erased",
            )
            return
        demand(not isinstance(done, HedgerowError), "reads back", "an export was refused")
        told = sorted(row["tag"] for row in done["values"]["visits"]["rows"])
        demand(
            told == sorted(t for t, r in self.model.rows.items() if r == ref),
            "reads back",
            "an export is not what is held",
        )

    # Restoring

    def restore(self, place, lists, heads, *, goes_on, crash=None):
        """Restore a backup with a list of erasures and a head: the newest, an older, or none."""
        if not self.backups:
            return
        name = sorted(self.backups, key=lambda each: self.backups[each].moment)[place % len(self.backups)]
        kept, told = self.backups[name], self._given(name, lists)
        head = self._head_given(name, heads)
        target = self.folder / f"space-{self.line + 1}"
        source = self.folder / "source"
        clean(source)
        shutil.copytree(self.place, source)
        (source / "erasures.json").unlink(missing_ok=True)
        if told is not None:
            (source / "erasures.json").write_bytes(told.content)
        given = None
        if head is not None:
            given = self.folder / "outside" / "given.json"
            given.write_bytes(head.content)
        wish = Wish(source, target, self.identity, lambda _: None, backup=name, head=given, is_thorough=True)
        act = lambda: restore_space(wish, clock=self.clock)  # noqa: E731
        if crash is not None:
            done = self.attempt(act, crash)
            if done is CRASHED and target.exists():
                clean(target)  # it was whole, and is made once more below
        done = self.attempt(act)
        self._check_outcome(name, done, kept, told, head, target)
        if not isinstance(done, HedgerowError):
            self._follow_restored(name, kept, told, head, target, goes_on=goes_on)
        clean(source)

    def _given(self, name, which):
        """Choose a list that was made in a line that knows the backup."""
        if which == "newest":
            with self.read() as reader:
                content = self.spine.backups.erasures(reader)
            return (
                Kept(self.moment, copy.deepcopy(self.model), content) if name in self.model.backups else None
            )
        fit = [each for each in self.lists.values() if name in each.model.backups]
        return fit[which % len(fit)] if fit and which is not None else None

    def _head_given(self, name, which):
        since = self.backups[name].moment
        fit = [e for e in self.heads.values() if name in e.model.backups and e.moment >= since]
        if which == "newest":
            return fit[-1] if fit else None
        return fit[which % len(fit)] if fit and which is not None else None

    def _check_outcome(self, name, done, kept, told, head, target):
        left = [p for p in self.folder.iterdir() if p == target or p.name.endswith(".restoring")]
        if isinstance(done, HedgerowError):
            demand(not left, "restore", "a restore that was refused left something")
            demand(done.code in WITHHELD, "restore", f"refused by {done.code}")
            is_fit, _ = self._is_enough(name, told, head, kept)
            is_due = kept.keys == "there" or self.is_shown(name)
            demand(not (is_fit and is_due), "restore", f"refused for nothing: {done.code}")
            return
        demand(left == [target], "restore", "a restore left something beside the workspace")
        demand(kept.keys != "gone", "final", "a backup from before the end of an epoch was restored")
        _, may_fit = self._is_enough(name, told, head, kept)
        demand(may_fit, "erased", "restored without knowing who was erased")

    def is_shown(self, name):
        """Whether the list of backups shows this one as one that can be restored."""
        (shown,) = [each for each in self.service.backups() if each["backup"] == name]
        return shown["keys"] == shown["data"] == "there"

    def _is_enough(self, name, told, head, kept):
        """Whether the list must be taken, and whether it may be, for the backup and the head."""
        if told is None:
            return False, False
        size = json.loads((self.place / f"manifest-{name}.json").read_bytes()).get("size", -1)
        listed = json.loads(told.content)
        is_own = listed["line"] == self.lines[name]
        if head is None:
            return (is_own and listed["size"] > size,) * 2
        outside = json.loads(head.content)
        if outside["line"] != self.lines[name]:
            return False, False
        is_same = is_own and listed["known"] == outside.get("erasures", "")
        # Whoever was erased again since stands in a longer list by the later erasure alone.
        reaches = is_own and listed["size"] >= outside["size"]
        return is_same, is_same or reaches or kept.model.events == head.model.events

    def _follow_restored(self, name, kept, told, head, target, *, goes_on):
        wanted = copy.deepcopy(kept.model)
        for ref, when in told.model.events.items():
            if when >= kept.moment:
                wanted.forget(ref, self.moment)
        wanted.is_unknown |= head is None or head.model.is_unknown
        wanted.spent = head.model.spent if head is not None else wanted.spent
        line, self.line = self.line, self.line + 1
        other = open_space(target, passphrase=lambda _: None, clock=self.clock)
        if not goes_on:
            with contextlib.closing(other):
                self.check_space(other, wanted, target)
            clean(target)
            self.line = line
            return
        self.space.close()
        clean(self.directory)
        former = self.model
        self.space, self.directory, self.model = other, target, wanted
        for each in [b for b in self.backups if b not in wanted.backups]:
            self._throw_away(each)
        self._take_over()
        # Whom the line erased whose folders these were is erased here too.
        for ref, when in former.events.items():
            if when >= kept.moment:
                wanted.forget(ref, self.moment)
        self._witness()

    def _take_over(self):
        """Make the folders this line's, as its operator must."""
        folders = [Folder(path, owner_of(self.spine)) for path in (self.place, self.place / "keys")]
        take_over(self.spine, Actor("owner", "owner"), *folders, lambda _: None)

    def _throw_away(self, name):
        """Destroy what belongs to a line that was given up, as its operator must."""
        del self.backups[name]
        for path in (self.place / f"data-{name}.sealed", self.place / f"manifest-{name}.json",
                     self.place / "keys" / f"keys-{name}.sealed"):  # fmt: skip
            path.unlink(missing_ok=True)

    # What must hold after every step

    def check(self, *, is_thorough=False):
        self.check_space(self.space, self.model, self.directory, is_thorough=is_thorough)
        self._capture()
        self._check_dead()
        self._keep_outside()

    def check_space(self, space, model, directory, *, is_thorough=True):
        spine = space.opened.spine
        with space.opened.store.read() as reader:
            check_people(spine, reader, model)
            check_rows(spine, reader, model, directory)
            check_index(spine, reader, model)
            try:
                spine.journal.verify(reader)
                check_records(reader, spine.ledger, spine.attestor)
            except HedgerowError as error:
                demand(False, "journal", error.code)
        demand(self._spent(space) == model.spent, "budget", "the account is not what was spent")
        if model.is_unknown:
            left = {each["left"] for each in space.service.budgets()}
            demand(left == {"0"}, "budget", "unknown spending leaves something")
        if is_thorough:
            # That no backup is left to restore from is to be said; it is no remnant.
            allowed = {"key file", "backups"} | ({"key epochs"} if self.is_moving(spine) else set())
            bad = [
                c["check"]
                for c in space.service.examine(directory)
                if not c["ok"] and c["check"] not in allowed
            ]
            demand(not bad, "remnants", f"the examination finds: {bad}")

    def is_moving(self, spine):
        with spine.store.read() as reader:
            return spine.epochs.unfinished(reader) is not None

    def _spent(self, space):
        with space.opened.store.read() as reader:
            account = reader.get(Account, *OWN)
        return Fraction(account.epsilon) if account is not None else Fraction(0)

    def _capture(self):
        """Keep every wrapped key that is in the records, as whoever copies the disk does."""
        with self.read() as reader:
            for kind in (Subject, Bucket):
                for record in reader.find(kind):
                    self.images[record.wrapped] = binding_of(self.spine.tenant, record)

    def opens(self, images):
        """Try images with every key in reach: the key file's, and that of every backup."""
        found, backends = set(), [key_file.open_(self.directory / "keys.json", None)]
        sealed = self.place / "keys" / "keyfile.sealed"
        if sealed.exists():
            content = io.BytesIO()
            with sealed.open("rb") as source:
                open_stream(source, content, self.identity, label="backup-keyfile")
            backends.append(self._as_backend(json.loads(content.getvalue())["content"]))
        for image in images:
            for backend in backends:
                with contextlib.suppress(Fault):
                    backend.unwrap(image, self.images[image])
                    found.add(image)
        return found

    def _as_backend(self, text):
        path = self.folder / "keys-of-a-backup.json"
        path.write_bytes(base64.b64decode(text))
        path.chmod(0o600)
        return key_file.open_(path, None)

    def _check_dead(self):
        if self.dead:
            demand(not self.opens(self.dead), "final", "a key that is final opens")

    def _keep_outside(self):
        """Keep each list and each head that stands outside, as somebody may."""
        path = self.place / "erasures.json"
        content = path.read_bytes() if path.exists() else b'{"erased": [], "backups": []}'
        if content not in self.lists:
            listed, begun = json.loads(content), self._begun()
            told = {each["lookup"] for each in listed["erased"]}
            known = {self.spine.vault.lookup(ref).hex() for ref in self.model.events}
            with self.read() as reader:
                is_due = bool(self.spine.backups.outstanding(reader))
            demand(told >= known or not is_due, "erased", "the list beside the backups lacks an erasure")
            if begun and set(listed["backups"]) == begun and told == known:
                self.lists[content] = Kept(self.moment, copy.deepcopy(self.model), content)
        head = self.head_file.read_bytes()
        if head not in self.heads:
            self.heads[head] = Kept(self.moment, copy.deepcopy(self.model), head)

    def _begun(self):
        with self.read() as reader:
            return {each.id for each in reader.find(Backup)}
