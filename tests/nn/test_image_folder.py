"""ImageFolder: every kind of picture in [0, 1] and upright, or refused by name."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from nn import data

Image = pytest.importorskip("PIL.Image", reason="Pillow reads pictures")

DEEP = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "class").mkdir()
    return tmp_path / "class"


def read(folder, **how):
    """The only picture in the folder."""
    return data.ImageFolder(folder.parent, **how)[0][0]


def test_a_folder_of_pictures_becomes_samples(tmp_path):
    for k, name in enumerate(("cat", "dog")):
        (tmp_path / name).mkdir()
        for i in range(2):
            pixels = np.full((4, 6, 3), (255 * k, 51 * i, 0), np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    folder = data.ImageFolder(tmp_path)
    assert (folder.classes, len(folder)) == (["cat", "dog"], 4)
    x, y = folder[3]
    assert (x.shape, x.dtype, y) == ((3, 4, 6), np.float32, 1)
    np.testing.assert_allclose(x[:, 0, 0], [1, 0.2, 0], rtol=1e-6)
    small = data.ImageFolder(tmp_path, size=(2, 3), mode="L")
    batch, labels = next(iter(data.DataLoader(small, 4, num_workers=1)))
    assert batch.shape == (4, 1, 2, 3)
    assert labels.tolist() == [0, 0, 1, 1]
    (tmp_path / "dog" / "1.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"1\.png is not a readable image"):
        folder[3]
    (tmp_path / "emu").mkdir()
    with pytest.raises(FileNotFoundError, match="no images"):
        data.ImageFolder(tmp_path)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("name", ["a.png", "a.tif", "big.tif", "a.pgm"])
def test_pictures_of_16_bits_keep_their_depth(folder, name, mode):
    image = Image.fromarray(DEEP)
    if name == "big.tif":
        image = Image.frombytes("I;16B", (16, 16), DEEP.astype(">u2").tobytes())
    image.save(folder / name)
    x = read(folder, mode=mode)
    assert (x.shape, x.dtype) == ((len(mode), 16, 16), np.float32)
    np.testing.assert_allclose(x, [DEEP / 65535] * len(mode), atol=1e-7)
    small = read(folder, mode=mode, size=(8, 4))
    assert small.shape == (len(mode), 8, 4)
    assert small.mean() == pytest.approx(0.5, abs=0.01)


def test_a_pgm_of_12_bits_is_scaled_by_its_own_maximum(folder):
    (folder / "a.pgm").write_bytes(b"P5\n2 1\n4095\n" + np.array([0, 4095], ">u2").tobytes())
    assert read(folder, mode="L").tolist() == [[[0, 1]]]


def with_tags(file, **changes):
    """Change the 16-bit tags of a little-endian TIFF file."""
    content = file.read_bytes()
    for tag, number in {int(name[1:]): number for name, number in changes.items()}.items():
        start = content.index(struct.pack("<HHI", tag, 3, 1)) + 8
        content = content[:start] + struct.pack("<H", number) + content[start + 2 :]
    file.write_bytes(content)


def test_a_tiff_of_12_bits_is_scaled_by_its_own_maximum(folder):
    Image.fromarray(np.uint16([[0, 0]])).save(folder / "a.tif")
    with_tags(folder / "a.tif", t258=12)
    content = (folder / "a.tif").read_bytes()
    assert content.endswith(bytes(4))
    (folder / "a.tif").write_bytes(content[:-4] + b"\x80\x0f\xff\x00")  # 0x800, 0xfff
    np.testing.assert_allclose(read(folder, mode="L"), [[[2048 / 4095, 1]]], rtol=1e-6)


def test_a_tiff_whose_zero_is_white_is_not_a_negative(folder):
    Image.fromarray(DEEP).save(folder / "a.tif")
    with_tags(folder / "a.tif", t262=0)
    np.testing.assert_allclose(read(folder, mode="L")[0], 1 - DEEP / 65535, atol=1e-6)


def test_floats_from_0_to_1_are_taken_as_they_are(folder):
    Image.fromarray(np.float32(DEEP / 65535)).save(folder / "a.tif")
    np.testing.assert_array_equal(read(folder)[2], np.float32(DEEP / 65535))


@pytest.mark.parametrize(
    "pixels",
    [DEEP.astype(np.int32), DEEP.astype(np.float32), np.float32([[np.nan, 1]]), np.float32([[-1]])],
)
def test_numbers_without_a_known_range_are_refused(folder, pixels):
    Image.fromarray(pixels).save(folder / "a.tif")
    with pytest.raises(ValueError, match=r"a\.tif.*no known range.*16-bit integers"):
        read(folder)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_pictures_of_8_bits_of_every_mode_are_scaled(folder, mode):
    Image.new("RGB", (3, 2), "white").convert(mode).save(folder / "a.tif")
    for own in ("L", "RGB"):
        np.testing.assert_allclose(read(folder, mode=own), 1, atol=0.01)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_upright(folder, dtype, suffix, orientation):
    upright = np.linspace(0, np.iinfo(dtype).max, 6).astype(dtype).reshape(2, 3)
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.T, 6: np.rot90(upright), 7: upright[::-1, ::-1].T, 8: np.rot90(upright, -1),
    }[orientation]  # fmt: skip
    if suffix == "webp":
        if dtype == np.uint16:
            pytest.skip("WebP has 8 bits")
        stored = np.stack([stored] * 3, -1)
    image = Image.fromarray(np.ascontiguousarray(stored))
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(folder / f"a.{suffix}", exif=exif, lossless=True)
    x = read(folder, mode="L")
    np.testing.assert_allclose(x[0], upright / np.iinfo(dtype).max, atol=1e-6)


def test_hidden_files_and_folders_do_not_count(folder):
    root = folder.parent
    places = [".ipynb_checkpoints", "class/.ipynb_checkpoints", "class/sub/.hidden", "__MACOSX"]
    for place in [*places, "class/sub", "class/folder.png"]:
        (root / place).mkdir(parents=True, exist_ok=True)
    for place in [*places, "class", "class/sub"]:
        Image.new("L", (2, 2)).save(root / place / "1.png")
        (root / place / "._1.png").write_bytes(b"resource fork")
    found = data.ImageFolder(root)
    assert found.classes == ["class"]
    assert [p.relative_to(root).as_posix() for p, _ in found.samples] == [
        "class/1.png", "class/sub/1.png",
    ]  # fmt: skip


def test_a_hidden_root_is_read(tmp_path):
    (tmp_path / ".cache" / "class").mkdir(parents=True)
    Image.new("L", (2, 2)).save(tmp_path / ".cache" / "class" / "1.png")
    assert len(data.ImageFolder(tmp_path / ".cache")) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.ppm", b"P6\n1 x\n255\n123"),
        ("a.png", b"\x89PNG\r\n\x1a\n\0\0\0\4IHDR1234"),
        ("a.gif", b""),
        ("a.bmp", b"BM" + bytes(9)),
        ("a.ppm", b"P6\n60000 60000\n255\n"),
    ],
)
def test_damaged_and_huge_pictures_are_named(folder, name, content):
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.\w+ is (not a readable image|suspiciously large)"):
        read(folder)


def test_a_size_that_is_none_is_refused_at_once(folder):
    Image.new("L", (2, 2)).save(folder / "1.png")
    with pytest.raises(ValueError, match="size must be an integer >= 1"):
        read(folder, size=(0, 3))
    for size in (8, (8,), (8, 4, 2), "8"):
        with pytest.raises(ValueError, match=r"ImageFolder: size must be \(H, W\), got"):
            read(folder, size=size)


def test_an_index_out_of_range_says_how_many_images_there_are(folder):
    Image.new("L", (2, 2)).save(folder / "1.png")
    images = data.ImageFolder(folder.parent)
    for index in (1, -2):
        with pytest.raises(IndexError, match=r"ImageFolder: index .* there are 1 images"):
            images[index]


@pytest.mark.parametrize("name", ["RandomHorizontalFlip", "MixUp", "Compose"])
def test_transforms_of_batches_are_refused_for_single_images(folder, name):
    kind = getattr(data.transforms, name)
    with pytest.raises(TypeError, match=rf"{name} transforms batches.*DataLoader"):
        read(folder, transform=kind([]) if name == "Compose" else kind())
