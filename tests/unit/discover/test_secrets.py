"""Passwords and keys are found inside text, a few among many too; text that only speaks of them is none."""

import pyarrow as pa
import pytest

from hedgerow.model.words import ColumnRole
from hedgerow.techniques.discover import classify

PLAIN = [f"Came for the {i}th time, felt better than before" for i in range(60)]


def found_in(values):
    return classify(pa.table({"note": pa.array(values)}))[0]


@pytest.mark.parametrize(
    "value",
    [
        "Sensitive data: user123 password=abc123",
        "login ok, Password: hunter2!",
        '{"api_key": "a8f0c1"}',
        "CLIENT-SECRET=xyz98765",
        "see postgres://ana:hedge@db/care for it",
        "-----BEGIN RSA PRIVATE KEY----- MIIE",
        "Passwort = geheim7",
    ],
)
def test_each_way_to_write_one_down(value):
    for values in ([value], [*PLAIN, value, value + "x"]):
        finding = found_in(values)
        assert (finding.category, finding.role) == ("secret", ColumnRole.SENSITIVE)
        assert finding.confidence > 0.9
        assert "abc123" not in repr(finding)
        assert "hunter" not in repr(finding)


@pytest.mark.parametrize(
    "value",
    [
        "forgot the password again, sent a new one by mail",
        "token of thanks: flowers",
        "https://example.org/a:b",
        "passed the word: all well",
        "ratio 3:4, key finding = none",
    ],
)
def test_text_about_them_is_none(value):
    assert found_in([*PLAIN, value, value + " x"]).category != "secret"
