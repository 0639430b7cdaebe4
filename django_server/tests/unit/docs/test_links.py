"""Every relative link of the Markdown files leads to a file, and every anchor to a heading. Needs no server."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "docker-compose.yml").exists())
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_CODE_BLOCK = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`[^`\n]*`")
# [text](target), ![text](target), with a title or without.
_INLINE_LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
# [label]: target
_LINK_DEFINITION = re.compile(r"^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def links(page: Path) -> Iterator[str]:
    """The targets of a page's links that point into the repository."""
    text = _CODE_BLOCK.sub("", page.read_text())
    for found in (_INLINE_LINK, _LINK_DEFINITION):
        for target in found.findall(text if found is _LINK_DEFINITION else _without_code(text)):
            if not _SCHEME.match(target):
                yield target


def anchors(page: Path) -> set[str]:
    """The anchors that a Git host makes of a page's headings: lower case, punctuation dropped, spaces to hyphens."""
    seen: dict[str, int] = {}
    names = set()
    for heading in _HEADING.findall(_CODE_BLOCK.sub("", page.read_text())):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "").lower()
        name = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        names.add(f"{name}-{seen[name]}" if name in seen else name)
        seen[name] = seen.get(name, 0) + 1
    return names


def problem(page: Path, target: str) -> str | None:
    """The reason why a link is broken; None if its file exists and, if it names an anchor, so does the anchor."""
    path, _, anchor = unquote(target).partition("#")
    linked = (page.parent / path).resolve() if path else page
    if not linked.is_relative_to(ROOT):
        return "leaves the repository"
    if not linked.exists():
        return "no such file"
    if not anchor:
        return None
    if line := re.fullmatch(r"L(\d+)(?:-L(\d+))?", anchor):
        last = max(int(number) for number in line.groups() if number)
        return None if linked.is_file() and last <= len(linked.read_text().splitlines()) else "no such line"
    return None if linked.suffix == ".md" and anchor in anchors(linked) else "no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_relative_link_is_broken(page: Path) -> None:
    broken = {target: why for target in links(page) if (why := problem(page, target))}
    assert broken == {}


def test_a_missing_file_a_missing_heading_and_a_missing_line_are_found(tmp_path: Path) -> None:
    readme = ROOT / "README.md"
    assert problem(readme, "docs/no-such-page.md") == "no such file"
    assert problem(readme, "docs/api.md#no-such-heading") == "no such heading"
    assert problem(readme, "LICENSE#L9999") == "no such line"
    assert problem(readme, "../elsewhere") == "leaves the repository"
    assert problem(readme, "docs/architecture.md#glossary") is None
    page = tmp_path / "page.md"
    page.write_text(
        '[a](b.md "title") `[code](c.md)` ![d](e.png)\n\n```\n[f](g.md)\n```\n\n[h]: i.md\n[j](https://k)\n'
    )
    assert list(links(page)) == ["b.md", "e.png", "i.md"]


def _without_code(text: str) -> str:
    return _CODE.sub("", text)
