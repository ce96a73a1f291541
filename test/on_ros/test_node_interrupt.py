"""SIGINT while a node is still being imported ends it as it does later."""

import pytest

from support.paths import ROOT
from test_doors import interrupted

PICTURE = ROOT / "docs/cameras.png"


@pytest.mark.parametrize("name", ["segmenter", "renderer", "source"])
@pytest.mark.parametrize("delay_s", [0.05, 0.3, 0.8])
def test_a_node_that_is_interrupted_while_it_starts_ends_well(name, delay_s, tmp_path):
    given = {"segmenter": "autostart:=false", "renderer": "mode:=parts", "source": f"source:={PICTURE}"}[name]
    code, said = interrupted(f"{name}_node", delay_s, tmp_path, "--ros-args", "-p", given)
    assert "Traceback" not in said
    assert code == 0, said
