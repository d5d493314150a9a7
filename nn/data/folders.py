"""ImageFolder: a folder of folders of pictures, one a class."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from nn.data.packages import needs

Array = np.ndarray[Any, Any]

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")


class ImageFolder:
    """Pictures in ``root/class/name.png``, read when asked for.

    Parameters
    ----------
    root : folder whose folders are the classes, numbered in the order of their names.
    transform : called on each picture, a float32 array of shape (C, H, W).
    size : (H, W) to which pictures are resized; by default each keeps its own.
    mode : "RGB", or "L" for grey values.

    Attributes
    ----------
    classes : list of str, their names.
    class_to_idx : dict, name -> number.
    samples : list of (path, class number).

    Items are ``(picture, class number)``: float32, shape (C, H, W), from 0 to 1, and an int.

    Raises
    ------
    FileNotFoundError
        No such folder, no folders in it, or one of them without pictures.
    ImportError
        Pillow is not installed.
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
            import PIL.Image  # noqa: F401 - refuse now, not at the first picture
        except ImportError as error:
            raise needs("ImageFolder", "Pillow") from error
        self.root = Path(root).expanduser()
        if not self.root.is_dir():
            raise FileNotFoundError(f"ImageFolder: there is no folder {self.root}.")
        self.classes = sorted(p.name for p in self.root.iterdir() if p.is_dir())
        if not self.classes:
            raise FileNotFoundError(
                f"ImageFolder: {self.root} has no folders; each class of pictures is one."
            )
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}
        self.samples: list[tuple[Path, int]] = []
        for name, i in self.class_to_idx.items():
            files = sorted(p for p in (self.root / name).rglob("*") if p.suffix.lower() in SUFFIXES)
            if not files:
                raise FileNotFoundError(
                    f"ImageFolder: no pictures ({', '.join(SUFFIXES)}) in {self.root / name}."
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
                picture = opened.convert(self.mode)
        except (UnidentifiedImageError, OSError) as error:
            raise ValueError(f"ImageFolder: {file} is not a picture: {error}.") from error
        if self.size is not None:
            height, width = self.size
            picture = picture.resize((width, height), Image.Resampling.BILINEAR)
        pixels = np.asarray(picture, np.float32) / 255
        x = pixels[None] if self.mode == "L" else np.ascontiguousarray(pixels.transpose(2, 0, 1))
        return (x if self.transform is None else self.transform(x)), label
