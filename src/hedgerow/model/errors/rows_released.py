"""Errors of releases that left: certificates, withdrawals, repeated releases."""

from __future__ import annotations

from hedgerow.model.errors.base import Details, ErrorRow, caller, fault, refused
from hedgerow.model.words import many


def _counted(details: Details) -> Details:
    people, groups = int(str(details["unfit"])), int(str(details["unfit_groups"]))
    return {"people": many(people, "person", "people"), "groups": many(groups, "group")}


ROWS: tuple[ErrorRow, ...] = (
    fault(
        "released.not-as-certified",
        "{path} and its certificate do not fit: {told}.",
        "Do not use the file. Ask whoever released it for the file and the certificate again.",
        exit_code=6,
    ),
    refused(
        "release.repeats",
        "Beside {releases} this would single people out: {people} in {groups} smaller, or with fewer values, "
        "than was promised.",
        "Ask for the columns, k and hierarchies that {last} had, or wait until more people came: `hedgerow "
        "released show {last}`.",
        derived=_counted,
    ),
    refused(
        "release.moved",
        "Another release left while this one was made.",
        "Ask again under a new --request-id.",
    ),
    caller(
        "released.no-certificate-file",
        "No certificate {certificate} lies beside {path}, or it cannot be read.",
        "Name where it is with --certificate FILE; whoever released the file has it.",
    ),
    caller(
        "release.where-malformed",
        "The condition of --where is none that can be read, or longer than {most} characters.",
        "Compare columns with constants, text in single quotes, joined by AND, OR and NOT: "
        "--where \"age >= 18 AND ward = 'A'\".",
    ),
    refused(
        "release.where-unsupported",
        "The condition of --where uses {part}, by which no rows are picked.",
        "{advice}",
    ),
    refused(
        "release.where-identifies",
        "The column {column} says who a person is; a release is not filtered by it.",
        "Filter by columns that many people share, such as an age or a ward.",
    ),
    refused(
        "release.where-sensitive",
        "The column {column} is sensitive: who is in a release filtered by it, or is not, would tell it.",
        "Leave it out of --where and name it under --sensitive, so that each class holds several values.",
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
