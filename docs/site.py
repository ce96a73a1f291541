"""A hook of mkdocs: what pages link to beside docs/ is shown in the site, too, as a file."""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\[([^\]]*)\]\(\.\./([^)#\s]+)[^)\s]*\)")


def on_files(files: Any, config: Any) -> Any:
    """Add every file beside docs/ that a page links to, below `beside/`."""
    linked = {
        match[2] for page in files.documentation_pages() for match in LINK.finditer(page.content_string)
    }
    for name in sorted(linked):
        if (ROOT / name).is_file():
            text = (ROOT / name).read_text(encoding="utf-8")
            files.append(File.generated(config, f"beside/{name}.txt", content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Lead links beside docs/ there; a folder is named only."""

    def lead(match: re.Match[str]) -> str:
        text, name = match.groups()
        return f"[{text}](beside/{name}.txt)" if (ROOT / name).is_file() else text

    return LINK.sub(lead, markdown)
