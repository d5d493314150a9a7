"""Random settings of optimizers and schedulers: parameters and rates after every few steps."""

from __future__ import annotations

import numpy as np
from comparison import Case, registry, torch

import nn
from autograd import Value

GENERATORS, cases = registry()

OPTIMIZERS = {
    "SGD": lambda d: {
        "momentum": d.pick(0, d.uniform(0, 1)),
        "dampening": d.pick(0, 0.5),
        **d.pick({}, {"momentum": 0.7, "nesterov": True, "dampening": 0}),
    },
    **{
        name: lambda d: {
            "betas": (d.uniform(0, 0.99), d.uniform(0.5, 0.999)),
            "eps": d.pick(1e-8, 1e-3),
            "amsgrad": d.flag(),
        }
        for name in ("Adam", "AdamW")
    },
    "RMSprop": lambda d: {
        "alpha": d.uniform(0.1, 0.99),
        "momentum": d.pick(0, 0.6),
        "centered": d.flag(),
        "eps": d.pick(1e-8, 1e-2),
    },
    "Adagrad": lambda d: {
        "lr_decay": d.uniform(0, 1),
        "initial_accumulator_value": d.uniform(0, 1),
    },
    "Adadelta": lambda d: {"rho": d.uniform(0, 0.99), "eps": d.pick(1e-6, 1e-2)},
    "Adamax": lambda d: {"betas": (d.uniform(0, 0.99), d.uniform(0.5, 0.999))},
    "NAdam": lambda d: {"betas": (d.uniform(0, 0.99), 0.9), "momentum_decay": d.uniform(0, 0.1)},
    "RAdam": lambda d: {"betas": (d.uniform(0, 0.99), d.uniform(0.5, 0.999))},
    "ASGD": lambda d: {
        "lambd": d.uniform(0, 0.1),
        "alpha": d.uniform(0.1, 1),
        "t0": d.pick(2, 1e6),
    },
    "Rprop": lambda d: {
        "etas": (d.uniform(0.2, 0.9), d.uniform(1.1, 2)),
        "step_sizes": (1e-3, 0.1),
    },
}


@cases(*OPTIMIZERS)
def optimizer(d, name):
    """Twelve steps with random gradients; the parameters after each third of them."""
    settings = {"lr": d.uniform(0.001, 0.1), "maximize": d.flag(0.3)} | OPTIMIZERS[name](d)
    if name != "Rprop":
        settings["weight_decay"] = d.pick(0, d.uniform(0, 0.3))
    if name in ("Adam", "NAdam", "RAdam"):
        settings["decoupled_weight_decay"] = d.flag()
    start = [d.real(*d.shape(0, 3, False)) for _ in range(d.int(1, 3))]
    steps = [[d.real(*x.shape) for x in start] for _ in range(12)]

    def ours(start, steps):
        return walk(nn, [nn.Parameter(x.data, dtype=d.dtype) for x in start], steps)

    def theirs(start, steps):
        return walk(torch, [torch.nn.Parameter(x.detach().clone()) for x in start], steps)

    def walk(library, parameters, steps):
        run, found = getattr(library.optim, name)(parameters, **settings), []
        for i, gradients in enumerate(steps, 1):
            for p, g in zip(parameters, gradients, strict=True):
                p.grad = g.data.copy() if isinstance(g, Value) else g.detach().clone()
            run.step()
            if i % 4 == 0:
                found += [
                    np.array(p.data) if library is nn else p.detach().clone() for p in parameters
                ]
        return found

    return Case(ours, theirs, (start, steps), text=settings, order=0)


@cases("LBFGS")
def lbfgs(d, name):
    """A few steps down a random quadratic and quartic."""
    settings = {"lr": d.uniform(0.1, 1), "max_iter": d.int(1, 6), "history_size": d.int(1, 5)}
    settings |= {"line_search_fn": d.pick(None, "strong_wolfe")}
    n = d.int(1, 4)
    x, a = d.real(n, scale=1), d.real(n, n, scale=1)

    def walk(library, p, a):
        run = library.optim.LBFGS([p], **settings)

        def closure():
            run.zero_grad()
            loss = (((a @ p) ** 2).sum() + 0.1 * (p**4).sum()) + p.sum()
            loss.backward()
            return loss

        found = []
        for _ in range(3):
            run.step(closure)
            found.append(np.array(p.data) if library is nn else p.detach().clone())
        return found

    def ours(x, a):
        return walk(nn, nn.Parameter(x.data, dtype=d.dtype), a.data)

    def theirs(x, a):
        return walk(torch, torch.nn.Parameter(x.detach().clone()), a.detach())

    return Case(ours, theirs, (x, a), text=settings, order=0)


