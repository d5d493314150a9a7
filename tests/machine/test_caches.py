"""The caches that a system tells of."""

from __future__ import annotations

from autograd.machine.caches import Caches, _from_files, caches


def tell(folder, i, **files):
    here = folder / f"index{i}"
    here.mkdir()
    for name, text in files.items():
        (here / name).write_text(f"{text}\n")


def test_linux_files_are_read(tmp_path):
    tell(tmp_path, 0, level=1, type="Data", size="48K", ways_of_associativity=12)
    tell(tmp_path, 1, level=1, type="Instruction", size="32K", ways_of_associativity=8)
    tell(tmp_path, 2, level=2, type="Unified", size="2M", ways_of_associativity=16)
    tell(tmp_path, 3, level=3, type="Unified", size="105M", ways_of_associativity=15)
    found = {"level1": 48 << 10, "ways": 12, "level2": 2 << 20}
    assert _from_files(tmp_path) == found


def test_what_a_container_hides_is_left_out(tmp_path):
    tell(tmp_path, 0, level=1, type="Data", size="32K")
    tell(tmp_path, 1, level=2, type="Unified", size="")
    assert _from_files(tmp_path) == {"level1": 32 << 10}
    assert _from_files(tmp_path / "none") == {}


def test_every_machine_has_caches():
    found = caches()
    assert isinstance(found, Caches)
    assert all(n > 0 for n in found)
    assert found.level1 <= found.level2
