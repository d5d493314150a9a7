from __future__ import annotations

import json
import threading
import time
from collections import namedtuple
from itertools import pairwise

import numpy as np
import pytest

import autograd
from nn.data import (
    BatchSampler,
    BucketBatchSampler,
    ConcatDataset,
    DataLoader,
    PadCollate,
    RandomSampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    pad_collate,
    random_split,
    windows,
)
from nn.data.transforms import GaussianNoise

X = np.arange(40, dtype=np.float32).reshape(20, 2)
Y = np.arange(20)


class Sentences:
    """Sequences of different lengths."""

    def __len__(self):
        return 20

    def __getitem__(self, i):
        return np.full(i % 5 + 1, i), i


def as_lists(loader):
    return [[part.tolist() for part in batch] for batch in loader]


LOADERS = {
    "in order": lambda rng: DataLoader((X, Y), 3, rng=rng),
    "shuffled": lambda rng: DataLoader((X, Y), 3, shuffle=True, rng=rng),
    "in threads": lambda rng: DataLoader((X, Y), 3, shuffle=True, num_workers=2, rng=rng),
    "augmented": lambda rng: DataLoader(
        (X, Y), 3, shuffle=True, transform=GaussianNoise(), rng=rng
    ),
    "weighted": lambda rng: DataLoader(
        (X, Y), 3, sampler=WeightedRandomSampler(Y + 1, 15), rng=rng
    ),
    "bucketed": lambda rng: DataLoader(
        Sentences(),
        batch_sampler=BucketBatchSampler(Y % 5, 3, pool=2),
        collate_fn=pad_collate,
        rng=rng,
    ),
    "default generator": lambda rng: DataLoader((X, Y), 3, shuffle=True),
}


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("done", [0, 1, 4, 5])
def test_an_interrupted_epoch_goes_on_with_the_same_batches(name, done):
    autograd.seed(3)
    whole = LOADERS[name](3)
    epochs = [as_lists(whole) for _ in range(3)]
    autograd.seed(3)
    first = LOADERS[name](3)
    as_lists(first)
    batches = iter(first)
    for _ in range(done):
        next(batches)
    state = json.loads(json.dumps(first.state_dict()))
    second = LOADERS[name](99)
    second.load_state_dict(state)
    rest = as_lists(second)
    assert rest == (epochs[1][done:] if done else epochs[1])
    assert as_lists(second) == epochs[2]


def test_a_sampler_of_ones_own_goes_on_from_the_order_it_drew():
    class Moody:
        def __iter__(self):
            return iter(np.random.default_rng().permutation(20).tolist())

        def __len__(self):
            return 20

    a, b = (DataLoader((X, Y), 4, sampler=Moody()) for _ in range(2))
    batches = iter(a)
    next(batches)
    b.load_state_dict(a.state_dict())
    assert as_lists(b) == [[part.tolist() for part in batch] for batch in batches]


def test_threads_change_neither_order_nor_augmentation():
    def epochs(workers):
        loader = DataLoader(
            (X, Y), 3, shuffle=True, num_workers=workers, transform=GaussianNoise(), rng=0
        )
        return [as_lists(loader) for _ in range(2)]

    assert epochs(0) == epochs(1) == epochs(3)


def test_threads_prepare_batches_while_others_wait():
    started = threading.Barrier(2, timeout=20)

    class Pair:
        def __len__(self):
            return 2

        def __getitem__(self, i):
            started.wait()  # passes only if both are being prepared at the same time
            return np.array(i)

    assert [b.tolist() for b in DataLoader(Pair(), 1, num_workers=2)] == [[0], [1]]


def test_an_error_in_a_thread_reaches_the_caller():
    class Broken(Sentences):
        def __getitem__(self, i):
            raise KeyError("no such sentence")

    with pytest.raises(KeyError, match="no such sentence"):
        list(DataLoader(Broken(), 2, num_workers=2))


def test_leaving_an_epoch_early_ends_its_threads():
    before = threading.active_count()
    batches = iter(DataLoader((X, Y), 2, num_workers=3))
    next(batches)
    batches.close()
    deadline = time.monotonic() + 20
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"position": 0}, "lacks before, order, rng"),
        ({"position": 0, "before": None, "rng": None, "order": None}, "without its own rng"),
    ],
)
def test_a_state_of_another_loader_is_refused(state, message):
    with pytest.raises(ValueError, match=message):
        DataLoader(X, 2, rng=0).load_state_dict(state)


