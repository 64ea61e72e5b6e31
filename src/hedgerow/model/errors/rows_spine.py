"""Errors of the gate, catalog, consent, vault, intake and the store beneath them."""

from __future__ import annotations

import shlex

from hedgerow.model.errors.base import Details, ErrorRow, caller, fault, refused
from hedgerow.model.roles import roles_for
from hedgerow.model.words import Basis

_BASES = ", ".join(Basis)


def _whom_to_ask(details: Details) -> Details:
    return {"permitted": roles_for(details.get("action"))}


def _asked_less(told: Details) -> Details:
    """Say what can still be asked."""
    left = str(told.get("askable", told["left"]))
    ask = f"Ask for at most --epsilon {left}." if left != "0" else "Nothing more can be asked."
    if "rho" in str(told["cost"]) and left != "0":
        ask = f"Ask for less (`--explain` tells how many fit), or a query of at most --epsilon {left}."
    return {"ask": ask, "permitted": roles_for("budget.allocate")}


def _purpose_step(told: Details) -> Details:
    """Name the purpose that was meant, or how one is declared."""
    if told.get("near"):
        return {"step": f"{told['near']}Name it with --purpose."}
    name = shlex.quote(str(told["purpose"]))
    return {"step": f"Declare it: `hedgerow purpose add {name} --why TEXT --owner PRINCIPAL --until DATE`."}


