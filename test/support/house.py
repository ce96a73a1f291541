"""Checks of a package and its pictures; each is a function that gives its complaints, "file:line: what"."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

MOST_LINES = 400

PUBLIC = "__init__"
"""The package itself: its public names, its version and the name of the default model."""


@dataclass(frozen=True)
class Import:
    """A line that imports.

    Attributes:
        path: The file, from the package's folder.
        line: Its number.
        module: The file as a module, without the package's name: "ros.messages.images", or `PUBLIC`.
        name: What is imported, dotted.
        inside: The same as a module of the package, named as `module` is; None of anything else.
        typing: Whether only under TYPE_CHECKING.
    """

    path: str
    line: int
    module: str
    name: str
    inside: str | None
    typing: bool

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.module} imports {self.inside or self.name}"


def modules_of(package: Path) -> dict[str, Path]:
    """The files by module, without the package's name."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts) or PUBLIC] = path
    return found


def imports_of(package: Path) -> Iterator[Import]:
    """Every import anywhere in the files: in functions, under TYPE_CHECKING, import_module of a text."""
    modules = modules_of(package)

    def resolved(name: str) -> str | None:
        """The longest beginning of a dotted name that is a module of the package."""
        first, *rest = name.split(".")
        if first != package.name:
            return None
        while rest and ".".join(rest) not in modules:
            rest.pop()
        return ".".join(rest) or PUBLIC

    def walk(node: ast.AST, module: str, path: Path, typing: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            for name in _imported(child, package.name, module, path.name == "__init__.py"):
                relative = path.relative_to(package).as_posix()
                yield Import(relative, child.lineno, module, name, resolved(name), typing)  # type: ignore[attr-defined]
            under = typing or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test))
            yield from walk(child, module, path, under)

    for module, path in modules.items():
        yield from walk(ast.parse(path.read_text(encoding="utf-8")), module, path, False)


def _imported(node: ast.AST, package: str, module: str, is_package: bool) -> list[str]:
    """The dotted names that a node imports itself."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            here = [package, *(module.split(".") if module != PUBLIC else [])]
            up = node.level - (1 if is_package else 0)
            base = ".".join([*here[: len(here) - up], *([base] if base else [])])
        return [f"{base}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("import_module", "importlib.import_module"):
        named = node.args[0]
        return [named.value] if isinstance(named, ast.Constant) and isinstance(named.value, str) else []
    return []


def room_of(module: str) -> str:
    """The room of a module: the first name, in ros the first two."""
    first, *rest = module.split(".")
    return f"ros.{rest[0]}" if first == "ros" and rest else first


def rooms_of(package: Path) -> set[str]:
    """The rooms there are, but for the package itself; ros is its rooms."""
    return {room_of(module) for module in modules_of(package)} - {PUBLIC, "ros"}


def long_files(package: Path) -> list[str]:
    """Files of more than `MOST_LINES` lines."""
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in package.rglob("*.py")}
    return [
        f"{path.relative_to(package).as_posix()}:{length}: a file over {MOST_LINES} lines is two rooms"
        for path, length in sorted(lengths.items())
        if length > MOST_LINES
    ]


def _is_public_name(line: Import) -> bool:
    """Whether it tells type checkers what the package gives when it is asked: `__getattr__` imports that."""
    return line.module == PUBLIC and line.typing


def circles(package: Path) -> list[str]:
    """Modules that import each other, whether at the top, in functions or for type checkers."""
    arrows: dict[str, set[str]] = {}
    for line in imports_of(package):
        if line.inside is not None and line.inside != line.module and not _is_public_name(line):
            arrows.setdefault(line.module, set()).add(line.inside)
    return [" -> ".join(circle) for circle in circles_in(arrows)]


def circles_in(arrows: Mapping[str, set[str]]) -> list[list[str]]:
    """Ways that come back to where they began, one for each that a search finds."""
    found: list[list[str]] = []
    done: set[str] = set()

    def visit(name: str, way: list[str]) -> None:
        if name in way:
            circle = way[way.index(name) :]
            first = circle.index(min(circle))
            found.append([*circle[first:], *circle[:first], circle[first]])
        elif name not in done:
            for other in sorted(arrows.get(name, ())):
                visit(other, [*way, name])
            done.add(name)

    for name in sorted(arrows):
        visit(name, [])
    return found


def forbidden_arrows(package: Path, arrows: Mapping[str, set[str]]) -> list[str]:
    """Imports of a room that the importing one may not know, and rooms without a line in the table."""
    wrong = [
        str(line)
        for line in imports_of(package)
        if line.inside is not None
        and not _is_public_name(line)
        and room_of(line.inside) not in {room_of(line.module), *arrows.get(room_of(line.module), ())}
    ]
    there = rooms_of(package) | {PUBLIC}
    wrong += [f"{room}: a room that has no line in the table" for room in sorted(there - arrows.keys())]
    wrong += [f"{room}: in the table, but no room" for room in sorted(arrows.keys() - there)]
    return wrong


def forbidden_outside(package: Path, outside: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Imports in files that may not, and permissions for one file that it does not use."""
    wrong, used = [], set()
    for line in imports_of(package):
        for name, allowed in outside.items():
            if not fnmatchcase(line.inside or line.name.split(".")[0], name):
                continue
            matching = {pattern for pattern in allowed if fnmatchcase(line.path, pattern)}
            used |= {(name, pattern) for pattern in matching}
            if not matching:
                wrong.append(str(line))
    wrong += [
        f"{pattern}: may import {name}, but does not"
        for name, allowed in outside.items()
        for pattern in allowed
        if "*" not in name + pattern and (name, pattern) not in used
    ]
    return sorted(set(wrong))