def test_a_position_behind_the_end_is_refused():
    a = DataLoader(X, 2, shuffle=True, rng=0)
    batches = iter(a)
    for _ in range(9):
        next(batches)
    with pytest.raises(ValueError, match="at batch 9, but an epoch has 5"):
        DataLoader(X, 4, shuffle=True, rng=0).load_state_dict(a.state_dict())


def test_arguments_that_exclude_each_other_are_refused():
    with pytest.raises(ValueError, match="empty"):
        DataLoader(np.empty((0, 3)), 2)
    with pytest.raises(ValueError, match="sampler and shuffle are mutually exclusive"):
        DataLoader(X, 2, shuffle=True, sampler=[0, 1])
    with pytest.raises(ValueError, match="batch_sampler is mutually exclusive"):
        DataLoader(X, drop_last=True, batch_sampler=[[0, 1]])
    with pytest.raises(ValueError, match="num_workers"):
        DataLoader(X, num_workers=-1)


def test_a_list_holds_samples_as_in_pytorch():
    pairs = [(np.full(2, i), i) for i in range(5)]
    x, y = next(iter(DataLoader(pairs, 3)))
    np.testing.assert_array_equal(x, [[0, 0], [1, 1], [2, 2]])
    np.testing.assert_array_equal(y, [0, 1, 2])
    assert len(DataLoader(pairs, 3)) == 2
    assert [y.tolist() for y in DataLoader([7, 8, 9], 2)] == [[7, 8], [9]]
    assert list(DataLoader(["a", "b", "c"], 2)) == [["a", "b"], ["c"]]
    with pytest.raises(ValueError, match=r"a list holds samples.*tuple, \(X, y\)"):
        DataLoader([X, Y])


def test_a_subset_of_a_subset_has_the_right_samples():
    inner = Subset(TensorDataset(X, Y), [10, 11, 12, 13])
    outer = Subset(inner, [3, -4])
    assert [int(outer[i][1]) for i in range(2)] == [13, 10]
    assert next(iter(DataLoader(outer, 2)))[1].tolist() == [13, 10]
    with pytest.raises(IndexError, match="index 4 is out of range: the dataset has 4"):
        Subset(inner, [4])


def test_concatenated_sets_are_one():
    both = ConcatDataset([TensorDataset(Y[:7]), TensorDataset(Y[7:8]), TensorDataset(Y[8:])])
    assert [int(both[i][0]) for i in range(-20, 20)] == [*range(20), *range(20)]
    with pytest.raises(IndexError, match="20"):
        both[20]


@pytest.mark.parametrize(
    ("lengths", "sizes"), [([12, 8], [12, 8]), ([0.5, 0.33, 0.17], [11, 6, 3])]
)
def test_random_parts_hold_every_sample_once(lengths, sizes):
    parts = random_split(TensorDataset(Y), lengths, rng=0)
    assert [len(p) for p in parts] == sizes
    assert sorted(int(p[i][0]) for p in parts for i in range(len(p))) == list(range(20))


@pytest.mark.parametrize("lengths", [[12, 9], [0.5, 0.6], [-1, 21], [], [10.5, 9.5]])
def test_lengths_that_do_not_add_up_are_refused(lengths):
    with pytest.raises(ValueError, match="must sum to 20, the number of samples"):
        random_split(TensorDataset(Y), lengths)


def test_samplers_draw_what_they_say(rng):
    assert sorted(RandomSampler(Y).draw(rng)) == list(range(20))
    assert len(set(RandomSampler(Y, num_samples=5).draw(rng))) == 5
    assert len(RandomSampler(Y, True, 50).draw(rng)) == 50
    assert sorted(SubsetRandomSampler([3, 1, 7]).draw(rng)) == [1, 3, 7]
    counts = np.bincount(WeightedRandomSampler([1, 0, 3], 4000).draw(rng))
    assert counts[1] == 0
    assert 2.6 < counts[2] / counts[0] < 3.4
    assert len(BatchSampler(SequentialSampler(Y), 3, drop_last=True)) == 6
    with pytest.raises(ValueError, match="num_samples"):
        RandomSampler(Y, num_samples=21)
    with pytest.raises(ValueError, match="weights"):
        WeightedRandomSampler([0, 0], 1)
    with pytest.raises(TypeError, match="WeightedRandomSampler: weights is text"):
        WeightedRandomSampler(["a"], 1)


