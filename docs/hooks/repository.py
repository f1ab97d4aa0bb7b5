"""Pages for what lies outside of docs/: a link works in the repository, and on the site it has a page.

`benchmarks/RESULTS.md` becomes `repository/benchmarks/RESULTS.md`; a file of code is shown as code.  What the
navigation or any page links to is there, and nothing else.
"""

import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
HERE = "repository/"
DOCS = "docs/"
FENCE = re.compile(r"^( *)(```+|~~~+).*?^\1\2[ \t]*$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?P<before>\]\()(?P<target>[^)\s#:]+)(?P<anchor>#[^)\s]*)?(?P<after>\))")
LANGUAGES = {".py": "python", ".yml": "yaml", ".sh": "sh", ".toml": "toml", ".conf": "nginx", ".service": "ini"}


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add a page for each file outside that is linked to, and for those that these link to."""
    waiting = [file for file in files if file.is_documentation_page()]
    waiting += [_add(files, name.removeprefix(HERE), config) for name in _in_nav(config.nav) if name.startswith(HERE)]
    while waiting:
        file = waiting.pop()
        for target in _targets(file):
            if _source(target, files) is None and ROOT.joinpath(target).is_file():
                waiting.append(_add(files, target, config))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with its links led to where things are on the site."""
    home = posixpath.dirname(page.file.src_uri)
    if page.is_homepage:
        page.meta["hide"] = ["navigation", "toc"]  # GitHub would show a head of the page as a table

    def lead(link: re.Match[str]) -> str:
        found = _source(_place(page.file, link["target"]), files)
        target = link["target"] if found is None else posixpath.relpath(found, home or ".")
        return f"{link['before']}{target}{link['anchor'] or ''}{link['after']}"

    return outside_code(markdown, lambda text: LINK.sub(lead, text))


def outside_code(markdown: str, change: Callable[[str], str]) -> str:
    """The page with its text changed, its blocks of code as they are."""
    pieces, end = [], 0
    for block in FENCE.finditer(markdown):
        pieces += [change(markdown[end : block.start()]), block[0]]
        end = block.end()
    return "".join([*pieces, change(markdown[end:])])


def _in_nav(nav: object) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    for inner in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from _in_nav(inner)


def _targets(file: File) -> set[str]:
    """What a page links to, as paths in the repository."""
    return {_place(file, link["target"]) for link in LINK.finditer(FENCE.sub("", file.content_string))}


def _place(file: File, target: str) -> str:
    """Where a link of a page leads to in the repository."""
    name = file.src_uri
    home = name.removeprefix(HERE) if name.startswith(HERE) else DOCS + name
    return posixpath.normpath(posixpath.join(posixpath.dirname(home), target))


def _source(place: str, files: Files) -> str | None:
    """The name of the page, or of the picture, for a path in the repository; None where there is none."""
    names = (place.removeprefix(DOCS), _page_name(place)) if place.startswith(DOCS) else (_page_name(place),)
    found = [name for name in names if (file := files.get_file_from_path(name)) and file.inclusion.is_included()]
    return found[0] if found else None


def _page_name(place: str) -> str:
    return f"{HERE}{place}" if place.endswith(".md") else f"{HERE}{place}.md"


def _add(files: Files, place: str, config: MkDocsConfig) -> File:
    text = ROOT.joinpath(place).read_text(encoding="utf-8")
    file = File.generated(config, _page_name(place), content=text if place.endswith(".md") else _code(place, text))
    files.append(file)
    return file


def _code(place: str, text: str) -> str:
    language = LANGUAGES.get(posixpath.splitext(place)[1], "text")
    return f"---\nsearch:\n  exclude: true\n---\n\n# {place}\n\n````{language}\n{text.rstrip()}\n````\n"
