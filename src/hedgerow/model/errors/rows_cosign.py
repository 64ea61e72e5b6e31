"""Errors of cosignatures: a second party that has seen the head of a journal."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller, fault

_INTEGRITY = 6

ROWS: tuple[ErrorRow, ...] = (
    fault(
        "cosignature.bad",
        "The cosignature of {name} over {size} entries does not verify.",
        "Ask the witness to cosign again: hedgerow journal cosign PATH --out FILE",
        exit_code=_INTEGRITY,
    ),
    fault(
        "cosignature.older",
        "The checkpoint of {origin} has {size} entries, and {known} were seen before: it was rolled back.",
        "Do not cosign. Keep both checkpoints and ask the log's operator.",
        exit_code=_INTEGRITY,
    ),
    fault(
        "cosignature.forked",
        "The log {origin} does not begin with the {known} entries seen before: it shows another history.",
        "Do not cosign. Keep both checkpoints as evidence and ask the log's operator.",
        exit_code=_INTEGRITY,
    ),
    fault(
        "key.second-missing",
        "The head of {size} entries lacks the ML-DSA-44 signature that is required from entry {entry} on.",
        "Treat the head as forged unless it was saved by an older version: hedgerow journal head --json",
        exit_code=_INTEGRITY,
    ),
    caller(
        "key.exists",
        "The journal has an ML-DSA key already.",
        "Nothing is to be done; its public key stands in the entry journal.key: hedgerow journal show",
        status=409,
    ),
    caller(
        "cosignature.no-proof",
        "A bare checkpoint does not show that {origin} still begins with the {known} entries seen before.",
        "Give the folder of an evidence bundle or of tiles: hedgerow evidence export, hedgerow journal tiles",
    ),
    caller(
        "cosignature.key",
        "This is no key of a witness: {reason}.",
        "A witness's key is a line NAME/witness+ID+KEY, which `hedgerow journal cosign` printed on the "
        "witness's side and `hedgerow journal key show` prints there again.",
    ),
    caller(
        "cosignature.no-key",
        "The log {origin} was never seen here, and no key says who signs it.",
        "Get its key by another way, and give it: --key KEY (`hedgerow journal head --json` shows it there)",
    ),
    caller(
        "cosignature.none",
        "There is no cosignature by {name} in it.",
        "Give the key that the witness printed when it cosigned (`hedgerow journal key show` prints it there "
        "again), and the file it wrote.",
    ),
)
