"""Tokenising: rows of a data set, or of a file about its people, leave with tokens in place of values."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from hedgerow.app.outputs import check_out, write_together
from hedgerow.app.released import certificate_paths
from hedgerow.app.report.certificate import render_certificate
from hedgerow.app.service.asking import Asking
from hedgerow.app.service.base import Progress, need_purpose, quiet
from hedgerow.model.canonical import digest
from hedgerow.model.errors import CallerError
from hedgerow.model.findings import ColumnFinding
from hedgerow.model.records import Dataset, Member, Request, Tombstone
from hedgerow.model.releases import LeftFile
from hedgerow.model.tokenrules import as_json
from hedgerow.model.tokens import Lookup, Rules, kind_of
from hedgerow.model.uses import ColumnView, Json, Receipt, UseRequest
from hedgerow.model.words import Basis, ColumnRole, ColumnType, is_name
from hedgerow.spine.catalog import check_name
from hedgerow.spine.gate import new_request_id
from hedgerow.techniques.tokens.rulesfile import read_rules

if TYPE_CHECKING:
    from hedgerow.adapters.readers import SourceTable
    from hedgerow.spine.intake import Arrival
    from hedgerow.techniques.tokens.governed import FromOutside, GovernedTokens

_SAMPLE = 20_000
_PROVEN = 0.9
SOURCE_COLUMN = "source"
"""What the data set of a file's people holds beside them: from which file each is known, as a keyed hash."""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A wish to tokenise.

    Args:
        source: Name of a data set, or the path of a file.
        rules: The rules file.
        recipient: To whom it goes; empty for nobody in particular.
        dataset: Whose people a file is about; of the file's own name where not given.
        basis: The lawful basis of people who are not known yet; a file of theirs is refused without one.
    """

    source: str
    rules: Path
    recipient: str = ""
    dataset: str | None = None
    basis: Basis | None = None


@dataclass(frozen=True, slots=True)
class _Ready:
    """Everything a use needs."""

    dataset: str
    parameters: Mapping[str, Json]
    technique: GovernedTokens
    file: SourceTable | None


class Tokenising(Asking):
    """Rows leave with tokens in place of values."""

    def tokenise(
        self,
        asked: TokenRequest,
        *,
        purpose: str | None,
        out: Path,
        force: bool,
        request_id: str | None = None,
        progress: Progress = quiet,
    ) -> dict[str, Json]:
        """Tokenise a data set, or a file about its people, into a CSV file.

        Args:
            asked: What to tokenise, and how.
            purpose: Why.
            out: Where the CSV is written; its certificate lies beside it, as ``OUT.certificate.json`` and
                ``OUT.certificate.html``. None is overwritten without ``force``.
            force: Overwrite them.
            request_id: Repeating it gives the same tokens.
            progress: Told each step.

        Returns:
            The release, where it and its certificate are, its summary and the receipt; neither certificate
            nor counts for whom may not see exact risk.

        Raises:
            Refused: By policy, or for what may not leave; no file is left.
            CallerError: For rules or a file that do not fit; ``out.not-written`` when the release was made
                and its file could not be: repeating the request writes it.
        """
        beside = certificate_paths(out)
        for path in (out, *beside):
            check_out(path, force=force)
        why, known = need_purpose(purpose), request_id or new_request_id()
        ready = self._ready(asked, progress)
        self._enrol(asked, ready, why, known, progress)
        request = UseRequest(self.actor, why, ready.dataset, self._named(ready, known), known)
        progress("tokenising")
        receipt = self.spine.gate.use(request, ready.technique)
        contents = self._contents(out, ready, request, receipt)
        try:
            progress("writing")
            write_together(contents, force=force)
        except CallerError:
            again = shlex.quote(request.request_id)
            raise CallerError("out.not-written", out=out, request=again) from None
        return {
            "release": str(request.parameters["release"]),
            "dataset": ready.dataset,
            "out": str(out),
            "certificate": str(beside[0]) if beside[0] in contents else None,
            "label": receipt.release.payload["label"],
            "summary": self._counted_for(receipt.release.summary, ready.dataset),
            "receipt": self._receipt(receipt, ready.technique.action, ready.dataset),
        }

    def _contents(self, out: Path, ready: _Ready, request: UseRequest, receipt: Receipt) -> dict[Path, bytes]:
        """Certify a release and give the files to write: for whom may not see exact risk the table alone."""
        content = str(receipt.release.payload["csv"]).encode()
        left = LeftFile(
            str(request.parameters["release"]),
            receipt.release.mechanism,
            {"recipient": ready.parameters["recipient"] or None, "purpose": request.purpose},
            {rule.column: kind_of(rule) for rule in ready.technique.rules.made},
            hashlib.sha256(content).hexdigest(),
            len(content),
        )
        certificate = self.spine.releases.certify(self.actor, left)
        if not self._permits("release.risk", ready.dataset):
            return {out: content}
        page = render_certificate(json.loads(certificate)).encode()
        return {out: content, **dict(zip(certificate_paths(out), (certificate, page), strict=True))}

    def explain_tokens(self, asked: TokenRequest, *, purpose: str | None) -> dict[str, Json]:
        """Say what tokenising would be decided and do, without executing it."""
        why, ready = need_purpose(purpose), self._ready(asked, quiet)
        if ready.file is not None and not self._is_there(ready.dataset):
            error = self.spine.gate.explain_act(self.actor, "collect", ready.dataset)
            error = error or self.spine.gate.explain_act(self.actor, "release", ready.dataset)
            text = "release is permitted, once the people of the file are enrolled"
            said = {"code": "policy.permitted", "text": text, "next_step": ""}
            if error is not None:
                said = {"code": error.code, "text": error.message, "next_step": error.next_step}
            return {"allowed": error is None, "reasons": [said], "obligations": [], "plan": {}}
        known = new_request_id()
        named = self._named(ready, known)
        told = self._explained(UseRequest(self.actor, why, ready.dataset, named, known), ready.technique)
        # The id is of this trial: the release itself will get another.
        unnamed = f": release {named['release']}"
        told["obligations"] = [said.replace(unnamed, "") for said in cast("list[str]", told["obligations"])]
        return told

    def _named(self, ready: _Ready, request_id: str) -> dict[str, Json]:
        # Told from the id, so that repeating the request names the same release.
        return {"release": "R-" + digest(request_id)[:12], **ready.parameters}

    def _counted_for(self, summary: Mapping[str, Json], dataset: str) -> dict[str, Json]:
        """Show the summary to who may see exact risk; to others what they wrote themselves."""
        if self._permits("release.risk", dataset):
            return dict(summary)
        return {name: summary[name] for name in ("label", "limits", "recipient", "columns")}

    def _is_there(self, dataset: str) -> bool:
        with self.spine.store.read() as reader:
            record = reader.get(Dataset, dataset)
        return record is not None and not record.dropped

    def _ready(self, asked: TokenRequest, progress: Progress) -> _Ready:
        """Read the rules, their tables and, where one is named, the file."""
        from hedgerow.techniques.tokens.governed import GovernedTokens

        rules = read_rules(asked.rules)
        if asked.recipient:
            check_name(asked.recipient, "recipient")
        told: dict[str, Json] = {
            "recipient": asked.recipient,
            "rules": as_json(rules, entries=False),
            "tables": {
                rule.column: self._mark(list(map(list, rule.entries)))
                for rule in rules.columns
                if isinstance(rule, Lookup)
            },
        }
        if is_name(asked.source) and asked.dataset is None and self._is_there(asked.source):
            return _Ready(asked.source, told, GovernedTokens(rules), None)
        file, outside = _read_file(Path(asked.source), rules, progress)
        dataset = asked.dataset or _named_after(Path(asked.source))
        told["file"] = self.spine.vault.mark(file.content_hash)
        return _Ready(dataset, told, GovernedTokens(rules, outside), file)

    def _mark(self, content: Json) -> str:
        return self.spine.vault.mark(digest(content))

    def _enrol(
        self, asked: TokenRequest, ready: _Ready, purpose: str, request_id: str, progress: Progress
    ) -> None:
        """Enrol the people of a file, where they stand in no data set of their own.

        A data set that was collected has its people: those of a file who are not among them are left out.
        """
        if ready.file is None:
            return
        person = str(ready.technique.rules.person)
        with self.spine.store.read() as reader:
            view = self.spine.catalog.dataset(reader, ready.dataset)
            is_replay = reader.get(Request, request_id) is not None
        is_own = view is None or [column.name for column in view.columns] == [person, SOURCE_COLUMN]
        if is_replay or not is_own or person not in ready.file.table.column_names:
            return
        bases = {} if asked.basis is None else {purpose: asked.basis}
        known = self._enrolled(ready, person) if view is not None else set()
        is_new = any(ref not in known for ref in refs_of(ready.file, person))
        if not is_new and view is not None and all(view.bases.get(name) == b for name, b in bases.items()):
            return
        if asked.basis is None:
            raise CallerError("tokenise.no-basis", dataset=ready.dataset)
        self._require("release", ready.dataset)
        self._require("collect", check_name(ready.dataset, "data set"))
        with self.spine.store.read() as reader:
            self.spine.catalog.require_purpose(reader, purpose)
        ready.technique.check(asked.recipient)
        progress("enrolling people")
        mark = str(ready.parameters["file"])
        self.spine.intake.take(
            people_of(ready.file, person, ready.dataset, mark, known, bases), self.actor, progress
        )

    def _enrolled(self, ready: _Ready, person: str) -> set[str]:
        """List the source ids of a file whose people are in its data set already, or were erased."""
        refs = refs_of(cast("SourceTable", ready.file), person)
        lookups = {ref: self.spine.vault.lookup(ref) for ref in refs}
        with self.spine.store.read() as reader:
            members = set(reader.values(Member, "number", dataset=ready.dataset))
            found = self.spine.vault.known(reader, list(lookups.values()))
            stones = {stone.lookup for stone in reader.find_any(Tombstone, "lookup", list(lookups.values()))}
        here = {lookup for lookup, subject in found.items() if subject.number in members} | stones
        return {ref for ref, lookup in lookups.items() if lookup in here}


def _named_after(path: Path) -> str:
    """Name the data set of a file's people after the file."""
    named = re.sub(r"[^a-z0-9_-]+", "-", path.stem.lower()).strip("-_")
    if not is_name(named):
        raise CallerError("tokenise.no-name", path=path)
    return named


