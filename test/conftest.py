"""What every test shares: where real weights and pictures are, and the count of goldens compared."""

import signal
from collections import Counter
from collections.abc import Callable, Generator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from support.paths import real_data

# Under nohup, or in the background of a script, signals come ignored, and children would ignore them, too.
for number, default in ((signal.SIGHUP, signal.SIG_DFL), (signal.SIGINT, signal.default_int_handler)):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, default)

GOLDENS = 30  # 27 of BodyPix in a browser, 3 of the ResNet50 graph with random weights
_compared: set[str] = set()


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder with real weights, pictures and goldens; tests that need it skip where it is absent."""
    folder = real_data()
    if not (folder / "goldens").is_dir():
        pytest.skip(f"no test data in {folder} (set BODYPIX_ROS_TEST_DATA)")
    return folder


@pytest.fixture(scope="session")
def compared() -> Callable[[str], None]:
    """Call with a golden's name once it was compared, whatever the outcome of the comparison."""
    return _compared.add


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say why tests were skipped, one line a reason."""
    reports = terminalreporter.getreports("skipped")
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in reports)
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"{count} skipped: {reason}")


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_unconfigure() -> Generator[None, None, None]:
    """Say last of all what was compared and what an extra was lacking for: a skip is never unseen."""
    result = yield
    skipped = ""
    for extra, names in (("fleet", ("ray", "pyarrow")), ("view", ("rerun",))):
        if lacking := [name for name in names if find_spec(name) is None]:
            skipped += f"; tests of the extra {extra} skipped: no {', no '.join(lacking)}"
    print(f"goldens compared: {len(_compared)}/{GOLDENS}{skipped}", flush=True)
    return result