@pytest.mark.parametrize("scale", [1e308, 5e-324])
def test_weights_of_any_size_are_shares(rng, scale):
    counts = np.bincount(WeightedRandomSampler([scale, 0, scale], 4000).draw(rng))
    assert counts[1] == 0
    assert 0.9 < counts[2] / counts[0] < 1.1


def test_buckets_pad_less_and_lose_nothing(rng):
    lengths = rng.integers(1, 100, 1000)

    def padding(batches):
        assert sorted(i for b in batches for i in b) == list(range(1000))
        return sum(lengths[b].max() * len(b) for b in batches) - lengths.sum()

    bucketed = padding(BucketBatchSampler(lengths, 10, pool=20).draw(rng))
    plain = padding(BatchSampler(RandomSampler(lengths), 10, False).draw(rng))
    assert bucketed < plain / 4


def test_padding_fills_inputs_and_targets_of_every_step():
    x, n, tags, label = pad_collate(
        [(np.ones((2, 3)), np.array([4, 5]), 7), (np.ones((1, 3)), np.array([6]), 8)]
    )
    assert x.shape == (2, 2, 3)
    assert x[1].tolist() == [[1, 1, 1], [0, 0, 0]]
    assert (n.tolist(), tags.tolist(), label.tolist()) == ([2, 1], [[4, 5], [6, -100]], [7, 8])


def test_ragged_samples_say_how_to_pad():
    with pytest.raises(ValueError, match="collate_fn=pad_collate"):
        next(iter(DataLoader(Sentences(), 4)))


def test_windows_go_on_where_the_one_before_ended():
    tokens = np.arange(1000)
    batches = list(windows(tokens, 4, 10))
    assert len(batches) == 24
    for x, y in batches:
        np.testing.assert_array_equal(y, x + 1)
    for (x, _), (after, _) in pairwise(batches):
        np.testing.assert_array_equal(after[:, 0], x[:, -1] + 1)
    assert next(iter(windows(np.zeros((50, 3)), 2, 5)))[0].shape == (2, 5, 3)
    with pytest.raises(ValueError, match="too short for 4 windows of 10 steps"):
        windows(tokens[:40], 4, 10)
    with pytest.raises(ValueError, match=">= 1"):
        windows(tokens, 0, 10)
    with pytest.raises(TypeError, match=r"the sequence is text, such as 'a b a.*return_inverse"):
        windows("a b " * 50, 4, 10)


SHUFFLING = {
    "DataLoader": lambda **rng: DataLoader(Y, 4, shuffle=True, **rng),
    "RandomSampler": lambda **rng: RandomSampler(Y, **rng),
    "SubsetRandomSampler": lambda **rng: SubsetRandomSampler(range(20), **rng),
    "WeightedRandomSampler": lambda **rng: WeightedRandomSampler(range(20), 9, **rng),
    "random_split": lambda **rng: [
        p.indices for p in random_split(TensorDataset(Y), [12, 8], **rng)
    ],
}


@pytest.mark.parametrize("name", SHUFFLING)
def test_generator_and_rng_are_two_names_for_one_argument(name):
    a, b = (np.hstack(list(SHUFFLING[name](**{word: 3}))) for word in ("generator", "rng"))
    np.testing.assert_array_equal(a, b)
    with pytest.raises(TypeError, match="two names for the same argument"):
        SHUFFLING[name](generator=3, rng=3)


