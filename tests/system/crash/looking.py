"""Telling what a workspace holds, read below the service so that a wrong answer of it cannot hide a loss."""

from __future__ import annotations

from pathlib import Path

from tests.system.crash import story

from hedgerow.app.space import Space
from hedgerow.app.workspace import TABLES
from hedgerow.model.engine import PeopleFilter
from hedgerow.model.errors import HedgerowError
from hedgerow.model.records import Account, Certificate, Charge, ConsentEvent, Dataset, Member, Request


def look(space: Space, head: Path | None) -> dict:
    """Tell everything the checks compare.

    Args:
        space: The open workspace.
        head: A head of the journal that was acknowledged, to be found again.
    """
    spine = space.opened.spine
    with spine.store.read() as reader:
        dataset = reader.get(Dataset, story.DATASET)
        files = spine.tables.files(reader, story.DATASET)
        members = sorted(member.number for member in reader.find(Member, dataset=story.DATASET))
        people, names, choices = _people(space, reader)
        charges = [[c.request, c.event, c.committed] for c in reader.find(Charge)]
        accounts = [[a.dataset, a.purpose, a.epsilon] for a in reader.find(Account)]
        view = spine.catalog.dataset(reader, story.DATASET)
        declared = sorted(column.column for column in view.declaration.columns) if view else []
        requests = {r.id: r.state for r in reader.find(Request)}
        certificates = sorted(c.id for c in reader.find(Certificate))
        aside = [
            row.raw.decode().strip()
            for batch in spine.quarantine.batches(reader)
            for row in spine.quarantine.rows(reader, batch)
        ]
    shelf = spine.tables.engine._shelf
    held = sum(state == "held" for state in people.values()) if view else 0
    everyone = spine.tables.engine.scan(files, ["visit"], PeopleFilter.of(members))
    visible = everyone.table(with_person=True)
    on_disk = {path.name for path in (space.directory / TABLES).iterdir()}
    return {
        "rows": sorted(visible["visit"].to_pylist()) if files else [],
        "row_totals": [dataset.row_count, sum(file.rows for file in files), visible.num_rows],
        "people_totals": [dataset.people_count, len(members), held],
        "dropped": view is None,
        "people": people,
        "names": names,
        "choices": choices,
        "aside": sorted(aside),
        "declared": declared,
        "charges": charges,
        "accounts": accounts,
        "requests": requests,
        "certificates": certificates,
        "strays": sorted(on_disk - {file.name for file in files} - {".writing"}),
        "shelved": len(shelf.names()),
        "verify": _verified(space, head),
        "in_the_open": _in_the_open(space.directory),
    }


def _people(space: Space, reader) -> tuple[dict[str, str], dict[str, dict], dict[str, list[bool]]]:
    """Tell whether each of the story's people is held, their sealed fields, their choices in order."""
    vault, states, names, choices = space.opened.spine.vault, {}, {}, {}
    for ref in dict.fromkeys(ref for batch in range(story.LAST + 1) for ref in story.people_of(batch)):
        try:
            person = space.opened.spine.erasure.person(reader, ref)
        except HedgerowError as error:
            states[ref] = {"subject.erased": "erased", "subject.unknown": "unknown"}[error.code]
            continue
        states[ref] = "held"
        names[ref] = vault.fields(reader, person.number, story.DATASET, frozenset({"name", "patient"}))
        choices[ref] = [event.granted for event in reader.find(ConsentEvent, number=person.number)]
    return states, names, choices


def _verified(space: Space, head: Path | None) -> str:
    try:
        space.service.verify(against=head)
    except HedgerowError as error:
        return error.code
    return "verified"


def _in_the_open(directory: Path) -> list[str]:
    """List files that hold a name or a broken row in plain bytes."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    return sorted(path.name for path in files if story.MARK.encode() in path.read_bytes())
