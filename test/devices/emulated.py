"""Runs a program where OpenVINO sees a GPU that is none: its GPU plugin, on Intel's OpenCL runtime for CPUs.

    python -m devices.emulated bodypix run holiday.jpg --device GPU

The program may be a script of this Python's environment. Results are the plugin's own, times say nothing.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

MARK = "BODYPIX_ROS_EMULATED_GPU"
"""The environment variable that programs find set."""
_SOURCE = Path(__file__).with_name("opencl.c")
_LIBRARIES = Path(sys.prefix, "lib")
_RUNTIME = _LIBRARIES / "libintelocl.so"
_LOADER = _LIBRARIES / "libOpenCL.so.1"
_FOLDER = Path(sys.prefix, "emulated-gpu")


def missing() -> str:
    """What is not here, and where it comes from; empty where nothing is."""
    if not _RUNTIME.exists() or not _LOADER.exists():
        return (
            f"no emulated GPU: Intel's OpenCL runtime is not in {sys.prefix}: make test-devices installs it"
        )
    if shutil.which("gcc") is None:
        return "no emulated GPU: there is no gcc"
    return ""


def environment() -> dict[str, str]:
    """The environment of programs that see the GPU; builds what they need.

    Raises:
        RuntimeError: gcc refused.
    """
    _build()
    no_vendors = _FOLDER / "vendors"  # of other OpenCL runtimes that may be here
    no_vendors.mkdir(exist_ok=True)
    added = {
        MARK: "1",
        "OCL_ICD_VENDORS": str(no_vendors),
        "OCL_ICD_FILENAMES": str(_RUNTIME),
        # The plugin's generator of code opens libOpenCL.so.1 by this name.
        "LD_LIBRARY_PATH": f"{_FOLDER}:{_LIBRARIES}",
        # OpenVINO brings an older one, of the same name.
        "LD_PRELOAD": str(_LIBRARIES / "libtbb.so.12"),
        "PATH": os.pathsep.join([str(Path(sys.prefix, "bin")), os.environ["PATH"]]),
    }
    return {**os.environ, **added}


def _build() -> None:
    """Build opencl.c as libOpenCL.so.1, which hands on to the loader under another name."""
    built, loader = _FOLDER / "libOpenCL.so.1", _FOLDER / "libRealCL.so.1"
    if built.exists() and built.stat().st_mtime > _SOURCE.stat().st_mtime:
        return
    _FOLDER.mkdir(exist_ok=True)
    name = b"libOpenCL.so.1\0"
    data = _LOADER.read_bytes()
    if data.count(name) != 1:
        raise RuntimeError(f"{_LOADER} does not say its name once")
    loader.write_bytes(data.replace(name, b"libRealCL.so.1\0"))
    command = [
        "gcc", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", str(built), str(_SOURCE),
        "-Wl,-soname,libOpenCL.so.1", "-Wl,--no-as-needed", "-Wl,-rpath,$ORIGIN", str(loader), "-ldl",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"gcc refused {_SOURCE}:\n{done.stderr}")


def main() -> None:
    """Become the program that the arguments name."""
    if why := missing():
        sys.exit(why)
    if not sys.argv[1:]:
        sys.exit(__doc__)
    os.execvpe(sys.argv[1], sys.argv[1:], environment())


if __name__ == "__main__":
    main()
