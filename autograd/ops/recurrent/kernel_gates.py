"""What a step does to each unit once the products are there, forward and backward.

Each formula is a function of numbers, made from the functions that `rowwise` hands it, which turns
it into vector code for a row.
"""
# mypy: ignore-errors

from __future__ import annotations

from autograd.machine.lanes import rowwise


def _tanh_cell(sigmoid, tanh, relu, gated):
    return lambda p, b: (tanh(p + b),)


def _relu_cell(sigmoid, tanh, relu, gated):
    return lambda p, b: (relu(p + b),)


def _tanh_cell_grad(sigmoid, tanh, relu, gated):
    def cell(h, dh, gy, db):
        d = (dh + gy) * (1.0 - h * h)
        return d, db + d

    return cell


def _relu_cell_grad(sigmoid, tanh, relu, gated):
    def cell(h, dh, gy, db):
        d = gated(dh + gy, h)
        return d, db + d

    return cell


def _lstm_cell(sigmoid, tanh, relu, gated):
    def cell(i, f, g, o, bi, bf, bg, bo, c):
        i = sigmoid(i + bi)
        f = sigmoid(f + bf)
        g = tanh(g + bg)
        o = sigmoid(o + bo)
        c = f * c + i * g
        return i, f, g, o, c, o * tanh(c)

    return cell


def _lstm_cell_grad(sigmoid, tanh, relu, gated):
    def cell(i, f, g, o, old, c, dh, gy, dc, bi, bf, bg, bo):
        d = dh + gy
        t = tanh(c)
        dc = dc + d * o * (1.0 - t * t)
        di = dc * g * i * (1.0 - i)
        df = dc * old * f * (1.0 - f)
        dg = dc * i * (1.0 - g * g)
        do = d * t * o * (1.0 - o)
        return di, df, dg, do, dc * f, bi + di, bf + df, bg + dg, bo + do

    return cell


def _gru_cell(sigmoid, tanh, relu, gated):
    def cell(r, z, x, h, br, bz, bx, bh, old):
        r = sigmoid(r + br)
        z = sigmoid(z + bz)
        h = h + bh
        n = tanh(x + bx + r * h)
        return r, z, n, h, n + z * (old - n)

    return cell


def _gru_cell_grad(sigmoid, tanh, relu, gated):
    def cell(r, z, n, h, old, dh, gy, br, bz, bx, bh):
        d = dh + gy
        dx = d * (1.0 - z) * (1.0 - n * n)
        dz = d * (old - n) * z * (1.0 - z)
        dr = dx * h * r * (1.0 - r)
        dn = dx * r
        return dr, dz, dx, dn, d * z, br + dr, bz + dz, bx + dx, bh + dn

    return cell


tanh_row = rowwise(_tanh_cell, 2, 1)
relu_row = rowwise(_relu_cell, 2, 1)
tanh_row_grad = rowwise(_tanh_cell_grad, 4, 2)
relu_row_grad = rowwise(_relu_cell_grad, 4, 2)
lstm_row = rowwise(_lstm_cell, 9, 6)
lstm_row_grad = rowwise(_lstm_cell_grad, 13, 9)
gru_row = rowwise(_gru_cell, 9, 5)
gru_row_grad = rowwise(_gru_cell_grad, 11, 9)
