"""What SECURITY.md promises of downloads, digests, the code, caches, dependencies and SROS 2."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection, Generator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import HTTPSHandler

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from bodypix_ros.errors import DownloadError
from bodypix_ros.models import catalogue
from bodypix_ros.models.download import download
from bodypix_ros.rendering import MODES
from bodypix_ros.ros.messages.outputs import OUTPUTS
from bodypix_ros.ros.people.topics import input_kinds, output_kinds
from bodypix_ros.ros.renderer.joining import IMAGE
from bodypix_ros.ros.renderer.options import inputs_of
from support import policy
from support.paths import ROOT
from support.servers import serving

SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


# Downloads


class Hops(ThreadingHTTPServer):
    """Answers each path with a redirect or, where there is none, with a file; `asked` lists the paths."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hop)
        self.asked: list[str] = []
        self.to: dict[str, str] = {}
        self.address = f"127.0.0.1:{self.server_address[1]}"


class _Hop(BaseHTTPRequestHandler):
    server: Hops

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        target = self.server.to.get(self.path)
        self.send_response(302 if target else 200)
        self.send_header("Location", target) if target else self.send_header("Content-Length", "4")
        self.end_headers()
        if not target:
            self.wfile.write(b"file")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hops(monkeypatch: pytest.MonkeyPatch) -> Generator[Hops, None, None]:
    """A server that takes https for http, so that it needs no certificate: only addresses matter here."""

    def without_tls(handler: HTTPSHandler, request: Any) -> Any:
        return handler.do_open(HTTPConnection, request)

    monkeypatch.setattr(HTTPSHandler, "https_open", without_tls)
    with serving(Hops()) as running:
        yield running


def _get(url: str, part: Path) -> None:
    download(url, part, limit=4, exact=True, progress=lambda _: None)


def test_a_redirect_to_https_is_followed(hops: Hops, tmp_path: Path) -> None:
    hops.to["/old"] = f"https://{hops.address}/new"
    _get(f"https://{hops.address}/old", tmp_path / "part")
    assert (hops.asked, (tmp_path / "part").read_bytes()) == (["/old", "/new"], b"file")


@pytest.mark.parametrize("scheme", ["http", "HTTP", "ftp", "file"])
def test_a_redirect_to_anything_else_is_not_even_asked(hops: Hops, tmp_path: Path, scheme: str) -> None:
    # It would lead back to https, so that looking at the last address alone would not find it.
    hops.to = {"/old": f"{scheme}://{hops.address}/hop", "/hop": f"https://{hops.address}/new"}
    with pytest.raises(DownloadError, match="cannot download"):
        _get(f"https://{hops.address}/old", tmp_path / "part")
    assert hops.asked == ["/old"]
    assert not (tmp_path / "part").exists()


# Digests


def _kind(file: catalogue.ModelFile) -> str:
    return "SHA-256" if file.sha256 else "SHA-1" if file.git else "none"


def test_the_table_of_digests_is_the_catalogues() -> None:
    found: dict[str, dict[str, int]] = {}
    for model in catalogue.models().values():
        counts = found.setdefault(model.name, {"SHA-256": 0, "SHA-1": 0, "none": 0})
        for file in model.files:
            counts[_kind(file)] += 1
    rows = re.findall(r"^\| (`[^|]*`) \| (\d+) \| (\d+) \| (\d+) \|$", SECURITY, re.MULTILINE)
    listed = {
        name: dict(zip(("SHA-256", "SHA-1", "none"), map(int, numbers), strict=True))
        for names, *numbers in rows
        for name in _expand(names)
    }
    assert listed == found


def _expand(names: str) -> list[str]:
    """`a-{1,2}-b`, `c` -> a-1-b, a-2-b, c."""
    result = []
    for name in re.findall(r"`([^`]+)`", names):
        alternatives = [""]
        for plain, choices in re.findall(r"([^{}]+)|\{([^{}]+)\}", name):
            alternatives = [
                start + more
                for start in alternatives
                for more in (choices.split(",") if choices else [plain])
            ]
        result += alternatives
    return result


# The code

