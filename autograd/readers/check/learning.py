"""Checks that train copies: the loss at the start, one batch overfitted, the learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from autograd.derivatives import grad
from autograd.node import Array, Node
from autograd.readers.check.case import Case, Copies
from autograd.readers.check.samples import Batch, few
from autograd.readers.lint.finding import Finding, named
from autograd.readers.lint.probabilities import REARRANGING
from autograd.value import Value
from autograd.viz.summary import number

FEW = 8
"""Samples to overfit: even a linear model can fit as many as it has inputs."""

REACHED, ENOUGH = 0.5, 0.9
"""Shares of the way from the constant predictor's loss to the floor: at least, and to stop at."""

BOTTLENECK = 0.1
"""The same for an autoencoder, which may be too narrow on purpose."""

FAR = 12.0
"""How many times the constant prediction's loss is too much at the start; residual nets have 6."""

RATES = (3e-3, 3e-2, 3e-4)
LEAP = 10.0
"""How many times the loss at the start, or a constant prediction's, no usual run passes through."""

LINKS = {"sigmoid", "softmax", "log_softmax", "log_sigmoid", "tanh", "relu", "softplus", "exp"}


class Limits(NamedTuple):
    """What a loss can be: with one constant output, and with free ones."""

    constant: float
    floor: float


def limits(loss: Any, outputs: Any, target: Any) -> Limits | None:
    """The loss of the best constant prediction, and of the best outputs for these targets.

    Both are found by gradient descent on the outputs themselves, so they hold for any loss. None if
    there are several outputs, or if the loss refuses some.
    """
    if not isinstance(outputs, Value) or outputs.ndim == 0 or outputs.dtype.kind != "f":
        return None
    base, rebuild = _free(outputs)
    zeros = np.zeros_like(base)
    starts = [zeros]
    if base is outputs._data and np.shape(target) == base.shape:
        starts.append(np.asarray(target, base.dtype))
    try:
        constant = min(
            _lowest(lambda z: loss(rebuild(z + zeros), target), start.mean(0, keepdims=True))
            for start in starts
        )
        floor = min(_lowest(lambda z: loss(rebuild(z), target), start) for start in starts)
    except (ValueError, TypeError):  # such as outputs beyond the loss's domain
        return None
    return Limits(constant, min(floor, constant))


def _free(y: Value) -> tuple[Array, Callable[[Any], Any]]:
    """What stands before the last activations, and these as a function of it."""
    chain: list[Node] = []
    v: Node = y
    while v.op is not None and v.op.name in LINKS | REARRANGING and len(v.inputs) == 1:
        x = v.inputs[0]
        if not isinstance(x, Node) or np.ndim(x._data) == 0 or len(x._data) != len(y._data):
            break
        if v.op.name in ("getitem", "output"):
            break
        chain.append(v)
        v = x
    if not any(v.op.name in LINKS for v in chain):
        return y._data, lambda z: z

    def rebuild(z: Any) -> Any:
        for v in reversed(chain):
            z = v.op(z, *v.static)
        return z

    return np.asarray(v._data), rebuild


