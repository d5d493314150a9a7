# %% [markdown]
# # Values, graphs and the chain rule
#
# Training a network asks one question again and again: *if I change this number a little, how
# does the result change?* The answer is a derivative. This notebook takes an expression apart
# until each piece has a derivative that fits on one line, multiplies the pieces together, and
# lets the machine do the same. In the end you will have trained a classifier with nothing but
# single numbers.
#
# **Data:** made here. **Target:** the derivatives agree with finite differences to 8 digits, and
# a small network separates two moons (every point; 80 % of them in quick mode).

# %%
import json
import os
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np

import autograd
import nn
from autograd import Value

QUICK = bool(os.environ.get("GLASSGRAD_QUICK"))

# %% [markdown]
# ## A Value remembers how it was made
#
# `Value` is a number (or an array of numbers) that keeps a note of the operation it came from and
# of the inputs of that operation.

# %%
a = Value(2.0, name="a")
b = Value(-3.0, name="b")
c = Value(10.0, name="c")
e = a * b
d = e + c
L = d * d
L

# %% [markdown]
# The notes form a graph. Boxes are values, circles are operations, and time runs from left to
# right.

# %%
autograd.draw(L, names={"e": e, "d": d, "L": L})

# %% [markdown]
# ## The chain rule, by hand
#
# Walk back from the result. Every step multiplies by the *local* derivative of one operation:
#
# $$
# \frac{\partial L}{\partial d} = 2d, \qquad
# \frac{\partial L}{\partial e} = \frac{\partial L}{\partial d}\cdot 1, \qquad
# \frac{\partial L}{\partial a} = \frac{\partial L}{\partial e}\cdot b .
# $$
#
# With $d = 2\cdot(-3) + 10 = 4$ this gives $\partial L/\partial d = 8$, $\partial L/\partial a =
# 8\cdot(-3) = -24$ and $\partial L/\partial b = 8 \cdot 2 = 16$.

# %%
by_hand = {"a": 2 * 4 * -3, "b": 2 * 4 * 2, "c": 2 * 4}
L.backward()
print("by hand: ", by_hand)
print("backward:", {"a": float(a.grad), "b": float(b.grad), "c": float(c.grad)})

# %% [markdown]
# ## What the machine did, drawn
#
# `backward` walks the same graph from right to left. With `gradients` and `formulas` the drawing
# shows what arrives at each box, and on each arrow what an operation hands back. The formulas are
# read off the code that computes them, so they can't disagree with it. ($\bar y$ is what comes
# in.)
#
# `backward` lets go of the graph when it is done, so we build it again to look at it.

# %%
e = a * b
d = e + c
L = d * d
autograd.draw(L, gradients=True, formulas=True, names={"e": e, "d": d, "L": L})

# %% [markdown]
# ## Two paths add up
#
# $L = d \cdot d$ uses $d$ twice. Each use sends its own contribution back, and contributions are
# **added**. `explain` lists every path from a value to the result; their sum is the gradient.

# %%
autograd.explain(L, a)

# %% [markdown]
# ## Play it
#
# The player steps through the graph: values forward, gradients back. Use the slider or the arrow
# keys. (In a saved notebook it runs without a network.) Drag the box of $a$, $b$ or $c$ sideways:
# values and gradients follow.

# %%
autograd.play(L, names={"e": e, "d": d, "L": L}, title="L = (a b + c)²")

# %% [markdown]
# ## Is it true? Finite differences
#
# A derivative is the limit of $\frac{f(x+h) - f(x-h)}{2h}$. We can simply compute that quotient
# and compare. Here is a function with several operations in it:

# %%


def f(x):
    return np.tanh(x) * np.exp(-x * x) + np.log(2 + np.cos(3 * x))


x0 = 0.7
x = Value(x0)
f(x).backward()
exact = float(x.grad)
print("backward:         ", exact)
print("finite difference:", (f(x0 + 1e-5) - f(x0 - 1e-5)) / 2e-5)

# %% [markdown]
# How small should $h$ be? Too large, and the curve bends between the two points: the error grows
# as $h^2$. Too small, and the two function values agree in all but their last digits, so that
# rounding is all that is left: the error grows as $10^{-16}/h$. The best lies between $10^{-6}$ and
# $10^{-5}$; backprop has no such trouble, because it takes no quotient at all.

# %%
steps = 10.0 ** np.arange(-15, 0, 0.25)
errors = np.array([abs((f(x0 + h) - f(x0 - h)) / (2 * h) - exact) for h in steps])
nn.look.show_curves(
    {
        "|difference quotient − backward|": (steps, errors),
        "$h^2$: the curve bends": (steps, steps**2),
        "$10^{-16}/h$: rounding": (steps, 1e-16 / steps),
    },
    xlabel="step h", ylabel="error of the derivative", xscale="log", yscale="log", ylim=(1e-17, 10),
)  # fmt: skip

# %% [markdown]
# `gradcheck` makes this comparison for any function of arrays and says which entry is wrong.

# %%
checked = autograd.gradcheck(f, np.linspace(-2, 2, 9))
checked

# %% [markdown]
# ## Gradient descent by hand
#
# The gradient says where a function grows. So go the other way, a little at a time:
#
# $$ x \leftarrow x - \eta \, \frac{\partial f}{\partial x} $$
#
# $\eta$ is the **learning rate**. Too small and you crawl, too large and you jump across the
# valley. `autograd.grad(f)` is the derivative of `f` as a function: it makes a Value of the number
# that it is given, goes back from the result, and returns the gradient.


# %%
def valley(x):
    return (x - 1) ** 2 + 0.5


