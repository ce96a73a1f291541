"""Trees of files: names of any bytes, folders, links, pipes, pictures whole and cut: found, read, written."""

import os
import socket
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path

import cv2
import numpy as np
from hypothesis import strategies as st

from bodypix_ros import media
from bodypix_ros.errors import MediaError
from fuzz.answers import Case, attempt, check, check_message
from fuzz.values import cut, damaged, mostly
from support.pictures import EXIF, encoded, exif, gif, jpeg_with, png_with, raw_profile, tiff, webp_with

File = tuple[str, bytes]
"""What it is, and what it holds: the content of a file, the target of a link."""

_SUFFIXES = (
    *(b"", b".png", b".jpg", b".JPEG", b".jfif", b".gif", b".jp2", b".tiff", b".webp", b".bmp", b".ppm"),
    *(b".heic", b".mp4", b".txt", b".p\xe9g", b".png\n"),
)
_stems = mostly(
    st.sampled_from((b"a", b"b", b"caf\xe9", "日本".encode(), b"-o", b"0", b"._a", b" ", b"n" * 250)),
    st.binary(min_size=1, max_size=12).map(lambda name: name.replace(b"\0", b"0").replace(b"/", b"_")),
    3,
)
_names = st.builds(lambda stem, suffix: stem + suffix, _stems, st.sampled_from(_SUFFIXES)).filter(
    lambda name: name not in (b".", b"..")
)
_paths = st.lists(_names, min_size=1, max_size=3).map(b"/".join)
_targets = st.sampled_from((b".", b"..", b"a", b"nowhere", b"a.png", b"/dev/null", b"/dev/zero", b"loop"))


def tree(
    folder: Path, *, files: Mapping[bytes, File], named: tuple[bytes, ...], recursive: bool, meanwhile: str
) -> str:
    """Look through a tree and for some of its files by name, and read and write what is found.

    Args:
        folder: An empty one.
        files: By path.
        named: Paths that are given beside the folder itself.
        recursive: Look into sub-folders.
        meanwhile: What becomes of the files before they are read: "nothing", "gone", "pipe".
    """
    root, out = folder / "in", folder / "out"
    root.mkdir()
    out.mkdir()
    for path, (kind, content) in files.items():
        _make(os.fsencode(root) + b"/" + path, kind, content)
    outcomes: set[str] = set()
    said: list[str] = []
    arguments = [str(root), *(os.fsdecode(os.fsencode(root) + b"/" + path) for path in named)]
    found = media.find_sources(arguments, recursive=recursive, complain=said.append, note=said.append)
    for text in said:
        check_message(text, (str(root),))
    outcomes |= {"said"} if said else set()
    for source in found:
        name = source.name if isinstance(source, media.Picture) else media.readable(source.name)
        check(name.encode("utf-8", "surrogatepass").decode() == name, f"no UTF-8: {name!r}")
        if isinstance(source, media.Picture):
            outcomes.add(_read(source, out, meanwhile))
        else:
            outcomes.add("video")
    return " ".join(sorted(outcomes)) or "nothing"


def _make(path: bytes, kind: str, content: bytes) -> None:
    """Make a file, unless its name is too long or another is there."""
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120 - a name in bytes
        if kind == "link":
            os.symlink(content, path)  # noqa: PTH211
        elif kind == "pipe":
            os.mkfifo(path)
        elif kind == "socket":
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(path)
        elif kind == "folder":
            os.mkdir(path)  # noqa: PTH102
        else:
            with open(path, "xb") as file:  # noqa: PTH123
                file.write(content)
    except OSError:
        pass


