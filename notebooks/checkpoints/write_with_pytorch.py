"""Train a network on the digits 0 to 4 in PyTorch, and write it as notebook 05 reads it.

    pip install -e ".[data,peers]"
    python notebooks/checkpoints/write_with_pytorch.py

The data are those of `nn.data.load_mnist_5000`, each batch moved by up to two pixels, so that the
filters come to know strokes and not places. All else is PyTorch's. Beside the weights the file
keeps ``check.rows``, the places in the data of the digits that were not learned from, and
``check.logits``, what PyTorch makes of them, so that whoever loads it can tell whether it computes
the same.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file

from nn.data import load_mnist_5000, train_test_split

FILE = Path(__file__).with_name("zero_to_four.safetensors")


class Reader(torch.nn.Module):
    """LeNet's convolutions for a body, and a smaller head."""

    def __init__(self):
        super().__init__()
        self.body = torch.nn.Sequential(
            torch.nn.Conv2d(1, 6, 5, padding=2), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
            torch.nn.Conv2d(6, 16, 5), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
            torch.nn.Flatten(),
        )  # fmt: skip
        self.head = torch.nn.Sequential(
            torch.nn.Linear(400, 64), torch.nn.ReLU(), torch.nn.Linear(64, 5)
        )

    def forward(self, x):
        return self.head(self.body(x))


def main():
    torch.manual_seed(0)
    X, y = load_mnist_5000()
    rows = (y < 5).nonzero()[0]
    seen, unseen, _, _ = map(torch.from_numpy, train_test_split(rows, y[rows], 0.2))
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    model = Reader()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.002)
    for epoch in range(20):
        for batch in seen[torch.randperm(len(seen))].split(32):
            moved = torch.roll(X[batch], torch.randint(-2, 3, (2,)).tolist(), (2, 3))
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(moved), y[batch]).backward()
            optimizer.step()
        with torch.no_grad():
            right = (model(X[unseen]).argmax(1) == y[unseen]).float().mean()
        print(f"epoch {epoch + 1}: {right:.1%} of {len(unseen)} unseen digits")
    with torch.no_grad():
        check = {"check.rows": unseen, "check.logits": model(X[unseen])}
    written_by = {"written by": f"PyTorch {torch.__version__}", "trained on": "MNIST, 0 to 4"}
    save_file({**model.state_dict(), **check}, FILE, metadata=written_by)
    print(f"{FILE}: {FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