def half(epoch):
    return 0.5 ** (epoch // 2)


SCHEDULERS = {
    "ConstantLR": lambda d: {"factor": d.uniform(0.1, 1), "total_iters": d.int(1, 6)},
    "LinearLR": lambda d: {
        "start_factor": d.uniform(0.1, 1),
        "end_factor": d.uniform(0, 1),
        "total_iters": d.int(1, 9),
    },
    "ExponentialLR": lambda d: {"gamma": d.uniform(0.1, 1)},
    "StepLR": lambda d: {"step_size": d.int(1, 5), "gamma": d.uniform(0.1, 1)},
    "MultiStepLR": lambda d: {
        "milestones": sorted(d.int(1, 12) for _ in range(d.int(1, 4))),
        "gamma": d.uniform(0.1, 1),
    },
    "PolynomialLR": lambda d: {"total_iters": d.int(1, 15), "power": d.uniform(0.5, 3)},
    "LambdaLR": lambda d: {"lr_lambda": half},
    "MultiplicativeLR": lambda d: {"lr_lambda": half},
    "CosineAnnealingLR": lambda d: {"T_max": d.int(1, 12), "eta_min": d.uniform(0, 0.01)},
    "CosineAnnealingWarmRestarts": lambda d: {
        "T_0": d.int(1, 5),
        "T_mult": d.int(1, 3),
        "eta_min": d.uniform(0, 0.01),
    },
    "CyclicLR": lambda d: {
        "base_lr": d.uniform(0.001, 0.01),
        "max_lr": d.uniform(0.02, 1),
        "step_size_up": d.int(1, 5),
        "step_size_down": d.pick(None, 3),
        "mode": d.pick("triangular", "triangular2", "exp_range"),
        "gamma": d.uniform(0.8, 1),
        "cycle_momentum": d.flag(),
    },
    "OneCycleLR": lambda d: {
        "max_lr": d.uniform(0.02, 1),
        "total_steps": d.int(21, 30),
        "pct_start": d.uniform(0.1, 0.6),
        "anneal_strategy": d.pick("cos", "linear"),
        "three_phase": d.flag(),
        "cycle_momentum": d.flag(),
    },
    "ReduceLROnPlateau": lambda d: {
        "mode": d.pick("min", "max"),
        "factor": d.uniform(0.1, 0.9),
        "patience": d.int(0, 3),
        "threshold": d.uniform(0, 0.3),
        "threshold_mode": d.pick("rel", "abs"),
        "cooldown": d.int(0, 2),
        "min_lr": d.pick(0, 0.01),
    },
}


@cases(*SCHEDULERS, "SequentialLR", "ChainedScheduler")
def scheduler(d, name):
    """The learning rates (and momenta) of twenty steps."""
    lr, losses = d.uniform(0.01, 0.5), d.real(20)
    parts = [n for n in SCHEDULERS if n not in ("CyclicLR", "OneCycleLR", "ReduceLROnPlateau")]
    names = (
        [d.pick(*parts) for _ in range(2)]
        if name in ("SequentialLR", "ChainedScheduler")
        else [name]
    )
    settings, turn = [SCHEDULERS[n](d) for n in names], d.int(1, 8)

    def walk(library, losses):
        p = library.nn.Parameter(torch.zeros(2)) if library is torch else nn.Parameter(np.zeros(2))
        p.grad = torch.zeros(2) if library is torch else np.zeros(2, p.dtype)
        run = library.optim.SGD([p], lr=lr, momentum=0.5)
        kinds = library.optim.lr_scheduler
        made = [getattr(kinds, n)(run, **s) for n, s in zip(names, settings, strict=True)]
        plan = made[0]
        if name == "SequentialLR":
            plan = kinds.SequentialLR(run, made, [turn])
        elif name == "ChainedScheduler":
            plan = kinds.ChainedScheduler(made)
        found = []
        for x in losses:
            found += [run.param_groups[0]["lr"], run.param_groups[0]["momentum"]]
            run.step()
            plan.step(*([float(x)] if name == "ReduceLROnPlateau" else []))
        return np.array(found, np.float64)

    return Case(
        lambda x: walk(nn, x.data),
        lambda x: walk(torch, x.detach()),
        (losses,),
        text=(names, settings, lr, turn),
        order=0,
    )


@cases("clip_grad_norm_", "clip_grad_value_")
def clipping(d, name):
    """The total norm, and the gradients after clipping."""
    bound = d.uniform(0.05, 5)
    more = {"norm_type": d.pick(1.0, 2.0, 3.0, np.inf)} if "norm" in name else {}
    gradients = [d.real(*d.shape(0, 3, False)) for _ in range(d.int(1, 3))]

    def walk(library, parameters, gradients):
        for p, g in zip(parameters, gradients, strict=True):
            p.grad = g
        total = getattr(library.utils, name)(parameters, bound, **more)
        return [total, *(p.grad for p in parameters)]

    def ours(gradients):
        parameters = [nn.Parameter(np.zeros(g.shape), dtype=d.dtype) for g in gradients]
        total, *clipped = walk(nn, parameters, [g.data.copy() for g in gradients])
        return [total if total is None else np.asarray(total, d.dtype), *clipped]  # ours: float64

    def theirs(gradients):
        parameters = [torch.nn.Parameter(torch.zeros_like(g)) for g in gradients]
        return walk(torch.nn, parameters, [g.detach().clone() for g in gradients])

    return Case(ours, theirs, (gradients,), text=(bound, more), order=0)
