"""Reports as counts: what every estimate needs, and no more, whatever the number of reports."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hedgerow.kernel.local.client import HADAMARD, RESPONSE, SKETCH, Survey
from hedgerow.model.uses import Json

Numbers = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
# Bits that are unpacked at once, a byte each.
_AT_ONCE, _SUM = 1 << 25, 255
_HEX = re.compile(r"(?:[0-9a-f]{2})+")


class Tally:
    """Counts what reports of one survey say.

    Args:
        survey: The survey.

    Attributes:
        people: Reports counted.
        of_row: Reports counted for each row of a sketch; otherwise one number, all of them.
        counts: Reports that named each output; or, of unary answers, that sent each bit as 1, one line for
            each row of a sketch.
    """

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self.people = 0
        self.of_row: Numbers = np.zeros(max(1, survey.rows), dtype=np.int64)
        self.counts: Numbers = np.zeros((max(1, survey.rows), outputs_of(survey)), dtype=np.int64)

    def add(self, answers: Sequence[Json]) -> None:
        """Count answers as they stand in reports; ``is_answer`` must hold of each.

        Args:
            answers: The answers.
        """
        if self.survey.mechanism in (RESPONSE, HADAMARD):
            self.add_outputs(np.asarray(answers, dtype=np.int64))
            return
        is_sketch = self.survey.mechanism == SKETCH
        texts = [str(each[1]) if is_sketch and isinstance(each, list) else str(each) for each in answers]
        packed = np.frombuffer(bytes.fromhex("".join(texts)), dtype=np.uint8)
        rows = [each[0] if isinstance(each, list) else 0 for each in answers]
        self.add_bits(packed.reshape(len(texts), -1), np.asarray(rows, dtype=np.int64))

    def add_outputs(self, outputs: Numbers) -> None:
        """Count answers that are whole numbers.

        Args:
            outputs: One for each report, shape ``(n,)``.
        """
        self.counts[0] += np.bincount(outputs, minlength=self.counts.shape[1])
        self._count(len(outputs), np.zeros(len(outputs), dtype=np.int64))

    def add_bits(self, packed: Bytes, rows: Numbers) -> None:
        """Count answers that are bits.

        Args:
            packed: Eight bits a byte, the first the highest, shape ``(n, bytes)``.
            rows: The row of the sketch of each report, otherwise 0; shape ``(n,)``.
        """
        order = np.argsort(rows, kind="stable")
        packed, ordered = packed[order], rows[order]
        named, starts = np.unique(ordered, return_index=True)
        for row, own in zip(named, np.split(packed, starts[1:]), strict=True):
            self.counts[row] += _sums(own, self.counts.shape[1])
        self._count(len(ordered), ordered)

    def _count(self, people: int, rows: Numbers) -> None:
        self.people += people
        self.of_row += np.bincount(rows, minlength=len(self.of_row))


def _sums(packed: Bytes, wide: int) -> Numbers:
    """Count the ones of each place; in bytes first, of which each holds what 255 reports can sum to."""
    found, step = np.zeros(wide, dtype=np.int64), _SUM * max(1, _AT_ONCE // (_SUM * wide))
    for start in range(0, len(packed), step):
        bits = np.unpackbits(packed[start : start + step], axis=1, count=wide)
        whole = len(bits) // _SUM * _SUM
        parts = bits[:whole].reshape(-1, _SUM, wide).sum(axis=1, dtype=np.uint8)
        found += parts.sum(axis=0, dtype=np.int64) + bits[whole:].sum(axis=0, dtype=np.uint8)
    return found


def outputs_of(survey: Survey) -> int:
    """Tell how many outputs, or bits, an answer of a survey has."""
    if survey.mechanism == SKETCH:
        return survey.buckets
    return survey.width * survey.blocks if survey.mechanism == HADAMARD else len(survey.domain)


def is_answer(survey: Survey, answer: Json) -> bool:
    """Tell whether an answer is one that the survey's client could have given.

    Args:
        survey: The survey.
        answer: Whatever stood in the report.
    """
    if survey.mechanism in (RESPONSE, HADAMARD):
        return type(answer) is int and 0 <= answer < outputs_of(survey)
    if survey.mechanism != SKETCH:
        return _is_bits(answer, outputs_of(survey))
    if not (isinstance(answer, list) and [type(each) for each in answer] == [int, str]):
        return False
    row, bits = answer
    return isinstance(row, int) and 0 <= row < survey.rows and _is_bits(bits, survey.buckets)


def _is_bits(text: Json, count: int) -> bool:
    length = -(-count // 8)
    if not isinstance(text, str) or len(text) != 2 * length or not _HEX.fullmatch(text):
        return False
    return int(text[-2:], 16) & ((1 << (8 * length - count)) - 1) == 0
