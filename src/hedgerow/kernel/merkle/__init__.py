"""The journal's mathematics: an RFC 6962 log, signed checkpoints, saved heads and evidence bundles.

Bytes in, bytes out. Formats: ``specs/journal.md``, ``specs/checkpoint.md``, ``specs/evidence-bundle.md``.
"""

from __future__ import annotations

from hedgerow.kernel.merkle.bundle import build_bundle, verifier_source
from hedgerow.kernel.merkle.canonical import canonical_json, strict_json
from hedgerow.kernel.merkle.check import check_log, first_difference
from hedgerow.kernel.merkle.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint, sign_checkpoint
from hedgerow.kernel.merkle.document import open_document, sign_document
from hedgerow.kernel.merkle.frontier import Frontier, roots_at
from hedgerow.kernel.merkle.head import (
    Head,
    HeadComparison,
    HeadVerdict,
    compare_head,
    head_from_json,
    head_to_json,
)
from hedgerow.kernel.merkle.note import VerifierKey, fingerprint, key_id, open_note, sign_note
from hedgerow.kernel.merkle.tree import (
    EMPTY_ROOT,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    leaf_hashes,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

__all__ = [
    "EMPTY_ROOT",
    "Checkpoint",
    "Frontier",
    "Head",
    "HeadComparison",
    "HeadVerdict",
    "VerifierKey",
    "build_bundle",
    "canonical_json",
    "check_log",
    "compare_head",
    "consistency_proof",
    "fingerprint",
    "first_difference",
    "head_from_json",
    "head_to_json",
    "inclusion_proof",
    "key_id",
    "leaf_hash",
    "leaf_hashes",
    "node_hash",
    "open_checkpoint",
    "open_document",
    "open_note",
    "parse_checkpoint",
    "root_of",
    "roots_at",
    "sign_checkpoint",
    "sign_document",
    "sign_note",
    "strict_json",
    "verifier_source",
    "verify_consistency",
    "verify_inclusion",
]
