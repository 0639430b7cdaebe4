"""The commands of docs/production.md, by section."""

import re

from tests.support.stack.compose import ROOT

_PAGE = (ROOT / "docs" / "production.md").read_text()


def headings() -> list[str]:
    """The headings of all sections."""
    return re.findall(r"^## (.+)$", _PAGE, re.MULTILINE)


def section(heading: str) -> str:
    """The text of a section."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", _PAGE, re.DOTALL | re.MULTILINE)
    assert found, heading
    return found[1]


def documented(heading: str) -> list[str]:
    """The commands of a section, in order, without comments."""
    blocks: list[str] = re.findall(r"^```sh\n(.*?)^```", section(heading), re.DOTALL | re.MULTILINE)
    return [re.sub(r" {2,}#.*", "", line) for block in blocks for line in block.splitlines()]
