"""`bodypix bench`: that it measures what it says and its figures go together; not how fast anything is."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from bodypix_ros import DEFAULT_MODEL, media
from bodypix_ros.benchmarks import compare, machine, peers, people, pipeline, plot, scaling
from bodypix_ros.errors import PeerError
from bodypix_ros.models import catalogue
from support.checkpoints import write_tiny_bodypix
from support.commands import invoke
from support.fake import FakeSegmenter, people_picture
from support.paths import ROOT

TINY = "bodypix-mobilenet-050-s16-q4"
ORIGINAL = {"algorithm": "original"}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A model folder with one small BodyPix of random weights."""
    folder = tmp_path_factory.mktemp("models")
    write_tiny_bodypix(folder)
    return folder


@pytest.fixture
def bench(tmp_path, monkeypatch, models):
    """Run `bodypix bench` with the small model on a picture, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BODYPIX_ROS_MODELS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    media.write_picture(tmp_path / "a.png", people_picture(240, 320))

    def run(*arguments, code=0):
        words = ("bench", "a.png", "-m", TINY, "-d", "CPU", "--model-dir", models)
        return invoke(*words, *arguments, code=code)

    return run


class TestBare:
    def test_figures_go_together(self, bench):
        result = json.loads(bench("--quick", "--json").stdout)
        (one,) = result["pictures"]
        assert (one["width"], one["height"], result["repetitions"]) == (320, 240, 2)
        medians = {name: ms["median"] for name, ms in one["ms"].items()}
        assert all(ms["p95"] >= ms["median"] > 0 for ms in one["ms"].values())
        assert one["ratio"] == pytest.approx(medians["segment"] / medians["bare"], abs=0.002)
        assert one["overhead_ms"] == pytest.approx(medians["segment"] - medians["bare"], abs=0.002)

    def test_the_network_beside_it_is_that_of_the_whole_picture(self, bench):
        for arguments, size in (
            (("--algorithm", "original"), (161, 113)),
            (("--base-size", 129, "--crops", 0), (129, 97)),
            ((), (481, 353)),
        ):
            (one,) = json.loads(bench("--quick", "--json", *arguments).stdout)["pictures"]
            assert (one["network_width"], one["network_height"]) == size


class TestPrecisionsBesideEachOther:
    """Ranges of the small model are made by `calibrate`."""

    @pytest.fixture
    def both(self, bench, models, tmp_path):
        media.write_picture(tmp_path / "b.png", people_picture(200, 300))
        invoke("models", "calibrate", TINY, "a.png", "b.png", "--model-dir", models, "-q")
        return "--precision", "f32", "--precision", "int8"

    def test_each_has_its_figures(self, bench, both):
        result = json.loads(bench("--quick", "--json", *both).stdout)
        assert [one["precision"] for one in result["results"]] == ["f32", "int8"]
        assert all(one["pictures"][0]["ratio"] > 0 for one in result["results"])

    def test_cameras_too_with_quotients_in_words(self, bench, both):
        text = bench("--cameras", 2, "--quick", *both).stdout
        assert "int8 / f32: frames/s bare" in text

    def test_other_kinds_take_one(self, bench, both):
        assert "--plot take one --precision" in bench("--scaling", *both, code=2).stderr


class TestCameras:
    def test_everything_fed_is_accounted_for(self, bench):
        result = json.loads(bench("--cameras", 3, "--quick", "--json").stdout)
        counts = result["counts"]
        assert counts["published"] > 0
        assert counts.pop("fed") == sum(counts.values())
        assert counts == {**dict.fromkeys(counts, 0), "published": counts["published"]}
        assert (result["cameras"], result["image"], result["performance_hint"]) == (
            3, [640, 480], "THROUGHPUT",
        )  # fmt: skip

    def test_every_camera_is_served_and_ratios_are_quotients(self, bench):
        result = json.loads(bench("--cameras", 3, "-n", 3, "--slice", 0.3, "--json").stdout)
        shares = result["fps_per_camera"]
        assert len(shares) == 3
        assert min(shares) > 0
        assert result["fairness"] == pytest.approx((max(shares) - min(shares)) / np.mean(shares), abs=1e-3)
        rounds = zip(
            result["ratio_per_round"],
            result["pipeline"]["fps_per_round"],
            result["bare"]["fps_per_round"],
            strict=True,
        )
        for ratio, ours, bare in rounds:
            assert ratio == pytest.approx(ours / bare, rel=1e-2)
        assert result["ratio"] == np.median(result["ratio_per_round"])
        assert result["bare"]["fps"] == np.median(result["bare"]["fps_per_round"])

    def test_one_camera_for_latency_in_words(self, bench):
        said = bench("--quick", "--cameras", 1, "--performance-hint", "LATENCY").stdout
        assert "1 cameras of 640x480" in said
        assert "LATENCY, bare network with 1 requests" in said
        assert "pipeline / bare 0." in said or "pipeline / bare 1." in said

    def test_number_may_be_left_out(self, bench):
        assert json.loads(bench("--quick", "--json", "--cameras").stdout)["cameras"] == 4

    def test_without_rosbags_says_what_to_install(self, bench, monkeypatch):
        for name in ("benchmarks.pipeline", "bags.typestore"):  # as if nobody had imported them
            monkeypatch.delitem(sys.modules, f"bodypix_ros.{name}")
            monkeypatch.delattr(f"bodypix_ros.{name}")
        monkeypatch.setitem(sys.modules, "rosbags.interfaces", None)
        assert "pip install 'bodypix_ros[bag]'" in bench("--cameras", 2, "--quick", code=2).stderr

    def test_what_the_node_does_not_have_is_refused(self, bench):
        assert "--reference-dilation" in bench("--cameras", 2, "--reference-dilation", code=2).stderr
        said = bench("--cameras", 2, "--refine-steps", 3, code=2).stderr
        assert "--refine-steps has no effect: it is for algorithm: original" in said

    def test_summary_of_known_slices(self):
        bare = [{"seconds": 2.0, "frames": 200, "cpu_s": 4.0}, {"seconds": 1.0, "frames": 50, "cpu_s": 2.0}]
        own = [
            {"seconds": 2.0, "frames": [60, 100], "cpu_s": 4.0},
            {"seconds": 1.0, "frames": [10, 30], "cpu_s": 1.0},
        ]
        found = pipeline.summary(bare, own)
        assert found["bare"] == {"fps": 75.0, "fps_per_round": [100.0, 50.0], "cpu_ms_per_frame": 24.0}
        assert found["pipeline"] == {"fps": 60.0, "fps_per_round": [80.0, 40.0], "cpu_ms_per_frame": 25.0}
        assert (found["ratio"], found["ratio_per_round"]) == (0.8, [0.8, 0.8])
        assert found["ratio_by_cpu"] == 0.96
        assert found["fps_per_camera"] == [20.0, 40.0]  # medians of 30, 10 and of 50, 30
        assert found["fairness"] == pytest.approx(20 / 30, abs=1e-4)


class TestScaling:
    @pytest.fixture(scope="class")
    def result(self, models):
        ticks = []
        found = scaling.measure(
            TINY,
            {**ORIGINAL, "device": "CPU", "model_dir": models},
            [people_picture(240, 320)],
            scaling.QUICK,
            lambda: ticks.append(1),
        )
        assert len(ticks) == scaling.QUICK.steps(scaling.has_resolutions(TINY, ORIGINAL))
        return found

    def test_points_are_those_asked_for(self, result):
        panels, quick = result["panels"], scaling.QUICK
        assert set(panels) == {"cameras", "people", "sizes", "resolutions", "requests"}
        assert [(row["hint"], row["cameras"]) for row in panels["cameras"]] == [
            (hint, count) for hint in scaling.HINTS for count in quick.cameras
        ]
        assert [row["pasted"] for row in panels["people"]] == list(quick.people)
        assert [(row["width"], row["height"]) for row in panels["sizes"]] == list(quick.sizes)
        assert [row["resolution"] for row in panels["resolutions"]] == list(quick.resolutions)
        assert [row["requests"] for row in panels["requests"]] == list(quick.requests)

    def test_every_camera_is_served(self, result):
        for row in result["panels"]["cameras"]:
            assert len(row["frames"]) == row["cameras"]
            assert min(row["frames"]) > 0
            # One round: the rate is all frames over a slice that lasted at least what was asked for.
            assert row["fps"] <= sum(row["frames"]) / scaling.QUICK.slice_s
            assert row["latency_ms"]["median"] <= row["latency_ms"]["p95"]

    def test_figures_go_together(self, result):
        panels = result["panels"]
        for row in panels["people"] + panels["sizes"] + panels["resolutions"]:
            assert row["ratio"] == pytest.approx(row["segment_ms"] / row["bare_ms"], abs=0.002)
            assert row["overhead_ms"] == pytest.approx(row["segment_ms"] - row["bare_ms"], abs=0.002)
        for row in panels["requests"]:
            assert row["latency_ms"] == pytest.approx(row["requests"] * 1e3 / row["fps"], abs=0.002)

    def test_inputs_of_the_network_grow_with_what_they_come_from(self, result):
        for name in ("sizes", "resolutions"):
            areas = [row["network_width"] * row["network_height"] for row in result["panels"][name]]
            assert areas == sorted(set(areas))

    def test_models_without_internal_resolution_have_no_such_panel(self):
        assert not scaling.has_resolutions("selfie-general", {})
        assert not scaling.has_resolutions(TINY, {})
        assert scaling.Points().steps(False) < scaling.Points().steps(True)

    def test_command_prints_and_draws(self, bench):
        said = bench("--scaling", "--quick", "--algorithm", "original", "--plot", "all.svg").stdout
        for panel in ("cameras of 640x480", "people in a picture", "size of", "internal res", "requests of"):
            assert panel in said
        drawn = Path("all.svg").read_text()
        assert drawn.startswith("<?xml")
        assert drawn.rstrip().endswith("</svg>")

    def test_hint_is_refused(self, bench):
        said = bench("--scaling", "--performance-hint", "LATENCY", code=2).stderr
        assert "measures both performance hints" in said


class TestPictures:
    def test_fitted_keeps_proportions_and_everything(self):
        view = machine.fitted(np.full((100, 400, 3), 255, np.uint8), 640, 480)
        assert view.shape == (480, 640, 3)
        white = (view == 255).all(axis=2)
        assert white.sum() == 640 * 160
        assert white[160:320].all()

    @pytest.mark.parametrize("count", [0, 1, 5, 6, 10])
    def test_a_crowd_has_as_many_people(self, count):
        segmenter = FakeSegmenter()
        cut = people.cutouts(segmenter, [people_picture(people=3)])
        assert len(cut) == 3
        picture = people.crowd(cut, count, 1280, 720)
        assert picture.shape == (720, 1280, 3)
        assert len(segmenter.segment(picture).persons) == count

    def test_without_people_the_whole_picture_is_used(self):
        empty = people_picture(people=0)
        (cut,) = people.cutouts(FakeSegmenter(), [empty])
        assert cut is empty


PEER = """
    import json, sys
    shown = None
    for line in sys.stdin:
        request = json.loads(line)
        if "image" in request:
            data = open(request["image"], "rb").read()
            shown = [len(data), list(data[:3]), request["width"], request["height"]]
            reply = {}
        elif "call" in request:
            if request["call"] == "die":
                print("the last word", file=sys.stderr)
                sys.exit(3)
            reply = {"error": "too bad"} if request["call"] == "fail" else {"ms": 1000.0, "people": shown[0]}
            with open("calls.txt", "a") as file:
                file.write(json.dumps([request["call"], shown]) + chr(10))
        else:
            reply = {"versions": {"peer": "1"}}
        print(json.dumps(reply), flush=True)
