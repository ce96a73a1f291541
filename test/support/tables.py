"""The script docs/tables.py as a module."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

from support.paths import ROOT

_spec = spec_from_file_location("docs_tables", ROOT / "docs/tables.py")
assert _spec is not None
assert _spec.loader is not None
tables: Any = module_from_spec(_spec)
sys.modules[_spec.name] = tables
_spec.loader.exec_module(tables)
