"""Branches and loops: a branch is taken and a loop is run, and so recorded."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn.onnx.table import integers, plain, reads

MOST = 100_000
"""Steps of the longest loop that is run: a file may ask for one without an end."""


@reads("If")
def _if(condition: Any, *, then_branch: Any, else_branch: Any, around: Any) -> Any:
    branch = then_branch if bool(np.ravel(plain(condition))[0]) else else_branch
    return tuple(branch.run([], around))


@reads("Loop")
def _loop(trips: Any, go: Any, *state: Any, body: Any, around: Any) -> Any:
    most = None if trips is None else integers(trips)[0]
    going = go is None or bool(np.ravel(plain(go))[0])
    carried = list(state)
    scans: list[list[Any]] = [[] for _ in body.outputs[1 + len(carried) :]]
    step = 0
    while going and (most is None or step < most):
        if step >= MOST:
            raise ValueError(f"Loop: more than {MOST:,} steps.")
        given = [np.asarray(step, np.int64), np.asarray(going), *carried]
        found = body.run(given, around)
        going = bool(np.ravel(plain(found[0]))[0])
        carried = found[1 : 1 + len(carried)]
        for scan, y in zip(scans, found[1 + len(carried) :], strict=True):
            scan.append(y)
        step += 1
    return *carried, *(
        _stacked(s, t) for s, t in zip(scans, body.outputs[1 + len(carried) :], strict=True)
    )


def _stacked(parts: list[Any], said: Any, axis: int = 0) -> Any:
    if parts:
        return np.stack(
            [np.asarray(p) if isinstance(p, np.generic) else p for p in parts], axis=axis
        )
    shape = tuple(n if isinstance(n, int) else 0 for n in said.shape or ())
    return np.zeros((0, *shape), said.dtype or np.float32)


@reads("Scan", since=9)
def _scan(
    *inputs: Any, body: Any, num_scan_inputs: int, scan_input_axes: Any = None,
    scan_input_directions: Any = None, scan_output_axes: Any = None,
    scan_output_directions: Any = None, around: Any,
) -> Any:  # fmt: skip
    count = len(inputs) - num_scan_inputs
    state, scanned = list(inputs[:count]), inputs[count:]
    outputs = len(body.outputs) - count
    in_axes = scan_input_axes or (0,) * num_scan_inputs
    in_ways = scan_input_directions or (0,) * num_scan_inputs
    out_axes = scan_output_axes or (0,) * outputs
    out_ways = scan_output_directions or (0,) * outputs
    lengths = {x.shape[k] for x, k in zip(scanned, in_axes, strict=True)}
    if len(lengths) != 1:
        raise ValueError(f"Scan: inputs of different lengths, {sorted(lengths)}.")
    steps = lengths.pop()
    scans: list[list[Any]] = [[] for _ in range(outputs)]
    for t in range(steps):
        parts = [
            x[(slice(None),) * (k % x.ndim) + (steps - 1 - t if way else t,)]
            for x, k, way in zip(scanned, in_axes, in_ways, strict=True)
        ]
        found = body.run([*state, *parts], around)
        state = found[:count]
        for scan, y in zip(scans, found[count:], strict=True):
            scan.append(y)
    results = []
    for scan, t, axis, way in zip(scans, body.outputs[count:], out_axes, out_ways, strict=True):
        results.append(_stacked(scan[::-1] if way else scan, t, axis))
    return *state, *results


@reads("Scan")
def _scan_8(
    lengths: Any, *inputs: Any, body: Any, num_scan_inputs: int, directions: Any = None, around: Any
) -> Any:
    """One sample after another; axis 0 is the batch, and axis 1 the sequence."""
    if lengths is not None:
        raise ValueError("Scan: lengths of sequences are not supported.")
    samples = []
    for i in range(inputs[0].shape[0]):
        given = [x[i] for x in inputs]
        samples.append(
            _scan(
                *given,
                body=body,
                num_scan_inputs=num_scan_inputs,
                scan_input_directions=directions,
                around=around,
            )
        )
    return tuple(np.stack(parts) for parts in zip(*samples, strict=True))