"""


@pytest.fixture
def peer(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "peer.py"
    script.write_text(textwrap.dedent(PEER))
    with peers.Peer("a peer", [sys.executable, str(script)], {"start": True}, "do this") as peer:
        yield peer


class TestPeers:
    def test_pixels_arrive_as_rows_of_red_green_blue(self, peer):
        image = np.zeros((4, 6, 3), np.uint8)
        image[0, 0] = 1, 2, 3
        peer.show(image)
        assert peer.call("x") == (1000.0, 72)
        assert json.loads(Path("calls.txt").read_text()) == ["x", [72, [3, 2, 1], 6, 4]]

    def test_failures_say_what_the_peer_said(self, peer):
        peer.show(np.zeros((4, 6, 3), np.uint8))
        with pytest.raises(PeerError, match="a peer failed: too bad"):
            peer.call("fail")
        with pytest.raises(PeerError, match="a peer has ended: the last word"):
            peer.call("die")

    def test_one_that_does_not_start_says_what_to_do(self, tmp_path):
        with pytest.raises(PeerError, match=r"does not start: .*; do this"):
            peers.Peer("a peer", [str(tmp_path / "absent")], {}, "do this")
        with pytest.raises(PeerError, match=r"has ended: .*; do this"):
            peers.Peer("a peer", [sys.executable, "-c", "pass"], {}, "do this")

    def test_calls_alternate_and_the_ratio_is_that_of_the_medians(self, peer, monkeypatch, models):
        order = []

        class Noting(FakeSegmenter):
            def _see(self, *arguments):
                order.append("ours")
                return super()._see(*arguments)

        call = peer.call
        monkeypatch.setattr(peer, "call", lambda what: order.append("peer") or call(what))
        monkeypatch.setattr("bodypix_ros.load", lambda *_, **__: Noting(), raising=False)
        match = compare.Match("selfie-general", peer, "selfie-general", {})
        result = compare.measure([match], {"a": people_picture()}, turns=4)
        (row,) = result["rows"]
        assert row["ms"]["peer"] == {"median": 1000.0, "p95": 1000.0}
        assert row["ratio"] == pytest.approx(1000 / row["ms"]["ours"]["median"], rel=0.02)
        assert row["people"] == {"ours": 2, "peer": 120 * 160 * 3}
        assert order[2 * compare.WARM_UP :] == ["ours", "ours", "peer", "peer"] * 4
        assert result["versions"] == {"a peer": {"peer": "1"}}

    def test_the_original_gets_our_options_in_its_names(self, models):
        model = compare.reference_model(TINY, models)
        assert Path(model.pop("model")).is_file()
        assert model == {
            "architecture": "MobileNetV1", "multiplier": 0.5, "outputStride": 16, "quantBytes": 4,
            "threads": machine.cores(),
        }  # fmt: skip
        with pytest.raises(ValueError, match="the original BodyPix has no selfie-general"):
            compare.reference_model("selfie-general", models)

    def test_mediapipe_s_models_are_ours(self):
        assert set(peers.MEDIAPIPE_MODELS) <= set(catalogue.models())

    def test_scripts_are_shipped(self):
        setup = (ROOT / "setup.py").read_text()
        assert "benchmarks/scripts/*" in setup


class TestCompare:
    def test_without_any_peer_says_how_to_get_each(self, bench, monkeypatch):
        monkeypatch.setattr(shutil, "which", lambda _: None)
        monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
        said = bench("--compare", "--quick", code=2).stderr
        assert "install Node.js" in said
        assert "--mediapipe-python" in said

    def test_other_algorithms_have_no_peer(self, bench):
        said = bench("--compare", "--quick", "--algorithm", "people", code=2).stderr
        assert "--compare measures --algorithm original" in said

    def test_a_peer_that_was_named_must_be_there(self, bench, tmp_path):
        said = bench("--compare", "--quick", "--mediapipe-python", tmp_path / "absent", code=2).stderr
        assert "mediapipe does not start" in said
        said = bench("--compare", "--mediapipe-python", sys.executable, code=2).stderr
        assert "mediapipe==0.10.21" in said

    def test_what_is_absent_is_named_beside_what_was_measured(self, bench, tmp_path, monkeypatch):
        script = tmp_path / "peer.py"
        script.write_text(textwrap.dedent(PEER))
        own = peers.Peer("the original", [sys.executable, str(script)], {"start": True}, "")
        monkeypatch.setattr(peers, "reference", lambda *_: own)
        monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
        said = bench("--compare", "--quick").stdout
        assert TINY in next(line for line in said.splitlines() if line.endswith("the original"))
        assert any(line.startswith("not measured: mediapipe") for line in said.splitlines())
        calls = [json.loads(line)[0] for line in Path("calls.txt").read_text().splitlines()]
        assert calls[0] == {
            "internalResolution": "medium", "segmentationThreshold": 0.7, "maxDetections": 10,
            "scoreThreshold": 0.4, "nmsRadius": 20.0, "minKeypointScore": 0.3, "refineSteps": 10,
            "flipHorizontal": False,
        }  # fmt: skip

    def test_the_original_in_node(self, bench, data_dir):
        folder = os.environ.get("BODYPIX_ROS_REFERENCE_NODE")
        if folder is None:
            pytest.skip("the original BodyPix is compared where BODYPIX_ROS_REFERENCE_NODE names its folder")
        # The original reads outside of its tensors where weights are random.
        words = ["-m", DEFAULT_MODEL, "--model-dir", data_dir / "models", data_dir / "images/photos/pose.jpg"]
        result = json.loads(
            bench("--compare", "--quick", "--reference-node", folder, "--json", *words).stdout
        )
        rows = [row for row in result["rows"] if row["model"] == DEFAULT_MODEL]
        assert [row["people"] for row in rows] == [{"ours": 0, "peer": 0}, {"ours": 1, "peer": 1}]
        assert all(row["ms"]["peer"]["median"] > 0 for row in rows)

    def test_options_without_it_are_refused(self, bench):
        assert "add it" in bench("--mediapipe-python", "python3", code=2).stderr


class TestPlot:
    @pytest.mark.parametrize("arguments", [("--quick",), ("--quick", "--cameras", "2")])
    def test_png(self, bench, arguments):
        bench(*arguments, "--plot", "a_plot.png")
        drawn = media.read_picture("a_plot.png")
        assert drawn.std() > 10  # not an empty sheet

    def test_compare(self, tmp_path):
        here = {"cpu": "c", "cores_usable": 2, "openvino": "1"}
        row = {
            "model": "m", "peer": "the other", "picture": "a.png", "ratio": 2.0,
            "ms": {"ours": {"median": 1.0}, "peer": {"median": 2.0}},
        }  # fmt: skip
        path = tmp_path / "b.svg"
        plot.write(path, {"kind": "compare", "machine": here, "rows": [row]})
        assert path.read_text().startswith("<?xml")

    @pytest.mark.parametrize(
        ("name", "error"),
        [("a.jpeg", "must end in .png, .svg, .pdf"), ("absent/a.png", "no folder absent")],
    )
    def test_bad_names_are_refused_before_anything_is_measured(self, bench, monkeypatch, name, error):
        monkeypatch.setattr("bodypix_ros.load", pytest.fail, raising=False)
        assert error in bench("--plot", name, code=2).stderr

    def test_without_matplotlib_says_what_to_install(self, bench, monkeypatch):
        monkeypatch.setattr(plot, "find_spec", lambda _: None)
        assert "pip install 'bodypix_ros[plot]'" in bench("--plot", "a.png", code=2).stderr


def test_one_kind_at_a_time(bench):
    assert "give one of them" in bench("--scaling", "--cameras", 2, code=2).stderr


def test_ctrl_c_after_several_models_were_closed_is_no_crash(models):
    """OpenVINO's own signal stacks, one per core, must not outlive their memory."""
    script = f"""
import gc, os, signal, time, bodypix_ros, numpy
pair = [bodypix_ros.load({TINY!r}, device="CPU", model_dir={str(models)!r}) for _ in range(2)]
for segmenter in pair:
    segmenter.segment(numpy.zeros((48, 64, 3), numpy.uint8))
while pair:
    pair.pop(0).close()
    segmenter = None
    gc.collect()
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(10)
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "interrupted\n"), done.stderr