@pytest.mark.parametrize("in_batches", [False, True])
def test_a_samplers_generator_is_the_loaders_and_in_its_state(in_batches):
    def loader(seed):
        sampler = RandomSampler(Y, generator=seed)
        if in_batches:
            return DataLoader(Y, batch_sampler=BatchSampler(sampler, 4, False))
        return DataLoader(Y, 4, sampler=sampler)

    a, b = loader(0), loader(1)
    expected = list(DataLoader(Y, 4, shuffle=True, generator=0))
    batches = iter(a)
    np.testing.assert_array_equal(next(batches), expected[0])
    b.load_state_dict(a.state_dict())
    np.testing.assert_array_equal(np.hstack(list(batches)), np.hstack(list(b)))
    np.testing.assert_array_equal(np.hstack(list(a)), np.hstack(list(b)))
    with pytest.raises(ValueError, match="not to both"):
        DataLoader(Y, sampler=RandomSampler(Y, generator=0), generator=1)


class Stream:
    """Read from front to back, anew in every epoch."""

    def __iter__(self):
        return ((X[i], i) for i in range(20))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("drop_last", [False, True])
def test_an_iterable_dataset_is_read_in_order_in_every_epoch(workers, drop_last):
    loader = DataLoader(Stream(), 6, num_workers=workers, drop_last=drop_last)
    for _ in range(2):
        batches = list(loader)
        assert [len(y) for _, y in batches] == [6, 6, 6] + [2] * (not drop_last)
        np.testing.assert_array_equal(
            np.concatenate([y for _, y in batches]), Y[: len(batches) * 6]
        )
        assert all(np.array_equal(x, X[y]) for x, y in batches)


def test_an_iterable_dataset_has_a_length_if_it_says_so():
    class Sized(Stream):
        def __len__(self):
            return 20

    assert [len(DataLoader(Sized(), 6, drop_last=d)) for d in (False, True)] == [4, 3]
    assert len(DataLoader(Sized(), None)) == 20
    with pytest.raises(TypeError, match="has no len"):
        len(DataLoader(Stream(), 6))


def test_an_endless_dataset_is_read_only_as_far_as_needed():
    class Endless:
        read = 0

        def __iter__(self):
            while True:
                self.read += 1
                yield self.read

    data = Endless()
    batches = iter(DataLoader(data, 2, num_workers=1))
    assert [next(batches).tolist() for _ in range(3)] == [[1, 2], [3, 4], [5, 6]]
    batches.close()
    assert data.read <= 2 * 6


@pytest.mark.parametrize("done", [0, 1, 3])
def test_an_iterable_dataset_goes_on_where_it_was(done):
    def loader():
        return DataLoader(Stream(), 6, transform=GaussianNoise(), rng=0)

    whole, a, b = loader(), loader(), loader()
    expected = as_lists(whole)
    batches = iter(a)
    for _ in range(done):
        next(batches)
    b.load_state_dict(json.loads(json.dumps(a.state_dict())))
    assert as_lists(b) == expected[done:]
    assert as_lists(b) == as_lists(whole)


def test_a_sample_of_an_iterable_dataset_takes_nothing_away():
    loader = DataLoader(Stream(), 6)
    x, y = loader.sample()
    assert (x.shape, y.tolist()) == ((1, 2), [0])
    assert len(list(loader)) == 4


def test_an_iterable_dataset_that_is_used_up_is_not_an_empty_epoch():
    class Once:
        def __init__(self):
            self.samples = iter(range(3))

        def __iter__(self):
            return self.samples

    loader = DataLoader(Once(), 2)
    with pytest.raises(TypeError, match="always returns the same iterator"):
        loader.sample()
    assert len(list(loader)) == 2
    with pytest.raises(ValueError, match=r"gave no samples.*start anew"):
        list(loader)


def test_an_iterable_dataset_can_not_be_shuffled():
    for wrong in ({"shuffle": True}, {"sampler": [0]}, {"batch_sampler": [[0]]}):
        with pytest.raises(ValueError, match=r"Stream is read from front to back"):
            DataLoader(Stream(), **wrong)


