"""Errors of sealed files, their recipients and identities."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller, fault, refused

_WAYS_TO_GIVE_IT = (
    "Set HEDGEROW_FILE_PASSPHRASE, name a file with --passphrase-file FILE, or run in a terminal and type it."
)
_ASK_AGAIN = "Fetch it again or ask the sender to seal it anew; nothing was written."

ROWS: tuple[ErrorRow, ...] = (
    fault(
        "crypto.no-post-quantum",
        "This machine's cryptography lacks ML-KEM-768 or gets it wrong, so nothing can be sealed safely.",
        "Run `pip install --force-reinstall --only-binary :all: 'cryptography>=48'`; its wheel has ML-KEM.",
        exit_code=7,
        status=422,
    ),
    caller(
        "sealed.not-one",
        "This is no sealed file.",
        "Name a file that `hedgerow file seal` wrote.",
    ),
    caller(
        "sealed.newer",
        "The sealed file is of a newer format ({found}, known {known}).",
        "Open it with the newer version of Hedgerow.",
    ),
    caller(
        "sealed.other-label",
        "It was sealed as {found}, and is asked for as {wanted}.",
        "An escrow: `hedgerow keys escrow-restore ESCROW --identity FILE`. A part of a backup: "
        "`hedgerow restore FOLDER --space NEW --identity FILE`. A file: `hedgerow file open`.",
    ),
    fault(
        "sealed.header-damaged",
        "The head of the sealed file is damaged or was changed.",
        _ASK_AGAIN,
        exit_code=6,
    ),
    fault(
        "sealed.changed",
        "The sealed file was changed or cut: a part of it is not what was sealed there.",
        _ASK_AGAIN,
        exit_code=6,
    ),
    fault(
        "sealed.truncated",
        "The sealed file is cut short.",
        _ASK_AGAIN,
        exit_code=6,
    ),
    fault(
        "sealed.appended",
        "The sealed file has something after its end.",
        _ASK_AGAIN,
        exit_code=6,
    ),
    caller(
        "sealed.wrong-identity",
        "The file is not sealed for this identity.",
        "It opens for: {recipients}. Name the identity of one of them.",
        exit_code=4,
        status=401,
    ),
    caller(
        "sealed.wrong-passphrase",
        "The passphrase does not open it.",
        "Ask the sender for the passphrase by another way than the file came.",
        exit_code=4,
        status=401,
    ),
    fault(
        "sealed.costly",
        "It asks for a passphrase check outside the allowed cost.",
        "Ask the sender to seal it with `hedgerow file seal`.",
        exit_code=6,
    ),
    caller(
        "sealed.no-recipient",
        "Nobody is named for whom to seal.",
        "Name at least one with --recipient KEY, or take a shared passphrase with --passphrase.",
    ),
    caller(
        "sealed.too-many-recipients",
        "A file is sealed for at most {limit} recipients.",
        "Seal it in several goes.",
    ),
    caller(
        "sealed.passphrase-alone",
        "A shared passphrase stands alone: whoever knows it could pass for the sender to the others.",
        "Seal once for the recipients, and once more with the passphrase.",
    ),
    caller(
        "sealed.recipient-malformed",
        "This is no recipient's key: it is cut short, mistyped or of another kind.",
        "Give the text that begins with hedgerow-recipient-1-, a file that holds it, or an RSA key in PEM.",
    ),
    caller(
        "sealed.recipient-secret",
        "{path} is an identity, which stays with its owner; nothing is sealed for it by that file.",
        "Name its recipient, which `hedgerow file show {path}` prints.",
    ),
    caller(
        "sealed.recipient-twice",
        "The same recipient is named twice.",
        "Name each once.",
    ),
    caller(
        "sealed.rsa-unfit",
        "The RSA key has {bits} bits; {least} to {most} are taken.",
        "Use a larger key or, better, one made by `hedgerow file identity`.",
    ),
    caller(
        "sealed.identity-malformed",
        "This is no identity: it is damaged, cut short or of another kind.",
        "Name the file that `hedgerow file identity` wrote, or a private RSA key in PEM.",
    ),
    caller(
        "sealed.identity-public",
        "{path} is a public key, for which others seal; it opens nothing.",
        "Name the private key that belongs to it: the file that `hedgerow file identity --out` wrote, or the "
        "private RSA key in PEM.",
    ),
    caller(
        "sealed.identity-sealed",
        "The identity is sealed by a passphrase and none was given.",
        _WAYS_TO_GIVE_IT,
        exit_code=4,
        status=401,
    ),
    caller(
        "sealed.identity-unsealed",
        "A passphrase was given, but the identity is not sealed by one.",
        "Leave it out (`unset HEDGEROW_FILE_PASSPHRASE`); if it should be sealed, restore it from a backup.",
        exit_code=4,
        status=401,
    ),
    caller(
        "sealed.identity-passphrase",
        "The passphrase does not open the identity.",
        "Try again with the passphrase it was made with; it cannot be recovered from the file.",
        exit_code=4,
        status=401,
    ),
    caller(
        "sealed.passphrase-needed",
        "A shared passphrase is asked for and none was given.",
        _WAYS_TO_GIVE_IT,
        exit_code=4,
        status=401,
    ),
    caller(
        "sealed.no-opener",
        "Nothing is named that could open it.",
        "Name your identity with --identity FILE, or take the shared passphrase with --passphrase.",
    ),
    refused(
        "sealed.identity-exposed",
        "The identity at {path} has no passphrase and other accounts of this machine can reach it.",
        "Run `chmod 600 {path}`.",
    ),
    refused(
        "crypto.legacy-cipher",
        "New data is not sealed with {cipher}: {reason}.",
        "Leave --cipher out: AES-256-GCM is used. Old data comes in with `hedgerow keys import-legacy`.",
    ),
    caller(
        "legacy.key-malformed",
        "This is no key for {cipher}.",
        "Give a file with the old key: Fernet's own text, or base64 or hexadecimal, and on a second line the "
        "key of the HMAC if there is one.",
    ),
    caller(
        "legacy.key-needed",
        "The old key was not given.",
        "Name its file with --key-file FILE, or set HEDGEROW_LEGACY_KEY.",
        exit_code=4,
        status=401,
    ),
    caller(
        "legacy.wrong-key",
        "Column {column} of {path} does not open with this key and cipher; nothing was taken.",
        "See that --cipher, --columns and the key belong to it; with an HMAC its key is the second line.",
        exit_code=4,
        status=401,
    ),
    caller(
        "legacy.rows-broken",
        "{rows} of {path} cannot be taken, first on line {line} in column {column}; nothing was taken.",
        "Changed, never encrypted, or encrypted with another key: mend or take out line {lines}.",
    ),
    caller(
        "legacy.no-text",
        "Column {column} of {path} holds no text, so it is not encrypted.",
        "Name only encrypted columns with --columns.",
    ),
    fault(
        "legacy.not-verified",
        "{rows} of {dataset} did not read back as they were decrypted, first line {line}.",
        "Keep the old file and its key, and run `hedgerow doctor`.",
        exit_code=6,
    ),
    caller(
        "keys.escrow-token",
        "The master keys are in a token and never leave it, so they cannot be sealed for anybody.",
        "Use the token's own backup.",
    ),
    caller(
        "keys.escrow-recipient",
        "Master keys are sealed for identities that hold against quantum computers only.",
        "Have the officer make one: `hedgerow file identity --out FILE`.",
    ),
    caller(
        "keys.escrow-other",
        "The escrow does not hold the master key that this workspace rests on; nothing was written.",
        "It is of another workspace or older than the last change of epoch: use a newer escrow.",
    ),
    caller(
        "keys.escrow-unneeded",
        "The workspace has its keys, at {path}; nothing was written.",
        "If they cannot be opened any more, move that file away and run the command again.",
    ),
)