ROWS: tuple[ErrorRow, ...] = (
    fault(
        "store.conflict",
        "The store already holds this record of {table}; nothing was written.",
        "Repeat the command; if it comes back, run `hedgerow doctor`.",
    ),
    fault(
        "store.busy",
        "Another process has held the workspace for 30 seconds; nothing was written.",
        "Wait for it to finish and repeat the command.",
        status=503,
    ),
    fault(
        "store.full",
        "The disk is full; nothing was written and nothing was lost.",
        "Free space on the workspace's disk and repeat the command.",
        status=507,
    ),
    fault(
        "store.read-only",
        "The workspace cannot be written to: its files or its disk are read-only.",
        "Make them writable for the account that runs this, and repeat the command.",
    ),
    fault(
        "store.closed",
        "This workspace was closed.",
        "Open it again: hr.open(path).",
    ),
    fault(
        "store.closed-off",
        "This account may not read {path}.",
        "Run it as the account that owns the workspace, or give this one the right to read and write there.",
    ),
    fault(
        "store.unreadable",
        "The workspace database cannot be read.",
        "Leave it as it is, and restore a backup in another folder: `hedgerow restore --help`.",
        exit_code=6,
    ),
    caller(
        "space.newer-version",
        "This workspace has schema {found}; this Hedgerow knows up to {known}.",
        "Upgrade Hedgerow with `pip install --upgrade` from the newer source, then repeat the command.",
    ),
    fault(
        "table.changed",
        "Another process changed the data set meanwhile; nothing was written.",
        "Repeat the command.",
        status=409,
    ),
    fault(
        "table.not-as-told",
        "The table files of data set {dataset} are not those that the journal told last: somebody changed"
        " the database beside Hedgerow. Nothing was changed.",
        "They may hold rows of erased people. Restore a backup from before: `hedgerow restore --help`.",
        exit_code=6,
    ),
    caller(
        "name.malformed",
        "A {what} name is 1 to 63 lower-case letters, digits, - and _, starting with a letter.",
        "Choose such a name.",
    ),
    refused(
        "principal.unknown",
        "There is no principal {principal}.",
        "Add it with `hedgerow principal add {principal} --role ROLE`, or list them with `hedgerow "
        "principal list`.",
    ),
    refused(
        "principal.disabled",
        "The principal {principal} is disabled.",
        "Ask an administrator.",
    ),
    refused(
        "principal.not-yours",
        "Only the owner of a local workspace may act as {principal}.",
        "Act as yourself, without --as.",
    ),
    caller(
        "principal.exists",
        "The principal {principal} exists.",
        "See it with `hedgerow principal list`.",
    ),
    caller(
        "principal.no-such-role",
        "{role} is no role.",
        "Use administrator, analyst, privacy-officer, auditor or service.",
    ),
    caller(
        "purpose.exists",
        "The purpose {purpose} exists.",
        "Use it, or choose another name; `hedgerow purpose list` shows them.",
    ),
    caller("purpose.no-why", "A purpose needs a reason.", 'Say it with --why "...".'),
    caller(
        "purpose.already-over",
        "The end date of the purpose has passed.",
        "Give a later day with --until YYYY-MM-DD.",
    ),
    refused(
        "purpose.unknown",
        "The purpose {purpose} is not declared.",
        "{step}",
        derived=_purpose_step,
    ),
    refused(
        "purpose.ended",
        "The purpose {purpose} ended on {until}.",
        "Declare a new purpose with a reason of its own; an ended one is not revived.",
    ),
    caller(
        "purpose.missing",
        "A use needs a purpose.",
        "Name it with --purpose; `hedgerow purpose list` shows the declared ones.",
    ),
    refused(
        "basis.missing",
        "The data set {dataset} has no lawful basis for the purpose {purpose}.",
        "Use a purpose it was collected for; `hedgerow dataset show {dataset}` lists them.",
    ),
    refused(
        "basis.none-given",
        "The purpose {purpose} has no lawful basis here.",
        "Give one with --basis: " + _BASES + ".",
    ),
    caller(
        "basis.unknown",
        "What was given as the lawful basis of {purpose} is none.",
        "Use one of " + _BASES + ".",
    ),
    caller(
        "basis.differs",
        "{dataset} already serves {purpose} on the basis {basis}; a basis is not exchanged later.",
        "Collect with --basis {basis}, or declare another purpose.",
    ),
    refused(
        "basis.withdrawn",
        "There is no basis for this purpose for this person.",
        "Ask the person; `hedgerow consent show` tells what was chosen.",
    ),
    caller(
        "dataset.not-for-you",
        "There is no data set {dataset}.",
        "List them with `hedgerow dataset list`.",
        status=404,
    ),
    caller(
        "dataset.unknown",
        "There is no data set {dataset}.",
        "List them with `hedgerow dataset list`.",
        status=404,
    ),
    refused(
        "dataset.dropped",
        "The data set {dataset} was dropped on {time}; nothing of it is used any more.",
        "Collect it again under the same name with `hedgerow collect FILE --dataset {dataset}`; what was "
        "spent on it stays spent.",
        status=410,
    ),
    caller(
        "dataset.columns-differ",
        "{dataset} exists with other columns or types: {differ}.",
        "Collect the same columns (`hedgerow dataset show {dataset}`), or choose another --dataset.",
    ),
    caller(
        "collect.taken-before",
        "This very file was taken into {dataset} before; nothing was added.",
        "Nothing to do. To add its rows once more, say --again.",
    ),
    refused(
        "collect.not-minimal",
        "No purpose was named for these columns: {columns}.",
        "Name what the purpose needs: --keep {columns} (shorten the list), or what it does not: --drop "
        "COL,COL.",
    ),
    caller(
        "collect.no-subject-key",
        "The file has no column {column} to tell whose row it is.",
        "Name the right one with --subject-key; the columns are: {columns}.",
    ),
    caller(
        "collect.no-headings",
        "The first line of {path} looks like values of its {count} columns, not like their names, and is not "
        "repeated.",
        "Put the column names on the first line. If they are there, name the columns with --subject-key, and "
        "with --keep or --drop.",
    ),
    caller(
        "collect.no-rows",
        "{path} has no row that can be read ({broken} broken{first}); nothing was taken.",
        "Correct the file, or the types in the schema file.",
    ),
    caller(
        "collect.unknown-column",
        "{path} has no column {column}.",
        "See its columns: `hedgerow discover {path}`.",
    ),
    caller(
        "collect.declared-dropped",
        "The schema file declares {column}, which is not collected.",
        "Collect it with --keep, or take it out of [bounds] and [keys].",
    ),
    caller(
        "collect.nothing-kept",
        "No column but the subject key would be kept in the table.",
        "Keep at least one column that is no direct identifier with --keep.",
    ),
    caller(
        "collect.consents-malformed",
        "The consents file lacks the column {column}.",
        "It needs subject, purpose and time, and may have granted, notice_version and channel.",
    ),
    caller(
        "collect.consents-heading",
        "The consents file has a column this does not know.",
        "It may have subject, purpose, time, granted, notice_version and channel; remove any other.",
    ),
    refused(
        "purpose.rights-only",
        "The purpose {purpose} serves only a person's own request.",
        "Use `hedgerow subject export`, or name a declared purpose.",
    ),
    refused(
        "basis.not-named",
        "{dataset} also serves {purpose}, which needs no consent; these people would serve it unasked.",
        "Name it too: --purpose {purpose} --basis {purpose}=BASIS; or use a data set of its own.",
    ),
    refused(
        "basis.not-later",
        "The people in {dataset} were collected without a basis for {purpose}; only consent can add one.",
        "Collect into a data set of its own, or use --basis consent and ask the people.",
    ),
    caller(
        "consent.text",
        "A notice version or channel is at most 200 printable characters.",
        "Give a short name, such as --notice 2026-1 --channel letter.",
    ),
    caller(
        "consent.time",
        "What --time names {problem}.",
        "Write a day such as 2026-01-31, or a time such as 2026-01-31T09:00:00Z, that has come.",
    ),
    caller(
        "consent.purpose-undeclared",
        "A consent on line {line} cannot be used: its purpose is not declared.",
        "Correct the line (`hedgerow purpose list` shows the declared ones), or declare it with `hedgerow "
        "purpose add NAME`.",
    ),
    caller(
        "consent.malformed",
        "A consent on line {line} cannot be used: its {field}.",
        "Times are ISO 8601 such as 2026-01-31T09:00:00Z; granted is true or false.",
    ),
    caller(
        "column.unknown",
        "{dataset} has no column {column}.",
        "See its columns with `hedgerow dataset show {dataset}`.",
    ),
    caller(
        "column.in-vault",
        "The column {column} of {dataset} lies in the vault; it is no part of the table.",
        "Leave it out; a direct identifier is read only for one person.",
    ),
    refused(
        "column.not-granted",
        "There is no column {column} to grant.",
        "See the columns with `hedgerow dataset show`.",
    ),
    refused(
        "column.in-vault-refused",
        "The column {column} is a direct identifier in the vault.",
        "Leave it out; it is read only for one person, with a purpose.",
    ),
    refused(
        "policy.not-permitted",
        "No policy lets {principal} ({roles}) do {action}.",
        "Ask somebody with the role {permitted}, unless your policies say otherwise: "
        "`hedgerow policy test --principal NAME --action {action}` tells.",
        derived=_whom_to_ask,
    ),
    refused(
        "policy.forbidden",
        "A policy forbids {principal} to do {action}: {policies}.",
        "Its reason stands in the policies; ask somebody with the role {permitted}, who reads them by "
        "`hedgerow policy show`.",
        derived=lambda _: {"permitted": roles_for("policy.show")},
    ),
    caller(
        "policy.locks-out",
        "Under these policies nobody could ever change them again; they were not applied.",
        'Permit Action::"policy.apply" to somebody, for example to Role::"owner".',
    ),
    fault(
        "policy.missing",
        "The workspace has no policies; nothing is allowed.",
        "Restore the workspace from a backup.",
        exit_code=6,
    ),
    refused(
        "budget.derived",
        "{dataset} is derived, and what it comes from has no budget left for {purpose} that holds {cost}.",
        "Ask somebody with the role {permitted}, who sees of what by `hedgerow dataset show {dataset}` and "
        "`hedgerow budget show`, and may allocate more.",
        derived=lambda _: {"permitted": roles_for("budget.allocate")},
        exit_code=5,
    ),
    refused(
        "derived.cycle",
        "{dataset} cannot be derived from {source}: that is itself, or comes from it.",
        "Leave --derived-from {source} out: its uses are charged there already.",
    ),
    refused(
        "budget.unallocated",
        "No privacy budget is allocated to {dataset} for {purpose}.",
        "Ask somebody with the role {permitted}, who allocates one by "
        "`hedgerow budget allocate {dataset} --epsilon 4 --purpose {purpose}`.",
        derived=lambda _: {"permitted": roles_for("budget.allocate")},
    ),
    refused(
        "budget.exhausted",
        "{dataset} has epsilon {left} left for {purpose}; this would cost {cost}.",
        "{ask} The same question asked again costs nothing. For more ask somebody with the role {permitted}: "
        "`hedgerow budget allocate {account} --epsilon E{beside}`, with an E above {limit}.",
        exit_code=5,
        derived=_asked_less,
    ),
    refused(
        "budget.population-exhausted",
        "The people of this workspace have epsilon {left} left in all; this would cost {cost}.",
        "{ask} The same question asked again costs nothing. For more ask somebody with the role {permitted}: "
        "`hedgerow budget allocate {account} --epsilon E{beside}`, with an E above {limit}.",
        exit_code=5,
        derived=_asked_less,
    ),
    refused(
        "budget.period-exhausted",
        "{whose}: epsilon {left} is left in {period}, until {until}; this would cost {cost}.",
        "{ask} After {until} a new period begins. For more now ask somebody with the role {permitted}: "
        "`hedgerow budget allocate {account} --epsilon E{beside}`, with an E above {limit}.",
        exit_code=5,
        derived=_asked_less,
    ),
    refused(
        "budget.delta-exhausted",
        "The budget of {whose} has a delta of {left} left for uses with a chance of their own (half of its "
        "delta is theirs); this would cost {cost}.",
        "Ask with a smaller delta, at most {left}, or without one. For more ask somebody with the role "
        "{permitted}: `hedgerow budget allocate {account} --epsilon {limit} --delta D`, with a D of at least "
        "twice what such uses cost in all.",
        exit_code=5,
        derived=lambda _: {"permitted": roles_for("budget.allocate")},
    ),
    refused(
        "budget.no-delta",
        "The budget of {whose} has no delta; Gaussian noise has no epsilon without one, nor have keys found "
        "in the data.",
        "Ask somebody with the role {permitted} for one: `hedgerow budget allocate {account} "
        "--epsilon {limit} --delta 1e-6`. A query with --epsilon and declared keys needs none.",
        exit_code=5,
        derived=lambda _: {"permitted": roles_for("budget.allocate")},
    ),
    caller(
        "request.malformed-id",
        "A request id is 1 to 200 printable characters.",
        "Choose such an id, or leave --request-id out.",
    ),
    refused(
        "request.differs",
        "This request id belongs to another request.",
        "Repeat the very same request, or choose a new --request-id.",
        status=409,
    ),
    refused(
        "request.spent",
        "This request id was used and has no result to give: spent, no result.",
        "Ask anew under another --request-id; its cost stays debited.",
        status=409,
    ),
    refused(
        "request.withdrawn",
        "This result was withdrawn: a person in it was erased or withdrew, or its data set was dropped, or "
        "took in rows made from another one meanwhile.",
        "Make a new release under another --request-id.",
        status=410,
    ),
    refused(
        "release.keep-identifies",
        "The column {column} can identify people in combination; it cannot be kept as it is.",
        "Name it in --quasi, so that it is generalised with the others.",
    ),
    fault(
        "use.failed",
        "The use failed inside ({kind}); what it reserved stays spent.",
        "Report it with the kind and the command; the journal holds the entry.",
    ),
    refused(
        "use.not-releasable",
        "{dataset} is not releasable as asked.",
        "Ask the privacy officer, who can see why; what was reserved stays spent.",
    ),
    refused(
        "use.one-dataset",
        "Only private answers are made of several data sets at once.",
        "Use each data set by itself; a release of rows, and what is about one person, is of one data set.",
    ),
    refused(
        "use.dataset-twice",
        "A use names one data set twice, {dataset} among them.",
        "Name each data set once.",
    ),
    refused(
        "use.too-many-failures",
        "Too many uses of {principal} failed after data was opened; it may ask again tomorrow.",
        "Ask the privacy officer to look at the failures in the journal.",
        status=429,
    ),
    fault(
        "lease.misused", "A lease was used for more than it was granted.", "Report it; nothing was returned."
    ),
    fault("lease.expired", "The lease ran out before it was used.", "Repeat the command."),
    refused(
        "subject.erased",
        "erased: this person's data was erased{told}.",
        "Nothing else is held. Read the certificate: `hedgerow evidence certificate {certificate}`.",
        status=410,
    ),
    caller(
        "subject.unknown",
        "Nobody is known under this reference.",
        "Give the source id of the collection, as it stood in the subject-key column.",
        status=404,
    ),
    caller(
        "subject.which-dataset",
        "{count} of the person's data sets hold all these fields; the person is in: {datasets}.",
        "Name one that has them all with dataset=...; `hedgerow dataset show NAME` lists its columns.",
    ),
    fault(
        "records.rule-broken",
        "Entry {index} of the journal breaks a rule that was in force then: {rule}.",
        "Somebody changed the database beside Hedgerow while this was done, and may have put it back; keep"
        " the workspace as it is, and ask who ran what then: `hedgerow evidence export --out DIR`.",
        exit_code=6,
    ),
)