@pytest.mark.parametrize("workers", [0, 2])
def test_without_a_batch_size_the_dataset_gives_the_batches(workers):
    class Batches:
        def __len__(self):
            return 2

        def __getitem__(self, i):
            return [X[i : i + 3 + i], {"name": "a", "y": Y[:i]}]

    loader = DataLoader(Batches(), None, num_workers=workers)
    (x, more), (last, _) = loader
    assert (len(loader), x.shape, last.shape) == (2, (3, 2), (4, 2))
    assert (more["name"], more["y"].shape) == ("a", (0,))
    assert [b.tolist() for b in DataLoader(Y[:2], None)] == [0, 1]
    assert [y.tolist() for _, y in DataLoader((X, Y), None, sampler=[3, 1])] == [3, 1]
    assert [len(y) for _, y in DataLoader(DataLoader((X, Y), 8), None)] == [8, 8, 4]
    assert list(DataLoader(Batches(), None, collate_fn=len)) == [2, 2]
    with pytest.raises(ValueError, match="batch_size=None passes whole batches on"):
        DataLoader(Batches(), None, drop_last=True)


@pytest.mark.parametrize("workers", [0, 2])
def test_an_exception_names_the_sample(workers):
    class Broken:
        def __len__(self):
            return 10

        def __getitem__(self, i):
            return 1 / (i - 7)

    with pytest.raises(ZeroDivisionError) as error:
        list(DataLoader(Broken(), 4, num_workers=workers))
    assert error.value.__notes__ == ["DataLoader: raised by sample 7 of the dataset."]

    def stream():
        yield 1
        raise KeyError("gone")

    class BrokenStream:
        __iter__ = staticmethod(stream)

    with pytest.raises(KeyError) as error:
        list(DataLoader(BrokenStream(), 1, num_workers=workers))
    assert error.value.__notes__ == ["DataLoader: raised by the dataset in batch 1 of an epoch."]
    with pytest.raises(TypeError) as error:
        list(DataLoader(Y, 4, transform=lambda y: y, num_workers=workers))
    assert error.value.__notes__ == ["DataLoader: raised by the transform of batch 0 of an epoch."]
    with pytest.raises(ValueError, match="shapes") as error:
        list(DataLoader(Sentences(), 2, num_workers=workers))
    assert "for the samples 0, 1." in error.value.__notes__[0]


def test_a_subclass_keeps_its_own_way_to_read_samples():
    class Negative(Subset):
        def __getitem__(self, i):
            x, y = super().__getitem__(i)
            return -x, y

    class Doubled(TensorDataset):
        def __getitem__(self, i):
            return tuple(2 * t for t in super().__getitem__(i))

    x, y = next(iter(DataLoader(Negative(TensorDataset(X, Y), [4, 5]), 2)))
    np.testing.assert_array_equal(x, -X[4:6])
    assert y.tolist() == [4, 5]
    assert next(iter(DataLoader(Doubled(Y), 3)))[0].tolist() == [0, 2, 4]


@pytest.mark.parametrize("wrong", [[True, False, True], [0.7, 1.2], [[0, 1]]])
def test_indices_that_are_none_are_refused(wrong):
    for use in (
        lambda: list(DataLoader(Y, 2, sampler=wrong)),
        lambda: SubsetRandomSampler(wrong),
        lambda: Subset(Y, wrong),
        lambda: list(BatchSampler(wrong, 2, False)),
        lambda: list(DataLoader(Y, batch_sampler=[wrong])),
    ):
        with pytest.raises(TypeError, match="indices must be integers"):
            use()


def test_a_batch_sampler_takes_any_indices():
    batches = BatchSampler([3, 1, 2], 2, False)
    assert ([b.tolist() for b in batches], len(batches)) == ([[3, 1], [2]], 2)
    a, b = (DataLoader(Y, batch_sampler=BatchSampler([5, 6, 7], 2, False)) for _ in range(2))
    taken = iter(a)
    next(taken)
    b.load_state_dict(a.state_dict())
    assert [x.tolist() for x in b] == [[7]]


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([None, None], "got None"),
        ([1, "a"], "int64.*U1|U1.*int64"),
        ([(1, 2), (3,)], "samples of 1 and of 2 parts"),
        ([(1, 2), 3], "samples of 0 and of 2 parts"),
        ([{"a": 1}, {"a": 1, "b": 2}], "different keys.*a, b"),
        ([{"a": 1}, {"b": 1}], "different keys"),
        ([np.uint64(2**63), np.int64(-1)], "int64, uint64 can't be stacked without a change"),
        ([np.ma.array([1, 2], mask=[0, 1])] * 2, "masked"),
    ],
)
def test_samples_that_do_not_stack_are_refused(samples, message):
    with pytest.raises((TypeError, ValueError), match=message):
        default_collate(samples)


