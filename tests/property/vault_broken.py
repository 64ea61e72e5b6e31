"""Rooms broken on purpose: each variant with the promise it breaks and the shortest way to see it."""

from __future__ import annotations

import json

from hedgerow.adapters.keys.file import FileKeys
from hedgerow.adapters.store.sqlite import SqliteView
from hedgerow.app.backup import making
from hedgerow.app.backup.folder import Folder
from hedgerow.app.service.keeping import Keeping
from hedgerow.model.records import BlindTerm, SealedField, Subject, Tombstone
from hedgerow.spine import erasure
from hedgerow.spine.backup import Backups
from hedgerow.spine.epochs import Epochs
from hedgerow.spine.erasure import Erasure
from hedgerow.spine.restoring import Restoring


def restore_repeats_no_erasure(patch):
    patch(Restoring, "repeat", lambda *_: ([], 0))


def restore_takes_any_list(patch):
    from hedgerow.app.backup import restoring

    patch(restoring, "_is_enough", lambda *_: True)


def key_sets_outlive_their_epoch(patch):
    patch(Keeping, "_destroy_copies", lambda _: {})


def ended_keys_stay_in_the_key_file(patch):
    patch(FileKeys, "destroy_epoch", lambda *_: None)


def rotate_skips_the_last_page(patch):
    batches = Epochs._batches

    def but_the_last(self, kind):
        page = SqliteView.page
        patch(SqliteView, "page", lambda view, of, after, many: page(view, of, after, many)[:-1])
        try:
            yield from batches(self, kind)
        finally:
            patch(SqliteView, "page", page)

    patch(Epochs, "_batches", but_the_last)


def restore_forgets_the_spending(patch):
    begin = Restoring.begin
    patch(Restoring, "begin", lambda self, actor, facts, **_: begin(self, actor, facts, is_known=True))


def restore_charges_nothing(patch):
    patch(Restoring, "charge", lambda *_: [])


def erase_leaves_the_sealed_field(patch):
    patch(erasure, "_PERSONAL", tuple(kind for kind in erasure._PERSONAL if kind is not SealedField))


def erase_leaves_field_and_key(patch):
    remove = SqliteView.remove
    left = (SealedField, Subject)
    patch(SqliteView, "remove", lambda self, kind, **eq: kind in left or remove(self, kind, **eq))


def restore_drops_the_tombstone(patch):
    put, repeat = SqliteView.put, Restoring.repeat

    def repeated(self, *args):
        patch(
            SqliteView,
            "put",
            lambda view, record: None if isinstance(record, Tombstone) else put(view, record),
        )
        try:
            return repeat(self, *args)
        finally:
            patch(SqliteView, "put", put)

    patch(Restoring, "repeat", repeated)


def erase_leaves_index_terms(patch):
    patch(erasure, "_PERSONAL", tuple(kind for kind in erasure._PERSONAL if kind is not BlindTerm))


def backup_misses_the_newest_file(patch):
    files = Backups.table_files
    patch(Backups, "table_files", lambda self, reader: files(self, reader)[:-1])


def backup_reads_the_tables_before_the_records(patch):
    stale = []
    files = Backups.table_files

    def older(self, reader):
        stale.append(files(self, reader))
        return stale[0]

    patch(Backups, "table_files", older)


def list_of_erasures_is_not_told(patch):
    patch(making, "tell_erasures", lambda _: [])


def list_of_erasures_lacks_the_newest(patch):
    erasures = Backups.erasures

    def shorter(self, reader, *rest):
        told = json.loads(erasures(self, reader, *rest))
        from hedgerow.kernel.merkle import sign_document

        body = {key: value for key, value in told.items() if key != "signed"} | {
            "erased": told["erased"][:-1]
        }
        return sign_document(body, self._attestor.origin, self._attestor.signer)

    patch(Backups, "erasures", shorter)


def backup_is_named_before_it_is_whole(patch):
    """The manifest first: a crash leaves a backup that counts and is none."""
    written = making._written

    def early(spine, directory, backup, place, *rest):
        place.put(f"manifest-{backup.id}.json", b"{}")
        return written(spine, directory, backup, place, *rest)

    patch(making, "_written", early)


