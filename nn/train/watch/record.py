"""Record: time series of a run, thinned out to a fixed length."""

from __future__ import annotations

from typing import Any

LIMIT = 400
"""Maximum number of samples; when exceeded, every second one is dropped."""

COLUMNS, CELLS, FEWEST = 60, 1500, 12
"""Maximum number of samples of histograms; of all histograms of a kind, if it leaves so many
samples."""

Numbers = dict[str, Any]


class Record:
    """Sampled time series: for each quantity one series per layer.

    Parameters
    ----------
    limit : maximum number of samples.

    Attributes
    ----------
    steps : index of the update at which each sample was taken.
    series : quantity -> layer name -> one value per sample; None where there is none.
    gap : minimum number of updates between samples, for even spacing.

    Examples
    --------
    >>> record = Record()
    >>> record.add(0, {"gradient": {"fc": 1.0}})
    >>> record.add(3, {"gradient": {"fc": 0.5, "late": 2.0}})
    >>> record.steps, record.series
    ([0, 3], {'gradient': {'fc': [1.0, 0.5], 'late': [None, 2.0]}})
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self.steps: list[int] = []
        self.gap = 0
        self.series: dict[str, dict[str, list[Any]]] = {}

    @property
    def after(self) -> int:
        """The update from which on the next sample is due."""
        return self.steps[-1] + self.gap if self.steps else 0

    def add(self, step: int, numbers: dict[str, Numbers]) -> None:
        """Add a sample."""
        before = len(self.steps)
        self.steps.append(step)
        for kind, found in numbers.items():
            for name in found:
                self.series.setdefault(kind, {}).setdefault(name, [None] * before)
        for kind, lines in self.series.items():
            for name, line in lines.items():
                line.append(numbers.get(kind, {}).get(name))
        if len(self.steps) > self.limit:
            self.gap = 2 * (step - self.steps[0]) // self.limit
            del self.steps[1::2]
            for lines in self.series.values():
                for line in lines.values():
                    del line[1::2]

    def state_dict(self) -> dict[str, Any]:
        """State from which a run is resumed."""
        series = {
            kind: {name: list(x) for name, x in lines.items()}
            for kind, lines in self.series.items()
        }
        return {"steps": list(self.steps), "gap": self.gap, "series": series}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state."""
        self.steps, self.gap = list(state_dict["steps"]), state_dict["gap"]
        self.series = {
            kind: {name: list(x) for name, x in lines.items()}
            for kind, lines in state_dict["series"].items()
        }
