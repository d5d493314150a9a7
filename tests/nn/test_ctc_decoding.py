"""Decoding of CTC: held against every path there is."""

from __future__ import annotations

import itertools
from collections import defaultdict

import numpy as np
import pytest

import autograd
from nn import functional as F  # noqa: N812 - PyTorch users' name


def log_softmax(x):
    return np.asarray(F.log_softmax(x, -1))


def read(path, blank):
    return tuple(label for label, _ in itertools.groupby(path) if label != blank)


def every_reading(log_p, blank):
    """The probability of each reading of log-probabilities (T, C), and the likeliest path's."""
    T, C = log_p.shape
    readings, best = defaultdict(float), (-np.inf, ())
    for path in itertools.product(range(C), repeat=T):
        one = log_p[np.arange(T), list(path)].sum()
        readings[read(path, blank)] += np.exp(one)
        best = max(best, (one, path))
    return readings, best


@pytest.mark.parametrize("blank", [0, 2])
def test_both_ways_find_what_trying_every_path_finds(blank):
    rng = np.random.default_rng(blank)
    lengths = np.array([5, 4, 1, 5, 3, 5])
    log_p = log_softmax(rng.normal(0, 1.5, (5, 6, 3)))
    greedy, of_paths = F.ctc_greedy_decode(log_p, lengths, blank)
    beams, of_readings = F.ctc_beam_decode(log_p, lengths, blank, beam=500)
    for i, T in enumerate(lengths):
        readings, (one, path) = every_reading(log_p[:T, i], blank)
        assert tuple(greedy[i]) == read(path, blank)
        assert of_paths[i] == pytest.approx(one)
        assert tuple(beams[i]) == max(readings, key=readings.get)
        assert of_readings[i] == pytest.approx(np.log(readings[tuple(beams[i])]))


def test_a_wide_beam_gives_the_probability_that_the_loss_sums_up():
    log_p = log_softmax(np.random.default_rng(3).normal(size=(7, 4, 4)))
    labels, log_probabilities = F.ctc_beam_decode(log_p, beam=1000)
    for i, (target, log_probability) in enumerate(zip(labels, log_probabilities, strict=True)):
        loss = F.ctc_loss(log_p[:, [i]], [target], [7], [len(target)], reduction="sum")
        assert float(loss) == pytest.approx(-log_probability)


def test_a_beam_finds_a_reading_that_no_single_path_shows():
    log_p = np.log([[[0.55, 0.45]], [[0.55, 0.45]]])
    assert F.ctc_greedy_decode(log_p)[0] == [[]]
    labels, log_probability = F.ctc_beam_decode(log_p, beam=2)
    assert labels == [[1]]
    assert np.exp(log_probability) == pytest.approx(1 - 0.55**2)


def test_a_label_counts_again_only_after_a_blank():
    path = [1, 1, 0, 1, 2, 2, 0, 0, 2]
    with np.errstate(divide="ignore"):
        log_p = np.log(np.eye(3)[path])[:, None]  # sure of each step
    for decode in (F.ctc_greedy_decode, F.ctc_beam_decode):
        labels, log_probability = decode(log_p)
        assert labels == [[1, 1, 2, 2]]
        assert log_probability == [0]


def test_narrow_beams_and_few_symbols_find_less_probable_readings_at_most():
    log_p = log_softmax(np.random.default_rng(5).normal(size=(12, 8, 6)))
    exact = F.ctc_beam_decode(log_p, beam=300)[1]
    for settings in ({"beam": 1}, {"beam": 4}, {"beam": 8, "symbols": 2}):
        assert (F.ctc_beam_decode(log_p, **settings)[1] <= exact + 1e-12).all()


def test_long_inputs_do_not_underflow():
    log_p = log_softmax(np.random.default_rng(6).normal(size=(1500, 1, 5)).astype(np.float32))
    labels, log_probability = F.ctc_beam_decode(log_p, beam=3)
    lengths = [1500], [len(labels[0])]
    exact = float(F.ctc_loss(log_p, labels, *lengths, reduction="sum"))
    assert -1500 * np.log(5) < log_probability[0] <= -exact + 1e-3


def test_steps_behind_a_length_are_not_read_and_a_value_is_taken():
    log_p = log_softmax(np.random.default_rng(7).normal(size=(6, 2, 3)))
    spoilt = log_p.copy()
    spoilt[4:, 0] = np.nan
    for decode in (F.ctc_greedy_decode, F.ctc_beam_decode):
        labels, log_probabilities = decode(autograd.Value(spoilt), [4, 6])
        alone, one = decode(log_p[:4, :1])
        assert labels[0] == alone[0]
        assert log_probabilities[0] == one[0]
        assert decode(log_p[:, :1], [0]) == ([[]], [0.0])


@pytest.mark.parametrize("decode", [F.ctc_greedy_decode, F.ctc_beam_decode])
def test_what_are_no_log_probabilities_is_refused(decode):
    good = log_softmax(np.zeros((4, 2, 3)))
    who = decode.__name__
    with pytest.raises(ValueError, match=rf"{who}: log_probs must be \(T, N, C\), got \(4, 3\)"):
        decode(good[:, 0])
    with pytest.raises(ValueError, match=rf"{who}: .*add up to 1.*log_softmax"):
        decode(np.zeros((4, 2, 3)))
    with pytest.raises(ValueError, match=rf"{who}: .*add up to 1, got nan"):
        decode(np.full((4, 2, 3), np.nan))
    with pytest.raises(TypeError, match=rf"{who}: log_probs must hold floats"):
        decode(np.zeros((4, 2, 3), int))
    with pytest.raises(ValueError, match=rf"{who}: blank .*0 to 2, got 3"):
        decode(good, blank=3)
    with pytest.raises(ValueError, match=rf"{who}: input_lengths must be 2 numbers from 0 to 4"):
        decode(good, [4, 5])
    with pytest.raises(TypeError, match=rf"{who}: input_lengths must be integers"):
        decode(good, [4.0, 3.0])


def test_a_beam_of_nothing_is_refused():
    good = log_softmax(np.zeros((4, 2, 3)))
    with pytest.raises(ValueError, match="beam must be an integer >= 1, got 0"):
        F.ctc_beam_decode(good, beam=0)
    with pytest.raises(ValueError, match="symbols must be an integer >= 1, got 0"):
        F.ctc_beam_decode(good, symbols=0)
