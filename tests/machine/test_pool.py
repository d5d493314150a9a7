"""The pool: ranges, threads, errors, forks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from autograd.machine import pool

MUCH = 1e9  # ns: worth sharing out


pytestmark = pytest.mark.usefixtures("threads")


def test_pieces_cover_the_range_once_each():
    for threads in (1, 2, 4):
        pool.set_num_threads(threads)
        for n in (1, 2, 3, 7, 16, 1000):
            seen = np.zeros(n, int)

            def count(begin, end, seen=seen):
                seen[begin:end] += 1

            pool.run(count, n, cost=MUCH)
            assert (seen == 1).all()


def test_an_empty_range_calls_nothing():
    pool.run(lambda begin, end: pytest.fail("called"), 0, cost=MUCH)


def test_little_work_stays_one_piece_in_the_calling_thread():
    pool.set_num_threads(4)
    calls = []
    little = 0.99 * pool.LEAST * pool.PIECE
    pool.run(lambda *r: calls.append((*r, threading.current_thread())), 100, cost=little)
    assert calls == [(0, 100, threading.current_thread())]


def test_enough_work_is_cut_into_pieces_worth_their_while():
    pool.set_num_threads(4)
    sizes = []
    pool.run(lambda begin, end: sizes.append(end - begin), 100, cost=pool.LEAST * pool.PIECE)
    assert len(sizes) == pool.LEAST
    assert sum(sizes) == 100


def test_a_worker_is_kept_off_the_core_of_its_caller_and_may_go_anywhere_later(monkeypatch):
    pool.set_num_threads(2)
    monkeypatch.setattr(pool, "_core", lambda: 0)  # all threads seem to run on it
    kept = []

    def keep_off(worker, core, original=pool._Worker.keep_off):
        original(worker, core)
        kept.append((worker, core))

    monkeypatch.setattr(pool._Worker, "keep_off", keep_off)
    for _ in range(3):
        pool.run(lambda begin, end: time.sleep(0.01), 8, cost=MUCH)
        time.sleep(0.02)  # so that the worker sleeps
    assert kept
    assert {core for _, core in kept} == {0}
    worker = kept[-1][0]
    if hasattr(os, "sched_getaffinity"):
        assert os.sched_getaffinity(worker.native_id) == os.sched_getaffinity(0)


def test_no_piece_but_the_whole_is_smaller_than_the_grain():
    pool.set_num_threads(4)
    sizes = []
    pool.run(lambda begin, end: sizes.append(end - begin), 100, cost=MUCH, grain=30)
    assert sum(sizes) == 100
    assert min(sizes) >= 30


def test_several_threads_take_part():
    pool.set_num_threads(3)
    gate = threading.Barrier(3, timeout=20)
    pool.run(lambda begin, end: gate.wait(), 3, cost=MUCH)


def test_a_nested_call_runs_in_the_thread_of_its_piece():
    pool.set_num_threads(2)

    def outer(begin, end):
        inner = []
        pool.run(lambda *r: inner.append(threading.current_thread()), 8, cost=MUCH)
        assert inner == [threading.current_thread()]

    pool.run(outer, 8, cost=MUCH)


def test_an_exception_in_a_piece_reaches_the_caller_and_the_pool_goes_on():
    pool.set_num_threads(2)
    gate = threading.Barrier(2, timeout=20)

    def fails_elsewhere(begin, end):
        gate.wait()
        if threading.current_thread() is not threading.main_thread():
            raise ZeroDivisionError("in a worker")

    def fails_here(begin, end):
        if threading.current_thread() is threading.main_thread():
            raise ZeroDivisionError("in the caller")

    for function in (fails_elsewhere, fails_here):
        with pytest.raises(ZeroDivisionError, match="in"):
            pool.run(function, 2, cost=MUCH)
        test_several_threads_take_part()
        pool.set_num_threads(2)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_waits_for_the_running_pieces_and_leaves_the_pool_usable():
    pool.set_num_threads(2)
    running = []

    def slow(begin, end):
        if threading.current_thread() is threading.main_thread():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        running.append(1)
        time.sleep(0.05)
        running.pop()

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            pool.run(slow, 8, cost=MUCH)
        assert not running
    test_several_threads_take_part()


def test_threads_of_the_user_share_the_pool():
    pool.set_num_threads(3)
    wrong = []

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(100):
            x = rng.integers(0, 9, int(rng.integers(1, 99)))
            y = np.zeros_like(x)

            def square(begin, end, x=x, y=y):
                y[begin:end] = x[begin:end] ** 2

            pool.run(square, x.size, cost=MUCH)
            wrong.extend(y[y != x**2])

    users = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for user in users:
        user.start()
    for user in users:
        user.join(60)
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
def test_a_forked_child_starts_its_own_workers():
    script = """
import os, sys, threading, warnings
from autograd.machine import pool
warnings.simplefilter("ignore")
pool.set_num_threads(2)
def meet():
    gate = threading.Barrier(2, timeout=20)
    pool.run(lambda begin, end: gate.wait(), 2, cost=1e9)
meet()
child = os.fork()
meet()
if child == 0:
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


@pytest.mark.parametrize("n", [0, -1])
def test_fewer_than_one_thread_is_a_value_error(n):
    with pytest.raises(ValueError, match="at least 1"):
        pool.set_num_threads(n)


@pytest.mark.parametrize("n", [1.5, "2", None, True])
def test_threads_that_are_no_integer_are_a_type_error(n):
    with pytest.raises(TypeError, match="must be an integer"):
        pool.set_num_threads(n)
