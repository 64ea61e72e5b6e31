"""Proves the contract of every shelf: a name appears only with complete content, which then stays."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from hedgerow.adapters.files import DirectoryShelf, MemoryShelf
from hedgerow.model.errors import Fault

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from hedgerow.model.engine import Shelf


@pytest.fixture(params=["directory", "directory without sync", "memory"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    if request.param == "memory":
        return MemoryShelf()
    return DirectoryShelf(tmp_path / "shelf", sync=request.param == "directory")


def _put(shelf: Shelf, content: bytes) -> str:
    return shelf.create(lambda stream: stream.write(content) and None)


class TestContract:
    def test_what_is_created_reads_back(self, shelf: Shelf) -> None:
        first, second = _put(shelf, b"one"), _put(shelf, b"two")
        assert first != second
        assert shelf.names() == {first, second}
        assert shelf.open(first).read() == b"one"
        assert shelf.open(second).read() == b"two"

    def test_reading_is_random_access(self, shelf: Shelf) -> None:
        file = shelf.open(_put(shelf, b"0123456789"))
        assert file.size() == 10
        file.seek(4)
        assert file.read(3) == b"456"

    def test_names_are_random_and_say_nothing(self, shelf: Shelf) -> None:
        name = _put(shelf, b"same")
        assert len(name) == 32
        assert set(name) <= set("0123456789abcdef")
        assert _put(shelf, b"same") != name

    def test_deleting_twice_is_no_error(self, shelf: Shelf) -> None:
        name = _put(shelf, b"x")
        shelf.delete(name)
        shelf.delete(name)
        assert shelf.names() == frozenset()
        with pytest.raises(Fault) as caught:
            shelf.open(name)
        assert caught.value.code == "integrity.bucket-missing"

    def test_an_interrupted_write_leaves_no_name(self, shelf: Shelf) -> None:
        def breaks(stream: BinaryIO) -> None:
            stream.write(b"half")
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            shelf.create(breaks)
        assert shelf.names() == frozenset()
        assert shelf.sweep() == 0

    @pytest.mark.parametrize(
        "name", ["../secret", "", "a" * 31, "A" * 32, "0" * 32 + ".unfinished", "/etc/passwd"]
    )
    def test_a_foreign_name_reaches_no_file(self, shelf: Shelf, name: str) -> None:
        for act in (shelf.open, shelf.delete):
            with pytest.raises(Fault) as caught:
                act(name)
            assert caught.value.code == "shelf.name"


class TestDirectory:
    def test_only_the_owner_may_look(self, tmp_path: Path) -> None:
        path = tmp_path / "deep" / "shelf"
        path.mkdir(parents=True, mode=0o755)
        shelf = DirectoryShelf(path)
        name = _put(shelf, b"x")
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        assert stat.S_IMODE((path / name).stat().st_mode) == 0o600

    def test_another_process_sees_the_files(self, tmp_path: Path) -> None:
        name = _put(DirectoryShelf(tmp_path), b"x")
        assert DirectoryShelf(tmp_path).open(name).read() == b"x"

    def test_leftovers_of_a_crash_have_no_name_and_are_swept(self, tmp_path: Path) -> None:
        shelf = DirectoryShelf(tmp_path)
        kept = _put(shelf, b"x")
        (tmp_path / ("0" * 32 + ".unfinished")).write_bytes(b"half")
        assert shelf.names() == {kept}
        assert shelf.sweep() == 1
        assert sorted(entry.name for entry in tmp_path.iterdir()) == [kept]

    def test_content_then_name_then_directory_are_synced(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        acts: list[str] = []
        real_sync, real_rename = os.fsync, os.rename

        def sync(handle: int) -> None:
            acts.append(
                "directory" if stat.S_ISDIR(os.fstat(handle).st_mode) else f"file {os.fstat(handle).st_size}"
            )
            real_sync(handle)

        def rename(source: str, target: str) -> None:
            acts.append("rename")
            real_rename(source, target)

        monkeypatch.setattr(os, "fsync", sync)
        monkeypatch.setattr(os, "rename", rename)
        _put(DirectoryShelf(tmp_path), b"four")
        assert acts == ["file 4", "rename", "directory"]
        acts.clear()
        _put(DirectoryShelf(tmp_path, sync=False), b"four")
        assert acts == ["rename"]

    def test_a_disk_that_refuses_is_a_fault_without_a_path(self, tmp_path: Path) -> None:
        blocked = tmp_path / "file"
        blocked.write_bytes(b"")
        with pytest.raises(Fault) as caught:
            DirectoryShelf(blocked / "shelf")
        assert caught.value.code == "shelf.unwritable"
        assert str(tmp_path) not in str(caught.value)


class TestSweepingWaits:
    def test_nobody_is_alone_while_someone_writes(self, shelf: Shelf) -> None:
        with shelf.writing(), shelf.alone() as is_alone:
            assert not is_alone
        with shelf.alone() as is_alone:
            assert is_alone

    def test_two_may_write_at_once(self, shelf: Shelf) -> None:
        with shelf.writing(), shelf.writing():
            pass
        with shelf.alone() as is_alone:
            assert is_alone

    def test_the_lock_is_no_file_of_the_shelf(self, shelf: Shelf) -> None:
        with shelf.writing():
            assert shelf.names() == frozenset()
