"""Web pages and the chapters of EPUB books as headings with their text.

Read with the standard library's tokeniser, which knows no entities of a document's own and fetches nothing.
"""

from __future__ import annotations

import posixpath
import re
from html.parser import HTMLParser
from urllib.parse import unquote

from phyassist.knowledge.plain_text import decode_text

Told = tuple[str, str, str, str]
Sections = list[tuple[str, str]]

_HIDDEN = {"script", "style", "noscript", "template", "svg", "nav", "iframe"}
_HEADINGS = {"h1", "h2", "h3"}
_BLOCKS = {
    *("p", "div", "br", "li", "ul", "ol", "tr", "table", "section", "article", "blockquote", "pre", "dt"),
    *("dd", "h4", "h5", "h6", "figcaption", "header", "footer", "main", "hr"),
}
_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset=["']?([\w-]{2,20})""", re.IGNORECASE)
_YEAR = re.compile(r"(?:19|20)\d\d")


class _Page(HTMLParser):
    """Collects what a reader sees; every heading begins a part."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title, self.author, self.year, self.language = "", "", "", ""
        self.parts: list[tuple[list[str], list[str]]] = [([], [])]
        self._hidden = 0
        self._into = "text"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {key: value or "" for key, value in attrs}
        if tag in _HIDDEN:
            self._hidden += 1
        elif tag == "title" and not self._hidden:
            self._into = "title"
        elif tag in _HEADINGS:
            self.parts.append(([], []))
            self._into = "heading"
        elif tag == "html":
            self.language = told.get("lang") or told.get("xml:lang") or ""
        elif tag == "meta" and told.get("name", "").lower() == "author":
            self.author = told.get("content", "")
        if tag in _BLOCKS:
            self.parts[-1][1].append("\n")
        elif tag in {"td", "th"}:
            self.parts[-1][1].append("\t")

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        elif tag == "title" or tag in _HEADINGS:
            self._into = "text"
        elif tag in _BLOCKS:
            self.parts[-1][1].append("\n")

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        if self._into == "title":
            self.title += data
        elif self._into == "heading":
            self.parts[-1][0].append(data)
        else:
            # A line's end in the source is a space on the page.
            self.parts[-1][1].append(" ".join(data.split("\n")))

    def sections(self) -> Sections:
        found = []
        for heading, text in self.parts:
            lines = (" ".join(line.split()) for line in "".join(text).split("\n"))
            words = "\n".join(line for line in lines if line)
            if words:
                found.append((" ".join("".join(heading).split()), words))
        return found


class _Package(HTMLParser):
    """The list of an EPUB's files: what it is called, and which files in which order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.files: dict[str, str] = {}
        self.order: list[str] = []
        self.root = ""
        self.told: dict[str, str] = {}
        self._in = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {key: value or "" for key, value in attrs}
        name = tag.rpartition(":")[2]
        if name == "rootfile":
            self.root = self.root or told.get("full-path", "")
        elif name == "item":
            self.files[told.get("id", "")] = told.get("href", "")
        elif name == "itemref":
            self.order.append(told.get("idref", ""))
        self._in = name if tag.startswith("dc:") else ""

    def handle_endtag(self, _tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in and data.strip():
            self.told.setdefault(self._in, data.strip())


def read_page(data: bytes) -> tuple[Told, Sections]:
    """What a web page says of itself (title, author, year, language), and its headings with their text."""
    charset = _CHARSET.search(data[:4096])
    page = _Page()
    try:
        text = data.decode(charset.group(1).decode()) if charset else decode_text("page", data)
    except (LookupError, UnicodeDecodeError):
        text = decode_text("page", data)
    page.feed(text)
    page.close()
    return (" ".join(page.title.split()), page.author, page.year, page.language), page.sections()


def read_book(files: dict[str, bytes]) -> tuple[Told, Sections]:
    """What an EPUB book says of itself, and its chapters in their order.

    Raises KeyError where a file that it names is not there, ValueError.
    """
    container = _Package()
    container.feed(files["META-INF/container.xml"].decode("utf-8", "replace"))
    package, folder = _Package(), posixpath.dirname(container.root)
    package.feed(files[container.root].decode("utf-8", "replace"))
    chapters: Sections = []
    for name in package.order:
        path = posixpath.normpath(posixpath.join(folder, unquote(package.files.get(name, ""))))
        if path in files:
            (title, *_), sections = read_page(files[path])
            chapters += [(heading or title, text) for heading, text in sections]
    told = package.told
    year = _YEAR.search(told.get("date", ""))
    return (
        told.get("title", ""),
        told.get("creator", ""),
        year.group() if year else "",
        told.get("language", ""),
    ), chapters
