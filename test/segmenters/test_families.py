"""The table of families says what the families are."""

import subprocess
import sys
from importlib import import_module

import pytest

from bodypix_ros.errors import OptionError
from bodypix_ros.models import catalogue
from bodypix_ros.options import options_of
from bodypix_ros.rendering import MODES
from bodypix_ros.segmenters.base import Seer
from bodypix_ros.segmenters.bodypix.options import ORIGINAL, PEOPLE, OriginalOptions, PeopleOptions
from bodypix_ros.segmenters.families import FAMILIES, changed, family_of, options_of_all, presets
from bodypix_ros.segmenters.selfie.options import SelfieOptions


@pytest.mark.parametrize("name", FAMILIES)
def test_a_row_names_a_seer_and_options_that_declare_what_it_gives(name: str) -> None:
    family = FAMILIES[name]
    module, _, class_name = family.seer.partition(":")
    assert issubclass(getattr(import_module(module), class_name), Seer)
    for algorithm, options in family.algorithms.items():
        declared = options_of(options)
        assert {"segmentation_threshold", "confidence"} <= declared.keys()
        assert ("parts" in declared) == family.parts
        assert 1 <= options().most_persons <= 254
        assert getattr(options(), "algorithm", "") == algorithm
        assert family.options_for({"algorithm": algorithm}) is options
    assert ("keypoints" in family.gives) == bool(family.keypoints)


@pytest.mark.parametrize("name", FAMILIES)
def test_presets_hold_values_that_some_algorithm_may_have(name: str) -> None:
    family = FAMILIES[name]
    for preset, values in family.presets.items():
        set_by_some = set()
        for algorithm, options in family.algorithms.items():
            added = family.preset(preset, {"algorithm": algorithm})
            assert added.items() <= values.items()
            changed(options(), {"algorithm": algorithm, **added})
            set_by_some |= added.keys()
        assert set_by_some == values.keys() - {"algorithm"}
        assert family.preset(preset, values) == {}
    assert family.preset("unheard of", {}) == {}


def test_every_mode_names_a_preset_that_there_is() -> None:
    assert {mode.preset for mode in MODES.values()} - {""} <= set(presets())


def test_every_model_of_the_catalogue_has_a_family() -> None:
    assert {model.family for model in catalogue.models().values()} == FAMILIES.keys()
    assert family_of("blazepose-lite") is FAMILIES["blazepose"]
    with pytest.raises(OptionError, match="no model is named 'blazepose-light': did you mean blazepose-li"):
        family_of("blazepose-light")


def test_merged_options_say_whose_they_are_and_which_defaults_differ() -> None:
    merged = options_of_all()
    assert merged["parts"].text.endswith("; bodypix models only")
    assert merged["nms_radius"].text.endswith("; bodypix (original) models only")
    assert merged["crops"].text.endswith("; bodypix (people) models only")
    threshold = merged["segmentation_threshold"]
    assert (threshold.default, threshold.text.split("; ")[1:]) == (
        0.5, ["0.7 by default for bodypix (original) models"],
    )  # fmt: skip
    assert "only" not in merged["confidence"].text
    hidden = merged.keys() - options_of_all("node").keys()
    assert hidden == {"flip_horizontal", "reference_dilation"}


def test_what_another_algorithm_has_is_known() -> None:
    bodypix, names = FAMILIES["bodypix"], ("crops", "nms_radius", "parts", "treshold")
    assert bodypix.elsewhere(PeopleOptions, names) == {"nms_radius": ORIGINAL}
    assert bodypix.elsewhere(OriginalOptions, names) == {"crops": PEOPLE}
    assert FAMILIES["selfie"].elsewhere(SelfieOptions, names) == {}
    for own, other in ((PEOPLE, {"nms_radius": 3.0}), (ORIGINAL, {"crops": 1})):
        options = bodypix.algorithms[own]()
        (name,) = other
        with pytest.raises(OptionError, match=f'^{name} is an option of algorithm="'):
            changed(options, other)
        assert changed(options, {"parts": False}).parts is False  # type: ignore[attr-defined]


def test_reading_it_imports_neither_openvino_nor_a_kernel() -> None:
    program = (
        "import sys, bodypix_ros.segmenters.families; print(*{'openvino', 'numba', 'cv2'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
