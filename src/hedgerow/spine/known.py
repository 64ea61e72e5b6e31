"""Which names a refusal may keep: those the workspace holds; any other may be a person's id typed amiss."""

from __future__ import annotations

from hedgerow.model.ports import Reader
from hedgerow.model.records import Dataset, Principal, Purpose
from hedgerow.model.uses import Actor
from hedgerow.spine.catalog import RIGHTS_PURPOSE


def known_dataset(reader: Reader, name: str | None) -> str | None:
    """Keep the name of a data set that is or was dropped, and no other."""
    return name if name is not None and reader.get(Dataset, name) is not None else None


def known_purpose(reader: Reader, name: str | None) -> str | None:
    """Keep the name of a declared purpose or of the rights of people, and no other."""
    is_known = name == RIGHTS_PURPOSE or (name is not None and reader.get(Purpose, name) is not None)
    return name if is_known else None


def known_actor(reader: Reader, actor: Actor) -> Actor:
    """Keep of who acts the names of principals; the journal says of any other that it has no name."""
    named = (name if reader.get(Principal, name) else "" for name in (actor.principal, actor.acting_as))
    return Actor(*named)
