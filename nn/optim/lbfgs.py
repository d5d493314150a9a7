"""L-BFGS: a quasi-Newton method with limited memory."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from autograd.node import Array, tick
from autograd.recording import enable_grad
from autograd.value import Value
from nn.optim.line_search import Point, strong_wolfe
from nn.optim.optimizer import Group, Optimizer, at_least_zero, label, require
from nn.optim.sums import dot
from nn.parameter import plain

NUMBERS = ("func_evals", "n_iter", "t", "H_diag", "prev_loss")
VECTORS = ("d", "prev_flat_grad")
LISTS = ("old_dirs", "old_stps", "ro")


class LBFGS(Optimizer):
    r"""Limited-memory BFGS, a quasi-Newton method; for full-batch training.

    p ← p + t · d, d = −H g, where H approximates the inverse Hessian from the last `history_size`
    pairs of steps s = t · d and changes of gradient y: the two-loop recursion, started with
    H = (s·y)/(y·y). One `step` makes up to `max_iter` such iterations.

    Parameters
    ----------
    params : parameters, in one group.
    lr : learning rate t, or the first t that the line search tries.
    max_iter : maximum number of iterations in a step.
    max_eval : maximum number of closure evaluations in a step; by default 1.25 max_iter.
    tolerance_grad : a step ends when the largest \|g\| is at most this.
    tolerance_change : a step ends when the loss, or every parameter, changes by at most this.
    history_size : number of pairs kept; each takes the memory of all parameters twice.
    line_search_fn : None, or ``"strong_wolfe"``, which chooses t.

    References
    ----------
    Liu and Nocedal, "On the limited memory BFGS method for large scale optimization", 1989.

    Examples
    --------
    >>> import nn, numpy as np
    >>> p = nn.Parameter([-1.0, 2.0])
    >>> optimizer = nn.optim.LBFGS([p], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = 100 * np.square(p[1] - p[0] ** 2) + np.square(1 - p[0])
    ...     loss.backward()
    ...     return loss
    >>> first = optimizer.step(closure)
    >>> for _ in range(2):
    ...     loss = optimizer.step(closure)
    >>> p.data.round(2)
    array([1., 1.], dtype=float32)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        settings = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, settings)

    def check(self, group: Group) -> None:
        at_least_zero(group, "lr", "tolerance_grad", "tolerance_change")
        for name in ("max_iter", "max_eval", "history_size"):
            x = group[name]
            whole = isinstance(x, (int, np.integer)) and not isinstance(x, bool)
            require(whole and x >= 1, name, "an integer >= 1", x)
        search = group["line_search_fn"]
        require(
            search in (None, "strong_wolfe"), "line_search_fn", "None or 'strong_wolfe'", search
        )

    def add_param_group(self, param_group: Group) -> None:
        """Add the only group."""
        if self.param_groups:
            raise ValueError(
                "LBFGS: all parameters make one step together, so there can be only one group."
            )
        super().add_param_group(param_group)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Make up to `max_iter` iterations.

        Parameters
        ----------
        closure : callable
            Clears the gradients, computes the loss and its gradients, and returns the loss.

        Returns
        -------
        The loss of the first evaluation.

        Raises
        ------
        TypeError
            No closure.
        """
        if closure is None:
            raise TypeError(
                "LBFGS.step(closure): it evaluates the loss several times, so it needs a function "
                "that calls zero_grad() and backward() and returns the loss."
            )
        group = self.param_groups[0]
        first = self._evaluate(closure)
        loss, g, evaluations, limit = float(plain(first)), self._gradient(), 1, group["max_eval"]
        state = self.state[group["params"][0]]
        state["func_evals"] = state.get("func_evals", 0) + 1
        state.setdefault("n_iter", 0)
        self.stepped = True
        if np.max(np.abs(g)) <= group["tolerance_grad"]:
            return first
        for i in range(group["max_iter"]):
            state["n_iter"] += 1
            state["d"] = d = self._direction(state, g)
            state["prev_flat_grad"], state["prev_loss"] = g, loss
            t = group["lr"]
            if state["n_iter"] == 1:
                t *= min(1.0, 1.0 / float(np.sum(np.abs(g))))
            state["t"] = t
            slope = dot(g, d)
            if slope > -group["tolerance_change"]:
                break
            count = 0
            start = [p._data.copy() for p in group["params"]]
            if group["line_search_fn"] is not None:
                found, count = strong_wolfe(
                    functools.partial(self._at, closure, start, d),
                    d,
                    Point(0.0, loss, g, slope),
                    t,
                    max_ls=limit - evaluations,
                )
                state["t"], loss, g = found.t, found.loss, found.grad
                self._move(start, d, found.t)
            elif i + 1 < group["max_iter"]:
                loss, g = self._at(closure, start, d, t)
                count = 1
            else:
                self._move(start, d, t)
            evaluations += count
            state["func_evals"] += count
            if (
                evaluations >= limit
                or np.max(np.abs(g)) <= group["tolerance_grad"]
                or np.max(np.abs(d * state["t"])) <= group["tolerance_change"]
                or abs(loss - state["prev_loss"]) < group["tolerance_change"]
            ):
                break
        return first

    def _direction(self, state: dict[str, Any], g: Array) -> Array:
        """−H g, after the last step has been added to the history."""
        if state["n_iter"] == 1:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
            return -g
        ys, steps, ro = state["old_dirs"], state["old_stps"], state["ro"]
        y, s = g - state["prev_flat_grad"], state["d"] * state["t"]
        curvature = dot(y, s)
        if curvature > 1e-10:
            if len(ys) == self.param_groups[0]["history_size"]:
                for old in (ys, steps, ro):
                    old.pop(0)
            ys.append(y)
            steps.append(s)
            ro.append(1.0 / curvature)
            state["H_diag"] = curvature / dot(y, y)
        d = -g
        shares = []
        for y, s, r in zip(reversed(ys), reversed(steps), reversed(ro), strict=True):
            shares.append(dot(s, d) * r)
            d -= shares[-1] * y
        d *= state["H_diag"]
        for y, s, r, share in zip(ys, steps, ro, reversed(shares), strict=True):
            d += (share - dot(y, d) * r) * s
        return d

    def _evaluate(self, closure: Callable[[], Any]) -> Any:
        with enable_grad():
            return closure()

    def _at(
        self, closure: Callable[[], Any], start: list[Array], d: Array, t: float
    ) -> tuple[float, Array]:
        """Loss and gradient at distance t from the start along d; the parameters are there then."""
        self._move(start, d, t)
        return float(plain(self._evaluate(closure))), self._gradient()

    def _move(self, start: list[Array], d: Array, t: float) -> None:
        epoch, begin = tick(), 0
        for p, x in zip(self.param_groups[0]["params"], start, strict=True):
            p._data[...] = x + t * d[begin : begin + p.size].reshape(p.shape)
            p.birth = epoch
            begin += p.size

    def _gradient(self) -> Array:
        """All gradients as one new flat array; zeros for a parameter without."""
        params = self.param_groups[0]["params"]
        for p in params:
            if p.grad is not None and p.grad.shape != p.shape:
                raise ValueError(
                    f"LBFGS: the gradient of {label(p)} has shape {p.grad.shape}, "
                    f"the parameter {p.shape}."
                )
        return np.concatenate(
            [np.zeros(p.size, p.dtype) if p.grad is None else p.grad.reshape(-1) for p in params]
        )

    def taken_over(self, group: Group, p: Value, state: Mapping[str, Any]) -> dict[str, Any]:
        """A checked copy of saved state; PyTorch, too, keeps all of it with the first parameter."""
        if p is not self.param_groups[0]["params"][0]:
            raise ValueError("has state, but LBFGS keeps all in the first parameter's.")
        needed = (*NUMBERS, *VECTORS, *LISTS) if state.get("n_iter") else NUMBERS[:2]
        missing = [name for name in needed if name not in state]
        if missing:
            raise ValueError(f"its state has no {', '.join(missing)}.")
        size = sum(q.size for q in self.param_groups[0]["params"])

        def vector(name: str, x: Any) -> Array:
            array = np.asarray(x).astype(p.dtype)
            if array.shape != (size,):
                raise ValueError(f"{name} has shape {array.shape}, it must be {(size,)}.")
            return array

        mine: dict[str, Any] = {}
        for name, x in state.items():
            if name in NUMBERS:
                mine[name] = float(x) if name not in NUMBERS[:2] else int(x)
            elif name in VECTORS:
                mine[name] = vector(name, x)
            elif name in LISTS:
                mine[name] = [float(r) if name == "ro" else vector(name, r) for r in x]
        return mine
