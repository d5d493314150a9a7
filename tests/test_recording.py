"""Modes as decorators; as context managers they are tested with the engine."""

from __future__ import annotations

import asyncio
import functools
import inspect
from concurrent.futures import ThreadPoolExecutor

import pytest

import autograd
from autograd import Value, enable_grad, no_grad, set_grad_enabled

X = Value(2.0)
MODES = {
    "no_grad()": lambda: no_grad(),
    "no_grad": lambda: no_grad,
    "set_grad_enabled": lambda: set_grad_enabled(False),
    "twice": lambda: lambda f: enable_grad()(no_grad()(f)),
    "partial": lambda: lambda f: no_grad()(functools.partial(f)),
}


def run(coroutine):
    """Its result, from a thread of its own: a browser of other tests may run a loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def records():
    return (X * 2).requires_grad


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_a_function_runs_in_the_mode(mode):
    @mode()
    def function(a, *, b):
        return a, b, records()

    assert function(1, b=2) == (1, 2, False)
    assert records()


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_a_generator_runs_in_the_mode_and_its_caller_does_not(mode):
    @mode()
    def generator(n):
        for _ in range(n):
            yield records()
        return records()

    def delegating():
        result = yield from generator(2)
        yield "end", result

    seen = [(y, records()) for y in delegating()]
    assert seen == [(False, True), (False, True), (("end", False), True)]


def test_a_decorated_generator_takes_values_exceptions_and_its_end():
    seen = []

    @no_grad()
    def generator():
        try:
            while True:
                try:
                    seen.append(((yield records()), records()))
                except KeyError:
                    seen.append(("error", records()))
        finally:
            seen.append(("closed", records()))

    running = generator()
    assert next(running) is False
    assert running.send("sent") is False
    assert running.throw(KeyError()) is False
    running.close()
    assert seen == [("sent", False), ("error", False), ("closed", False)]
    assert records()
    running = generator()
    next(running)
    with pytest.raises(ValueError, match="out"):
        running.throw(ValueError("out"))
    assert records()


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_a_coroutine_runs_in_the_mode_and_other_tasks_do_not(mode):
    @mode()
    async def frozen():
        first = records()
        await asyncio.sleep(0)
        return first, records()

    async def other():
        await asyncio.sleep(0)
        return records()

    async def main():
        both = await asyncio.gather(frozen(), other())
        return both, await frozen(), records()

    assert run(main()) == ([(False, False), True], (False, False), True)


def test_a_suspended_coroutine_leaves_the_mode():
    @no_grad()
    async def frozen():
        await asyncio.sleep(0)
        return records()

    running = frozen()
    running.send(None)
    assert records()
    with pytest.raises(StopIteration) as end:
        running.send(None)
    assert end.value.value is False


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_an_async_generator_runs_in_the_mode_and_its_caller_does_not(mode):
    seen = []

    @mode()
    async def generator(n):
        try:
            for _ in range(n):
                await asyncio.sleep(0)
                try:
                    yield records()
                except KeyError:
                    yield "error", records()
        finally:
            seen.append(records())

    async def main():
        pairs = [(y, records()) async for y in generator(2)]
        running = generator(5)
        await running.asend(None)
        caught = await running.athrow(KeyError())
        await running.aclose()
        return pairs, caught

    assert run(main()) == ([(False, True), (False, True)], ("error", False))
    assert seen == [False, False]
    assert records()


def test_decorated_functions_keep_their_kind_and_name():
    def plain(): ...

    def generator():
        yield

    async def coroutine(): ...

    async def async_generator():
        yield

    kinds = [
        (inspect.isgeneratorfunction, generator),
        (inspect.iscoroutinefunction, coroutine),
        (inspect.isasyncgenfunction, async_generator),
    ]
    for kind, function in kinds:
        assert kind(no_grad()(function))
    assert no_grad(plain).__name__ == "plain"


def test_a_class_is_not_decorated():
    for mode in (no_grad(), set_grad_enabled(True)):
        with pytest.raises(TypeError, match="functions and methods, not <class"):
            mode(Value)
    with pytest.raises(TypeError, match="no_grad"):
        autograd.no_grad(3)
