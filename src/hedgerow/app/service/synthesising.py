"""Synthesising: tables of people who do not exist, through the gate."""

from __future__ import annotations

import io
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hedgerow.app.outputs import check_out, write_out
from hedgerow.app.service.asking import Asking
from hedgerow.app.service.base import Progress, need_purpose, quiet
from hedgerow.model.errors import CallerError
from hedgerow.model.uses import Json, UseRequest
from hedgerow.spine.gate import new_request_id

if TYPE_CHECKING:
    from hedgerow.techniques.synthetic.technique import GovernedSynthesis


@dataclass(frozen=True, slots=True)
class SynthesisRequest:
    """A wish for a synthetic table.

    Args:
        dataset: The data set.
        columns: Columns of the table.
        rows: How many rows it shall have.
        epsilon: What it may cost, exact decimal text.
        delta: The chance that epsilon goes with, exact decimal text; 0 for a pure epsilon. None for 1e-9, or
            0 where a budget has no delta.
        check_epsilon: A further epsilon for comparing it with the real rows, or none.
        bins: Bins of each numeric column at most.
        child_columns: For a pair of tables the columns of the rows of each person; ``columns`` are then of
            the persons, and ``rows`` how many.
        children: The data set that holds those rows; none where ``dataset`` holds both.
    """

    dataset: str
    columns: Sequence[str]
    rows: int
    epsilon: str
    delta: str | None = None
    check_epsilon: str | None = None
    bins: int = 16
    child_columns: Sequence[str] = ()
    children: str | None = None

    @property
    def others(self) -> tuple[str, ...]:
        """The further data set that is used."""
        return () if self.children in (None, self.dataset) else (str(self.children),)


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where a synthetic table goes.

    Args:
        table: The file; it ends with ``.csv`` or ``.parquet``.
        report: Where its fidelity report goes, or none; it ends with ``.html`` or ``.json``.
        force: Whether files that are there are overwritten.
        children: Where the child table of a pair goes; it ends as the other does.
    """

    table: Path
    report: Path | None = None
    force: bool = False
    children: Path | None = None

    def check(self) -> None:
        """Refuse what cannot be written, before anything is spent.

        Raises:
            CallerError: ``synth.bad-out``, ``synth.bad-report`` or ``out.*``.
        """
        for out in (self.table, self.children):
            if out is not None:
                if out.suffix not in (".csv", ".parquet"):
                    raise CallerError("synth.bad-out", out=out)
                check_out(out, force=self.force)
        if self.report is not None:
            if self.report.suffix not in (".html", ".json"):
                raise CallerError("synth.bad-report", out=self.report)
            check_out(self.report, force=self.force)


class Synthesising(Asking):
    """Synthetic tables are made, privately."""

    def _synthesis_request(
        self, asked: SynthesisRequest, purpose: str | None, request_id: str | None
    ) -> UseRequest:
        parameters: dict[str, Json] = {
            "columns": list(asked.columns),
            "rows": asked.rows,
            "epsilon": str(asked.epsilon),
            "delta": None if asked.delta is None else str(asked.delta),
            "check_epsilon": None if asked.check_epsilon is None else str(asked.check_epsilon),
            "bins": asked.bins,
            **({"child_columns": list(asked.child_columns)} if asked.child_columns else {}),
        }
        known = request_id or new_request_id()
        chosen = need_purpose(purpose)
        return UseRequest(self.actor, chosen, asked.dataset, parameters, known, others=asked.others)

    def _synthesis(self, request: UseRequest, progress: Progress = quiet) -> GovernedSynthesis:
        """Make the technique: where a budget it would debit has no delta, it takes a pure epsilon."""
        from hedgerow.techniques.synthetic.plan import DELTA
        from hedgerow.techniques.synthetic.technique import GovernedSynthesis

        with self.spine.store.read() as reader:
            balance = self.spine.ledger.balance(reader, request.dataset, request.purpose, request.others)
        return GovernedSynthesis(progress, DELTA if balance.has_delta else "0")

    def explain_synthesis(self, asked: SynthesisRequest, *, purpose: str | None) -> dict[str, Json]:
        """Say what a synthetic table would be decided, measure and cost, without executing it."""
        request = self._synthesis_request(asked, purpose, None)
        return self._explained(request, self._synthesis(request))

    def synthesise(
        self,
        asked: SynthesisRequest,
        *,
        purpose: str | None,
        out: Outputs,
        request_id: str | None = None,
        progress: Progress = quiet,
    ) -> dict[str, Json]:
        """Make a synthetic table and write it into a file.

        Args:
            asked: What to make.
            purpose: Why.
            out: Where it is written, and its report.
            request_id: Repeating it writes the same table at no cost.
            progress: Told each step.

        Returns:
            The label, the fidelity, the paths and the receipt.

        Raises:
            Refused: By policy, for what is not declared, or when the budget does not hold it.
            CallerError: ``out.*`` and ``synth.*`` before anything is spent; ``out.not-written`` when the
                table was made and its file could not be: repeating the request writes it.
        """
        is_pair = bool(asked.child_columns)
        if is_pair != (out.children is not None) or (asked.children is not None and not is_pair):
            raise CallerError("synth.bad-pair")
        out.check()
        request = self._synthesis_request(asked, purpose, request_id)
        technique = self._synthesis(request, progress)
        receipt = self.spine.gate.use(request, technique)
        told: dict[str, Json] = {
            "dataset": asked.dataset,
            **({"children": asked.children} if asked.others else {}),
            "purpose": need_purpose(purpose),
            "out": str(out.table),
            "report": None if out.report is None else str(out.report),
            "children_out": None if out.children is None else str(out.children),
            **receipt.release.summary,
            "receipt": self._receipt(receipt, technique.action, asked.dataset),
        }
        try:
            progress("writing")
            _write(out, receipt.release.payload, told)
        except CallerError as error:
            again = shlex.quote(request.request_id)
            raise CallerError("out.not-written", out=error.details["out"], request=again) from None
        return told


def _write(out: Outputs, payload: Mapping[str, Json], told: Mapping[str, Json]) -> None:
    from hedgerow.techniques.synthetic.payload import unpacked, unpacked_pair

    if out.children is None:
        write_out(out.table, content_of(unpacked(payload), out.table), force=out.force)
    else:
        parents, children = unpacked_pair(payload)
        write_out(out.table, content_of(parents, out.table), force=out.force)
        write_out(out.children, content_of(children, out.children), force=out.force)
    if out.report is not None:
        write_out(out.report, report_of(told, out.report), force=out.force)


def content_of(table: Any, out: Path) -> bytes:  # noqa: ANN401 - an Arrow table
    """Write a table as CSV or Parquet, as the name of its file says.

    Args:
        table: An Arrow table.
        out: The file it is for.
    """
    sink = io.BytesIO()
    if out.suffix == ".parquet":
        import pyarrow.parquet as pq

        pq.write_table(table, sink)
    else:
        import pyarrow.csv as pcsv

        pcsv.write_csv(table, sink, pcsv.WriteOptions(quoting_style="needed"))
    return sink.getvalue()


def report_of(told: Mapping[str, Json], out: Path) -> bytes:
    """Write the fidelity report as HTML or JSON, as the name of its file says."""
    if out.suffix == ".json":
        import json

        return (json.dumps(told, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()
    from hedgerow.app.report.synthetic import render_synthetic

    return render_synthetic(told).encode()
