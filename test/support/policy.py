"""Reads an SROS 2 policy as its tools do: what each enclave's node may do, by the full names of topics."""

import re
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

from support.paths import ROOT

POLICY = ROOT / "config/sros2_policy.xml"

TYPE_DESCRIPTION = ("reply", "~/get_type_description")
"""Every node's since Jazzy; Humble's have none."""
PARAMETERS = (
    "describe_parameters", "get_parameter_types", "get_parameters", "list_parameters", "set_parameters",
    "set_parameters_atomically",
)  # fmt: skip
OF_EVERY_NODE = {
    ("publish", "/parameter_events"),
    ("publish", "/rosout"),
    ("subscribe", "/clock"),
    TYPE_DESCRIPTION,
    *(("reply", f"~/{service}") for service in PARAMETERS),
}
LIFECYCLE = (
    "change_state", "get_available_states", "get_available_transitions", "get_state", "get_transition_graph",
)  # fmt: skip
OF_A_LIFECYCLE_NODE = {
    ("publish", "~/transition_event"),
    *(("reply", f"~/{service}") for service in LIFECYCLE),
}


class Profile(NamedTuple):
    """A node and what it may do: pairs such as ("publish", "/rosout"), ("reply", "~/enable")."""

    namespace: str
    node: str
    allowed: set[tuple[str, str]]


def read(path: Path) -> dict[str, Profile]:
    """The profile of each enclave, by its path; whatever is not a plain ALLOW is an error."""
    found = {}
    for enclave in ET.parse(path).getroot().iterfind("enclaves/enclave"):
        (profile,) = enclave.iterfind("profiles/profile")
        pairs = []
        for group in profile:
            (verb, allow), *others = group.attrib.items()
            assert allow == "ALLOW", group.attrib
            assert not others, group.attrib
            pairs += [(verb, entry.text or "") for entry in group]
        assert len(pairs) == len(set(pairs)), f"something is allowed twice in {enclave.get('path')}"
        found[enclave.attrib["path"]] = Profile(profile.attrib["ns"], profile.attrib["node"], set(pairs))
    return found


def block(title: str, language: str = "sh") -> str:
    """The first code block of SECURITY.md below a heading."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    match = re.search(
        rf"^#+ {re.escape(title)}$.*?^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE
    )
    assert match, f"SECURITY.md: no {language} block below '{title}'"
    return match[1]
