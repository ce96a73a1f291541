"""Compiles every model that is here for NPUs that are not, with the compiler in OpenVINO's Windows package.

    python -m devices.npu [--platform 4000 ...] [--only PATTERN] [--again]

Wine runs the compiler, and gcc for Windows builds npuc.c. Sizes are those of the default views of images of
640x480. Results are kept beside the package, so that an interrupted run goes on; the table is printed in the
end. Nothing is executed: blobs need an NPU.
"""

import argparse
import json
import math
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import openvino as ov

import bodypix_ros
from bodypix_ros.errors import MissingModelError
from bodypix_ros.models import catalogue, ranges, store, tflite
from bodypix_ros.runtime.quantize import Rounding, quantized
from support.devices import PLUGINS
from support.paths import real_data

PLATFORMS: Final = ("3720", "4000", "5010", "5020", "6010")
"""Those that the compiler knows: 3720 is Meteor Lake's and Arrow Lake's, 4000 Lunar Lake's, 5010 Panther
Lake's; the others are to come.
"""
LIMIT_S: Final = 600
_HERE: Final = Path(__file__).parent
_FOLDER: Final = Path(sys.prefix, "npu")
_PROGRAM: Final = _FOLDER / "bin/npuc.exe"
_RESULTS: Final = _FOLDER / "results.json"
_CAMERA: Final = (480, 640)
_NATIVE: Final = "msvcp140,vcruntime140,vcruntime140_1,concrt140,msvcp140_1=n,b"


@dataclass(frozen=True)
class Network:
    """A graph of one input size, as a file.

    Attributes:
        title: Model, and which of its networks.
        size: Of the input, as "640x480".
        precision: "f16", or "int8": with FakeQuantize operations.
        file: Its path without a suffix.
    """

    title: str
    size: str
    precision: str
    file: Path

    @property
    def model(self) -> str:
        """The model that it is of."""
        return self.title.split(" ")[0]

    @property
    def key(self) -> str:
        """What its results are kept under."""
        return f"{self.title} {self.size} {self.precision}"


def wine() -> str:
    """The program that runs others for Windows.

    Raises:
        SystemExit: It or the compiler of C for Windows is not here.
    """
    found = shutil.which("wine64") or shutil.which("/usr/lib/wine/wine64") or shutil.which("wine")
    if found is None or shutil.which("x86_64-w64-mingw32-gcc") is None:
        sys.exit("Wine and mingw-w64 are needed (Debian: wine64 gcc-mingw-w64-x86-64)")
    return found


def build() -> None:
    """Fetch the Windows packages, checked by their hashes, and build npuc.c beside their libraries."""
    if _PROGRAM.exists() and _PROGRAM.stat().st_mtime > (_HERE / "npuc.c").stat().st_mtime:
        return
    _PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    wheels = _FOLDER / "wheels"
    subprocess.run(
        [
            sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(wheels), "--require-hashes",
            "--no-deps", "--only-binary=:all:", "--platform", "win_amd64", "--python-version", "3.11",
            "--requirement", str(_HERE / "requirements-npu.txt"),
        ],
        check=True,
    )  # fmt: skip
    for wheel in wheels.glob("*.whl"):
        with zipfile.ZipFile(wheel) as packed:
            for member in packed.namelist():
                if member.endswith(".dll"):
                    (_PROGRAM.parent / Path(member).name).write_bytes(packed.read(member))
    command = [
        "x86_64-w64-mingw32-gcc",
        "-O1",
        "-Wall",
        "-Wextra",
        "-o",
        str(_PROGRAM),
        str(_HERE / "npuc.c"),
    ]
    subprocess.run([*command, str(_PROGRAM.parent / "openvino_c.dll")], check=True)


def compiler(*arguments: str, limit_s: float = LIMIT_S) -> list[list[str]]:
    """What npuc.c says, by lines and tabulators.

    Raises:
        subprocess.TimeoutExpired: It takes longer than the limit.
    """
    quiet = {"WINEPREFIX": str(_FOLDER / "wine"), "WINEDEBUG": "-all", "WINEDLLOVERRIDES": _NATIVE}
    done = subprocess.run(
        [wine(), str(_PROGRAM), *arguments], env={**os.environ, **quiet}, cwd=_PROGRAM.parent,
        capture_output=True, timeout=limit_s, check=False,
    )  # fmt: skip
    return _lines(done.stdout)


def _lines(output: bytes) -> list[list[str]]:
    return [line.split("\t") for line in output.decode(errors="replace").splitlines()]


def networks(pattern: str) -> Iterator[Network]:
    """Every network of every model that is here, as files."""
    folder = _FOLDER / "networks"
    folder.mkdir(exist_ok=True)
    models = real_data() / "models"
    details = catalogue.details()
    for name, entry in (catalogue.models() | details).items():
        if not re.search(pattern, name):
            continue
        try:
            files = store.find(entry, models)
        except MissingModelError:
            continue
        if name in details:
            for path in files.values():
                graph = tflite.read_model(path)
                yield from _files(f"{name} {path.stem}", graph, [graph.input().shape[1:3]], folder)
            continue
        with bodypix_ros.load(name, device="CPU", precision="f32", model_dir=models) as segmenter:
            seer: Any = segmenter._open
            titles = (name, f"{name} detector")
            for title, made in zip(titles, seer.networks, strict=False):
                needed = seer.inputs(*_CAMERA)
                sizes = dict.fromkeys(each[:2] for each in needed) if len(seer.networks) == 1 else made._slots
                yield from _files(title, made.graph, sizes, folder)
                if ranges.has(name):
                    known = ranges.find(name, "")
                    graph = quantized(made.graph, Rounding(known.ranges, known.means))
                    yield from _files(title, graph, sizes, folder, "int8")


