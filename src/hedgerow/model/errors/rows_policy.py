"""Errors of policies: their text and the accesses put to them."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller

_TEST = (
    "Correct it, then run `hedgerow policy test --file FILE --principal P --action A`;"
    " the policies in force are unchanged."
)

ROWS: tuple[ErrorRow, ...] = (
    caller("policy.malformed", "The policy that starts on line {line} cannot be read: {problem}", _TEST),
    caller(
        "policy.unnamed",
        'The policy that starts on line {line} has no @id("..."), or one that is not made of letters, '
        "digits, '.', '-' and '_' (64 at most).",
        _TEST,
    ),
    caller(
        "policy.unknown-annotation",
        "The policy that starts on line {line} has the annotation @{name}, which there is not: it would say "
        "nothing.",
        "{near} The policies in force are unchanged.",
    ),
    caller("policy.approval", "The policy that starts on line {line}: {problem}.", _TEST),
    caller("policy.twice", "Two policies have the id {id}.", _TEST),
    caller(
        "policy.template",
        "The policies hold a template (?principal or ?resource), which decides nothing.",
        "Write the principal or resource out, then try it with `hedgerow policy test --file FILE`.",
    ),
    caller(
        "policy.unknown-action",
        "The policy that starts on line {line} names the action {action}, which there is not: it would never "
        "apply to anything.",
        "{near} The policies in force are unchanged.",
    ),
    caller(
        "policy.unknown-type",
        "The policy that starts on line {line} names a thing of the kind {kind}, of which there is none: it "
        "would never apply to anything.",
        "{near} The policies in force are unchanged.",
    ),
    caller("action.unknown", "There is no action {action}.", "{near}"),
    caller(
        "principal.not-found",
        "There is no principal {principal}.",
        "{near}See them with `hedgerow principal list`.",
    ),
    caller("policy.too-large", "The policies are longer than {limit_bytes} bytes.", "Shorten them."),
    caller(
        "policy.access",
        "An access cannot be put to the policies: its {field} has a form they do not know.",
        "Use names of at most 4,096 characters, and text, whole numbers, true or false, or sets of text.",
    ),
)
