"""Pixels: an SVG as a PNG, and pictures as the frames of a GIF."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

from autograd.viz.pages import joined
from autograd.viz.player.animation.colors import CSS, palettes, resolved

_INSTALL = (
    'A GIF needs {!r}, which is not installed: pip install "glassgrad[gif]". '
    ".save('story.svg') moves too, and needs nothing else."
)

_SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">'


def gif(pictures: Iterable[tuple[str, float]]) -> bytes:
    """SVGs, and for how many seconds each is shown, as a GIF that repeats.

    Raises
    ------
    RuntimeError
        Pillow or resvg is not installed, or the system has no font.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise RuntimeError(_INSTALL.format("pillow")) from error
    _need_fonts()
    frames: list[Any] = []
    lengths: list[int] = []
    end = 0.0
    for svg, seconds in pictures:
        frames.append(Image.open(io.BytesIO(png(svg))).convert("RGB"))
        end += seconds
        lengths.append(round(100 * end) * 10 - sum(lengths))  # a GIF counts hundredths of a second
    palette = _shared_palette(frames)
    flat = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    file = io.BytesIO()
    flat[0].save(file, "GIF", save_all=True, append_images=flat[1:], duration=lengths, loop=0)
    return file.getvalue()


def png(svg: str) -> bytes:
    """An SVG as a PNG.

    Raises
    ------
    RuntimeError
        resvg is not installed.
    """
    try:
        import resvg_py
    except ImportError as error:
        raise RuntimeError(_INSTALL.format("resvg-py")) from error
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, background=palettes()[0]["panel"]))


def _need_fonts() -> None:
    """Raise if there is no font, without which all texts would be missing."""
    style = f"<style>{resolved(joined(CSS), palettes()[0])}</style>"
    with_text, without = (f'{_SVG}{style}<text x="10" y="15">{c}</text></svg>' for c in ("M", ""))
    if png(with_text) == png(without):
        raise RuntimeError(
            "A GIF needs a font, and the system has none: install one, such as fonts-dejavu-core. "
            ".save('story.svg') needs none."
        )


def _shared_palette(frames: Sequence[Any]) -> Any:
    """One palette for all frames, so that what stands still is not coded again."""
    from PIL import Image

    chosen = frames[:: max(len(frames) // 8, 1)]
    wide, high = frames[0].size
    sheet = Image.new("RGB", (wide, high * len(chosen)))
    for k, frame in enumerate(chosen):
        sheet.paste(frame, (0, k * high))
    return sheet.quantize(255, dither=Image.Dither.NONE)
