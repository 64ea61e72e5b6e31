"""Errors of setting up: a directory that is taken, a place for keys, a database that lets nobody in."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller, fault

ROWS: tuple[ErrorRow, ...] = (
    caller(
        "space.keys-stand",
        "{space} holds keys and table files of a workspace, but not its records.",
        "Leave it as it is and name a new one: `{again}`; if the records are lost, run `hedgerow restore`.",
    ),
    caller(
        "space.records-gone",
        "{space} holds keys of a workspace, but not its records: hedgerow.db is gone.",
        "Put it back, or make a workspace of a backup in another folder (`hedgerow restore --help`).",
    ),
    caller(
        "keys.token-of-file",
        "--token names a PKCS#11 token, but the keys would be kept in a file; nothing was made.",
        "Add --keys pkcs11 (to `hedgerow keys move`: --to pkcs11) to keep them in the token, or leave "
        "--token out.",
    ),
    caller(
        "keys.module-failed",
        "HEDGEROW_PKCS11_MODULE names {path}, a PKCS#11 library that could not start.",
        "Look at the library's own configuration: for SoftHSM, SOFTHSM2_CONF must name a file that can be "
        "read, and the folder of tokens that it names must be there.",
    ),
    caller(
        "keys.escrow-nobody",
        "Nobody is named who could bring the keys back.",
        "Name at least one with --recipient KEY; `hedgerow file identity --out FILE` makes one.",
    ),
    caller(
        "sealed.identity-exists",
        "A file stands at {out} already; an identity file is never overwritten.",
        "If it is your identity, `hedgerow file show {out}` prints its recipient; else name another --out.",
    ),
    caller(
        "sealed.nothing-known",
        "{path} is neither a sealed file, an identity or a recipient, nor an RSA key.",
        "Name a file that `hedgerow file seal` or `hedgerow file identity` wrote, a recipient's text, or an "
        "RSA key in PEM.",
    ),
    caller(
        "sealed.by-passphrase",
        "It is sealed by a passphrase that both sides know, not for an identity.",
        "Say --passphrase in place of --identity.",
        exit_code=4,
        status=401,
    ),
    fault(
        "store.not-let-in",
        "The database server runs, but does not let this role in, or has no connection free.",
        "See that the role may log in (a superuser runs `CREATE ROLE hedgerow_app LOGIN`), that "
        "the database is there (`createdb people`), and that the password is in ~/.pgpass or PGPASSWORD.",
        status=503,
    ),
    fault(
        "store.role-not-made",
        "The role {role} is not there, and this owner of the database may not make it; nothing was changed.",
        'Have a superuser run `CREATE ROLE "{role}" LOGIN` (and give it a password where the server asks for '
        "one), or give the owner CREATEROLE; then repeat the command.",
    ),
)
