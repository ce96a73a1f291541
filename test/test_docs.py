"""Every test that the documents name exists."""

import fnmatch
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from support.paths import ROOT, TESTS


@cache
def functions(file: str) -> frozenset[str]:
    """The functions of a test file, wherever below `test` it lies."""
    (path,) = [path for path in TESTS.rglob(Path(file).name) if path.as_posix().endswith(f"/{file}")]
    text = path.read_text(encoding="utf-8")
    return frozenset(re.findall(r"^ *(?:async )?def (test_\w+)", text, re.MULTILINE))


def named(line: str) -> Iterator[tuple[str, str]]:
    """File and test of each name in a line; a name without file is in the file named before it."""
    file = ""
    for span in re.findall(r"`([^`]+)`", line):
        if match := re.fullmatch(r"([\w/]*test_\w+\.py)(?:::(test_[\w.]*))?", span):
            file = match[1]
            yield file, match[2] or ""
        elif file and re.fullmatch(r"test_[\w.]+", span):
            yield file, span


@pytest.mark.parametrize("document", sorted(path.name for path in (ROOT / "docs").glob("*.md")))
def test_every_named_test_exists(document: str) -> None:
    lines = (ROOT / "docs" / document).read_text(encoding="utf-8").splitlines()
    wrong = [
        f"{file}::{test}"
        for line in lines
        for file, test in named(line)
        if not fnmatch.filter(functions(file), test.replace("...", "*") or "*")
    ]
    assert not wrong


def test_the_rows_of_faults_name_tests() -> None:
    """So that a check of names cannot pass because it sees none."""
    text = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")
    assert sum(len([*named(line)]) for line in text.splitlines()) > 40
    assert [*named("`a`, `test_x.py::test_one_...`, `test_two`, `test_y.py`")] == [
        ("test_x.py", "test_one_..."),
        ("test_x.py", "test_two"),
        ("test_y.py", ""),
    ]


def test_the_site_has_every_page_once() -> None:
    """mkdocs only tells, without failing, of one that is in no menu."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = re.findall(r"^ +- ([\w-]+\.md)$", text[text.index("\nnav:") :], re.MULTILINE)
    assert sorted(listed) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))
