"""A made-up family, option, drawing mode and output is one entry in one table, and is everywhere then.

Everywhere: parameters of the nodes, options and help of the commands, the tables of the documentation, what
`bodypix run` and `bodypix bag` write. Nothing in here patches anything but the tables themselves, and the
catalogue, whose file would name the made-up models.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, make_dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

import bodypix_ros
from bodypix_ros import rendering
from bodypix_ros.cli import main
from bodypix_ros.details.options import DetailOptions
from bodypix_ros.errors import OptionError
from bodypix_ros.models import catalogue
from bodypix_ros.models.catalogue import Model
from bodypix_ros.options import check_all, option
from bodypix_ros.rendering import MODES, Mode, Style
from bodypix_ros.ros.messages import images
from bodypix_ros.ros.messages.outputs import OUTPUTS, Output, absent
from bodypix_ros.ros.renderer import options as renderer
from bodypix_ros.ros.segmenter.parameters import Settings, model_parameters, parameters
from bodypix_ros.scene import Scene, Timings
from bodypix_ros.segmenters.base import Memory, Seer, Sight
from bodypix_ros.segmenters.families import FAMILIES, Family, family_of, options_of_all
from support import policy
from support.fake import FakeNetworks, people_picture, scene_of
from support.rig import LABEL_INFOS, Rig, frame
from support.tables import tables

PICTURE = people_picture(96, 128, people=2)


@dataclass(frozen=True, slots=True)
class ReddishOptions(DetailOptions):
    """The options of the made-up family."""

    segmentation_threshold: float = option(0.6, "how red a person is", low=0.0, high=1.0)
    min_keypoint_score: float = option(0.3, "as elsewhere", low=0.0, high=1.0)
    redness: float = option(0.25, "how red red is", low=0.0, high=1.0)
    colour: str = option("red", "of the people", choices=("red", "green"), live=False)
    confidence: bool = option(False, "give the probability of person per pixel")

    def __post_init__(self) -> None:
        check_all(self)

    @property
    def most_persons(self) -> int:
        return 9


class Reddish(Seer[ReddishOptions, Memory]):
    """Sees a person in every red blob; none at all from a redness of 0.9 on."""

    def __init__(self, model: Any, files: Any, placement: Any, options: ReddishOptions) -> None:
        self.networks = (FakeNetworks(placement.device),)

    def see(self, pixels: Any, options: ReddishOptions, stamp: Any, memory: Any) -> Sight:
        image = pixels.array if options.redness < 0.9 else np.zeros_like(pixels.array)
        return Sight(replace(scene_of(image), part_mask=None), Timings(1.0, 2.0, 3.0))

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        return height, width


@pytest.fixture
def family(monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a family up, and give the name of its only model."""
    entry = Family(f"{__name__}:Reddish", ReddishOptions, ("nose",) * 17)
    monkeypatch.setitem(FAMILIES, "reddish", entry)
    known = {**catalogue.models(), "reddish-one": Model("reddish-one", "reddish", "Apache-2.0", ())}
    details = catalogue.details()
    monkeypatch.setattr(catalogue, "_catalogue", {"models": known, "details": details}.__getitem__)
    return "reddish-one"


@pytest.fixture
def family_option(monkeypatch: pytest.MonkeyPatch) -> str:
    """Give BodyPix an option more, and its name."""
    known = FAMILIES["bodypix"]
    first, *others = (
        make_dataclass(
            "More",
            [("shyness", float, option(0.5, "how much people hide", low=0.0, high=2.0))],
            bases=(options,),
            frozen=True,
        )
        for options in known.algorithms.values()
    )
    monkeypatch.setitem(
        FAMILIES,
        "bodypix",
        replace(known, options=first, others=dict(zip(known.others, others, strict=True))),
    )
    return "shyness"