def test_named_tuples_dicts_and_bytes_are_collated_as_in_pytorch():
    Point = namedtuple("Point", "x y")
    batch = default_collate([Point(1, 2.5), Point(3, 4.5)])
    assert isinstance(batch, Point)
    assert (batch.x.tolist(), batch.y.tolist()) == ([1, 3], [2.5, 4.5])
    batch = default_collate([{"a": 1, "b": {"c": [1, 2]}}, {"b": {"c": [3, 4]}, "a": 2}])
    assert batch["a"].tolist() == [1, 2]
    assert [part.tolist() for part in batch["b"]["c"]] == [[1, 3], [2, 4]]
    assert default_collate([b"a\0", b"b"]) == [b"a\0", b"b"]
    assert default_collate([1, 2.5]).tolist() == [1, 2.5]


def test_padding_changes_no_number():
    x, _ = pad_collate([np.array([1, 2]), np.array([1.5])])
    assert x.tolist() == [[1, 2], [1.5, 0]]
    x, _ = PadCollate(value=np.nan)([np.array([1, 2]), np.array([3])])
    np.testing.assert_array_equal(x, [[1, 2], [3, np.nan]])
    for dtype in (np.uint8, bool):
        _, _, y = pad_collate([(np.ones(2), np.ones(2, dtype)), (np.ones(1), np.ones(1, dtype))])
        assert y.tolist() == [[1, 1], [1, -100]]
    x, _ = pad_collate([np.float32([1, 2]), np.float32([3])])
    assert x.dtype == np.float32


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"shuffle": "False"}, "shuffle must be True or False"),
        ({"drop_last": 1}, "drop_last must be True or False"),
        ({"num_workers": True}, "num_workers must be an integer"),
        ({"collate_fn": 3}, "collate_fn must be a function"),
        ({"transform": "flip"}, "transform must be a function"),
        ({"sampler": (i for i in range(3))}, "gives its indices only once"),
        ({"batch_sampler": iter([[0, 1]])}, "gives its indices only once"),
        ({"batch_sampler": [[0, 1]], "batch_size": 4}, "mutually exclusive with batch_size"),
    ],
)
def test_arguments_that_would_be_misread_are_refused(named, message):
    with pytest.raises((TypeError, ValueError), match=message):
        DataLoader(Y, **named)
    assert len(list(DataLoader(Y, 10, shuffle=None))) == 2


@pytest.mark.parametrize(
    "make",
    [
        lambda: RandomSampler(Y, num_samples=2.5),
        lambda: WeightedRandomSampler([1, 2], 2.5),
        lambda: RandomSampler(Y, replacement="no"),
        lambda: WeightedRandomSampler([1, 2], 2, replacement="no"),
        lambda: BatchSampler([1], 1, drop_last="no"),
    ],
)
def test_arguments_of_samplers_that_would_be_misread_are_refused(make):
    with pytest.raises((TypeError, ValueError), match="must be"):
        make()


def test_what_is_read_from_front_to_back_has_no_parts():
    for use in (
        lambda: random_split(Stream(), [0.5, 0.5]),
        lambda: Subset(Stream(), [0]),
        lambda: ConcatDataset([Stream()]),
    ):
        with pytest.raises(TypeError, match="has no samples at indices; make a list of it"):
            use()


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("batch_size", [2, None])
def test_a_dataset_may_fill_one_buffer_again_and_again(workers, batch_size):
    class Buffered:
        buffer = np.zeros(2)

        def __iter__(self):
            for i in range(4):
                self.buffer[:] = i
                yield self.buffer, {"again": [self.buffer]}

    class Indexed(Buffered):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            self.buffer[:] = i
            return self.buffer, {"again": [self.buffer]}

    for data in [Buffered()] + [Indexed()] * (batch_size is not None and not workers):
        batches = list(DataLoader(data, batch_size, num_workers=workers))
        first = np.concatenate([x.reshape(-1, 2) for x, _ in batches])
        again = np.concatenate([more["again"][0].reshape(-1, 2) for _, more in batches])
        np.testing.assert_array_equal(first, [[0, 0], [1, 1], [2, 2], [3, 3]])
        np.testing.assert_array_equal(again, first)