BOX = re.compile(r"(?P<id>\w+)(?:\[\"?(?P<label>[^\]\"]+)\"?\])?")


def picture_in(text: str) -> str:
    """The one mermaid picture of a page's section "Who uses whom"."""
    section = re.search(r"^## Who uses whom$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section, "there is no section 'Who uses whom'"
    (drawn,) = re.findall(r"^```mermaid$(.*?)^```$", section[1], re.MULTILINE | re.DOTALL)
    return str(drawn)


def boxes_and_arrows(picture: str) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """A flowchart's boxes with the rooms that each names, and for each box those that an arrow leads to."""
    boxes: dict[str, set[str]] = {}
    arrows: dict[str, set[str]] = {}
    for line in picture.strip().splitlines()[1:]:
        before: list[str] = []
        for step in line.split("-->"):
            ids = []
            for part in step.split("&"):
                box = BOX.fullmatch(part.strip())
                assert box, f"not understood in the picture: {part!r}"
                ids.append(box["id"])
                if box["label"] or box["id"] not in boxes:
                    boxes[box["id"]] = {
                        name.strip().replace("/", ".") for name in (box["label"] or box["id"]).split(",")
                    }
            for one in before:
                arrows.setdefault(one, set()).update(ids)
            before = ids
    return boxes, arrows


def wrong_picture(package: Path, picture: str) -> list[str]:
    """Rooms that a picture lacks, names that are no rooms, and imports against its arrows.

    Args:
        package: The folder.
        picture: A flowchart; an arrow leads to who knows. Whoever is reached by several arrows knows, too.
    """
    boxes, arrows = boxes_and_arrows(picture)
    named = [name for rooms in boxes.values() for name in rooms]
    there = rooms_of(package)
    wrong = [f"{room}: not in the picture" for room in sorted(there - {*named})]
    wrong += [f"{name}: in the picture, but no room" for name in sorted({*named} - there)]
    wrong += [f"{name}: twice in the picture" for name in sorted({n for n in named if named.count(n) > 1})]
    wrong += [f"a circle in the picture: {' -> '.join(circle)}" for circle in circles_in(arrows)]
    if wrong:
        return wrong
    box_of = {room: box for box, rooms in boxes.items() for room in rooms}

    def reached(box: str) -> set[str]:
        return {box}.union(*(reached(other) for other in arrows.get(box, ())))

    return [
        f"{line}, against the picture's arrows"
        for line in imports_of(package)
        if line.inside is not None
        and {room_of(line.inside), room_of(line.module)} <= there
        and box_of[room_of(line.module)] not in reached(box_of[room_of(line.inside)])
    ]


def tree_in(text: str) -> set[str]:
    """The folders and files that a page's text tree names, from the package's folder; folders end with /."""
    (drawn,) = re.findall(r"^```text\nbodypix_ros/\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    found, folders = set(), [""]
    for line in drawn.splitlines():
        indent, name = re.match(r"( *)(\S+)", line).groups()  # type: ignore[union-attr]
        depth = len(indent) // 4
        path = folders[depth - 1] + name
        found.add(path)
        folders[depth:] = [path]
    return found


def wrong_tree(package: Path, text: str) -> list[str]:
    """Folders, and files that stand for themselves, that a tree lacks, and names in it that are not there."""
    there = set()
    for path in modules_of(package).values():
        folder = path.relative_to(package).parent
        if path.name == "__init__.py" and folder.parts:
            there.add(f"{folder.as_posix()}/")
        elif folder.as_posix() in (".", "ros"):
            there.add((folder / path.name).as_posix())
    named = tree_in(text)
    wrong = [f"{path}: not in the tree" for path in sorted(there - named)]
    return wrong + [f"{path}: in the tree, but not there" for path in sorted(named - there)]
