"""Copies of master keys in backups: which key sets an end of the epoch takes along."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from hedgerow.app.wiring import Spine
from hedgerow.model.errors import HedgerowError
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
        cannot be reached), ``of_another_line`` (folders of what this workspace was restored from) and
        ``left``: how many backups can be restored then.
    """
    away = {each.id for each in (*gone, *missed)}
    others = of_another_line(spine, [each.keys_place for each in missed])
    return {
        "key_sets": [each.id for each in gone],
        "folders": [*sorted({each.keys_place for each in gone})],
        "out_of_reach": [*sorted({each.keys_place for each in missed} - others)],
        "of_another_line": [*sorted(others)],
        "left": sum(each.id not in away for each in spine.backups.outstanding(reader)),
    }


def of_another_line(spine: Spine, places: Iterable[str]) -> set[str]:
    """Pick the folders of the workspace that this one was restored from, or of another copy of it.

    Args:
        spine: The wired rooms.
        places: The folders.
    """
    from hedgerow.app.backup.folder import Folder
    from hedgerow.app.backup.making import owner_of

    owner, found = owner_of(spine), set[str]()
    # Nobody knows whose a folder is while the journal is not sound.
    with suppress(HedgerowError):
        found.update(place for place in set(places) if Folder(Path(place), owner).is_of_another_line)
    return found


def none_of_this_line(spine: Spine, reader: Reader) -> bool:
    """Tell whether every backup with a key set left belongs to what this workspace was restored from."""
    places = {each.place for each in spine.backups.outstanding(reader)}
    return bool(places) and of_another_line(spine, places) == places


def none_opens(spine: Spine, reader: Reader) -> bool:
    """Tell whether each backup with a key set left is of an epoch that has ended."""
    return len(ended(spine, reader, held_epochs(spine))) == len(spine.backups.outstanding(reader))


def none_left(spine: Spine, reader: Reader) -> bool:
    """Tell whether backups were made and none of them has a key set left."""
    return reader.count(Backup) > 0 and not spine.backups.outstanding(reader)