_NEVER_IMPORTED = {
    "cloudpickle", "code", "dill", "joblib", "jsonpickle", "marshal", "pickle", "pty", "shelve", "telnetlib",
    "tensorflow", "torch", "xmlrpc",
}  # fmt: skip
_NEVER_CALLED = {
    "__import__", "compile", "eval", "exec", "os.popen", "os.system", "subprocess.getoutput",
    "subprocess.getstatusoutput", "yaml.load", "yaml.full_load", "yaml.unsafe_load",
}  # fmt: skip
_NEVER_TRUE = {"allow_pickle", "shell"}


def _dangers(source: str) -> list[str]:
    """What code does that could run what a file or a message says."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            # re.compile and the like are not the built-in; model.compile(...) neither.
            found += [called] if called in _NEVER_CALLED else []
            found += [
                f"{called}({word.arg}=...)"
                for word in node.keywords
                if word.arg in _NEVER_TRUE and ast.unparse(word.value) != "False"
            ]
            if called.endswith("import_module") and node.args and isinstance(node.args[0], ast.Constant):
                names = [str(node.args[0].value)]
        found += [name for name in names if name.split(".")[0] in _NEVER_IMPORTED or name in _NEVER_CALLED]
    return found


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from pickle import loads", "from os import system", "eval('1')", "exec(text)",
        "os.system('ls')", "subprocess.run('ls', shell=True)", "subprocess.run('ls', shell=flag)",
        "np.load(path, allow_pickle=True)", "yaml.load(text)", "import_module('pickle')",
    ],
)  # fmt: skip
def test_dangers_would_be_found(source: str) -> None:
    assert _dangers(source)


def test_neither_shell_nor_eval_nor_pickle() -> None:
    files = [*ROOT.glob("bodypix_ros/**/*.py"), *ROOT.glob("launch/*.py"), ROOT / "setup.py"]
    assert len(files) > 50
    assert not _dangers("re.compile('a'); subprocess.run(['ls'], shell=False); yaml.safe_load(text)")
    found = {
        str(file.relative_to(ROOT)): dangers for file in files if (dangers := _dangers(file.read_text()))
    }
    assert not found


_WATCHED = """
import sys

def watch(event, arguments):
    if event.startswith(("socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.", "subprocess.")):
        print("NOT KEPT TO ITSELF:", event, arguments, flush=True)

sys.addaudithook(watch)
"""
_WORKS = """
from pathlib import Path
import numpy as np
import bodypix_ros
from support.checkpoints import write_tiny_bodypix

write_tiny_bodypix(Path("models"), seed=9)
with bodypix_ros.load("bodypix-mobilenet-050-s16-q4", device="CPU", model_dir="models") as segmenter:
    scene = segmenter.segment(np.full((96, 128, 3), 90, np.uint8))