def key_file_is_wiped_before_the_new_one_stands(patch):
    replace = Folder.replace
    patch(Folder, "replace", lambda self, name, fill: (self.wipe(name), replace(self, name, fill)))


def restore_leaves_a_half(patch):
    from hedgerow.app.backup import staging

    patch(staging, "_emptied", lambda _: None)


def erase_commits_in_two(patch):
    """The rows first, the rest in a second transaction: a crash between leaves half an erasure."""
    remove = Erasure._remove

    def halves(self, tx, *rest):
        done = remove(self, tx, *rest)
        tx._connection.execute("COMMIT")
        from tests.property.cutting import POINTS

        POINTS.pass_by()
        tx._connection.execute("BEGIN IMMEDIATE")
        return done

    patch(Erasure, "_remove", halves)


def _erased_after(world):
    world.backup()
    world.erase("P-ann")
    yield
    world.restore(0, "newest", "newest", goes_on=True)


def _older_list(world):
    world.backup()
    world.erase("P-bob")
    yield
    world.erase("P-ann")
    yield
    world.restore(0, 0, "newest", goes_on=True)


def _ended(world):
    world.backup()
    world.erase("P-ann")
    yield
    world.end_epoch()


def _ended_and_restored(world):
    yield from _ended(world)
    yield
    world.restore(0, "newest", "newest", goes_on=True)


def _spent_after(world):
    world.backup()
    world.spend()
    yield
    world.erase("P-bob")  # so that the list is newer
    world.restore(0, "newest", "newest", goes_on=True)


def _without_head(world):
    world.backup()
    world.spend()
    yield
    world.restore(0, "newest", None, goes_on=True)


def _erased(world):
    world.erase("P-ann")
    yield


def _backed_up_twice(world):
    world.backup()
    world.collect(["P-dee"], with_consent=True)
    yield
    world.backup()
    yield
    world.restore(1, "newest", "newest", goes_on=True)


def _backup_cut_off(world):
    for steps in (5, 15, 25):
        world.backup((steps, True))
        yield
        world.restore(0, "newest", None, goes_on=False)


def _second_backup_cut_off(world):
    world.backup()
    for steps in range(9, 14):
        world.backup((steps, False))
        world.restore(0, "newest", None, goes_on=False)
    yield


def _restore_refused(world):
    world.backup()
    yield
    world.restore(0, None, None, goes_on=False)


def _erase_cut_off(world):
    for steps in range(10):
        world.erase("P-ann", (steps, True))
        yield


VARIANTS = {
    restore_repeats_no_erasure: (_erased_after, "restore"),
    restore_takes_any_list: (_older_list, "erased"),
    key_sets_outlive_their_epoch: (_ended, "final"),
    ended_keys_stay_in_the_key_file: (_ended, "final"),
    rotate_skips_the_last_page: (_ended, "keys"),
    restore_forgets_the_spending: (_without_head, "budget"),
    restore_charges_nothing: (_spent_after, "budget"),
    erase_leaves_the_sealed_field: (_erased, "erased"),
    erase_leaves_field_and_key: (_erased, "erased"),
    restore_drops_the_tombstone: (_erased_after, "restore"),
    erase_leaves_index_terms: (_erased, "erased"),
    backup_misses_the_newest_file: (_backed_up_twice, "restore"),
    backup_reads_the_tables_before_the_records: (_backed_up_twice, "restore"),
    list_of_erasures_is_not_told: (_erased_after, "erased"),
    list_of_erasures_lacks_the_newest: (_erased_after, "erased"),
    backup_is_named_before_it_is_whole: (_backup_cut_off, "restore"),
    key_file_is_wiped_before_the_new_one_stands: (_second_backup_cut_off, "restore"),
    restore_leaves_a_half: (_restore_refused, "restore"),
    erase_commits_in_two: (_erase_cut_off, "reads back"),
}
"""Each variant, the way to it, and the promise that must be found broken."""
