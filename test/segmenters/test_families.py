"""The table of families says what the families are."""

import subprocess
import sys
from importlib import import_module

import pytest

from bodypix_ros.errors import OptionError
from bodypix_ros.models import catalogue
from bodypix_ros.options import options_of
from bodypix_ros.segmenters.base import Seer
from bodypix_ros.segmenters.families import FAMILIES, family_of, options_of_all


@pytest.mark.parametrize("name", FAMILIES)
def test_a_row_names_a_seer_and_options_that_declare_what_it_gives(name: str) -> None:
    family = FAMILIES[name]
    module, _, class_name = family.seer.partition(":")
    assert issubclass(getattr(import_module(module), class_name), Seer)
    declared = options_of(family.options)
    assert {"segmentation_threshold", "confidence"} <= declared.keys()
    assert ("parts" in declared) == family.parts
    assert 1 <= family.options().most_persons <= 254
    assert ("keypoints" in family.gives) == bool(family.keypoints)


def test_every_model_of_the_catalogue_has_a_family() -> None:
    assert {model.family for model in catalogue.models().values()} == FAMILIES.keys()
    assert family_of("blazepose-lite") is FAMILIES["blazepose"]
    with pytest.raises(OptionError, match="no model is named 'blazepose-light': did you mean blazepose-li"):
        family_of("blazepose-light")


def test_merged_options_say_whose_they_are_and_which_defaults_differ() -> None:
    merged = options_of_all()
    assert merged["nms_radius"].text.endswith("; bodypix models only")
    assert merged["segmentation_threshold"].text.endswith("; 0.5 by default for selfie and blazepose models")
    assert "only" not in merged["confidence"].text
    hidden = merged.keys() - options_of_all("node").keys()
    assert hidden == {"flip_horizontal", "reference_dilation"}


def test_reading_it_imports_neither_openvino_nor_a_kernel() -> None:
    program = (
        "import sys, bodypix_ros.segmenters.families; print(*{'openvino', 'numba', 'cv2'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
