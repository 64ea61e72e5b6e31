"""Errors of releases that left: certificates, withdrawals, repeated releases."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller, fault, refused

ROWS: tuple[ErrorRow, ...] = (
    fault(
        "released.not-as-certified",
        "{path} and its certificate do not fit: {told}.",
        "Do not use the file. Ask whoever released it for the file and the certificate again.",
        exit_code=6,
    ),
    caller(
        "released.no-certificate",
        "No certificate was made of {release}: it left before there were any, or its file was never written.",
        "Repeat the release under its --request-id, which writes the file and the certificate.",
        status=404,
    ),
    caller(
        "released.no-reason",
        "Why {release} is withdrawn is not told.",
        "Tell it: `hedgerow released retire {release} --reason 'why' --yes`.",
    ),
    refused(
        "released.retired",
        "{release} was withdrawn before.",
        "See when and why: `hedgerow released show {release}`.",
    ),
)