def _read_file(path: Path, rules: Rules, progress: Progress) -> tuple[SourceTable, FromOutside]:
    from hedgerow.adapters.readers import open_table
    from hedgerow.techniques.discover import classify
    from hedgerow.techniques.tokens.governed import FromOutside

    if rules.person is None:
        raise CallerError("tokenise.whose")
    progress("reading the file")
    read = open_table(path)
    # Once more as text: a token is of what is written, and so are codes that begin with a zero.
    file = open_table(path, types={column.name: ColumnType.TEXT for column in read.columns})
    if file.broken:
        raise CallerError("tokenise.broken", path=path, count=len(file.broken), line=file.broken[0].line)
    progress("classifying the columns")
    step = max(1, read.row_count // _SAMPLE)
    names = [column.name for column in read.columns]
    whose = rules.person if rules.person in names else None
    sample = read.table.take(list(range(0, read.row_count, step)))
    found = classify(sample, name=file.name, subject_key=whose)
    return file, FromOutside(file.table, {each.column: _role(each) for each in found})


def _role(found: ColumnFinding) -> ColumnRole:
    """Tell what a column does to the person; a password or key opens what is the person's."""
    is_secret = found.category == "secret" and found.confidence >= _PROVEN
    return ColumnRole.DIRECT_IDENTIFIER if is_secret else found.role


def people_of(
    file: SourceTable, person: str, dataset: str, mark: str, known: Container[str], bases: Mapping[str, Basis]
) -> Arrival:
    """Make of a file what enrols its people, and nothing else of them.

    Args:
        file: The file.
        person: The column that tells whose row it is.
        dataset: The data set of its people.
        mark: The keyed hash of the file.
        known: Source ids of people who are in it already.
        bases: The lawful basis of the purpose.
    """
    import numpy as np
    import pyarrow as pa

    from hedgerow.spine.intake import Arrival

    refs = [ref for ref in refs_of(file, person) if ref not in known]
    views = (
        ColumnView(
            person, ColumnType.TEXT.value, ColumnRole.DIRECT_IDENTIFIER.value, "person-id", in_vault=True
        ),
        ColumnView(SOURCE_COLUMN, ColumnType.TEXT.value, ColumnRole.OTHER.value, "source", in_vault=False),
    )
    table = pa.table(
        {person: pa.array(refs, pa.string()), SOURCE_COLUMN: pa.array([mark] * len(refs), pa.string())}
    )
    lines = np.arange(2, 2 + len(refs), dtype=np.int64)
    return Arrival(
        dataset, person, views, table, lines, (), "{}", digest([file.content_hash, person]), bases, again=True
    )


def refs_of(file: SourceTable, person: str) -> list[str]:
    """List the source ids in a file, each once."""
    found = file.table.column(person).combine_chunks().dictionary_encode().dictionary.to_pylist()
    return [ref for ref in found if ref is not None and ref.strip()]
