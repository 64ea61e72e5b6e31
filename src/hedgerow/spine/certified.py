"""What certificates tell: which is of which erasure, and whether it is final."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from hedgerow.model.errors import Refused
from hedgerow.model.ports import Reader
from hedgerow.model.records import Certificate, Tombstone
from hedgerow.model.uses import Json

LOGICAL, FINAL = "erasure-certificate", "final-erasure-certificate"


def body_of(certificate: Certificate) -> Mapping[str, Json]:
    """Read what a certificate states."""
    return cast("Mapping[str, Json]", json.loads(certificate.body)["body"])


def final_of(reader: Reader, erasure: str) -> str | None:
    """Name the certificate that an erasure is final, or none."""
    for certificate in reader.find_any(Certificate, "kind", [FINAL]):
        if body_of(certificate)["erasure"] == erasure:
            return certificate.id
    return None


def erased(reader: Reader, tombstone: Tombstone) -> Refused:
    """Word the refusal of what was asked about somebody erased, with the certificates to look for."""
    name = tombstone.certificate
    final = final_of(reader, name)
    told = f" on {tombstone.erased[:10]}: logical {name}, {f'final {final}' if final else 'not final yet'}"
    return Refused("subject.erased", told=told, certificate=final or name)


def certificate_row(certificate: Certificate) -> dict[str, Json]:
    """Tell in brief what a certificate is of.

    Returns:
        ``certificate``, ``state``, ``erasure`` (the certificate of the erasure itself), ``erased``, ``made``
        and ``entry``.
    """
    body = body_of(certificate)
    return {
        "certificate": certificate.id,
        "state": body["state"],
        "erasure": body.get("erasure", certificate.id),
        "erased": body["erased"],
        "made": certificate.time,
        "entry": body["journal_entry"],
    }
