"""ImageFolder: images on disk, one folder per class."""

from __future__ import annotations

import operator
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from autograd.files import located
from autograd.node import Array
from nn.arguments import count
from nn.data.packages import needs
from nn.data.transforms.base import Compose, Transform
from nn.data.transforms.mixing import MixUp

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")

DAMAGE = (
    OSError, ValueError, SyntaxError, TypeError, LookupError, EOFError, ArithmeticError,
    AttributeError, RuntimeError, NotImplementedError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow raises for damaged files, besides its DecompressionBombError."""

BITS_PER_SAMPLE, PHOTOMETRIC, WHITE_IS_ZERO = 258, 262, 0
"""Two tags of TIFF files, and a value of the second."""


class ImageFolder:
    """Dataset of image files ``root/class/name.png``, read on access.

    Items are ``(image, class index)``: float32 of shape (C, H, W) in [0, 1], and an int. A photo is
    turned upright as its EXIF orientation says, grayscale images of 16 bits keep their depth (of
    colors, Pillow reads 8 bits), transparency is ignored, and an animation is its first picture.

    Parameters
    ----------
    root : directory with one folder per class; class indices follow the order of the names. Hidden
        files and folders, such as .ipynb_checkpoints, and __MACOSX are ignored.
    transform : called on each image, a float32 array of shape (C, H, W). Those of
        `nn.data.transforms` are for whole batches: pass them to the `DataLoader`.
    size : (H, W) to resize images to; by default each keeps its size.
    mode : "RGB", or "L" for grayscale.

    Attributes
    ----------
    classes : list of str, the class names.
    class_to_idx : dict, class name -> class index.
    samples : list of (path, class index).

    Raises
    ------
    ValueError
        Another mode; on access, a file that is not an image, or one whose numbers have no known
        range: 32-bit integers, or floats beyond 0 to 1.
    FileNotFoundError
        No such directory, no folders in it, or a folder without images.
    TypeError
        A transform of batches.
    ImportError
        Pillow is not installed.

    Examples
    --------
    >>> import nn, pathlib, tempfile
    >>> from PIL import Image
    >>> root = pathlib.Path(tempfile.mkdtemp())
    >>> for name in ("cat", "dog"):
    ...     (root / name).mkdir()
    ...     Image.new("RGB", (4, 3)).save(root / name / "1.png")
    >>> data = nn.data.ImageFolder(root)
    >>> x, y = data[1]
    >>> data.classes, x.shape, y
    (['cat', 'dog'], (3, 3, 4), 1)
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Callable[[Array], Any] | None = None,
        *,
        size: tuple[int, int] | None = None,
        mode: str = "RGB",
    ) -> None:
        if isinstance(transform, (Transform, Compose, MixUp)):
            raise TypeError(
                f"ImageFolder: {type(transform).__name__} transforms batches, and would take the "
                "channels of one image for samples; pass it to the DataLoader, as transform=."
            )
        if mode not in ("RGB", "L"):
            raise ValueError(f"ImageFolder: mode must be 'RGB' or 'L', got {mode!r}.")
        try:
            import PIL.Image  # noqa: F401 - fail here, not at the first image
        except ImportError as error:
            raise needs("ImageFolder", "Pillow") from error
        if size is not None:
            if not isinstance(size, (tuple, list)) or len(size) != 2:
                raise ValueError(f"ImageFolder: size must be (H, W), got {size!r}.")
            height, width = (count("ImageFolder", "size", n, 1) for n in size)
            size = (height, width)
        self.root = located(root)
        if not self.root.is_dir():
            raise FileNotFoundError(f"ImageFolder: there is no directory {self.root}.")
        self.classes = sorted(
            p.name for p in self.root.iterdir() if p.is_dir() and not _hidden(Path(p.name))
        )
        if not self.classes:
            raise FileNotFoundError(
                f"ImageFolder: {self.root} contains no folders; it needs one per class."
            )
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}
        self.samples: list[tuple[Path, int]] = []
        for name, i in self.class_to_idx.items():
            folder = self.root / name
            files = sorted(
                p
                for p in folder.rglob("*")
                if p.suffix.lower() in SUFFIXES
                if p.is_file() and not _hidden(p.relative_to(folder))
            )
            if not files:
                raise FileNotFoundError(
                    f"ImageFolder: no images ({', '.join(SUFFIXES)}) in {folder}."
                )
            self.samples += [(file, i) for file in files]
        self.transform, self.size, self.mode = transform, size, mode

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        from PIL.Image import DecompressionBombError

        if not -len(self) <= operator.index(index) < len(self):
            raise IndexError(
                f"ImageFolder: index {index} is out of range: there are {len(self)} images."
            )
        file, label = self.samples[index]
        try:
            x = self._read(file)
        except DecompressionBombError as error:
            raise ValueError(
                f"ImageFolder: {file} is suspiciously large: {error} If you trust it, raise "
                "PIL.Image.MAX_IMAGE_PIXELS."
            ) from error
        except DAMAGE as error:
            raise ValueError(f"ImageFolder: {file} is not a readable image: {error}.") from error
        return (x if self.transform is None else self.transform(x)), label

    def _read(self, file: Path) -> Array:
        """The image, float32, (C, H, W)."""
        from PIL import Image, ImageOps

        image: Any
        # not by its name: Pillow 13 then scrambles uncompressed TIFF files that are to be turned
        with file.open("rb") as stream, Image.open(stream) as opened:
            deep = opened.mode.startswith(("I", "F"))  # more than 8 bits, which convert() cuts off
            if deep:
                image = Image.fromarray(_unit(opened))
                image.info.update(opened.info)
                image.getexif().update(opened.getexif())
            else:
                image = opened
            ImageOps.exif_transpose(image, in_place=True)
            image = image if deep else image.convert(self.mode)
        if self.size is not None:
            height, width = self.size
            image = image.resize((width, height), Image.Resampling.BILINEAR)
        pixels: Array = np.asarray(image, np.float32)
        if deep:
            return np.stack([pixels] * len(self.mode))
        pixels = pixels / 255
        return pixels[None] if self.mode == "L" else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _hidden(path: Path) -> bool:
    """Whether a part of the path is hidden, or macOS's folder of resource forks."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def _unit(image: Any) -> Array:
    """A grayscale image of 16-bit integers or of floats as float32 in [0, 1], (H, W)."""
    tags = getattr(image, "tag_v2", {})
    numbers = np.asarray(image)
    if image.mode.startswith("I;16"):
        most = 2 ** tags.get(BITS_PER_SAMPLE, (16,))[0] - 1
    elif image.mode == "I" and image.format in ("PPM", "PNG"):  # which Pillow scales to 16 bits
        most = 65535
    elif image.mode == "F" and numbers.min() >= 0 and numbers.max() <= 1:
        most = 1
    else:
        raise ValueError(
            f"its numbers, from {numbers.min():g} to {numbers.max():g}, have no known range that "
            "could be scaled to 0 to 1; save it as 16-bit integers, or read it with a Dataset of "
            "your own"
        )
    unit: Array = numbers.astype(np.float32) / np.float32(most)
    return 1 - unit if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO else unit
