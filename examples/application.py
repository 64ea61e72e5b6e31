"""An application on a workspace: it reads one person's fields for a purpose, and an analyst asks.

Run it with ``python examples/application.py DIR REF``: a workspace with the data set ``visits`` of the
tour in README.md, and a patient in it who consented. The passphrase is taken from HEDGEROW_PASSPHRASE.
"""

# ruff: noqa: INP001, T201 - an example is no package, and prints

from __future__ import annotations

import sys

import hedgerow as hr

QUESTION = "SELECT ward, COUNT(*) FROM visits GROUP BY ward"


def main(directory: str, ref: str) -> None:
    """Read a person, ask a question, meet a refusal."""
    with hr.open(directory) as space:
        officer = space.acting_as("priya", purpose="research")
        read = officer.subject(ref).read(["ward", "age"])
        print(f"fields of one person, read through the gate: {sorted(read['rows'][0])}")
        analyst = space.acting_as("ana", purpose="research")
        answer = analyst.query("visits", QUESTION, epsilon="0.2", request_id="example-1")
        print(answer["sentence"])
        again = analyst.query("visits", QUESTION, epsilon="0.2", request_id="example-1")
        print(f"asked again: the same rows: {answer['rows'] == again['rows']}")
        try:
            analyst.subject(ref).read(["full_name"])
        except hr.Refused as refusal:
            print(f"refused: {refusal.message} {refusal.next_step}")


if __name__ == "__main__":
    main(*sys.argv[1:])
