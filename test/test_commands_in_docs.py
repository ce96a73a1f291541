"""Every command that a page shows in a block of shell lines exists, with its options, arguments and names."""

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from bodypix_ros.cli import main
from bodypix_ros.models import catalogue
from bodypix_ros.ros.messages.outputs import OUTPUTS
from bodypix_ros.ros.messages.placed import PLACED_OUTPUTS
from support.paths import ROOT
from support.tables import tables

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ELSEWHERE = frozenset(["docker", "git", "mkdir", "ray", "rosdep", "source", "ssh", "stat", "sudo", "touch"])
"""Other programs, which nobody here can check."""


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command in a page's blocks of shell lines."""
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            lexer = shlex.shlex(line, posix=True, punctuation_chars="&|;()")
            lexer.whitespace_split = True
            words: list[str] = []
            for word in [*lexer, "&&"]:
                if not set(word) <= set("&|;()"):
                    words.append(word)
                    continue
                if words:
                    yield words
                words = []


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@cache
def launch_arguments(name: str) -> frozenset[str]:
    """Declared in a launch file, and where it has its arguments from."""
    text = read(f"launch/{name}")
    if "launching.arguments(" in text:
        text += read("bodypix_ros/ros/shared/launching.py")
    names = re.findall(r'DeclareLaunchArgument\(\s*"(\w+)"', text)
    if "places.arguments(" in text:  # declared from a table there, and two tuples
        names += re.findall(r'"(\w+)"[,:)]', read("bodypix_ros/ros/shared/places.py"))
    return frozenset(names)


@cache
def extras() -> frozenset[str]:
    keywords = (node for node in ast.walk(ast.parse(read("setup.py"))) if isinstance(node, ast.keyword))
    (found,) = (keyword.value for keyword in keywords if keyword.arg == "extras_require")
    return frozenset(ast.literal_eval(found))


def wrong_bodypix(words: list[str]) -> str:
    """What the command `bodypix` would refuse, by names alone."""
    command: click.Command = main
    context = click.Context(main)
    words = words.copy()
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        inner = command.get_command(context, words[0])
        if inner is None:
            if command is main or not command.invoke_without_command:
                return f"no command {words[0]}"
            break
        command, context = inner, click.Context(inner, parent=context)
        words.pop(0)
    known = {"..."}
    for parameter in command.get_params(context):
        known.update(parameter.opts, parameter.secondary_opts)
    for word in words:
        if re.match(r"--?[a-z]", word) and word.partition("=")[0] not in known:
            return f"{command.name} has no {word}"
        if re.fullmatch(r"(bodypix|selfie|blazepose)-[\w-]+", word) and word not in catalogue.models():
            return f"no model {word}"
    return ""


def wrong_ros(words: list[str]) -> str:
    """What is wrong with the arguments of `ros2`; of other packages nothing is known."""
    match words:
        case ["run", "bodypix_ros", name, *rest]:
            if f'"{name} = bodypix_ros.doors:{name}"' not in read("setup.py"):
                return f"no executable {name}"
            return wrong_bodypix(rest) if name == "bodypix" else ""
        case ["launch", "bodypix_ros", name, *rest]:
            if not (ROOT / "launch" / name).is_file():
                return f"no launch file {name}"
            given = {word.partition(":=")[0] for word in rest if ":=" in word}
            return " ".join(sorted(given - launch_arguments(name)))
        case ["topic", "echo", name, *_]:
            known = {*OUTPUTS, *PLACED_OUTPUTS, "followed", "diagnostics"}
            return "" if name.rpartition("/")[2] in known else f"no topic {name}"
    return ""


def wrong_pip(words: list[str]) -> str:
    """Extras that setup.py does not know."""
    for word in words:
        if match := re.fullmatch(r"(?:\.|bodypix_ros)\[([\w,-]+)\]", word):
            missing = {*match[1].split(",")} - extras()
            if missing:
                return f"no extra {', '.join(missing)}"
    return ""


def wrong(words: list[str]) -> str:
    """What is wrong with a command; empty where nothing is, or another program would have to say."""
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    if not words:
        return ""
    program, rest = words[0].removeprefix(".venv/bin/"), words[1:]
    if program in ELSEWHERE:
        return ""
    if program == "make":
        targets = re.findall(r"^([\w-]+):", read("Makefile"), re.MULTILINE)
        return " ".join(word for word in rest if word not in targets and not re.search("=|^-", word))
    if program in {"python", "python3"}:
        return " ".join(word for word in rest if word.endswith(".py") and not (ROOT / word).is_file())
    known = {"bodypix": wrong_bodypix, "ros2": wrong_ros, "pip": wrong_pip}
    return known[program](rest) if program in known else f"unknown program {program}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_exists(page: Path) -> None:
    shown = commands(page.read_text(encoding="utf-8"))
    assert [(why, " ".join(words)) for words in shown if (why := wrong(words))] == []


def test_the_readme_is_short_and_shows_every_program() -> None:
    text = read("README.md")
    assert len(text.splitlines()) <= 180
    shown = {words[0].removeprefix(".venv/bin/") for words in commands(text)}
    assert {"make", "bodypix", "ros2", "pip", "python"} <= shown


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("bodypix run a.jpg --mode parts --out x && bodypix runn", "no command runn"),
        ("bodypix run a.jpg --moode parts", "run has no --moode"),
        ("bodypix demo -m bodypix-mobilenet-999-s16-q2", "no model bodypix-mobilenet-999-s16-q2"),
        ("make demo SOURCE=x.jpg nothing", "nothing"),
        ("ros2 run bodypix_ros some_node", "no executable some_node"),
        ("ros2 run bodypix_ros bodypix runn", "no command runn"),
        ("ros2 launch bodypix_ros demo.launch.py sauce:=film.mp4", "sauce"),
        ("ros2 topic echo /nobody", "no topic /nobody"),
        ("pip install 'bodypix_ros[nothing]'", "no extra nothing"),
        ("python docs/nothing.py", "docs/nothing.py"),
        ("bodypicks demo", "unknown program bodypicks"),
    ],
)
def test_a_command_that_does_not_exist_is_seen(line: str, why: str) -> None:
    assert [wrong(words) for words in commands(f"```sh\n{line}   # a comment\n```\n")][-1] == why


def test_the_packages_that_pip_gets_beside_ros_are_those_of_setup() -> None:
    (line,) = [words for words in commands(read("README.md")) if words[1:3] == ["install", "numpy<2"]]
    assert line[3:] == tables.requirements()


def test_every_extra_is_told() -> None:
    rows = re.findall(r"^\| ((?:`[\w-]+`,? ?)+) \|", read("docs/install.md"), re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`([\w-]+)`", row)} == extras()
