"""Proves that rules of tokenising read back as written, and that what is no rule is refused by its place."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from hedgerow.model import tokens
from hedgerow.model.canonical import canonical
from hedgerow.model.errors import CallerError
from hedgerow.model.tokenrules import as_json, parse, parse_text

CLASSIC = """
[person]
column = "Name"
[columns.Name]
kind = "drop"
[columns.Patient_ID]
kind = "random"
from = "Name"
length = 4
[columns."Zip Code"]
kind = "lookup"
from = "Address"
table = "zips.csv"
[columns."Test Result"]
kind = "keep"
"""


def refused(text):
    with pytest.raises(CallerError) as caught:
        parse_text(text)
    return caught.value


def test_the_classic_rules_are_read_in_their_order():
    rules = parse_text(CLASSIC)
    assert rules.person == "Name"
    assert [rule.column for rule in rules.made] == ["Patient_ID", "Zip Code", "Test Result"]
    assert rules.made[0] == tokens.Random("Patient_ID", "Name", length=4)
    assert rules.made[1] == tokens.Lookup("Zip Code", "Address", "zips.csv")
    assert rules.read == ("Name", "Address", "Test Result")
    assert not rules.drops_others


def test_every_kind_reads_back_as_canonical_json():
    columns = {f"c-{kind}": {"kind": kind, "from": "x"} for kind in tokens.KINDS}
    columns["c-age"]["bands"] = [0, 18, 65]
    columns["c-zip"]["sparse"] = ["036"]
    columns["c-lookup"]["entries"] = {"a": "b", "": "none"}
    columns["c-cell"]["people"] = "100"
    rules = parse({"columns": columns, "person": {"column": "p"}, "others": "drop"})
    assert [tokens.kind_of(rule) for rule in rules.columns] == list(tokens.KINDS)
    assert parse(json.loads(canonical(as_json(rules)))) == rules


def test_every_type_of_option_can_be_read():
    from hedgerow.model.tokenrules import _READERS

    types = {str(each.type) for kind in tokens.KINDS.values() for each in fields(kind)[2:]}
    assert types <= set(_READERS)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("columns = [", "tokenise.not-toml"),
        ("", "tokenise.rules"),
        ("[columns]", "tokenise.rules"),
        ('[columns.a]\nkind="drop"', "tokenise.rules"),
        ('others="keep"\n[columns.a]\nkind="keep"', "tokenise.rules"),
        ('column="x"\n[columns.a]\nkind="keep"', "tokenise.rules"),
        ('[person]\ncolumn=3\n[columns.a]\nkind="keep"', "tokenise.rules"),
        ('[person]\ncolumn="x"\nid=1\n[columns.a]\nkind="keep"', "tokenise.rules"),
        ('[columns]\na="keep"', "tokenise.rules"),
        ("[columns.a]\nlength=4", "tokenise.unknown-kind"),
        ('[columns.a]\nkind="hmac"', "tokenise.unknown-kind"),
        ('[columns.a]\nkind=["keep"]', "tokenise.unknown-kind"),
        ('[columns.a]\nkind="keep"\nfrom=3', "tokenise.option"),
        ('[columns.a]\nkind="keep"\nlength=3', "tokenise.option"),
        ('[columns.a]\nkind="random"\nlength="3"', "tokenise.option"),
        ('[columns.a]\nkind="random"\nlength=true', "tokenise.option"),
        ('[columns.a]\nkind="random"\nlength=0', "tokenise.option"),
        ('[columns.a]\nkind="random"\npolicy="deterministic"', "tokenise.option"),
        ('[columns.a]\nkind="date"\nto="minute"', "tokenise.option"),
        ('[columns.a]\nkind="age"\nbands=[1, "2"]', "tokenise.option"),
        ('[columns.a]\nkind="lookup"\nentries={a=1}', "tokenise.option"),
        ('[columns.a]\nkind="token"\nsource="b"', "tokenise.option"),
    ],
)
def test_what_is_no_rule_is_refused(text, code):
    assert refused(text).code == code


def test_a_refusal_names_the_place_and_what_was_meant_but_no_value():
    error = refused('[columns.Test]\nkind="radnom"')
    assert "Column Test" in error.message
    assert "random" in error.message
    assert "Ann Lee" not in str(refused('[columns.x]\nkind="lookup"\nentries = {"Ann Lee" = 1}'))
    assert "Ann Lee" not in str(refused('[columns.x]\n"Ann Lee" == 1'))


def test_entries_of_a_lookup_stand_in_no_repr():
    assert "Ann Lee" not in repr(parse_text('[columns.x]\nkind="lookup"\nentries={"Ann Lee"="Y"}'))