print("mask", scene.person_mask.shape)
"""


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (_WORKS, "mask (96, 128)\n"),
        ("import socket; socket.getaddrinfo('127.0.0.1', 1)", "NOT KEPT TO ITSELF: socket.getaddrinfo"),
    ],
    ids=["work", "control"],
)
def test_nobody_is_called_while_a_model_is_at_work(tmp_path: Path, code: str, expected: str) -> None:
    # OpenVINO's telemetry keeps quiet on CI machines, and where a file in the home folder says so.
    environment = {name: os.environ[name] for name in os.environ.keys() - {"CI", "TF_BUILD", "JENKINS_URL"}}
    environment |= {"PYTHONPATH": f"{ROOT}:{ROOT / 'test'}", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", _WATCHED + code],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith(expected)


# Caches


@pytest.mark.parametrize(("umask", "others"), [("077", 0), ("022", 0o055)])
def test_compiled_kernels_are_the_users_alone(tmp_path: Path, umask: str, others: int) -> None:
    """What numba keeps is read back as pickles: nobody else may write there, whatever may be read."""
    (tmp_path / "one.py").write_text(
        "from bodypix_ros.kernels import kernel\n\n@kernel('int64(int64)')\ndef twice(x):\n    return 2 * x\n"
    )
    command = f"umask {umask}; exec {sys.executable} -c 'import one; assert one.twice(2) == 4'"
    environment = {
        **os.environ,
        "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
        "PYTHONPATH": f"{tmp_path}:{ROOT}",
    }
    subprocess.run(["bash", "-c", command], env=environment, check=True, cwd=tmp_path)
    kept = [tmp_path / "cache", *(tmp_path / "cache").rglob("*")]
    assert {path.suffix for path in kept if path.is_file()} == {".nbi", ".nbc"}
    for path in kept:
        assert path.stat().st_uid == os.getuid()
        assert path.stat().st_mode & 0o077 & ~others == 0, path


# Dependencies


def _requirements() -> dict[str, list[Requirement]]:
    """What setup.py asks for, by extra; "" without one."""
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    (call,) = (n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == "setup")
    found = {word.arg: word.value for word in call.keywords}
    extras = ast.literal_eval(found["extras_require"])
    extras[""] = ast.literal_eval(found["install_requires"])
    return {extra: [Requirement(text) for text in texts] for extra, texts in extras.items()}


UNLOCKED = {"fleet", "view"}
"""Extras that are too large for the lock, see .ci/lock."""


def _all_requirements(without: Collection[str] = ()) -> dict[str, SpecifierSet]:
    together: dict[str, SpecifierSet] = {}
    asked = [ones for extra, ones in _requirements().items() if extra not in without]
    for one in (one for ones in asked for one in ones):
        name = one.name.lower().replace("_", "-")
        together[name] = together.get(name, SpecifierSet()) & one.specifier
    return together


def test_what_is_not_locked_is_nothing_that_the_lock_is_asked_for() -> None:
    asked = set(re.findall(r"--extra (\S+)", (ROOT / ".ci/lock").read_text(encoding="utf-8")))
    assert asked == _requirements().keys() - UNLOCKED - {""}


def test_every_dependency_is_bounded_on_both_sides() -> None:
    for name, bounds in _all_requirements().items():
        operators = {bound.operator for bound in bounds}
        assert "~=" in operators or ({">=", "<"} <= operators), f"{name}{bounds}"


def test_the_lock_file_holds_what_setup_py_asks_for() -> None:
    lock = (ROOT / "requirements-ci.txt").read_text(encoding="utf-8")
    assert not re.search(r"https?:|--(index|extra-index|find-links)|file:|@ ", lock)
    entries = []
    for entry in re.split(r"\n(?=[a-z0-9])", lock)[1:]:
        requirement, hashes = entry.split(" \\\n", 1)
        entries.append(Requirement(requirement))
        assert re.fullmatch(r"(    --hash=sha256:[0-9a-f]{64}( \\)?\n?)+", hashes), entry
    locked: dict[str, list[Requirement]] = {}
    for entry in entries:
        locked.setdefault(entry.name.lower(), []).append(entry)
    wanted = _all_requirements(without=UNLOCKED)
    for name, bounds in wanted.items():
        assert name in locked, f"make the lock file again: {name} is not in it"
        for entry in locked[name]:
            (pin,) = entry.specifier
            assert pin.operator == "=="
            assert bounds.contains(pin.version, prereleases=True), f"{entry} is not within {bounds}"
    for python in ("3.10", "3.11", "3.12", "3.13"):
        environment = {
            "python_version": python,
            "python_full_version": f"{python}.1",
            "sys_platform": "linux",
        }
        for name in wanted:
            fitting = [e for e in locked[name] if e.marker is None or e.marker.evaluate(environment)]
            assert len(fitting) == 1, f"{name} on Python {python}: {fitting}"


# SROS 2


def _pairs(verb: str, *names: str) -> set[tuple[str, str]]:
    return {(verb, name) for name in names}


IMAGES = (IMAGE, f"{IMAGE}/compressed")
PICTURES = ("debug_image", "debug_image/compressed", "label_image", "skeletons")
RESULTS = tuple(OUTPUTS)
PLACES = tuple(output_kinds())
DIAGNOSTICS = ("publish", "/diagnostics")
NODES = ("segmenter", "people", "renderer", "source")
EXPECTED = {
    "segmenter": {
        *_pairs("subscribe", *IMAGES, "camera_info"),
        *_pairs("publish", *RESULTS),
        ("publish", "bond"),
        ("reply", "~/enable"),
        DIAGNOSTICS,
        *policy.OF_A_LIFECYCLE_NODE,
        *policy.OF_EVERY_NODE,
    },
    "renderer": {
        *_pairs("subscribe", *IMAGES, *(name for mode in MODES for name in inputs_of(mode))),
        *_pairs("subscribe", "keypoints_3d", "persons_3d"),
        *_pairs("publish", *PICTURES),
        DIAGNOSTICS,
        *policy.OF_EVERY_NODE,
    },
    "people": {
        *_pairs("subscribe", *input_kinds(), "/tf", "/tf_static"),
        *_pairs("publish", *PLACES, "/tf", "/humans/bodies/*"),
        DIAGNOSTICS,
        *policy.OF_A_LIFECYCLE_NODE,
        *policy.OF_EVERY_NODE,
    },
    "source": {*_pairs("publish", IMAGE, "camera_info", "/tf_static"), *policy.OF_EVERY_NODE},
    "listener": {
        *_pairs("subscribe", *RESULTS, *PICTURES, *PLACES, "/diagnostics"),
        ("request", "segmenter/enable"),
        *policy.OF_EVERY_NODE,
    },
    "tools": {
        *_pairs("subscribe", *IMAGES, "camera_info", *RESULTS, *PICTURES, *PLACES),
        *_pairs("subscribe", "segmenter/transition_event", "people/transition_event"),
        *_pairs("subscribe", "/clock", "/diagnostics", "/parameter_events", "/rosout"),
        *_pairs("publish", "/parameter_events", "/rosout"),
        *_pairs("request", *(f"segmenter/{service}" for service in ("enable", *policy.LIFECYCLE))),
        *_pairs("request", *(f"people/{service}" for service in policy.LIFECYCLE)),
        *_pairs(
            "request",
            *(f"{node}/{name}" for node in NODES for name in policy.PARAMETERS),
        ),
        ("reply", "/_ros2cli_*"),
    },
}


@pytest.mark.parametrize("node", EXPECTED)
def test_the_policy_is_what_the_nodes_have(node: str) -> None:
    profiles = policy.read(policy.POLICY)
    assert list(profiles) == [f"/bodypix_ros/{name}" for name in EXPECTED]
    profile = profiles[f"/bodypix_ros/{node}"]
    assert (profile.namespace, profile.node) == ("/", node)
    assert profile.allowed - EXPECTED[node] == set(), "too much is allowed"
    assert EXPECTED[node] - profile.allowed == set(), "something is missing"


def _adapted(folder: Path, keep: Callable[[str], bool]) -> dict[str, policy.Profile]:
    """The policy after those lines of SECURITY.md's commands that are kept."""
    shutil.copy(policy.POLICY, folder / "policy.xml")
    lines = [
        line for line in policy.block("Other namespaces, topics and cameras").splitlines() if "sed" in line
    ]
    assert len(lines) == 3
    script = "\n".join(line for line in lines if keep(line))
    subprocess.run(["bash", "-ec", script], cwd=folder, check=True)
    return policy.read(folder / "policy.xml")


