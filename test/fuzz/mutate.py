"""Valid input with something wrong in it."""

import copy
import struct
from random import Random
from typing import Any

SIZES = (
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    15,
    16,
    127,
    128,
    255,
    256,
    4095,
    16384,
    16385,
    32767,
    32768,
    65535,
    65536,
    1 << 24,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
)
_NUMBERS = (
    *SIZES,
    -1,
    -2,
    -(1 << 31),
    1 << 63,
    (1 << 64) - 1,
    -(1 << 63),
    10**400,
    0.5,
    -0.0,
    1e-320,
    1e308,
    float("nan"),
    float("inf"),
    float("-inf"),
)
_TEXTS = (
    "",
    " ",
    ".",
    "..",
    "/",
    "../x",
    "/etc/passwd",
    "a/../../b",
    "~",
    "\0",
    "\n",
    "ä",
    "\ud800",
    "%s%n",
    "x" * 300,
    "x" * 70000,
    "1",
    "-1",
    "1" * 5000,
    "nan",
    "true",
    "null",
    "{}",
    "$(x)",
    "٣",
    "AAAA",
    "=",
    "//",
    "C:\\x",
    "http://x",
    "https://",
    "file:///etc/passwd",
)
_PATTERNS = tuple(
    struct.pack(order + kind, number)
    for order in "<>"
    for kind, numbers in (
        ("B", (0, 1, 127, 128, 255)),
        ("H", (0, 1, 32767, 32768, 65535)),
        ("I", (0, 1, 65536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FC00000, 0x7F800000)),
        ("Q", (0, 1, 1 << 31, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)),
    )
    for number in numbers
)


def number(rng: Random) -> Any:
    """A number that is rarely expected."""
    return rng.choice(_NUMBERS) if rng.random() < 0.8 else rng.randint(-1000, 1000)


def some_text(rng: Random) -> str:
    """A text that is rarely expected."""
    if rng.random() < 0.7:
        return rng.choice(_TEXTS)
    return "".join(
        chr(rng.choice((rng.randrange(128), rng.randrange(0x3000)))) for _ in range(rng.randrange(12))
    )


def value(rng: Random, depth: int = 0) -> Any:
    """A value of any of JSON's types."""
    kind = rng.randrange(5 if depth > 2 else 8)
    if kind < 2:
        return number(rng)
    if kind < 4:
        return some_text(rng)
    if kind == 4:
        return rng.choice((None, True, False))
    items = [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return items if kind < 7 else {some_text(rng): item for item in items}


def damaged(rng: Random, data: bytes, where: tuple[int, int] | None = None) -> bytes:
    """Bytes with one to a few things wrong; `where` bounds the places, but for what moves the rest."""
    out = bytearray(data)
    for _ in range(1 + int(rng.expovariate(0.7))):
        low, high = where or (0, len(out))
        high = min(high, len(out))
        at = rng.randrange(low, high) if low < high else 0
        kind = rng.randrange(10)
        if not out or kind == 0:
            out[at:at] = rng.randbytes(rng.choice((1, 2, 4, 16, 100)))
        elif kind < 3:
            out[at] ^= 1 << rng.randrange(8)
        elif kind < 7:
            pattern = rng.choice(_PATTERNS)
            out[at : at + len(pattern)] = pattern
        elif kind == 7:
            del out[at : at + rng.choice((1, 2, 4, 16, len(out)))]
        elif kind == 8:
            start, length = rng.randrange(len(out)), rng.choice((1, 4, 16, 64, 400))
            out[at : at + length] = out[start : start + length]
        else:
            out[at : at + rng.choice((1, 8, 64))] = bytes(rng.choice((1, 8, 64)))
    return bytes(out)


def changed(rng: Random, tree: Any, times: int | None = None) -> Any:
    """A copy of a tree of dicts and lists with one to a few places changed."""
    tree = [copy.deepcopy(tree)]
    for _ in range(times or 1 + int(rng.expovariate(1.0))):
        holder, key = _place(rng, tree)
        _change(rng, tree, holder, key)
    return tree[0] if tree else None


def _place(rng: Random, tree: Any) -> tuple[Any, Any]:
    """Somewhere in a tree; every level is as likely."""
    holder, key = tree, 0
    while True:
        here = holder[key]
        if not isinstance(here, (dict, list)) or not here or rng.random() < 0.15:
            return holder, key
        holder, key = here, rng.choice(list(here)) if isinstance(here, dict) else rng.randrange(len(here))


def _change(rng: Random, tree: Any, holder: Any, key: Any) -> None:
    here, kind = holder[key], rng.randrange(9)
    if kind == 0 and holder is not tree:
        del holder[key]
    elif kind == 1:
        other, at = _place(rng, tree)
        holder[key] = copy.deepcopy(other[at])
    elif kind == 2 and isinstance(holder, dict):
        holder[some_text(rng)] = holder.pop(key)
    elif kind == 3 and isinstance(holder, list) and holder is not tree:
        holder.insert(key, copy.deepcopy(here))
    elif kind < 6 and isinstance(here, str) and here:
        at = rng.randrange(len(here))
        holder[key] = here[:at] + rng.choice(("", here[at] * 2, some_text(rng)[:3])) + here[at + 1 :]
    elif kind < 7 and isinstance(here, (int, float)) and abs(here) < 1e300:
        holder[key] = rng.choice((here + 1, here - 1, -here, here * 2, float(here), str(here), number(rng)))
    elif kind == 7:
        for _ in range(rng.choice((1, 3, 100))):
            holder[key] = rng.choice(([holder[key]], {"x": holder[key]}))
    else:
        holder[key] = value(rng)
