"""Writing files: the old content or the new one, in the file that was meant."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading

import pytest

from autograd import files
from autograd.files import located, write

POSIX = pytest.mark.skipif(os.name != "posix", reason="needs links and modes of POSIX")


def test_a_home_is_expanded_and_other_names_with_a_tilde_are_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert write("~/a.bin", b"x") == tmp_path / "a.bin"
    assert (tmp_path / "a.bin").read_bytes() == b"x"
    assert located("~$lock.csv").name == "~$lock.csv"
    assert located(tmp_path / "~b") == tmp_path / "~b"


@POSIX
def test_a_symbolic_link_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a").write_bytes(b"old")
    for name, target in (("link", "real/a"), ("chain", "link"), ("new", "real/b")):
        (tmp_path / name).symlink_to(target)
        write(tmp_path / name, name.encode())
        assert (tmp_path / name).is_symlink()
    assert (tmp_path / "real" / "a").read_bytes() == b"chain"
    assert (tmp_path / "real" / "b").read_bytes() == b"new"
    assert sorted(os.listdir(tmp_path / "real")) == ["a", "b"]


@POSIX
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_the_mode_of_a_file_is_kept(tmp_path, mode):
    file = tmp_path / "a"
    file.write_bytes(b"old")
    file.chmod(mode)
    write(file, b"new")
    assert stat.S_IMODE(file.stat().st_mode) == mode


@POSIX
def test_a_new_file_has_the_usual_mode(tmp_path):
    write(tmp_path / "a", b"")
    (tmp_path / "b").touch()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


@POSIX
def test_another_hard_link_keeps_the_old_content(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    os.link(tmp_path / "a", tmp_path / "b")
    write(tmp_path / "a", b"new")
    assert (tmp_path / "b").read_bytes() == b"old"


@POSIX
def test_devices_and_pipes_are_written_to_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    write(pipe, b"through")
    reader.join(20)
    assert found == [b"through"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    write("/dev/null", b"x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_file_that_can_not_be_written_is_named(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"There is no folder.*nowhere"):
        write(tmp_path / "nowhere" / "a", b"")
    with pytest.raises(OSError, match=rf"directory|denied.*{tmp_path.name}"):
        write(tmp_path, b"")
    if sys.platform == "linux":
        with pytest.raises(OSError, match=r"'/proc/nothing'$"):
            write("/proc/nothing", b"")
    monkeypatch.setattr(files.os, "access", lambda path, mode: False)
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(PermissionError, match="read-only"):
        write(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"


@pytest.mark.parametrize("step", ["fsync", "replace", "fchmod"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step):
    if not hasattr(os, step):
        pytest.skip(f"no os.{step} here")
    (tmp_path / "a").write_bytes(b"old")

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, step, full)
    with pytest.raises(OSError, match=r"No space left on device: '.*a'"):
        write(tmp_path / "a", b"new")
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


@pytest.mark.parametrize("lacking", ["flag", "links"])
def test_file_systems_without_nameless_files_do_as_well(tmp_path, monkeypatch, lacking):
    def refused(*args, **named):
        raise OSError(95, "Operation not supported")

    if lacking == "flag":
        monkeypatch.delattr(files.os, "O_TMPFILE", raising=False)
    else:
        monkeypatch.setattr(files.os, "link", refused)
    for content in (b"old", b"new"):
        write(tmp_path / "a", content)
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"new"


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="needs Linux's nameless files")
def test_a_killed_process_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    code = """
        import os, sys, time
        from autograd import files
        def hang(handle):
            print("written", flush=True)
            time.sleep(60)
        files.os.fsync = hang
        files.write(sys.argv[1], b"new")
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "a")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


def test_of_several_writers_one_wins_whole(tmp_path):
    contents = [bytes([i]) * 100_000 for i in range(8)]
    threads = [threading.Thread(target=write, args=(tmp_path / "a", c)) for c in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "a").read_bytes() in contents
    assert os.listdir(tmp_path) == ["a"]
