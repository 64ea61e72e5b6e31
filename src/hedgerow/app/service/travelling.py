"""Trajectories of a data set: released into a file, through the gate."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from hedgerow.app.hierarchies import naming_file
from hedgerow.app.outputs import check_out, write_together
from hedgerow.app.released import certificate_paths
from hedgerow.app.report.certificate import render_certificate
from hedgerow.app.service.asking import Asking
from hedgerow.app.service.base import need_purpose
from hedgerow.model.canonical import digest
from hedgerow.model.errors import CallerError
from hedgerow.model.releases import LeftFile
from hedgerow.model.uses import Json, Receipt, UseRequest
from hedgerow.spine.gate import new_request_id

if TYPE_CHECKING:
    from hedgerow.techniques.places.governed import GovernedTrajectories


@dataclass(frozen=True, slots=True)
class TrajectoryRequest:
    """A wish to release trajectories.

    Args:
        dataset: The data set.
        place: Column of places, or those of latitude and longitude.
        time: Column of moments.
        k: People whom any known points fit.
        known: Points that an attacker may know.
        most_dropped: Largest share of the rows that may be dropped (0 to 1), exact text.
        finest_m: Edge in metres of the finest cells that coordinates become, exact text.
        ladder: ``calendar`` or ``habits``.
        zone: Time zone people live by, for times that carry one; none for local times.
        hierarchy: Rows of place and its levels; none where a place is told or ``*``.
        hierarchy_file: Name of the file these came from, for errors.
    """

    dataset: str
    place: Sequence[str]
    time: str
    k: int
    known: int = 4
    most_dropped: str = "0.1"
    finest_m: str = "250"
    ladder: str = "calendar"
    zone: str | None = None
    hierarchy: Sequence[Sequence[str]] | None = field(default=None, repr=False)
    hierarchy_file: str = ""


class Travelling(Asking):
    """Who was where and when leaves so that no few points single anyone out."""

    def trajectories(
        self,
        asked: TrajectoryRequest,
        *,
        purpose: str | None,
        out: Path,
        force: bool,
        request_id: str | None = None,
    ) -> dict[str, Json]:
        """Release trajectories into a file.

        Args:
            asked: What to release.
            purpose: Why.
            out: Where the CSV is written; its certificate lies beside it, as ``OUT.certificate.json`` and
                ``OUT.certificate.html``. None is overwritten without ``force``.
            force: Overwrite them.
            request_id: Repeating it returns the same release.

        Returns:
            The release, where it and its certificate are, its summary and the receipt; neither certificate
            nor summary for whom may not see exact risk.

        Raises:
            Refused: By policy, or when it cannot be reached: no file is left.
            CallerError: For what does not fit; ``out.not-written`` when the release was made and its file
                could not be: repeating the request writes it.
        """
        beside = certificate_paths(out)
        for path in (out, *beside):
            check_out(path, force=force)
        request, technique = self._travelling(asked, purpose, request_id), _technique()
        with naming_file(_files(asked)):
            receipt = self.spine.gate.use(request, technique)
        contents = self._paths_files(out, asked, request, receipt)
        try:
            write_together(contents, force=force)
        except CallerError:
            raise CallerError("out.not-written", out=out, request=shlex.quote(request.request_id)) from None
        return {
            "release": str(request.parameters["release"]),
            "out": str(out),
            "certificate": str(beside[0]) if beside[0] in contents else None,
            "summary": {**receipt.release.summary} if beside[0] in contents else {},
            "receipt": self._receipt(receipt, technique.action, asked.dataset),
        }

    def _paths_files(
        self, out: Path, asked: TrajectoryRequest, request: UseRequest, receipt: Receipt
    ) -> dict[Path, bytes]:
        """Certify a release and give the files to write: for whom may not see exact risk the table alone."""
        content, parameters = _csv(receipt.release.payload), request.parameters
        how = {"person": "numbered at random", asked.time: "time made coarser"}
        names = cast("Sequence[str]", receipt.release.payload["columns"])
        left = LeftFile(
            str(parameters["release"]),
            receipt.release.mechanism,
            {name: value for name, value in parameters.items() if name not in ("release", "hierarchy")},
            {name: how.get(name, "place made coarser") for name in names},
            hashlib.sha256(content).hexdigest(),
            len(content),
        )
        certificate = self.spine.releases.certify(self.actor, left)
        if not self._permits("release.risk", asked.dataset):
            return {out: content}
        page = render_certificate(json.loads(certificate)).encode()
        return {out: content, **dict(zip(certificate_paths(out), (certificate, page), strict=True))}

    def explain_trajectories(self, asked: TrajectoryRequest, *, purpose: str | None) -> dict[str, Json]:
        """Say what a release of trajectories would be decided and do, without executing it.

        Args:
            asked: What to release.
            purpose: Why.
        """
        request = self._travelling(asked, purpose, None)
        with naming_file(_files(asked)):
            told = self._explained(request, _technique())
        # The id is of this trial: the release itself will get another.
        unnamed = f": release {request.parameters['release']}"
        told["obligations"] = [said.replace(unnamed, "") for said in cast("list[str]", told["obligations"])]
        return told

    def _travelling(
        self, asked: TrajectoryRequest, purpose: str | None, request_id: str | None
    ) -> UseRequest:
        known = request_id or new_request_id()
        rows = None if asked.hierarchy is None else [list(row) for row in asked.hierarchy]
        parameters: dict[str, Json] = {
            "release": "R-" + digest(known)[:12],
            "place": list(asked.place),
            "time": asked.time,
            "k": asked.k,
            "known": asked.known,
            "most_dropped": asked.most_dropped,
            "finest_m": asked.finest_m,
            "ladder": asked.ladder,
            "zone": asked.zone,
            "hierarchy": cast("Json", rows),
        }
        return UseRequest(self.actor, need_purpose(purpose), asked.dataset, parameters, known)


def _technique() -> GovernedTrajectories:
    from hedgerow.techniques.places.governed import GovernedTrajectories

    return GovernedTrajectories()


def _csv(payload: Mapping[str, Json]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(cast("Sequence[str]", payload["columns"]))
    writer.writerows(cast("Sequence[Sequence[Json]]", payload["rows"]))
    return text.getvalue().encode()


def _files(asked: TrajectoryRequest) -> Mapping[str, str]:
    return {asked.place[0]: asked.hierarchy_file} if asked.hierarchy_file else {}
