"""Releasing: de-identified tables that leave, through the gate."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from hedgerow.app.hierarchies import naming_file
from hedgerow.app.outputs import check_out, write_out, write_together
from hedgerow.app.released import certificate_paths
from hedgerow.app.report.certificate import render_certificate
from hedgerow.app.service.asking import Asking
from hedgerow.app.service.base import need_purpose
from hedgerow.app.service.reporting import Reporting
from hedgerow.model.canonical import digest
from hedgerow.model.errors import CallerError
from hedgerow.model.records import Released
from hedgerow.model.releases import LeftFile
from hedgerow.model.transforms import parse_transform
from hedgerow.model.uses import Json, Receipt, UseRequest
from hedgerow.spine.gate import new_request_id


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """A wish to release a de-identified table.

    Args:
        dataset: The data set.
        quasi: Quasi-identifiers.
        k: Least class size.
        sensitive: Sensitive attributes.
        keep: Other columns, on the caller's word.
        l: Least distinct values of each sensitive attribute in a class, or none.
        suppression_limit: Largest share of rows that may be dropped (0 to 1), exact text.
        hierarchies: Column to rows of value and its levels; others are built.
        hierarchy_files: Column to the name of the file these came from, for errors.
        models: Privacy models that must hold besides k, as texts such as ``entropy-l(diagnosis)=3``.
        population: People of the population: how many, or ``columns`` and ``rows`` of texts with the
            quasi-identifiers of each; none where unknown.
        weights: What detail of a quasi-identifier is worth, exact text by column; 1 where not named.
        method: ``exact``, ``local``, ``auto`` or ``cells``.
        where: A condition that all rows of a person meet, such as ``age >= 18 AND ward = 'A'``; or none.
        transforms: What is done to the rows besides, in this order, as texts such as ``top(age)=90``.
        hierarchy_choices: Column to a hierarchy built by declared choices, as ``redaction(right)``.
    """

    dataset: str
    quasi: Sequence[str]
    k: int
    sensitive: Sequence[str] = ()
    keep: Sequence[str] = ()
    l: int | None = None  # noqa: E741 - the field's own word
    suppression_limit: str = "0.05"
    hierarchies: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    hierarchy_files: Mapping[str, str] = field(default_factory=dict)
    models: Sequence[str] = ()
    population: int | Mapping[str, Json] | None = None
    weights: Mapping[str, str] = field(default_factory=dict)
    method: str = "exact"
    where: str | None = None
    transforms: Sequence[str] = ()
    hierarchy_choices: Mapping[str, str] = field(default_factory=dict)


class Releasing(Asking, Reporting):
    """De-identified tables leave."""

    def _release_request(
        self, asked: ReleaseRequest, purpose: str | None, request_id: str | None
    ) -> UseRequest:
        known = request_id or new_request_id()
        parameters: dict[str, Json] = {
            # Told from the id, so that repeating the request names the same release.
            "release": "R-" + _short(known),
            "quasi": list(asked.quasi),
            "sensitive": list(asked.sensitive),
            "keep": list(asked.keep),
            "k": asked.k,
            "l": asked.l,
            "suppression_limit": asked.suppression_limit,
            "hierarchies": {name: [list(row) for row in rows] for name, rows in asked.hierarchies.items()},
            **_further(asked),
        }
        return UseRequest(self.actor, need_purpose(purpose), asked.dataset, parameters, known)

    def explain_release(self, asked: ReleaseRequest, *, purpose: str | None) -> dict[str, Json]:
        """Say what a release would be decided and do, without executing it."""
        request = self._release_request(asked, purpose, None)
        told = self._explained(request, self.spine.release)
        # The id is of this trial: the release itself will get another.
        unnamed = f": release {request.parameters['release']}"
        told["obligations"] = [said.replace(unnamed, "") for said in cast("list[str]", told["obligations"])]
        return told

    def release_candidates(self, asked: ReleaseRequest, *, purpose: str | None) -> dict[str, Json]:
        """Tell what releases of several k and limits would lose and risk; none is made and nothing leaves.

        Args:
            asked: What would be released; its k, limit and method are not used.
            purpose: Why.

        Returns:
            ``candidates``, the least k first, and the receipt.

        Raises:
            Refused: By policy: it needs the right to release and the right to see exact risk.
            CallerError: As ``release``.
        """
        from hedgerow.techniques.anonymity.curve import ReleaseCurve

        self._require("release.risk", asked.dataset)
        request = self._release_request(replace(asked, method="exact"), purpose, None)
        with naming_file(asked.hierarchy_files):
            receipt = self.spine.gate.use(request, ReleaseCurve())
        return {**receipt.release.payload, "receipt": self._receipt(receipt, "release", asked.dataset)}

    def release(
        self,
        asked: ReleaseRequest,
        *,
        purpose: str | None,
        out: Path,
        force: bool,
        request_id: str | None = None,
    ) -> dict[str, Json]:
        """Release a k-anonymous table into a file.

        Args:
            asked: What to release.
            purpose: Why.
            out: Where the CSV is written; its certificate lies beside it, as ``OUT.certificate.json`` and
                ``OUT.certificate.html``. None is overwritten without ``force``.
            force: Overwrite them.
            request_id: Repeating it returns the same release.

        Returns:
            The release's id, the path, where its certificate lies, the risk summary and the receipt; neither
            certificate nor summary for whom may not see exact risk.

        Raises:
            Refused: By policy, or when ``k`` cannot be reached: no file is left.
            CallerError: ``out.*`` before anything is spent; ``out.not-written`` when the release was made
                and its file could not be: repeating the request writes it.
        """
        check_out(out, force=force)
        beside = certificate_paths(out)
        for path in beside:
            check_out(path, force=force)
        request = self._release_request(asked, purpose, request_id)
        with naming_file(asked.hierarchy_files):
            receipt = self.spine.gate.use(request, self.spine.release)
        release_id, content = str(request.parameters["release"]), _csv(receipt.release.payload)
        certificate = self.spine.releases.certify(self.actor, _left(request, receipt, content))
        contents, may_see = {out: content}, self._permits("release.risk", asked.dataset)
        if may_see:
            page = render_certificate(json.loads(certificate)).encode()
            contents |= dict(zip(beside, (certificate, page), strict=True))
        try:
            write_together(contents, force=force)
        except CallerError:
            again = shlex.quote(request.request_id)
            raise CallerError("out.not-written", out=out, request=again) from None
        kept = self._receipt(receipt, self.spine.release.action, asked.dataset)
        return {
            "release": release_id,
            "out": str(out),
            "certificate": str(beside[0]) if may_see else None,
            "summary": {**receipt.release.summary} if may_see else {},
            "receipt": kept,
        }

    def release_certificate(self, release: str) -> dict[str, Json]:
        """Give the certificate of a release, as it lies beside its file.

        Raises:
            CallerError: ``released.unknown`` or ``released.no-certificate``.
        """
        self.release_shown(release)
        with self.spine.store.read() as reader:
            held = self.spine.releases.certificate(reader, release)
        if held is None:
            raise CallerError("released.no-certificate", release=release)
        return cast("dict[str, Json]", json.loads(held))

    def write_certificate_page(self, release: str, out: Path, *, force: bool) -> None:
        """Write the page of a release's certificate; it says where the release was withdrawn.

        Raises:
            CallerError: As ``release_certificate`` does, and ``out.*``.
        """
        check_out(out, force=force)
        shown, document = self.release_shown(release), self.release_certificate(release)
        retired = cast("Mapping[str, Json] | None", shown["retired"])
        write_out(out, render_certificate(document, retired).encode(), force=force)

    def retire_release(self, release: str, reason: str) -> dict[str, Json]:
        """Mark a release withdrawn.

        Args:
            release: Its id.
            reason: Why; whoever may see the release reads it.

        Returns:
            The release as ``release_shown`` gives it.

        Raises:
            CallerError: ``released.unknown``, ``released.no-reason``.
            Refused: By policy, or ``released.retired``.
        """
        self._require("release", self._dataset_of(release))
        self.spine.releases.retire(self.actor, release, reason)
        return self.release_shown(release)

    def _dataset_of(self, release: str) -> str | None:
        with self.spine.store.read() as reader:
            record = reader.get(Released, release)
        return None if record is None else record.dataset


_KEPT = "as collected"
_LISTS = {"quasi": "quasi-identifier", "sensitive": "sensitive attribute", "keep": _KEPT}


def _left(request: UseRequest, receipt: Receipt, content: bytes) -> LeftFile:
    asked, payload = request.parameters, receipt.release.payload
    how = {
        str(name): told
        for key, told in _LISTS.items()
        for name in cast("Sequence[Json]", asked.get(key) or ())
    }
    texts = cast("Sequence[str]", asked.get("transforms") or ())
    altered = {name for text in texts for name in parse_transform(text).columns}
    how = {
        name: "as transformed" if name in altered and told == _KEPT else told for name, told in how.items()
    }
    return LeftFile(
        str(asked["release"]),
        receipt.release.mechanism,
        {name: _told(value) for name, value in asked.items() if name != "release"},
        {str(name): how.get(str(name), "") for name in cast("Sequence[Json]", payload["columns"])},
        hashlib.sha256(content).hexdigest(),
        len(content),
    )


def _told(value: Json) -> Json:
    """A parameter as a certificate shows it: of a population its size, never its people."""
    if isinstance(value, Mapping) and "rows" in value and "columns" in value:
        return {"people": len(cast("Sequence[Json]", value["rows"]))}
    return value


def _further(asked: ReleaseRequest) -> dict[str, Json]:
    """What a request says only where it was asked, so that one made before binds as it did."""
    further: dict[str, Json] = {"models": list(asked.models), "population": asked.population}
    further |= {"weights": dict(asked.weights), "method": None if asked.method == "exact" else asked.method}
    further["where"] = None if asked.where is None else _condition(asked.where)
    further |= {"transforms": list(asked.transforms), "hierarchy_choices": dict(asked.hierarchy_choices)}
    return {name: value for name, value in further.items() if value not in (None, [], {})}


def _condition(text: str) -> str:
    from hedgerow.kernel.conditions.filters import normalised

    return normalised(text)


def _short(request_id: str) -> str:
    return digest(request_id)[:12]


def _csv(payload: Mapping[str, Json]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(cast("Sequence[str]", payload["columns"]))
    writer.writerows(cast("Sequence[Sequence[Json]]", payload["rows"]))
    return text.getvalue().encode()
