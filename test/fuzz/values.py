"""Strategies for what is rarely expected, and for valid input with something wrong in it."""

import copy
from typing import Any, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")
Tree = Any
"""Dicts and lists, as JSON and YAML hold them."""

SIZES = (0, 5, 16385, *(2**n - m for n in (1, 2, 3, 4, 7, 8, 12, 14, 15, 16, 24, 31, 32) for m in (0, 1)))
_TEXTS = (
    "", " ", ".", "..", "/", "../x", "/etc/passwd", "a/../../b", "~", "\0", "\n", "ä", "\ud800", "%s%n",
    "x" * 300, "x" * 70000, "1", "-1", "1" * 5000, "nan", "true", "null", "{}", "$(x)", "٣", "AAAA", "=",
    "//", "C:\\x", "http://x", "https://", "file:///etc/passwd",
)  # fmt: skip
_PATTERNS = tuple(
    (number % (1 << 8 * size)).to_bytes(size, order)
    for size in (1, 2, 4, 8)
    for number in (0, 1, -1, 1 << 16, 1 << 31, (1 << 31) - 1, 1 << 63, (1 << 63) - 1, 0x7FC00000, 0x7F80)
    for order in ("big", "little")
)

numbers = (
    st.sampled_from((*SIZES, -1, -(1 << 31), -(1 << 63), 1 << 64, 10**400)) | st.integers() | st.floats()
)
texts = st.sampled_from(_TEXTS) | st.text(st.characters() | st.just("\ud800"), max_size=12)
values = st.recursive(
    st.one_of(numbers, texts, st.none(), st.booleans()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
_others = st.sampled_from((None, True, 0, 1.5, "", "x", [], {}, ["x"], {"x": 1}))
_changes = st.sampled_from(("edit",) * 4 + ("value", "remove", "copy", "rename", "again", "deep"))
_few = st.sampled_from((1, 1, 1, 2, 3, 5))


def mostly(usual: st.SearchStrategy[T], rarely: st.SearchStrategy[T], times: int = 4) -> st.SearchStrategy[T]:
    """The one so many times as often as the other."""
    return st.integers(0, times).flatmap(lambda number: rarely if number == times else usual)


@st.composite
def damaged(draw: st.DrawFn, data: bytes, low: int = 0, high: int = 1 << 62) -> bytes:
    """Bytes with one to a few things wrong between `low` and `high`, but for what moves the rest."""
    out = bytearray(data)
    for _ in range(draw(_few)):
        at = draw(st.integers(low, max(low, min(high, len(out)) - 1)))
        what = draw(st.sampled_from(("overwrite", "overwrite", "overwrite", "insert", "copy", "remove")))
        length = draw(st.sampled_from((1, 2, 4, 16, 64, 400)))
        new = b""
        if what == "copy":
            start = draw(st.integers(0, len(out)))
            new = bytes(out[start : start + length])
        elif what != "remove":
            new = draw(
                st.sampled_from(_PATTERNS) | st.binary(min_size=1, max_size=4) | st.just(bytes(length))
            )
        out[at : at + {"insert": 0, "remove": length}.get(what, len(new))] = new
    return bytes(out)


@st.composite
def cut(draw: st.DrawFn, data: bytes) -> bytes:
    """The beginning of it."""
    return data[: draw(st.integers(0, len(data) - 1))]


@st.composite
def changed(draw: st.DrawFn, tree: Tree, times: int | None = None) -> Tree:
    """A copy of a tree with one to a few places changed."""
    root = [copy.deepcopy(tree)]
    for _ in range(times or draw(_few)):
        holder, key = _place(draw, root)
        here = holder[key]
        what = draw(_changes)
        if what == "remove" and holder is not root:
            del holder[key]
        elif what == "copy":
            other, at = _place(draw, root)
            holder[key] = copy.deepcopy(other[at])
        elif what == "rename" and isinstance(holder, dict):
            holder[draw(texts)] = holder.pop(key)
        elif what == "again" and isinstance(holder, list) and holder is not root:
            holder.insert(key, copy.deepcopy(here))
        elif what == "deep":
            for _ in range(draw(st.sampled_from((1, 3, 100)))):
                holder[key] = [holder[key]]
        elif what == "edit" and isinstance(here, str) and here:
            at = draw(st.integers(0, len(here) - 1))
            holder[key] = here[:at] + draw(st.just("") | st.just(here[at] * 2) | texts)[:3] + here[at + 1 :]
        elif what == "edit" and isinstance(here, (int, float)) and abs(here) < 1e300:
            likely = (here + 1, here - 1, -here, here * 2, float(here), str(here))
            holder[key] = draw(st.sampled_from(likely) | numbers)
        else:
            holder[key] = copy.deepcopy(draw(_others if what == "edit" else values))
    return root[0]


def _place(draw: st.DrawFn, root: list[Tree]) -> tuple[Any, Any]:
    """Somewhere in a tree; every level is as likely."""
    holder: Any = root
    key: Any = 0
    while isinstance(holder[key], (dict, list)) and holder[key] and draw(st.integers(0, 6)):
        holder = holder[key]
        key = draw(st.sampled_from(list(holder) if isinstance(holder, dict) else range(len(holder))))
    return holder, key