@pytest.mark.parametrize("data", [Stream(), (X, Y)], ids=["stream", "arrays"])
def test_two_passes_at_once_do_not_disturb_each_other(data):
    loader = DataLoader(data, 3)
    alone = as_lists(loader)
    assert [[part.tolist() for part in a] for a, _ in zip(loader, loader, strict=True)] == alone


Pair = namedtuple("Pair", "a b")

SAMPLES = {
    "float": lambda i: i / 3,
    "int": lambda i: i,
    "bool": lambda i: i % 2 == 0,
    "int32": np.int32,
    "array": lambda i: np.full((2, 3), i, np.float32),
    "tuple": lambda i: (np.arange(2) + i, i),
    "list": lambda i: [i, float(i)],
    "dict": lambda i: {"a": i, "b": np.ones(2) * i},
    "named tuple": lambda i: Pair(i, np.zeros(2) + i),
    "text": str,
    "bytes": lambda i: bytes([i]),
    "nested": lambda i: ({"x": (i, [i, "s"])}, np.float64(i)),
}


def same(ours, theirs):
    """Whether a batch has the numbers, the types and the structure of PyTorch's."""
    if hasattr(theirs, "numpy"):
        given = np.asarray(ours)
        return np.array_equal(given, theirs.numpy()) and given.dtype == theirs.numpy().dtype
    if isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[k], theirs[k]) for k in theirs)
    if isinstance(theirs, (tuple, list)):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return ours == theirs


@pytest.mark.torch
@pytest.mark.parametrize("kind", SAMPLES)
def test_batches_are_those_of_pytorch(kind, rng):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")

    class Indexed(torch.utils.data.Dataset):
        def __len__(self):
            return 7

        def __getitem__(self, i):
            return SAMPLES[kind](i)

    class Read(torch.utils.data.IterableDataset):
        def __iter__(self):
            return map(SAMPLES[kind], range(7))

    for _ in range(30):
        size = [None, 1, 2, 4, 10][rng.integers(5)]
        settings = {"batch_size": size, "drop_last": bool(size and rng.integers(2))}
        indices = rng.integers(7, size=4).tolist()
        data, more = [
            (Indexed(), {}),
            (Read(), {}),
            (Indexed(), {"sampler": indices}),
            (torch.utils.data.Subset(Indexed(), indices), {}),
            (torch.utils.data.ConcatDataset([Indexed(), Indexed()]), {}),
        ][rng.integers(5)]
        ours = DataLoader(data, num_workers=int(rng.integers(3)), **settings, **more)
        theirs = torch.utils.data.DataLoader(data, **settings, **more)
        assert same(list(ours), list(theirs))
        if not isinstance(data, Read):
            assert len(ours) == len(theirs)
    given = [indices, indices[:1]]
    theirs = torch.utils.data.DataLoader(Indexed(), batch_sampler=given)
    assert same(list(DataLoader(Indexed(), batch_sampler=given)), list(theirs))


def test_text_and_nothing_can_not_be_padded_or_stacked():
    with pytest.raises(TypeError, match=r"<U1 can't be padded; encode text"):
        pad_collate([np.array(["a", "b"]), np.array(["c"])])
    with pytest.raises(TypeError, match="encode text"):
        pad_collate([(np.ones(2), ["NN", "VB"]), (np.ones(1), ["NN"])])
    with pytest.raises(ValueError, match="rows of different lengths"):
        pad_collate([[[1, 2], [3]], [[4]]])
    with pytest.raises(ValueError, match="a batch without samples"):
        list(DataLoader(Sentences(), batch_sampler=[[]]))


def test_an_iterator_that_begins_again_is_read_in_every_epoch():
    class Counter:
        def __iter__(self):
            self.i = 0
            return self

        def __next__(self):
            self.i += 1
            if self.i > 5:
                raise StopIteration
            return self.i

    loader = DataLoader(Counter(), 2)
    for _ in range(2):
        assert [b.tolist() for b in loader] == [[1, 2], [3, 4], [5]]
    with pytest.raises(TypeError, match=r"same iterator.*yield"):
        loader.sample()
