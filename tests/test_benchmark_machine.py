"""What benchmarks say about the machine, what keeps it busy, and about data that slows it down."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from autograd import Value

benchmarks = pytest.importorskip("benchmarks")

from benchmarks import (  # noqa: E402
    __main__,
    environment,
    harness,
    load,
    processor,
    report,
    subnormal,
)
from benchmarks.__main__ import main  # noqa: E402
from benchmarks.case import OURS, Case  # noqa: E402

STAT = """cpu  900 90 90 5000 10 3 3 4 0 0
cpu0 100 10 20 3000 7 1 2 3 0 0
cpu1 500 50 50 3000 3 2 1 1 0 0
intr 7
"""


def test_the_time_of_others_is_that_of_our_cores_without_our_processes(monkeypatch, tmp_path):
    monkeypatch.setattr(load, "tick", lambda: 0.01)
    assert load.busy_time(STAT, {0}) == pytest.approx(1.36)
    assert load.busy_time(STAT, {0, 1}) == pytest.approx(1.36 + 6.04)
    (tmp_path / "7").mkdir()
    fields = " ".join(map(str, range(3, 53)))  # as proc(5) numbers them
    (tmp_path / "7" / "stat").write_text(f"7 (a name) with) {fields}")
    monkeypatch.setattr(load, "PROC", tmp_path)
    assert load.own_time(7) == pytest.approx((14 + 15 + 16 + 17) * 0.01)
    assert load.own_time(8) == 0.0


def test_without_accounts_the_load_is_not_known(monkeypatch, tmp_path):
    monkeypatch.setattr(load, "PROC", tmp_path)
    assert load.Load().others() is None
    assert load.busiest(0.0) == (None, [])


def test_a_busy_machine_is_refused_unless_asked_for(monkeypatch, capsys):
    who = ["compiler (process 7): 1.5"]
    monkeypatch.setattr(__main__, "busiest", lambda: (1.5, who))
    with pytest.raises(SystemExit):
        main(["op_chain"])
    error = " ".join(capsys.readouterr().err.split())
    assert all(text in error for text in ("other work takes 1.5 of", who[0], "--busy"))
    assert main(["op_chain", "--busy", "--cases", "no such case"]) == 0
    assert "Busy: other work takes 1.5" in capsys.readouterr().out


def test_rows_measured_beside_other_work_are_marked():
    row = {"case": "c", "others": 0.8}
    assert report.marks(row) == ["busy"]
    assert "other work took 0.8 cores in c" in report.doubts([row])[0]
    assert report.marks({"case": "c", "others": None}) == []
    assert report.marks({"case": "c", "others": 0.01, "subnormal": 0.0}) == []


def test_subnormal_numbers_are_found_in_inputs_results_and_gradients():
    normal, tiny = np.ones(4, np.float32), np.array([1, 1e-40, 0, np.nan], np.float32)
    assert subnormal.share(lambda: normal) == 0
    assert subnormal.share(lambda: tiny) == 0.25
    assert subnormal.share(lambda: tiny.sum()) == 0.25
    assert subnormal.share(functools.partial(lambda x: None, x=[tiny])) == 0.25

    def through_a_small_gradient():
        x = Value(normal)
        np.sum(x * np.float32(1e-40) * np.float32(1e38)).backward()
        return x.grad * 0

    assert subnormal.share(through_a_small_gradient) == 1.0


def test_what_would_hold_a_side_back_is_dropped_and_named():
    given = {"OPENBLAS_CORETYPE": "Haswell", "NUMBA_CPU_NAME": "generic", "PATH": "/bin"}
    given |= {"NUMBA_CACHE_DIR": "/cache", "OMP_NUM_THREADS": "1", "LD_PRELOAD": "x.so"}
    assert environment.clean(given) == {"PATH": "/bin", "NUMBA_CACHE_DIR": "/cache"}
    assert environment.dropped(given).keys() == given.keys() - environment.clean(given).keys()


def test_workers_run_without_these_settings(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    started = {}
    monkeypatch.setattr(harness.subprocess, "Popen", lambda command, **more: started.update(more))
    harness.Side(harness.Plan([]), "op_chain", Case("c", {OURS: int}), OURS)
    assert "OPENBLAS_CORETYPE" not in started["env"]


CPUINFO = """processor\t: 0
cpu family\t: 26
model\t\t: 2
model name\t: AMD EPYC
flags\t\t: fpu avx avx2 avx512f

processor\t: 1
flags\t\t: fpu
"""


def test_a_processor_is_described_by_name_caches_and_vectors(monkeypatch, tmp_path):
    (tmp_path / "cpuinfo").write_text(CPUINFO)
    for i, texts in enumerate(
        (("Data", "1", "48K"), ("Instruction", "1", "32K"), ("Unified", "2", "2M"))
    ):
        folder = tmp_path / f"index{i}"
        folder.mkdir()
        for field, text in zip(("type", "level", "size"), texts, strict=True):
            (folder / field).write_text(text + "\n")
    monkeypatch.setattr(processor, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(processor, "CACHES", tmp_path)
    found = {**processor.processor(), "cores": 2}
    assert processor.described(found) == (
        "AMD EPYC (family 26, model 2), 2 cores, L1d 48 KiB, L2 2 MiB, 512-bit vectors"
    )
    assert processor.described({"processor": "x", "cores": 1}) == "x, 1 cores"


def test_an_unknown_processor_is_described_by_what_is_known(monkeypatch, tmp_path):
    monkeypatch.setattr(processor, "CPUINFO", tmp_path / "none")
    monkeypatch.setattr(processor, "CACHES", tmp_path)
    monkeypatch.setattr(processor, "sysctl", lambda key: "")
    assert processor.processor()["caches"] == {}
    assert processor.name()