def _read(source: media.Picture, out: Path, meanwhile: str) -> str:
    if meanwhile != "nothing":
        source.path.unlink(missing_ok=True)
    if meanwhile == "pipe":
        os.mkfifo(source.path)
    outcome, image = attempt(lambda: media.read_picture(source.path), (MediaError,), (source.name,))
    if image is None:
        return outcome
    check(image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3, f"{image.dtype} {image.shape}")
    check(image.shape[0] * image.shape[1] * int(image.max() >= 0) > 0, "no pixels")
    target = out / f"{source.stem}.mask.png"
    written, _ = attempt(lambda: media.write_picture(target, image), (MediaError,), (media.readable(target),))
    if written == "accepted":
        check(np.array_equal(media.read_picture(target), image), "another picture was written")
    check(not [path for path in out.iterdir() if path.name.startswith(".")], "half a file")
    return "picture"


@st.composite
def _contents(draw: st.DrawFn) -> File:
    kind = draw(st.sampled_from(("picture",) * 8 + ("link", "link", "pipe", "socket", "folder", "text")))
    if kind == "link":
        return kind, draw(_targets)
    if kind == "text":
        return kind, draw(
            st.sampled_from((b"", b"BM", b"P6 1 1 255 x", b"GIF89a", b"\xff\xd8")) | st.binary()
        )
    if kind != "picture":
        return kind, b""
    data = draw(st.sampled_from(_pictures()))
    how = draw(st.sampled_from(("whole", "whole", "cut", "head", "damaged", "longer")))
    if how == "cut":
        data = draw(cut(data))
    elif how == "head":
        data = draw(damaged(data, 0, 64))
    elif how == "damaged":
        data = draw(damaged(data))
    elif how == "longer":
        data += draw(st.sampled_from((b"\xff\xda" * 500, data, b"\xff\xd9", bytes(1000))))
    return kind, data


CASES = st.builds(
    lambda files, named, recursive, meanwhile: partial(
        tree, files=files, named=tuple(named), recursive=recursive, meanwhile=meanwhile
    ),
    st.dictionaries(_paths, _contents(), max_size=6),
    st.lists(_paths, max_size=2),
    st.booleans(),
    mostly(st.just("nothing"), st.sampled_from(("gone", "pipe")), 8),
)


def hostile() -> list[Case]:
    """What was seen to crash, to fill the memory and to wait."""
    deep = b"/".join([b"d" * 200] * 8)
    files: dict[bytes, File] = {
        b"caf\xe9": ("picture", encoded(".png", _IMAGE)),
        b"caf\xe9.png": ("picture", encoded(".png", _IMAGE)),
        b"bomb.gif": ("picture", gif(60000, 17000)),
        b"pipe.png": ("pipe", b""),
        b"up": ("link", b".."),
        b"loop": ("link", b"loop"),
        b"zero.png": ("link", b"/dev/zero"),
        deep: ("picture", encoded(".png", _IMAGE)),
    }
    named = tuple(files)
    return [
        partial(tree, files=files, named=named, recursive=recursive, meanwhile=meanwhile)
        for recursive in (False, True)
        for meanwhile in ("nothing", "gone", "pipe")
    ]


_IMAGE = cv2.resize(np.random.default_rng(0).integers(0, 256, (3, 4, 3), np.uint8), (31, 24))


@cache
def _pictures() -> list[bytes]:
    """Whole ones of all formats, those that are not read included."""
    grey = _IMAGE[..., 0].copy()
    jpeg, png, webp = (encoded(suffix, _IMAGE) for suffix in (".jpg", ".png", ".webp"))
    block = exif(6)
    return [
        *(encoded(suffix, _IMAGE) for suffix in (".jpg", ".png", ".webp", ".tiff", ".bmp", ".ppm")),
        encoded(".jp2", cv2.resize(_IMAGE, (64, 40))),
        *(encoded(suffix, _IMAGE) for suffix in (".hdr", ".ras")),
        encoded(".jpg", _IMAGE, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
        jpeg_with(jpeg, EXIF + block),
        png_with(png, b"eXIf", block),
        png_with(png, b"zTXt", raw_profile(EXIF + block)),
        webp_with(webp, block),
        tiff(grey[:4, :4].copy(), grey, previews=(0,), orientation=6),
        tiff(grey, previews=(0,)),
        gif(5, 3),
        b"\0\0\0\x20ftypheic" + bytes(40),
    ]
