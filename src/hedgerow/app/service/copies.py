"""Copies of master keys in backups: which key sets an end of the epoch takes along."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from hedgerow.app.wiring import Spine
from hedgerow.model.ports import Reader
from hedgerow.model.records import Backup
from hedgerow.model.uses import Json


def held_epochs(spine: Spine) -> set[str]:
    """List the epochs whose keys are held, as any program left them."""
    spine.backend.refresh()
    return {epoch.id for epoch in spine.backend.epochs() if epoch.destroyed is None}


def is_ended(backup: Backup, held: Iterable[str]) -> bool:
    """Tell whether a master key of a backup's time is no longer held.

    Its key set may lie under that one, in whole or, where a change of keys was under way, in part; and the
    key file of its time is a copy of it.
    """
    return not set(backup.epochs.split(",")) <= set(held)


def ended(spine: Spine, reader: Reader, held: Iterable[str]) -> list[Backup]:
    """List the backups with a key set that an end of epochs takes along."""
    kept = set(held)
    return [each for each in spine.backups.outstanding(reader) if is_ended(each, kept)]


def doomed(spine: Spine, reader: Reader, destroyed: Sequence[str]) -> dict[str, Json]:
    """Tell which key sets go when epochs are destroyed; nothing is done.

    Args:
        spine: The wired rooms.
        reader: A view.
        destroyed: The epochs that shall be destroyed.

    Returns:
        As ``told`` gives it.
    """
    from hedgerow.app.backup.folder import Folder
    from hedgerow.app.backup.making import owner_of

    if not destroyed:
        return told(spine, reader, [], [])
    found = ended(spine, reader, held_epochs(spine) - set(destroyed))
    owner = owner_of(spine)
    near = [each for each in found if Folder(Path(each.keys_place), owner).is_ours]
    return told(spine, reader, near, [each for each in found if each not in near])


def told(spine: Spine, reader: Reader, gone: Sequence[Backup], missed: Sequence[Backup]) -> dict[str, Json]:
    """Tell of key sets that go or went.

    Returns:
        ``key_sets`` (the backups), ``folders`` they are in, ``out_of_reach`` (folders with others that
        cannot be reached) and ``left``: how many backups can be restored then.
    """
    away = {each.id for each in (*gone, *missed)}
    return {
        "key_sets": [each.id for each in gone],
        "folders": [*sorted({each.keys_place for each in gone})],
        "out_of_reach": [*sorted({each.keys_place for each in missed})],
        "left": sum(each.id not in away for each in spine.backups.outstanding(reader)),
    }


def none_left(spine: Spine, reader: Reader) -> bool:
    """Tell whether backups were made and none of them has a key set left."""
    return reader.count(Backup) > 0 and not spine.backups.outstanding(reader)