def test_the_policy_in_a_namespace(tmp_path: Path) -> None:
    profiles = _adapted(tmp_path, lambda line: "robot1" in line)
    for name, (namespace, node, allowed) in profiles.items():
        plain = policy.read(policy.POLICY)[name]
        assert (namespace, node, allowed) == ("/robot1", plain.node, plain.allowed)


def test_the_policy_for_another_image_topic(tmp_path: Path) -> None:
    profiles = _adapted(tmp_path, lambda line: "image_raw" in line)
    images = _pairs("subscribe", "/camera/image_raw", "/camera/image_raw/compressed")
    assert images <= profiles["/bodypix_ros/renderer"].allowed
    allowed = profiles["/bodypix_ros/segmenter"].allowed
    assert images | _pairs("subscribe", "/camera/camera_info") <= allowed
    assert not allowed & _pairs("subscribe", *IMAGES, "camera_info")
    assert _pairs("publish", *RESULTS) <= allowed


def test_the_policy_for_two_cameras(tmp_path: Path) -> None:
    profiles = _adapted(tmp_path, lambda line: "rear/" in line)
    allowed = profiles["/bodypix_ros/segmenter"].allowed
    for camera in ("front", "rear"):
        assert _pairs("publish", *(f"{camera}/{name}" for name in RESULTS)) <= allowed
        assert _pairs("subscribe", *(f"{camera}/{name}" for name in IMAGES)) <= allowed
    assert not allowed & _pairs("publish", *RESULTS)
    assert allowed >= policy.OF_EVERY_NODE | policy.OF_A_LIFECYCLE_NODE