def _lowest(function: Callable[[Value], Any], start: Array, steps: int = 250) -> float:
    z = Value(start.astype(start.dtype, copy=True))
    best, adam = math.inf, Adam([z], 0.3)
    for i in range(steps):
        y = function(z)
        if not isinstance(y, Value) or not y.requires_grad:
            return float(np.asarray(y.data if isinstance(y, Value) else y))
        best = min(best, float(y.data)) if np.isfinite(y.data) else best
        if i == steps // 4 and best > 0 and float(y.data) > 100:
            adam.rate *= math.sqrt(float(y.data))  # targets of another size
        if i in (steps // 2, steps * 3 // 4):
            adam.rate *= 0.1
        adam.step([grad(y, z)])
    return best


class Adam:
    """Adam on copies; the user's optimizer has its own settings."""

    def __init__(self, parameters: list[Any], rate: float) -> None:
        self.parameters, self.rate, self.count = parameters, rate, 0
        self.m = [np.zeros_like(p._data) for p in parameters]
        self.s = [np.zeros_like(p._data) for p in parameters]

    def step(self, gradients: list[Any]) -> None:
        """One update; None leaves a parameter as it is."""
        self.count += 1
        a, b = 1 - 0.9**self.count, 1 - 0.99**self.count
        for p, g, m, s in zip(self.parameters, gradients, self.m, self.s, strict=True):
            if g is not None:
                m += 0.1 * (g - m)
                s += 0.01 * (g * g - s)
                p.data = p._data - self.rate * (m / a) / (np.sqrt(s / b) + 1e-8)


def trainable(model: Any) -> list[Any]:
    """The parameters that require gradients."""
    return [p for p in model.parameters() if p.requires_grad]


class Learning:
    """What is measured by training copies, each once.

    Attributes
    ----------
    batch : a few samples.
    limits : of the loss on them.
    start, best, rate : the loss before and after, and Adam's learning rate that was best.
    """

    def __init__(self, case: Case, steps: int, *, thaw: bool = False) -> None:
        self.case, self.steps, self.thaw = case, steps, thaw
        self.batch = few(case.batch, _learnable(case))
        if not case.takes(self.batch):
            self.batch = case.batch
        copies = self._copies()
        outputs, loss = copies.run(self.batch)
        self.start = float(loss.data)
        self.limits = limits(copies.loss, outputs, self.batch.target)
        self.best, self.rate = self.start, 0.0
        self.same_outputs = False
        if trainable(copies.model):
            self._overfit()

    def share(self, loss: float) -> float:
        """How far a loss is on the way from the constant predictor's to the floor."""
        if self.limits is None or not math.isfinite(loss):
            return 0.0
        top = max(self.limits.constant, min(self.start, 2 * abs(self.limits.constant)))
        return (top - loss) / max(top - self.limits.floor, 1e-12)

    def _copies(self) -> Copies:
        copies = self.case.fresh()
        if self.thaw:
            for p in copies.model.parameters():
                p.requires_grad = True
        return copies

    def _overfit(self) -> None:
        for rate in RATES:
            copies = self._copies()
            parameters = trainable(copies.model)
            adam = Adam(parameters, rate)
            for _ in range(self.steps):
                with np.errstate(all="ignore"):
                    outputs, loss = copies.run(self.batch)
                    if not np.isfinite(loss.data):
                        break
                    if float(loss.data) < self.best:
                        self.best, self.rate = float(loss.data), rate
                    if self.share(self.best) >= ENOUGH:
                        return
                    adam.step(grad(loss, parameters, allow_unused=True))
            y = outputs._data if isinstance(outputs, Value) else None
            self.same_outputs = y is not None and np.ndim(y) > 0 and bool(np.ptp(y, 0).max() == 0)
            if self.limits is None or self.share(self.best) >= REACHED:
                return

    def leaps(self, trial: Trial) -> bool:
        """Whether the loss rose far above both its start and a constant prediction's."""
        usual = max(trial.losses[0], self.limits.constant if self.limits else math.inf)
        return bool(np.nanmax(trial.losses) > LEAP * usual > 0)

    def trial(self, change: Callable[[Any], None] | None = None, steps: int | None = None) -> Trial:
        """Train a copy with a copy of the user's optimizers, their settings changed."""
        copies = self.case.fresh()
        parameters = trainable(copies.model)
        before = [p._data.copy() for p in parameters]
        for optimizer in copies.optimizers:
            for group in optimizer.param_groups:
                if change is not None:
                    change(group)
        held = [p for o in copies.optimizers for g in o.param_groups for p in g["params"]]
        losses: list[float] = []
        ratio = 0.0

        def closure() -> Any:
            _, loss = copies.run(self.batch)
            known = [p for p in held if p.requires_grad]
            for p, g in zip(known, grad(loss, known, allow_unused=True), strict=True):
                p.grad = g
            losses.append(float(loss.data))
            return loss

        with np.errstate(all="ignore"):
            for i in range(steps or self.steps):
                for optimizer in copies.optimizers:
                    optimizer.step(closure)
                if i == 0:
                    ratio = _change(before, parameters)
                if not math.isfinite(losses[-1]) or self.share(losses[-1]) >= ENOUGH:
                    break
            closure()
        return Trial(losses, ratio)


def _learnable(case: Case) -> int:
    """How many samples even a linear model of this size can fit."""
    each = max((v._data.size // (case.batch.size or 1) for v in case.within.roots), default=1)
    count = sum(int(p._data.size) for p in trainable(case.model))
    return max(2, min(FEW, count // max(1, each)))


def _spread(case: Case) -> Batch:
    """Samples from all over the data, as many as the batch has."""
    whole, size = case.samples.whole, case.batch.size
    if not case.samples.ordered or whole is None or not whole.size or not size:
        return case.batch
    batch = whole.take(np.linspace(0, whole.size - 1, size).astype(int))
    return batch if case.takes(batch) else case.batch


class Trial(NamedTuple):
    """Losses of a short training, and how much the first update changed the weights."""

    losses: list[float]
    ratio: float

    @property
    def end(self) -> float:
        """The loss at the end; infinite if one was not finite."""
        last = self.losses[-5:]
        return float(np.median(last)) if np.isfinite(self.losses).all() else math.inf


def _change(before: list[Array], parameters: list[Any]) -> float:
    """The largest norm of a parameter's change over the parameter's norm."""
    ratios = [
        float(np.linalg.norm(p._data - b) / n)
        for p, b in zip(parameters, before, strict=True)
        if (n := np.linalg.norm(b)) > 0
    ]
    return max(ratios, default=math.inf)


def loss_at_the_start(case: Case, measured: dict[str, str]) -> Iterator[Finding]:
    """A loss far above that of the best constant prediction, or one that is not finite."""
    start = float(case.root.data)
    if not math.isfinite(start):
        yield Finding(
            "loss is not finite",
            case.where(case.root),
            f"the first loss is {start}",
            "no update can come from it",
            "autograd.detect_anomaly() names the op that made it",
            case.root,
        )
        return
    outputs, batch = case.outputs, _spread(case)
    if batch is not case.batch:  # batches in order have less to tell apart
        outputs, root = case.fresh().run(batch)
        start = float(root.data)
    known = limits(case.fresh().loss, outputs, batch.target)
    measured["loss at the start"] = number(start, 4)
    if known is None or not known.floor >= -1e-3:
        return
    measured["loss of the best constant prediction"] = number(known.constant, 4)
    if start > FAR * known.constant and start - known.constant > 1:
        yield Finding(
            "loss at the start",
            case.where(case.root),
            f"{number(start, 4)}, where the best constant prediction has "
            f"{number(known.constant, 4)}",
            "the first outputs are far from anything sensible, so training begins with undoing "
            "them, in large steps",
            "inputs scaled to variance 1, targets centered and scaled for regression, smaller "
            "weights in the last layer",
            case.root,
        )


def overfits(case: Case, learning: Learning, measured: dict[str, str]) -> Iterator[Finding]:
    """A few samples that can't be learnt by heart."""
    known, size = learning.limits, learning.batch.size
    if known is None or not math.isfinite(known.floor) or not math.isfinite(learning.start):
        return
    if known.constant - known.floor <= 1e-3 * abs(known.constant) or known.floor < -1e-3:
        return
    measured[f"{size} samples overfitted to"] = (
        f"{number(learning.best, 3)} (constant prediction {number(known.constant, 3)}, free "
        f"outputs {number(known.floor, 3)})"
    )
    frozen = [path for path, p in case.model.named_parameters() if not p.requires_grad]
    total = len(frozen) + len(trainable(case.model))
    still = f" {len(frozen)} of {total} parameters are frozen: {named(frozen)}." if frozen else ""
    copied = any(np.array_equal(x, case.batch.target) for x in case.batch.inputs)
    if learning.share(learning.best) >= (BOTTLENECK if copied else REACHED):
        return
    if (
        frozen
        and (thawed := Learning(case, learning.steps, thaw=True)).share(thawed.best) >= REACHED
    ):
        yield Finding(
            "frozen parameters",
            named(frozen),
            f"with requires_grad=False on {len(frozen)} of {total} parameters, {learning.steps} "
            f"updates of Adam on {size} samples took the loss from {number(learning.start, 3)} to "
            f"{number(learning.best, 3)}; with all trained, to {number(thawed.best, 3)}",
            "what is left can't fit even a few samples",
            "requires_grad = True where it is to learn",
        )
        return
    same = " Its outputs are the same for all of them." if learning.same_outputs else ""
    yield Finding(
        "one batch is not overfitted",
        case.where(case.root),
        f"{learning.steps} updates of Adam on {size} samples took the loss from "
        f"{number(learning.start, 3)} to {number(learning.best, 3)}; free outputs reach "
        f"{number(known.floor, 3)}, a constant prediction {number(known.constant, 3)}."
        f"{same}{still}",
        "what can't learn a few samples by heart will not learn many",
        "look for inputs that do not reach the output, layers without a gradient, and a loss "
        "that does not fit the outputs; the other findings may be the cause",
        case.root,
    )


def learning_rate(case: Case, learning: Learning, measured: dict[str, str]) -> Iterator[Finding]:
    """Settings of the optimizer under which a batch that can be learnt is not."""
    groups = [g for o in case.fresh().optimizers for g in o.param_groups]
    momentum = max((g.get("momentum", 0) for g in groups), default=0)
    if momentum >= 1:
        yield Finding(
            "momentum too large",
            "optimizer",
            f"momentum={momentum:g}",
            "the velocity never decays, so the weights run past every minimum",
            "0.9, or up to 0.99",
        )
    if not case.fresh().optimizers or learning.share(learning.best) < REACHED:
        return
    if lowering := _range(case, learning):
        measured["learning rates that lower the loss"] = lowering
    now = learning.trial()
    share = learning.share(now.end)
    leaps = learning.leaps(now)
    if share >= REACHED and not leaps:
        return
    rates = [g["lr"] for o in case.fresh().optimizers for g in o.param_groups]
    lr = max(rates)

    def tried(change: Callable[[Any], None]) -> float:
        return learning.share(learning.trial(change).end)

    saw = f"with the optimizer as it is, lr={lr:g}, the loss goes from {number(now.losses[0], 3)} "
    saw += (
        f"to {number(now.end, 3)} in {len(now.losses) - 1} updates on {learning.batch.size} samples"
    )
    if leaps:
        saw += f", over a peak of {number(max(now.losses), 3)}"
    if any(g.get("maximize") for g in groups) and now.end > now.losses[0]:
        yield Finding(
            "the loss is maximized",
            "optimizer",
            saw,
            "maximize=True follows the gradient uphill",
            "maximize=False for a loss; True is for a reward",
        )
        return
    if any(g.get("weight_decay") for g in groups) and (
        (without := tried(lambda g: g.update(weight_decay=0 * g["weight_decay"]))) > share + 0.3
    ):
        decay = max(g.get("weight_decay", 0) for g in groups)
        yield Finding(
            "weight decay too large",
            "optimizer",
            f"{saw}; without weight_decay={decay:g} it covers {without:.0%} of the way to the "
            "floor",
            "the weights are pulled to 0 faster than the loss can move them",
            "weight_decay=0 first, then 1e-4 to 1e-2",
        )
        return
    for factor in (0.1, 0.01, 1e-3) if leaps or (share < 0.2 and now.ratio > 1e-3) else ():
        trial = learning.trial(_scaled(factor))
        other = learning.share(trial.end)
        if other > (REACHED if leaps else max(share + 0.3, REACHED)) and not learning.leaps(trial):
            measured["learning rate that works"] = f"{lr * factor:.1g}"
            yield Finding(
                "learning rate too large",
                "optimizer",
                f"{saw}; lr={lr * factor:.1g} covers {other:.0%} of the way to the floor",
                "each step overshoots, so the loss jumps or the units die",
                f"lr={lr * factor:.1g} or less, or a warm-up",
            )
            return
    still = share - learning.share(learning.start) < 0.05
    if lr == 0:
        yield Finding(
            "learning rate is 0",
            "optimizer",
            saw,
            "no update changes a weight",
            "set it; a scheduler may have taken it to 0",
        )
    for usual in (1e-3, 1e-2, 1e-1) if lr and still and now.ratio < SLOW else ():
        factor = usual / max(now.ratio, TINY)
        other = tried(_scaled(factor))
        if other > share + 0.3:
            measured["learning rate that works"] = f"{lr * factor:.1g}"
            yield Finding(
                "learning rate too small",
                "optimizer",
                f"{saw}, and an update changes weights by {now.ratio:.1g} of their size; "
                f"lr={lr * factor:.1g} covers {other:.0%} of the way to the floor",
                "training would take thousands of times longer than it needs",
                f"lr={lr * factor:.1g}; updates of about 1e-3 of the weights' size are usual",
            )
            return


SLOW = 2e-5
"""Relative change of the weights in an update below which no fine-tuning is meant."""


def _range(case: Case, learning: Learning) -> str:
    """The learning rates at which a short training lowers the loss, as text."""
    rates = [g["lr"] for o in case.fresh().optimizers for g in o.param_groups]
    if not all(isinstance(rate, (int, float)) and rate > 0 for rate in rates):
        return ""
    ends = {f: learning.trial(_scaled(f), SWEPT).end for f in 10.0 ** np.arange(-4, 5)}
    lowered = {f: learning.start - end for f, end in ends.items() if end < learning.start}
    if not lowered:
        return ""
    good = [f for f, gain in lowered.items() if gain > 0.2 * max(lowered.values())]
    now = max(rates)
    return f"{min(good) * now:.0e} to {max(good) * now:.0e} (now {now:g})"


SWEPT = 15
"""Updates at each learning rate of the sweep."""

TINY = 1e-9
"""Below this, float32 weights do not change."""


def _scaled(factor: float) -> Callable[[Any], None]:
    return lambda group: group.update(lr=group["lr"] * factor)
