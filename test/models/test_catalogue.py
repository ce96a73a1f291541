"""The catalogue: every model is there, and its digests are those of the files that are at hand."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bodypix_ros.errors import CatalogueError
from bodypix_ros.models import catalogue, store

NAMES = [
    *(f"bodypix-mobilenet-{m}-s{s}-q{q}" for m in ("050", "075", "100") for s in (8, 16) for q in (1, 2, 4)),
    *(f"bodypix-resnet50-s{s}-q{q}" for s in (16, 32) for q in (1, 2, 4)),
    "selfie-general",
    "selfie-landscape",
    *(f"blazepose-{variant}" for variant in ("lite", "full", "heavy")),
]
FILES = {
    file.path: file
    for model in [*catalogue.models().values(), *catalogue.details().values()]
    for file in model.files
}


def test_every_model_is_listed() -> None:
    assert list(catalogue.models()) == NAMES
    assert len(NAMES) == 29
    assert all(name == model.name for name, model in catalogue.models().items())
    assert {model.licence for model in catalogue.models().values()} == {"Apache-2.0"}


def test_a_name_tells_what_the_model_is() -> None:
    model = catalogue.model("bodypix-mobilenet-075-s8-q2")
    assert (model.family, model.architecture, model.multiplier) == ("bodypix", "mobilenet", 0.75)
    assert (model.output_stride, model.quant_bytes) == (8, 2)
    model = catalogue.model("bodypix-resnet50-s32-q4")
    assert (model.architecture, model.multiplier, model.output_stride) == ("resnet50", 1.0, 32)
    model = catalogue.model("blazepose-full")
    assert (model.family, model.architecture, model.output_stride) == ("blazepose", None, None)


def test_files_and_their_sizes() -> None:
    paths = [file.path for file in catalogue.model("bodypix-mobilenet-100-s16-q2").files]
    folder = "bodypix/mobilenet/quant2/100"
    assert paths == [
        f"{folder}/{name}" for name in ("model-stride16.json", "group1-shard1of2.bin", "group1-shard2of2.bin")
    ]
    assert catalogue.model("bodypix-mobilenet-075-s16-q2").size == 2598784 + 59285
    assert catalogue.model("bodypix-resnet50-s32-q1").size is None
    assert [file.path for file in catalogue.model("blazepose-heavy").files] == [
        "mediapipe/pose_detection.tflite",
        "mediapipe/pose_landmark_heavy.tflite",
    ]


def test_every_file_has_an_address_and_a_digest_where_one_is_known() -> None:
    for file in FILES.values():
        assert file.url.startswith("https://storage.googleapis.com/")
        assert not Path(file.path).is_absolute()
        assert re.fullmatch("[0-9a-f]{64}", file.sha256 or "0" * 64)
        assert re.fullmatch("[0-9a-f]{40}", file.git or "0" * 40)
        assert file.is_verifiable == ("model-stride32" not in file.path), file.path
        assert (file.size is not None) == file.is_verifiable
    shard = FILES["bodypix/resnet50/float/group1-shard7of23.bin"]
    assert shard.url.endswith("/tfjs-models/savedmodel/bodypix/resnet50/float/group1-shard7of23.bin")
    detector = FILES["mediapipe/pose_detection.tflite"]
    assert detector.url.endswith("/mediapipe-assets/tasks/testdata/vision/pose_detection.tflite")


def test_shards_are_complete() -> None:
    for name, model in catalogue.models().items():
        shards = [match for file in model.files if (match := re.search(r"shard(\d+)of(\d+)", file.path))]
        assert [int(match[1]) for match in shards] == list(range(1, len(shards) + 1)), name
        assert {int(match[2]) for match in shards} <= {len(shards)}, name


def test_an_unknown_name_gets_close_ones() -> None:
    with pytest.raises(ValueError, match="did you mean bodypix-mobilenet-075-s16-q2"):
        catalogue.model("bodypix-mobilenet-75-s16-q2")
    with pytest.raises(ValueError, match=r"there are bodypix-mobilenet-050-s8-q1, .*blazepose-heavy"):
        catalogue.model("?")


def test_details_are_fetched_but_not_loaded_by_name() -> None:
    assert not catalogue.details().keys() & catalogue.models().keys()
    assert catalogue.any_model("faces").size == 676746
    assert catalogue.any_model("selfie-general") == catalogue.model("selfie-general")
    with pytest.raises(ValueError, match="what the option faces needs beside one"):
        catalogue.model("faces")


def test_the_list_cannot_be_changed_from_outside() -> None:
    catalogue.models().clear()
    assert catalogue.models()


@pytest.mark.parametrize(
    ("package", "data"),
    [
        ("lib/python3.12/site-packages", "share/bodypix_ros"),
        ("local/lib/python3.12/dist-packages", "local/share/bodypix_ros"),
        (".", "share/bodypix_ros"),
    ],
)
def test_the_share_folder_of_an_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, data: str
) -> None:
    (tmp_path / data / "models").mkdir(parents=True)
    (tmp_path / data / "models/catalogue.json").touch()
    (tmp_path / package / "bodypix_ros/models").mkdir(parents=True)
    monkeypatch.setattr(catalogue, "__file__", str(tmp_path / package / "bodypix_ros/models/catalogue.py"))
    assert catalogue.share_folder() == tmp_path / data


def test_the_share_folder_of_a_linked_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "src/bodypix_ros"
    for path in ("package.xml", "models/catalogue.json", "bodypix_ros/models/catalogue.py"):
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).touch()
    (tmp_path / "build/bodypix_ros").mkdir(parents=True)
    (tmp_path / "build/bodypix_ros/bodypix_ros").symlink_to(source / "bodypix_ros")
    linked = tmp_path / "build/bodypix_ros/bodypix_ros/models/catalogue.py"
    monkeypatch.setattr(catalogue, "__file__", str(linked))
    assert catalogue.share_folder() == source


def test_an_installation_without_data_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "__file__", str(tmp_path / "bodypix_ros/models/catalogue.py"))
    with pytest.raises(FileNotFoundError, match="reinstall bodypix_ros"):
        catalogue.share_folder()


def test_listing_loads_nothing_heavy() -> None:
    code = (
        "import sys; from bodypix_ros.models import catalogue, store; catalogue.models(); print(*sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    assert not {"numpy", "openvino", "numba", "cv2", "urllib.request"} & set(loaded)


# Against real files


def test_graphs_have_the_digest_of_their_canonical_form(data_dir: Path) -> None:
    published = FILES["bodypix/mobilenet/float/075/model-stride16.json"]
    assert published.sha256 == "a2e08279b82dad9d8a780c32e7428b6f1f71db5139b423898e4454dae35616c4"
    seen = 0
    for folder in ("bodypix", "bodypix-topology-only"):
        for path in (data_dir / "models" / folder).rglob("*.json"):
            file = FILES[f"bodypix/{path.relative_to(data_dir / 'models' / folder).as_posix()}"]
            canonical = json.dumps(json.loads(path.read_bytes())).encode()
            assert (file.size, file.sha256) == (len(canonical), hashlib.sha256(canonical).hexdigest())
            store.verify(file, path)
            manifest = json.loads(canonical)["weightsManifest"]
            shards = {path.parent.name + "/" + name for group in manifest for name in group["paths"]}
            listed = {
                Path(other).parent.name + "/" + Path(other).name
                for other in FILES
                if Path(other).parent == Path(file.path).parent and other.endswith(".bin")
            }
            assert shards == listed
            seen += 1
    assert seen == sum(file.is_graph and file.is_verifiable for file in FILES.values())


def test_files_have_the_digests_of_the_list(data_dir: Path) -> None:
    listed = {}
    for line in (data_dir / "models/SHA256SUMS").read_text().splitlines():
        digest, path = line.split(maxsplit=1)
        listed[path] = digest
    common = [path for path in listed if path in FILES and not FILES[path].is_graph]
    assert len(common) == 6 + 9
    for path in common:
        assert FILES[path].sha256 == listed[path], path
        store.verify(FILES[path], data_dir / "models" / path)


GOOD: dict[str, Any] = {
    "models": {"one-s": ["net/*"]},
    "sources": [
        {
            "url": "https://example.invalid/",
            "licence": "MIT",
            "package": {"registry": "npm", "name": "@some/things", "version": "1.2.3"},
            "files": {
                "net/a.bin": {"size": 3, "sha256": "0" * 64, "member": "package/a"},
                "net/b.bin": {"url": "c"},
            },
        }
    ],
}


def written(tmp_path: Path, data: Any) -> Path:
    path = tmp_path / "catalogue.json"
    path.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
    return path


def test_a_catalogue(tmp_path: Path) -> None:
    found = catalogue.read(written(tmp_path, GOOD))
    package = catalogue.Package("npm", "@some/things", "1.2.3")
    files = (
        catalogue.ModelFile(
            "net/a.bin", "https://example.invalid/net/a.bin", 3, "0" * 64, None, package, "package/a"
        ),
        catalogue.ModelFile("net/b.bin", "https://example.invalid/c", package=package),
    )
    assert found == {"one-s": catalogue.Model("one-s", "one", "MIT", files)}
    assert catalogue.read(catalogue.share_folder() / "models/catalogue.json") == catalogue.models()


SOURCE, FILE = ("sources", 0), ("sources", 0, "files", "net/a.bin")


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ((), [], "the catalogue is \\[\\], but must be an object"),
        (("models",), None, "'models' in the catalogue is None, but must be an object"),
        (("models", "one-s"), [], "must be a list that is not empty"),
        (
            ("models", "one-s"),
            ["x/*"],
            "item 0 of 'one-s' in 'models'.*must be the path of a file, or a pattern",
        ),
        (("models", "one-s"), ["[z-a]"], "must be text like"),
        (("models", "../x"), ["net/*"], "is no name of a model"),
        (("sources",), {}, "'sources' in the catalogue is"),
        ((*SOURCE, "url"), "http://example.invalid/", "must be an address that begins with https://"),
        ((*SOURCE, "licence"), 1, "'licence' in item 0 of 'sources'.* is 1, but must be text"),
        ((*SOURCE, "package", "registry"), "cargo", "must be pypi or npm"),
        ((*SOURCE, "package", "name"), "--index-url=x", "must be text like"),
        ((*SOURCE, "package", "name"), "../x", "must be text like"),
        ((*SOURCE, "package", "version"), "1.0 --x", "must be text like"),
        ((*SOURCE, "files", "/etc/passwd"), {}, "must be the path of a file inside of a model folder"),
        ((*SOURCE, "files", "net/../../x"), {}, "must be the path of a file inside of a model folder"),
        ((*FILE, "size"), -1, "must be a whole number from 0 to"),
        ((*FILE, "size"), 1 << 40, "must be a whole number from 0 to"),
        ((*FILE, "size"), True, "must be a whole number from 0 to"),
        ((*FILE, "sha256"), "0" * 63, "must be text like"),
        ((*FILE, "sha1"), "0" * 40, "has 'sha1', which means nothing"),
    ],
)
def test_a_damaged_catalogue_is_told_by_its_place(
    tmp_path: Path, place: tuple[Any, ...], value: Any, message: str
) -> None:
    data = holder = [json.loads(json.dumps(GOOD))]
    for step in (0, *place)[:-1]:
        holder = holder[step]
    holder[(0, *place)[-1]] = value
    path = written(tmp_path, data[0])
    with pytest.raises(CatalogueError, match=message) as caught:
        catalogue.read(path)
    assert str(caught.value).startswith(str(path))


def test_a_file_in_two_sources_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"'net/a\.bin' in .* is in another source, too"):
        catalogue.read(written(tmp_path, {**GOOD, "sources": GOOD["sources"] * 2}))


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_catalogue_is_refused(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(CatalogueError, match="is not JSON"):
        catalogue.read(written(tmp_path, text))


def test_an_endless_name_is_quoted_in_part() -> None:
    with pytest.raises(ValueError, match="no model is named 'xxx") as caught:
        catalogue.model("x" * 70_000)
    assert len(str(caught.value)) < 2000


def test_real_models_are_found(data_dir: Path) -> None:
    model = catalogue.model("bodypix-mobilenet-075-s16-q2")
    found = store.find(model, data_dir / "models")
    assert list(found) == [file.path for file in model.files]
    assert all(path.is_file() for path in found.values())
