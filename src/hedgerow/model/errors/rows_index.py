"""Errors of blind indexes and of searching by them."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller, refused

ROWS: tuple[ErrorRow, ...] = (
    caller(
        "index.form",
        "An index is of the kind email, phone or national-id; --country goes with phone and --scheme with "
        "national-id.",
        "For example `hedgerow dataset index NAME --column phone --kind phone --country 47`; schemes: "
        "{schemes}.",
    ),
    caller(
        "index.which",
        "Say one thing to do: --kind to make an index, or --rotate, --drop or --list; all but --list name a "
        "--column.",
        "`hedgerow dataset index --help` shows examples.",
    ),
    caller(
        "index.exists",
        "The column {column} of {dataset} has an index already.",
        "`hedgerow dataset index {dataset} --column {column} --rotate` makes it anew; --drop removes it.",
        status=409,
    ),
    caller(
        "index.none",
        "The column {column} of {dataset} has no index to search by.",
        "{way}",
        status=404,
    ),
    caller(
        "index.building",
        "The index of {column} in {dataset} is not whole yet.",
        "Finish it with `hedgerow dataset index {dataset} --column {column} --rotate`, then search again.",
        status=409,
    ),
    caller(
        "index.value",
        "What was typed does not read as {kind}; nobody was searched for.",
        "Type it as the person wrote it; a phone number with its country code, such as +47 22 22 55 55.",
    ),
    refused(
        "index.not-identifier",
        "The column {column} of {dataset} is not a direct identifier in the vault, and only these are "
        "indexed: an index shows which people have equal values.",
        "Ask about such a column with `hedgerow query`, which hides each person.",
    ),
    refused(
        "index.sensitive",
        "The column {column} of {dataset} is a sensitive attribute, and none is indexed: an index shows "
        "which people have equal values.",
        "Ask about such a column with `hedgerow query`, which hides each person.",
    ),
    refused(
        "index.other-kind",
        "The column {column} of {dataset} holds {category}, not {kind}, and is not indexed.",
        "`hedgerow dataset show {dataset}` shows what each column holds; index one that holds {kind}.",
    ),
    refused(
        "index.unread",
        "Fewer than half of the values of {column} in {dataset} read as {kind}; the index was not made.",
        "For national numbers name their country, such as --country 47; for ids leave --scheme out.",
    ),
    refused(
        "index.low-entropy",
        "The column {column} of {dataset} has too few different values, or one that many people share; it is "
        "not indexed. Equal terms alone would show who is alike, and whoever holds the index key tries "
        "10,000 values in a thousandth of a second.",
        "Find the person by another identifier or by the source id; for counts use `hedgerow query`.",
    ),
    refused(
        "search.too-many",
        "{principal} has searched too often today: at most {failed} searches that find nobody and {all} in "
        "all, so that nobody can guess who is held.",
        "Search again tomorrow, or ask another privacy officer; each search is in the journal.",
        status=429,
    ),
    refused(
        "search.shared",
        "Too many people share this value to name each of them.",
        "Search by another identifier of the person.",
    ),
    caller(
        "search.handle-foreign",
        "Nobody is known under this reference. A name found-... is for whoever searched, and for a day.",
        "Add --as and the name of who searched, or search yourself with `hedgerow subject find`.",
        status=404,
    ),
    caller(
        "search.handle-over",
        "This name of a person that was found is over.",
        "Search again with `hedgerow subject find`.",
        status=410,
    ),
)
