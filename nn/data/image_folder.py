"""ImageFolder: images on disk, one folder per class."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from autograd.node import Array
from nn.data.packages import needs

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")


class ImageFolder:
    """Dataset of image files ``root/class/name.png``, read on access.

    Items are ``(image, class index)``: float32 of shape (C, H, W) in [0, 1], and an int.

    Parameters
    ----------
    root : directory with one folder per class; class indices follow the order of the names.
    transform : called on each image, a float32 array of shape (C, H, W).
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
        Another mode; on access, a file that is not an image.
    FileNotFoundError
        No such directory, no folders in it, or a folder without images.
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
        if mode not in ("RGB", "L"):
            raise ValueError(f"ImageFolder: mode must be 'RGB' or 'L', got {mode!r}.")
        try:
            import PIL.Image  # noqa: F401 - fail here, not at the first image
        except ImportError as error:
            raise needs("ImageFolder", "Pillow") from error
        self.root = Path(root).expanduser()
        if not self.root.is_dir():
            raise FileNotFoundError(f"ImageFolder: there is no directory {self.root}.")
        self.classes = sorted(p.name for p in self.root.iterdir() if p.is_dir())
        if not self.classes:
            raise FileNotFoundError(
                f"ImageFolder: {self.root} contains no folders; it needs one per class."
            )
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}
        self.samples: list[tuple[Path, int]] = []
        for name, i in self.class_to_idx.items():
            files = sorted(p for p in (self.root / name).rglob("*") if p.suffix.lower() in SUFFIXES)
            if not files:
                raise FileNotFoundError(
                    f"ImageFolder: no images ({', '.join(SUFFIXES)}) in {self.root / name}."
                )
            self.samples += [(file, i) for file in files]
        self.transform, self.size, self.mode = transform, size, mode

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        from PIL import Image, UnidentifiedImageError

        file, label = self.samples[index]
        try:
            with Image.open(file) as opened:
                image = opened.convert(self.mode)
        except (UnidentifiedImageError, OSError) as error:
            raise ValueError(f"ImageFolder: {file} is not a readable image: {error}.") from error
        if self.size is not None:
            height, width = self.size
            image = image.resize((width, height), Image.Resampling.BILINEAR)
        pixels = np.asarray(image, np.float32) / 255
        x = pixels[None] if self.mode == "L" else np.ascontiguousarray(pixels.transpose(2, 0, 1))
        return (x if self.transform is None else self.transform(x)), label
