"""Compare what is installed with a lock: exact versions, nothing missing, nothing beside it.

    python -I .ci/installed.py requirements-ci.txt

-I keeps out what a sourced ROS 2 puts on PYTHONPATH.
"""

import re
import sys
from importlib.metadata import distributions
from pathlib import Path

from packaging.markers import Marker
from packaging.utils import canonicalize_name

UNLOCKED = {"pip", "bodypix-ros"}


def locked(text: str) -> dict[str, str]:
    """Versions by name, of the lines whose marker holds here."""
    pins = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)(?: *; *(.*?))? *\\?$", text, re.MULTILINE)
    return {canonicalize_name(n): v for n, v, marker in pins if not marker or Marker(marker).evaluate()}


def main(path: Path) -> str | None:
    """What differs, or None."""
    wanted = locked(path.read_text(encoding="utf-8"))
    there = {canonicalize_name(found.metadata["Name"]): found.version for found in distributions()}
    there = {name: version for name, version in there.items() if name not in UNLOCKED}
    differing = [
        f"{name}: {wanted.get(name, 'not')} locked, {there.get(name, 'not')} installed"
        for name in sorted({**wanted, **there})
        if wanted.get(name) != there.get(name)
    ]
    return "\n".join(differing) or (None if wanted else f"{path} locks nothing")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