@pytest.fixture
def mode(monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a drawing mode up, and give its name."""

    def paint(image: Any, scene: Scene, style: Style, bgr: bool) -> Any:
        painted = image.copy()
        painted[scene.person_mask] = (0, 255, 0)
        return painted

    monkeypatch.setitem(MODES, "greenish", Mode("people as flat green shapes", ("instance_mask",), paint))
    return "greenish"


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run `bodypix` in an empty folder with a picture in it; gives what it says."""
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("two.png", PICTURE)

    def run(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(main, arguments, terminal_width=200)
        assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
        return result.output

    return run


def write_bag(path: Path) -> None:
    """Write a bag with the picture as /front/image."""
    rosbag2 = pytest.importorskip("rosbags.rosbag2")
    from bodypix_ros.bags.typestore import rosbags_types, typestore

    store = typestore()
    message = rosbags_types(store).Image()
    message.encoding, message.data = "bgr8", PICTURE.reshape(-1)
    message.height, message.width, message.step = *PICTURE.shape[:2], 3 * PICTURE.shape[1]
    kind = message.__msgtype__
    with rosbag2.Writer(path, version=8, storage_plugin=rosbag2.StoragePlugin.MCAP) as writer:
        connection = writer.add_connection("/front/image", kind, typestore=store)
        writer.write(connection, 1_700_000_000_000_000_000, store.serialize_cdr(message, kind))


def read_bag(path: Path) -> dict[str, Any]:
    """The last message of each topic."""
    from rosbags.rosbag2 import Reader

    from bodypix_ros.bags.typestore import typestore

    store = typestore()
    with Reader(path) as reader:
        return {
            connection.topic: store.deserialize_cdr(raw, connection.msgtype)
            for connection, _, raw in reader.messages()
        }


# A family


def test_a_family_is_loaded_by_its_entry(family: str) -> None:
    with bodypix_ros.load(family, device="GPU,CPU", redness=0.5) as segmenter:
        assert (segmenter.model, segmenter.options.redness) == (family, 0.5)
        assert segmenter.device == "GPU,CPU"  # as the made-up networks have it
        assert len(segmenter.segment(PICTURE).persons) == 2
        segmenter.update(redness=0.9)
        assert not segmenter.segment(PICTURE).persons
        with pytest.raises(OptionError, match="colour cannot change while running"):
            segmenter.update(colour="green")
    with pytest.raises(OptionError, match="redness is 2, but must be a number from"):
        bodypix_ros.load(family, redness=2)


def test_a_family_has_ros_parameters(family: str) -> None:
    assert parameters()["redness"].text == "how red red is; reddish models only"
    assert "0.6 by default for reddish models" in parameters()["segmentation_threshold"].text
    assert model_parameters(family, {})["segmentation_threshold"].default == 0.6
    settings = Settings().changed({"model": family, "redness": 0.5})
    assert isinstance(settings.model, ReddishOptions)
    assert settings.values()["segmentation_threshold"] == 0.6
    assert settings.load_arguments() == {
        "model": family,
        "precision": None,
        "ranges": None,
        "model_dir": None,
        "cache_dir": None,
        "performance_hint": "LATENCY",
        "threads": None,
        "colour": "red",
    }
    assert settings.live_options["redness"] == 0.5
    with pytest.raises(OptionError, match="colour can only be set while the node is unconfigured"):
        settings.changed({"colour": "green"}, configured=True)


def test_a_family_says_by_its_entry_what_it_does_not_give(family: str) -> None:
    assert absent(family_of(family).gives) == {
        "part_mask": "the model has no parts",
        "keypoints_3d": "the model has no metres",
    }


@pytest.mark.parametrize("command", ["run", "bag", "demo", "eval"])
def test_a_family_has_options_of_commands(family: str, call: Callable[..., str], command: str) -> None:
    text = call(command, "--help")
    assert "--redness" in text
    assert "How red red is; reddish models only." in text
    assert "--colour [red|green]" in text


def test_run_writes_what_a_family_sees(family: str, call: Callable[..., str]) -> None:
    call("run", "two.png", "-m", family, "--redness", "0.5", "-q")
    assert (cv2.imread("bodypix_out/two.mask.png", 0) > 0).sum() == scene_of(PICTURE).person_mask.sum()
    document = json.loads(Path("bodypix_out/people.json").read_text())
    assert document["info"]["options"]["redness"] == 0.5
    assert len(document["annotations"]) == 2
    assert "'blue' is not one of" in call("run", "two.png", "-m", family, "--colour", "blue", code=2)


def test_a_bag_holds_what_a_family_sees(family: str, call: Callable[..., str]) -> None:
    write_bag(Path("in"))
    call("bag", "in", "out", "-i", "/front/image", "-n", "front", "-m", family, "--redness", "0.5", "-q")
    found = read_bag(Path("out"))
    assert len(found["/front/persons"].detections) == 2
    assert "/front/part_mask" not in found
    assert found["/front/instance_mask/label_info"].threshold == pytest.approx(0.6)


def test_a_family_is_in_the_documentation(family: str) -> None:
    made = tables.tables()
    assert (
        "| `redness` | 0.25 | 0..1 | any time | how red red is; reddish models only |"
        in (made["segmenter parameters"])
    )
    assert "### reddish\n" in made["options of one family"]
    assert "| `redness` | `0.25` | 0..1 | yes | how red red is |" in made["options of one family"]
    assert "| `reddish` | person mask, instance mask, 17 keypoints |" in made["families"]
    assert (
        "\n    # How red red is; reddish models only; 0.0 to 1.0.\n    redness: 0.25\n"
        in (tables.files()["config/segmenter.yaml"])
    )
    assert any("segmenter parameters" in name for name in tables.stale())


# An option


def test_an_option_of_a_family_is_everywhere(family_option: str, call: Callable[..., str]) -> None:
    assert options_of_all()[family_option].default == 0.5
    assert parameters()[family_option].high == 2.0
    settings = Settings().changed({family_option: 1.5})
    assert settings.live_options[family_option] == 1.5
    assert settings.changed({"max_detections": 3}, configured=True).values()[family_option] == 1.5
    with pytest.raises(OptionError, match=r"shyness is 3\.0, but must be a number from"):
        settings.changed({family_option: 3.0})
    for command in ("run", "bag"):
        assert "How much people hide; bodypix models only." in call(command, "--help")
    assert "0.0<=x<=2.0" in call("run", "two.png", "--shyness", "3", code=2)
    made = tables.tables()
    assert "| `shyness` | 0.5 | 0..2 |" in made["segmenter parameters"]
    assert "| `shyness` | `0.5` | 0..2 |" in made["options of one family"]


# A drawing mode


def test_a_mode_is_drawn_and_is_everywhere(mode: str, call: Callable[..., str]) -> None:
    scene = scene_of(PICTURE)
    drawn = rendering.draw(PICTURE, scene, mode, bgr=True)
    assert drawn is not None
    assert (drawn[scene.person_mask] == (0, 255, 0)).all()
    assert mode in renderer.parameters()["mode"].choices
    assert mode in renderer.parameters()["mode"].text
    assert renderer.RendererOptions().changed({"mode": mode}).mode == mode
    assert renderer.inputs_of(mode) == ("image", "instance_mask")
    assert "people as flat green shapes" in call("run", "--help")
    for command in ("run", "demo"):
        assert f"pixelate_parts, {mode}." in " ".join(call(command, "--help").split())
    made = tables.tables()
    assert f"| `{mode}` | people as flat green shapes | instance_mask |" in made["drawing modes"]
    assert f", {mode} |" in made["renderer parameters"]
    assert f"pixelate_parts, {mode}." in " ".join(tables.files()["config/renderer.yaml"].split())


def test_commands_draw_a_mode(mode: str, family: str, call: Callable[..., str]) -> None:
    call("run", "two.png", "-m", family, "--mode", mode, "-q")
    green = (cv2.imread("bodypix_out/two.overlay.png") == (0, 255, 0)).all(axis=2)
    assert (green == scene_of(PICTURE).person_mask).all()
    write_bag(Path("in"))
    call("bag", "in", "out", "-i", "/front/image", "-n", "front", "-m", family, "--mode", mode, "-q")
    picture = cv2.imdecode(read_bag(Path("out"))["/front/debug_image/compressed"].data, cv2.IMREAD_COLOR)
    blue, _, red = picture[scene_of(PICTURE).person_mask].mean(axis=0)
    assert blue < 60 > red


# An output


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> str:
    """Make an output up, and give its topic."""

    def make(types: Any, seen: Any) -> Any:
        return images.label_image(types, seen.header, ~seen.scene.person_mask)

    entry = Output("elsewhere_mask", "sensor_msgs/msg/Image", "mono8: 1 where nobody is", make)
    monkeypatch.setitem(OUTPUTS, entry.topic, entry)
    return entry.topic


def test_an_output_is_published_while_somebody_listens(output: str) -> None:
    with Rig(listening=()) as rig:
        rig.send(frame())
        assert rig.cameras[""].port.topics() == []
        rig.cameras[""].port.listening.add(output)
        rig.send(frame(np.zeros((8, 12, 3), np.uint8)))
        ((topic, message),) = [p for p in rig.cameras[""].port.published if p[0] not in LABEL_INFOS]
        assert (topic, message.header.frame_id, set(message.data)) == (output, "lens", {1})


def test_an_output_is_laid_down_in_the_bag_and_is_everywhere(
    output: str, family: str, call: Callable[..., str]
) -> None:
    write_bag(Path("in"))
    call("bag", "in", "out", "-i", "/front/image", "-n", "front", "-m", family, "-q")
    message = read_bag(Path("out"))[f"/front/{output}"]
    mask = np.frombuffer(message.data, np.uint8).reshape(message.height, message.width)
    assert (mask == ~scene_of(PICTURE).person_mask).all()
    assert f"/{output}" in call("bag", "--help")
    row = f"| `{output}` | sensor_msgs/msg/Image | mono8: 1 where nobody is |"
    assert row in tables.tables()["segmenter topics"]
    allowed = policy.read(policy.POLICY)["/bodypix_ros/segmenter"].allowed
    assert {topic for topic in OUTPUTS if ("publish", topic) not in allowed} == {output}
