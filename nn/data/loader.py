"""DataLoader: iterate over a dataset in batches of NumPy arrays."""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from autograd.random import Rng, as_generator, either
from nn.arguments import count, flags
from nn.data.collate import default_collate, default_convert, gather, kept
from nn.data.dataset import Dataset, TensorDataset, as_dataset, is_iterable
from nn.data.epoch import Epoch, generator_with
from nn.data.loader_arguments import check_functions, check_order, check_samples
from nn.data.loader_arguments import loads_batches as loads_batches
from nn.data.prefetch import END, in_background
from nn.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    cut,
    indices_of,
    number_of_batches,
    order_of,
)


class DataLoader:
    """Iterate over a dataset in batches; each iteration is one epoch.

    Parameters
    ----------
    dataset : an array, a data frame or a tuple of them with samples along axis 0; a `Dataset`, such
        as a list of samples; or an `IterableDataset`.
    batch_size : samples per batch; None if the dataset gives whole batches, which are passed on.
    shuffle : reshuffle the samples in every epoch.
    sampler : a `Sampler` or an iterable of indices; mutually exclusive with `shuffle`.
    batch_sampler : a `BatchSampler` or an iterable of index lists; mutually exclusive with
        `batch_size`, `shuffle`, `sampler` and `drop_last`.
    num_workers : threads that prepare batches in the background; 0 prepares each on demand.
        NumPy, Pillow and file access release the GIL, so threads do what PyTorch needs processes
        for. One thread reads an `IterableDataset`.
    collate_fn : makes a batch of a list of samples; `default_collate` by default.
    drop_last : drop the last batch if it is smaller.
    transform : called as ``transform(*batch, rng=generator)`` on each batch, such as those in
        `nn.data.transforms`. The generator depends only on the epoch and the batch, so results
        are the same for any `num_workers`.
    prefetch_factor : batches prefetched by each thread, 2 by default.
    generator, rng : generator, seed or None for the default generator; two names for one
        argument.
    pin_memory, persistent_workers : accepted for compatibility with PyTorch, without effect.

    Yields
    ------
    A batch: the samples copied and stacked, or a tuple of arrays if samples are tuples.

    Raises
    ------
    ValueError
        An empty dataset, a count below 1, or mutually exclusive arguments.
    TypeError
        What is no dataset, or can't be read twice, such as a generator; both `generator` and `rng`.

    An exception that the dataset or `collate_fn` raises gets a note that names the sample.

    Examples
    --------
    >>> import nn, numpy as np
    >>> loader = nn.data.DataLoader((np.arange(5), np.arange(5) ** 2), batch_size=2)
    >>> for x, y in loader:
    ...     print(x, y)
    [0 1] [0 1]
    [2 3] [4 9]
    [4] [16]
    >>> len(loader)
    3

    Resume an interrupted epoch, in another process if need be:

    >>> a = nn.data.DataLoader(np.arange(8), 2, shuffle=True, rng=0)
    >>> batches = iter(a)
    >>> first = next(batches)
    >>> b = nn.data.DataLoader(np.arange(8), 2, shuffle=True, rng=1)
    >>> b.load_state_dict(a.state_dict())
    >>> [np.array_equal(x, y) for x, y in zip(batches, b, strict=True)]
    [True, True, True]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = False,
        sampler: Sampler | Iterable[int] | None = None,
        batch_sampler: BatchSampler | Iterable[Sequence[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Sequence[Any]], Any] | None = None,
        *,
        drop_last: bool = False,
        transform: Callable[..., Any] | None = None,
        prefetch_factor: int | None = None,
        generator: Rng = None,
        rng: Rng = None,
        pin_memory: bool = False,
        persistent_workers: bool = False,
    ) -> None:
        flags(
            type(self).__name__,
            shuffle=False if shuffle is None else shuffle,
            drop_last=drop_last,
            pin_memory=pin_memory,
            persistent_workers=persistent_workers,
        )
        if hasattr(sampler, "__next__") or hasattr(batch_sampler, "__next__"):
            raise TypeError(
                "DataLoader: a generator gives its indices only once; pass a list or a Sampler."
            )
        check_functions(collate_fn=collate_fn, transform=transform)
        check_samples(dataset, batch_size, collate_fn)
        dataset = as_dataset("DataLoader", dataset)
        self._single = isinstance(dataset, np.ndarray)
        self._iterable = is_iterable(dataset)
        if self._single:
            dataset = TensorDataset(dataset)
        check_order(dataset, batch_size, bool(shuffle), sampler, batch_sampler, drop_last)
        self.dataset: Dataset = dataset
        if batch_size is not None:
            batch_size = count("DataLoader", "batch_size", batch_size, 1)
        self.batch_size = batch_size
        self.shuffle, self.drop_last = bool(shuffle), drop_last
        self.num_workers = count("DataLoader", "num_workers", num_workers)
        self.prefetch_factor = 2
        if prefetch_factor is not None:
            self.prefetch_factor = count("DataLoader", "prefetch_factor", prefetch_factor, 1)
        if sampler is None and batch_sampler is None and not self._iterable:
            sampler = RandomSampler(dataset) if shuffle else SequentialSampler(dataset)
        self.sampler: Any = sampler
        self.batch_sampler: Any = batch_sampler
        self.collate_fn, self.transform = collate_fn, transform
        rng = either(generator, rng)
        source = sampler if batch_sampler is None else batch_sampler
        if isinstance(source, (Sampler, BatchSampler)) and source.rng is not None:
            if rng is not None and rng is not source.rng:
                raise ValueError(
                    "DataLoader: give the generator to the loader or to its sampler, not to both."
                )
            rng = source.rng  # so that the loader's state includes it
        self.rng = None if rng is None else as_generator(rng)
        self._position = 0  # batches of the current epoch yielded so far
        self._before: Any = None  # state of the generator before the epoch was drawn
        self._resumed: Epoch | None = None

    def __len__(self) -> int:
        """Batches of an epoch; a TypeError if the dataset, or the sampler, has no length."""
        if self.batch_sampler is not None:
            return len(self.batch_sampler)
        n = len(self.dataset if self._iterable else self.sampler)
        return number_of_batches(n, self.batch_size or 1, self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        epoch, self._resumed = self._resumed, None
        if epoch is None:
            rng = as_generator(self.rng)
            self._before = rng.bit_generator.state
            self._position = 0
            epoch = self._draw(rng)
        self._epoch = epoch
        for batch in self._in_background(epoch) if self.num_workers else self._one_by_one(epoch):
            self._position += 1
            yield batch
        self._before = None

    def _draw(self, rng: np.random.Generator) -> Epoch:
        """Draw the batches of one epoch."""
        source = self.batch_sampler
        if self._iterable:
            batches = []
        elif source is None:
            batches = cut(order_of(self.sampler, rng), self.batch_size or 1, self.drop_last)
        elif isinstance(source, BatchSampler):
            batches = source.draw(rng)
        else:
            batches = [indices_of("batch_sampler", batch) for batch in source]
        key = int(rng.integers(1 << 63)) if self.transform is not None else 0
        return Epoch(batches, key)

    def _one_by_one(self, epoch: Epoch) -> Iterator[Any]:
        if self._iterable:
            return self._stream(epoch, self._position)
        return (self._batch(epoch, i) for i in range(self._position, len(epoch.batches)))

    def _stream(self, epoch: Epoch, start: int) -> Iterator[Any]:
        """The batches of an iterable dataset, from the batch `start` on."""
        dataset: Any = self.dataset
        samples = (kept(sample) for sample in dataset)  # one iter(), which may begin again
        size = self.batch_size or 1
        for i in itertools.count():
            taken: list[Any] = []
            try:
                taken.extend(itertools.islice(samples, size))
            except Exception as error:
                error.add_note(f"DataLoader: raised by the dataset in batch {i} of an epoch.")
                raise
            if not taken and i == 0:
                raise ValueError(
                    f"DataLoader: the {type(self.dataset).__name__} gave no samples. If it did "
                    "before, its __iter__ must start anew in every epoch."
                )
            if not taken or (self.drop_last and len(taken) < size):
                return
            if i >= start:
                yield self._made(taken, epoch, i)

    def _in_background(self, epoch: Epoch) -> Iterator[Any]:
        ahead = self.num_workers * self.prefetch_factor
        if self._iterable:  # which only one thread can read
            stream = self._stream(epoch, self._position)
            return in_background(itertools.repeat(lambda: next(stream, END)), 1, ahead)
        todo = range(self._position, len(epoch.batches))
        tasks = (functools.partial(self._batch, epoch, i) for i in todo)
        return in_background(tasks, self.num_workers, ahead)

    def _batch(self, epoch: Epoch, i: int) -> Any:
        index = epoch.batches[i]
        if self.batch_size is None:
            return self._made([gather(self.dataset, index, list)[0]], epoch, i)
        batch = gather(self.dataset, index, self.collate_fn)
        if self._single and self.collate_fn is None:
            batch = batch[0]
        return self._transformed(batch, epoch, i)

    def _made(self, samples: list[Any], epoch: Epoch, i: int) -> Any:
        """A batch of samples, or of the one that is a batch already."""
        if self.batch_size is not None:
            return self._transformed((self.collate_fn or default_collate)(samples), epoch, i)
        [sample] = samples
        if self._single:
            [sample] = sample
        return self._transformed((self.collate_fn or default_convert)(sample), epoch, i)

    def _transformed(self, batch: Any, epoch: Epoch, i: int) -> Any:
        if self.transform is None:
            return batch
        rng = np.random.default_rng([epoch.key, i])
        parts = batch if isinstance(batch, tuple) else (batch,)
        try:
            return self.transform(*parts, rng=rng)
        except Exception as error:
            error.add_note(f"DataLoader: raised by the transform of batch {i} of an epoch.")
            raise

    def sample(self) -> Any:
        """A batch of only the first sample, without advancing the epoch."""
        if not self._iterable:
            return self._batch(Epoch([np.arange(1)], 0), 0)
        samples: Iterator[Any] = iter(self.dataset)
        if samples is iter(self.dataset):
            raise TypeError(
                f"DataLoader: the __iter__ of the {type(self.dataset).__name__} always returns the "
                "same iterator, so that looking at one sample may take it away; write __iter__ as "
                "a generator, with yield."
            )
        first = next(samples, self)
        if first is self:
            raise ValueError(f"DataLoader: the {type(self.dataset).__name__} gives no samples.")
        return self._made([first], Epoch([], 0), 0)

    def state_dict(self) -> dict[str, Any]:
        """The position within the epoch, as plain numbers, dicts and lists.

        Batches count once they are yielded; prefetched ones do not.
        """
        rng = None if self.rng is None else self.rng.bit_generator.state
        state: dict[str, Any] = {"position": 0, "before": None, "rng": rng, "order": None}
        if self._before is not None:
            state.update(position=self._position, before=self._before)
            source = self.sampler if self.batch_sampler is None else self.batch_sampler
            if not self._iterable and not _drawn(source):
                # iterating again may give another order
                epoch = self._resumed or self._epoch
                state["order"] = [batch.tolist() for batch in epoch.batches]
                state["key"] = epoch.key
        return copy.deepcopy(state)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Make the next iteration resume from the position of a state dict.

        Raises
        ------
        ValueError
            The state dict of a different kind of loader; nothing is changed.
        """
        missing = {"position", "before", "rng", "order"} - state_dict.keys()
        if missing:
            raise ValueError(f"DataLoader: the state dict lacks {', '.join(sorted(missing))}.")
        own, before, position = state_dict["rng"], state_dict["before"], state_dict["position"]
        if (own is None) != (self.rng is None):
            raise ValueError(
                "DataLoader: the state dict was saved by a loader "
                + ("without" if own is None else "with")
                + " its own rng; create this loader the same way."
            )
        epoch = None
        if before is not None:
            if state_dict["order"] is not None:
                batches = [np.array(batch, int) for batch in state_dict["order"]]
                epoch = Epoch(batches, state_dict["key"])
            else:
                epoch = self._draw(generator_with(before))
            if not self._iterable and not 0 <= position <= len(epoch.batches):
                raise ValueError(
                    f"DataLoader: the state dict is at batch {position}, but an epoch has "
                    f"{len(epoch.batches)}: another dataset or batch_size."
                )
        if self.rng is not None:
            self.rng.bit_generator.state = own
        self._before, self._position = copy.deepcopy(before), int(position)
        self._resumed = epoch


def _drawn(source: Any) -> bool:
    """Whether a sampler's order follows from the loader's generator alone."""
    if isinstance(source, BatchSampler):
        return _drawn(source.sampler)
    return isinstance(source, Sampler)
