"""Other programs that find people, run as child processes that do one call at a time when told to.

A peer reads a JSON object per line and answers with one. It times its calls itself: what goes through the
pipe is not counted.
"""

import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from bodypix_ros.benchmarks import Figures
from bodypix_ros.errors import PeerError
from bodypix_ros.media import Image

_SCRIPTS = Path(__file__).resolve().parent / "scripts"
MEDIAPIPE_MODELS = ("blazepose-full", "selfie-general", "selfie-landscape")
"""What MediaPipe has, too, by our names."""
_NODE_PACKAGES = (
    "@tensorflow-models/body-pix@2 @tensorflow/tfjs-core@4 @tensorflow/tfjs-converter@4 "
    "@tensorflow/tfjs-backend-wasm@4"
)


class Peer:
    """A child process that times its own calls. Use it as a context manager.

    Attributes:
        title: What to call it.
        versions: What it consists of, as it says itself.
    """

    def __init__(
        self,
        title: str,
        command: Sequence[str],
        hello: Mapping[str, Any],
        advice: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start it.

        Args:
            title: What to call it.
            command: Program and arguments.
            hello: What to tell it first; it answers with its versions.
            advice: What to do where it does not start.
            environment: Of the process; None: this one's.

        Raises:
            PeerError: It does not start.
        """
        self.title = title
        self._errors = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 - closed with the rest
        self._folder = tempfile.TemporaryDirectory(prefix="bodypix-bench-")
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the user names the program
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                env=environment,
            )
        except OSError as error:
            self._errors.close()
            self._folder.cleanup()
            raise PeerError(f"{title} does not start: {error}; {advice}") from error
        try:
            self.versions: Figures = self._ask(hello)["versions"]
        except PeerError as error:
            self.close()
            raise PeerError(f"{error}; {advice}") from error

    def show(self, image: Image) -> None:
        """Give it the picture of the calls to come.

        Args:
            image: uint8 (H, W, 3), BGR.
        """
        height, width = image.shape[:2]
        path = Path(self._folder.name) / "pixels.rgb"
        path.write_bytes(np.ascontiguousarray(image[..., ::-1]).tobytes())
        self._ask({"image": str(path), "width": width, "height": height})

    def call(self, what: Any) -> tuple[float, int | None]:
        """Have it do one call.

        Returns:
            The milliseconds it took, as it says, and how many people it found, where it tells.
        """
        answer = self._ask({"call": what})
        return float(answer["ms"]), answer["people"]

    def close(self) -> None:
        """End it."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()
        self._folder.cleanup()

    def __enter__(self) -> "Peer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, request: Mapping[str, Any]) -> Figures:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(json.dumps(request) + "\n")
            stdin.flush()
            line = stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise PeerError(f"{self.title} has ended: {self._last_words()}")
        try:
            answer: Figures = json.loads(line)
        except ValueError as error:
            raise PeerError(f"{self.title} answered with something else than JSON: {line[:80]!r}") from error
        if "error" in answer:
            raise PeerError(f"{self.title} failed: {answer['error']}")
        return answer

    def _last_words(self) -> str:
        self._process.wait()
        self._errors.seek(0)
        lines = [line.strip() for line in self._errors if line.strip()]
        return lines[-1] if lines else f"exit code {self._process.returncode}, nothing said"


def reference(folder: Path | None, model: Mapping[str, Any]) -> Peer:
    """The original BodyPix 2, on TensorFlow.js's WebAssembly in Node.

    Args:
        folder: Where node_modules lies; None: this folder, those above it, or NODE_PATH.
        model: What its `load` takes, with the path of the graph as `model`, and `threads`.

    Raises:
        PeerError: Node or the packages are not here, or it fails.
    """
    title = "the original BodyPix in Node"
    node = shutil.which("node")
    if node is None:
        raise PeerError(f"{title}: the program `node` is not here; install Node.js 18 or newer")
    where = Path.cwd() if folder is None else folder
    advice = f"type: npm install --prefix peers {_NODE_PACKAGES}; then give --reference-node peers"
    return Peer(title, [node, str(_SCRIPTS / "body_pix.cjs"), str(where)], model, advice)


def mediapipe(python: str | None) -> Peer:
    """MediaPipe for Python.

    Args:
        python: An interpreter that has it; None: this one.

    Raises:
        PeerError: It is not here, or fails.
    """
    title = "mediapipe"
    advice = (
        "its pins differ from ours, so give it an environment of its own: python3 -m venv mp; "
        "mp/bin/pip install mediapipe==0.10.21; then give --mediapipe-python mp/bin/python"
    )
    environment = dict(os.environ)
    if python is None:
        if importlib.util.find_spec("mediapipe") is None:
            raise PeerError(f"{title} is not installed here; {advice}")
        python = sys.executable
    else:
        environment.pop("PYTHONPATH", None)  # ours: another interpreter has packages of its own
    return Peer(title, [python, str(_SCRIPTS / "mediapipe_peer.py")], {"start": True}, advice, environment)
