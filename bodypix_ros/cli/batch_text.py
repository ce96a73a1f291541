"""What `bodypix batch` shows while it works: a bar for a person, or lines of JSON for a program."""

import json
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO

import click

from bodypix_ros.cli.options import Bar, progress_bar

Listen = Callable[[Mapping[str, Any]], None]


@contextmanager
def watching(as_json: bool, quiet: bool) -> Generator[Listen]:
    """Give somebody who listens to a batch.

    Args:
        as_json: Print every event on stdout, a line each.
        quiet: Show no bar.
    """
    shape = "{percentage:3.0f}%|{bar}| {desc}, {elapsed} and {remaining} left"
    stdout = sys.stdout
    with redirect_stdout(sys.stderr):  # Ray prints there what goes wrong on nodes
        if as_json:
            yield lambda event: _print(event, stdout)
            return
        with progress_bar(None, "", quiet, bar_format=shape) as bar:
            yield _Watch(bar)


def _print(event: Mapping[str, Any], stdout: TextIO) -> None:
    click.echo(json.dumps(event), file=stdout)
    stdout.flush()


class _Watch:
    """Shows how far a batch is, by the bytes of its sources; images per second; failures."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._parts: dict[str, float] = {}
        self._images: dict[str, int] = {}
        self._done = self._failed = self._todo = 0
        self._begun_s = time.monotonic()

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Take an event of `batch.run`."""
        kind = event["event"]
        if kind == "begin":
            self._bar.total, self._todo = event["bytes"], event["todo"]
            for name in event["recovered"]:
                self._say(f"{name}: made by a run that was broken off; it has its name now")
        elif kind == "progress" and event["total"]:
            share = min(1.0, event["images"] / event["total"])
            self._parts[event["source"]] = share * event["bytes"]
            self._images[event["source"]] = event["images"]
        elif kind in ("done", "unchanged", "failed"):
            self._parts[event["source"]] = event["bytes"]
            self._images[event["source"]] = event.get("images", 0)
            self._done += kind != "failed"
            self._failed += kind == "failed"
        for note in event.get("notes", ()):
            self._say(f"{event['source']}: {note}")
        if kind == "failed":
            self._say(event["why"])
        elif kind == "again":
            self._say(f"{event['source']}: is tried again: {event['why']}")
        elif kind in ("broken", "differs"):
            self._say(event["why"])
        self._show()

    def _say(self, text: str) -> None:
        self._bar.write(f"bodypix: {text}", file=sys.stderr)

    def _show(self) -> None:
        rate = sum(self._images.values()) / max(time.monotonic() - self._begun_s, 1e-3)
        failed = f", {self._failed} failed" if self._failed else ""
        text = f"{self._done} of {self._todo} sources, {rate:.0f} images/s{failed}"
        self._bar.set_description(text, refresh=False)
        self._bar.update(sum(self._parts.values()) - self._bar.n)
