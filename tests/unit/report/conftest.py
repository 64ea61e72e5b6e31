"""What the tests of the report share: a complete report, an empty one, and a strict reader."""

from __future__ import annotations

import importlib.util
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest

VOID = {"meta", "br", "hr"}


class Reader(HTMLParser):
    """Reads a page into tags, attributes and text, and refuses what is not balanced."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.pieces: list[tuple[str, str]] = []
        self.others: list[str] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len({key for key, _ in attrs}) == len(attrs)
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in VOID
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.pieces.append((self.open[-1] if self.open else "", data))

    def handle_comment(self, data):
        self.others.append(data)

    def unknown_decl(self, data):
        self.others.append(data)

    def handle_pi(self, data):
        self.others.append(data)

    @property
    def text(self) -> str:
        return "".join(data for tag, data in self.pieces if tag != "style")

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="session")
def samples():
    spec = importlib.util.spec_from_file_location("report_sample", Path(__file__).with_name("sample.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def full(samples):
    return samples.sample()


@pytest.fixture
def bare(samples):
    return samples.empty()


@pytest.fixture(scope="session")
def read():
    return Reader


@pytest.fixture(scope="session")
def tree():
    """Read a page or a piece of one as XML: a second reader, stricter than any browser."""
    return lambda source: ET.fromstring(source.removeprefix("<!DOCTYPE html>\n"))  # noqa: S314 - our own page