def descend(rate, start=-1.5, steps=15):
    slope, path = autograd.grad(valley), [start]
    for _ in range(steps):
        path.append(path[-1] - rate * slope(path[-1]))
    return np.array(path)


figure, panels = plt.subplots(1, 3, figsize=(9, 3), sharey=True, layout="constrained")
grid = np.linspace(-2.2, 4.2, 200)
for axes, rate in zip(panels, (0.02, 0.3, 0.98), strict=True):
    path = descend(rate)
    axes.plot(grid, valley(grid), color="0.75")
    axes.plot(path, valley(path), "o-", ms=4, lw=1)
    axes.set(title=f"learning rate {rate}", xlabel="x")
panels[0].set_ylabel("f(x)")
plt.show()

# %% [markdown]
# ## A neuron
#
# A neuron weighs its inputs, adds a bias and squashes the sum: $y = \tanh(w_0 x_0 + w_1 x_1 +
# b)$. That is five operations, and we know how to go through each.

# %%


class Neuron(NamedTuple):
    weights: list[Value]
    bias: Value

    def __call__(self, inputs):
        total = self.bias
        for w, x in zip(self.weights, inputs, strict=True):
            total = total + w * x
        return np.tanh(total)


def new_neuron(inputs, rng):
    weights = [Value(rng.normal(), name=f"w{i}") for i in range(inputs)]
    return Neuron(weights, Value(0.0, name="b"))


one = new_neuron(2, np.random.default_rng(0))
autograd.draw(one([1.0, -2.0]), gradients=True)

# %% [markdown]
# ## A network of single numbers
#
# Neurons in a row make a layer; layers one after another make a network. The task: two crescents
# of points, and a curve that keeps them apart.

# %%


def two_moons(n, rng, noise=0.08):
    """N points on two interleaving half circles, and −1 or 1 for which of them."""
    angle = rng.uniform(0, np.pi, n)
    upper = rng.random(n) < 0.5
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle))
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle))
    points = np.stack([x, y], 1) + rng.normal(0, noise, (n, 2))
    return points, np.where(upper, 1.0, -1.0)


rng = np.random.default_rng(1)
points, sides = two_moons(60, rng)
layers = [
    [new_neuron(2, rng) for _ in range(8)],
    [new_neuron(8, rng) for _ in range(8)],
    [new_neuron(8, rng)],
]


def network(inputs):
    for layer in layers:
        inputs = [neuron(inputs) for neuron in layer]
    return inputs[0]


parameters = [p for layer in layers for neuron in layer for p in (*neuron.weights, neuron.bias)]
print(len(parameters), "parameters")

# %% [markdown]
# The loss is the mean of $(y - t)^2$, where $t$ is −1 or 1. One step of training is four lines:
# compute, go back, move every parameter downhill, forget the gradients. The graph of one step has
# about twelve thousand nodes, one for each operation on two numbers.

# %%
curve = []
for _ in range(30 if QUICK else 150):
    loss = sum((network(p) - t) ** 2 for p, t in zip(points, sides, strict=True)) / len(points)
    loss.backward()
    for p in parameters:
        p.data = p.data - 0.3 * p.grad
        p.grad = None
    curve.append(loss.item())
print(f"loss {curve[0]:.3f} → {curve[-1]:.3f}")

# %% [markdown]
# Left, the loss of each step. Right, what the network says about every place of the plane: the
# white line is where it is undecided.

# %%
answers = np.array([network(p).item() for p in points])
accuracy = float(np.mean(np.sign(answers) == sides))

side = np.linspace(-1.6, 2.6, 24 if QUICK else 48)
with autograd.no_grad():
    plane = [[float(network((u, v))) for u in side] for v in side]
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
nn.look.show_curves({"": curve}, axes=left, xlabel="step", ylabel="loss")
image = right.contourf(side, side, plane, np.linspace(-1, 1, 21), cmap="RdBu", alpha=0.6)
right.contour(side, side, plane, [0], colors="white")
right.scatter(*points.T, c=sides, cmap="RdBu", edgecolors="black", s=25)
right.set(xlabel="x₁", ylabel="x₂", title=f"{accuracy:.0%} of the points are on their side")
figure.colorbar(image, label="the network's answer", ticks=[-1, 0, 1])
plt.show()

# %% [markdown]
# ## Your turn
#
# The same task, with arrays in place of single numbers, on a page that trains here in the browser:
# it computes the graph that was recorded by Python. Press *train*. Click into the output to add
# points of your own, exchange the activation, drag a weight, and look into any step: the player
# opens on the weights of that moment.

# %%
moons = nn.Sequential(
    nn.Linear(2, 8, rng=0),
    nn.Tanh(),
    nn.Linear(8, 8, rng=1),
    nn.Tanh(),
    nn.Linear(8, 1, rng=2),
)
autograd.playground(moons, points, sides > 0, title="two moons")

# %% [markdown]
# ## What to take along
#
# * A graph of small operations, each with a local derivative, is all that backprop needs.
# * Gradients are multiplied along a path, and added where paths meet.
# * One pass back costs about as much as one pass forward and gives **all** derivatives, where
#   finite differences would need two passes for each parameter.
#
# Single numbers are slow: one node each. From the next notebook on, a Value holds an array, and a
# node does the work of thousands. Nothing else changes.

# %%
targets = {
    "digits in which backward and finite differences agree": (-np.log10(errors.min()), ">=", 8),
    "gradcheck passes (1 = yes)": (checked, ">=", 1),
    "two moons, share of points on their side": (accuracy, ">=", 0.8 if QUICK else 1.0),
}
print(json.dumps({"targets": targets}, default=float))
assert all(r >= w if sign == ">=" else r <= w for r, sign, w in targets.values()), targets
