"""Drafts of policies: annotations that say nothing, and how a draft differs from what is in force."""

from __future__ import annotations

import re
from difflib import get_close_matches

from hedgerow.adapters.policy import CedarPolicies, load_policies
from hedgerow.adapters.policy.approval import ANNOTATIONS
from hedgerow.model.errors import CallerError
from hedgerow.model.uses import Json

# The first line that `policy show` prints above the text itself.
_SHOWN = re.compile(r"// (version \d+, applied by [^\n]*|built into this version)\n")


def check_annotations(policies: CedarPolicies) -> None:
    """Refuse an annotation that there is not: ``@aproval`` would permit without anybody's approval.

    Those in force are not looked at: a workspace of before may have one.

    Raises:
        CallerError: ``policy.unknown-annotation``.
    """
    for line, name in policies.annotations():
        if name not in ANNOTATIONS:
            meant = get_close_matches(name, sorted(ANNOTATIONS), n=1)
            known = ", ".join(f"@{each}" for each in sorted(ANNOTATIONS))
            asked = f"Did you mean @{meant[0]}?" if meant else f"There are {known}."
            raise CallerError("policy.unknown-annotation", line=line, name=name, near=asked)


def is_same(before: str, after: str) -> bool:
    """Tell whether two texts are the same, but for what `policy show` prints above one and its end."""
    return _bare(before) == _bare(after)


def _bare(text: str) -> str:
    while shown := _SHOWN.match(text):
        text = text[shown.end() :]
    return text.rstrip()


def differences(before: str, after: str) -> dict[str, Json]:
    """List the ids of policies that were added, removed or changed; comments and layout do not count."""
    old, new = load_policies(before).cedar.contents(), load_policies(after).cedar.contents()
    return {
        "added": [*sorted(new.keys() - old.keys())],
        "removed": [*sorted(old.keys() - new.keys())],
        "changed": [*sorted(id_ for id_ in new.keys() & old.keys() if new[id_] != old[id_])],
    }