def _files(
    title: str, graph: ov.Model, sizes: Any, folder: Path, precision: str = "f16"
) -> Iterator[Network]:
    for height, width in sizes:
        network = Network(
            title, f"{width}x{height}", precision, folder / f"{title} {width}x{height} {precision}"
        )
        static = graph.clone()
        static.reshape([1, height, width, 3])
        ov.save_model(static, f"{network.file}.xml", compress_to_fp16=False)
        yield network


def compile_for(platform: str, wanted: list[Network]) -> dict[str, dict[str, Any]]:
    """Seconds and bytes of each network, or why there are none; those that were not begun are left out."""
    arguments = [
        argument
        for network in wanted
        for argument in ("f16", f"{network.file}.xml", f"{network.file}.{platform}.blob")
    ]
    try:
        lines, why = compiler(platform, "LATENCY", *arguments), "the compiler ended without a word"
    except subprocess.TimeoutExpired as expired:
        lines, why = _lines(expired.stdout or b""), f"not within {LIMIT_S} s"
    found: dict[str, dict[str, Any]] = {}
    for network, (verdict, *rest) in zip(wanted, [*lines, ["failed", why]], strict=False):
        good = verdict == "ok"
        found[network.key] = (
            {"seconds": float(rest[0]), "bytes": int(rest[1])} if good else {"failed": " ".join(rest)}
        )
    return found


def check_fakes() -> None:
    """What the plugin says must be what fakes say."""
    told = dict(compiler())
    plugin = PLUGINS["NPU"]
    assert tuple(told["OPTIMIZATION_CAPABILITIES"].split()) == plugin.capabilities, told
    (network, *_) = networks("selfie-landscape")
    files = (f"{network.file}.xml", f"{network.file}.blob")
    (good, refused) = compiler("4000", "THROUGHPUT", "f16", *files, "f32", *files)
    assert good[3:] == ["f16", plugin.executes_on, str(plugin.requests)], good
    assert refused[0] == "failed", refused
    assert refused[1].endswith(f"Supported values: {', '.join(plugin.hints)}"), refused


def table(results: dict[str, dict[str, Any]], platforms: list[str]) -> str:
    """Seconds and sizes of blobs, by network and platform."""
    keys = sorted({key.split("|")[0] for key in results})
    rows = []
    for key in keys:
        cells = []
        for platform in platforms:
            found = results.get(f"{key}|{platform}", {})
            cell = f"{found['seconds']:.0f} s, {found['bytes'] / 1e6:.1f} MB" if "bytes" in found else ""
            cells.append(cell or found.get("failed", ""))
        model, size, precision = key.rsplit(" ", 2)
        rows.append([f"`{model}`", size, precision, *cells])
    head = ["network", "input", "precision", *platforms]
    lines = [head, ["---", "---", "---", *("---:" for _ in platforms)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def wrong(results: dict[str, dict[str, Any]]) -> list[str]:
    """What did not compile, and what was to be in 8 bits, but is as large as in f16."""
    bad = [f"{key}: {found['failed']}" for key, found in results.items() if "failed" in found]
    for key, found in results.items():
        exact = results.get(key.replace(" int8|", " f16|"), {})
        if " int8|" in key and found.get("bytes", 0) > 0.9 * exact.get("bytes", math.inf):
            bad.append(f"{key}: not in 8 bits, {found['bytes']} bytes where f16 takes {exact['bytes']}")
    return bad


def main() -> int:
    """Compile what is not compiled yet, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m devices.npu", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--platform", action="append", choices=PLATFORMS, help="default: all that are known")
    parser.add_argument("--only", default="", metavar="PATTERN", help="models whose names it fits")
    parser.add_argument("--again", action="store_true", help="forget earlier results")
    asked = parser.parse_args()
    wine()
    build()
    check_fakes()
    results: dict[str, dict[str, Any]] = {}
    if _RESULTS.exists() and not asked.again:
        results = json.loads(_RESULTS.read_text(encoding="utf-8"))
    for model, all_ in groupby(networks(asked.only), key=lambda network: network.model):
        there = list(all_)
        for platform in asked.platform or PLATFORMS:
            missing = [network for network in there if f"{network.key}|{platform}" not in results]
            for key, found in (compile_for(platform, missing) if missing else {}).items():
                results[f"{key}|{platform}"] = found
                print(f"{platform} {key}: {found}", flush=True)
            _RESULTS.write_text(json.dumps(results, indent=1), encoding="utf-8")
        print(f"{model}: done", flush=True)
    print(f"OpenVINO {metadata.version('openvino')}, compiled, not executed:\n")
    print(table(results, asked.platform or list(PLATFORMS)))
    print(*wrong(results), sep="\n")
    return int(bool(wrong(results)))


if __name__ == "__main__":
    sys.exit(main())
