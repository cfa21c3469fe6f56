"""The library: adding documents, looking them up, and searching their passages.

Nothing of a patient is ever in it; what a search asks is kept nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Literal

from phyassist.domain.library import (
    Document,
    DocumentId,
    Passage,
    Piece,
    Reference,
    Scope,
    parse_passage_id,
)
from phyassist.domain.people import Language
from phyassist.errors import NotAllowed, NotFound
from phyassist.knowledge.cards import CARD_HEAD, find_card, list_card_documents, load_cards_with
from phyassist.knowledge.files import Readable, Recognise, is_readable, read_documents
from phyassist.knowledge.index import Floats, LibraryIndex, Way, pack_rows, unpack_vectors
from phyassist.knowledge.meaning import Embedder, find_embedder
from phyassist.knowledge.passages import cut_passages
from phyassist.knowledge.recognising import find_recogniser
from phyassist.knowledge.references import SUFFIXES, Entry, find_entry, read_references
from phyassist.knowledge.sketches import Known, make_sketch
from phyassist.lm.protocol import Stop
from phyassist.store.again import again
from phyassist.store.audit import Act, Kind
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store, Tx

# Pages and the command line take all that concerns the library from here.
__all__ = [
    "Added",
    "Embedded",
    "Embedder",
    "add_file",
    "apply_references",
    "embed_missing",
    "find_embedder",
    "find_recogniser",
    "get_passage",
    "is_readable",
    "is_reference_list",
    "list_documents",
    "load_known",
    "may_change",
    "read_references",
    "read_text",
    "remove_document",
    "save_reference",
    "search_passages",
]

FOUND_MAX = 8
_WORDS_CHARS_MAX = 2_000
_EMBEDDED_AT_ONCE = 8
_DEFAULT_WAY: Way = "fused"


@dataclass(frozen=True, slots=True)
class Added:
    """What came of a document: `other` is the one that it is the same as, or nearly."""

    state: Literal["added", "known"]
    document: Document
    other: Document | None = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """How far the vectors are: passages that have theirs, of all that lacked them."""

    done: int
    total: int


def list_documents(store: Store, by: SignedIn) -> tuple[Document, ...]:
    """The practice's, one's own, the newest first, and the cards that ship with PhyAssist."""
    with store.read(by) as tx:
        return (*tx.library.list(), *list_card_documents())


def load_known(store: Store, by: SignedIn) -> Known:
    """What is there already, to be asked for every file of a folder."""
    with store.read(by) as tx:
        return Known(tx.library.list())


def add_file(
    store: Store,
    by: SignedIn,
    *,
    file: tuple[str, bytes],
    scope: Scope,
    known: Known,
    told: Reference | None = None,
    entries: Sequence[Entry] = (),
    recognise: Recognise | None = None,
) -> tuple[Added, ...]:
    """The documents of a file, by name and bytes, in the library; one that is there already is not added.

    What `told` says of it comes first, then the entry of a reference manager, then the file itself.
    Raises UnreadableFile, EmptyText, StoreFull.
    """
    name, data = file
    added: list[Added] = []
    for read in read_documents(name, data, recognise=recognise):
        entry = find_entry(entries, name, read.reference.title, read.parts[0].text if read.parts else "")
        reference = (told or Reference()).filled_from(entry.reference if entry else Reference())
        if added or "/" in read.digest:
            # A table that became several documents: each keeps its own title.
            reference = replace(reference, title="")
        named = replace(read, reference=reference.filled_from(read.reference))
        added.append(_add(store, by, named, name, scope=scope, known=known))
    return tuple(added)


@again
def _add(store: Store, by: SignedIn, read: Readable, file_name: str, *, scope: Scope, known: Known) -> Added:
    sketch = make_sketch(read.text)
    pieces = cut_passages(read.parts)
    document = Document(
        id=DocumentId(store.new_id()),
        scope=scope,
        reference=read.reference,
        form=read.form,
        pages=read.pages,
        passages=len(pieces),
        scanned=read.scanned,
        recognised=read.recognised,
        digest=read.digest,
        sketch=sketch,
        file=PurePath(file_name.replace("\\", "/")).name,
    )
    other = known.find(read.digest, sketch, scope)
    if other is not None:
        return Added("known", document, other)
    with store.write(by) as tx:
        stored = tx.library.add(document, pieces)
        tx.audit.write(Act.CREATED, Kind.DOCUMENT, document.id)
    known.add(stored)
    return Added("added", stored)


def is_reference_list(name: str) -> bool:
    """Whether a file of this name is a reference manager's export."""
    return PurePath(name).suffix.lower() in SUFFIXES


def apply_references(store: Store, by: SignedIn, entries: Sequence[Entry]) -> int:
    """Give titles, authors and years of a reference manager to documents that are there; how many."""
    with store.read(by) as tx:
        documents = tx.library.list()
    changed = 0
    for document in documents:
        entry = find_entry(entries, document.file, document.title, "")
        if entry is not None and may_change(by, document):
            said = entry.reference
            if "/" in document.digest:
                # One of the documents that a table became: each keeps its own title.
                said = replace(said, title="")
            told = said.filled_from(document.reference)
            if told != document.reference:
                save_reference(store, by, document_id=document.id, reference=told)
                changed += 1
    return changed


@again
def save_reference(store: Store, by: SignedIn, *, document_id: DocumentId, reference: Reference) -> Document:
    """The document under another title, with other authors and so on.  Raises NotFound, NotAllowed."""
    with store.write(by) as tx:
        _check_may_change(tx, by, document_id)
        changed = tx.library.save_reference(document_id, reference)
        tx.audit.write(Act.CHANGED, Kind.DOCUMENT, document_id)
    return changed


@again
def remove_document(store: Store, by: SignedIn, *, document_id: DocumentId) -> None:
    """The document, for good; the file that it was read from is not touched.  Raises NotFound, NotAllowed."""
    with store.write(by) as tx:
        _check_may_change(tx, by, document_id)
        tx.library.remove(document_id)
        tx.audit.write(Act.DELETED, Kind.DOCUMENT, document_id)


def may_change(by: SignedIn, document: Document) -> bool:
    """One's own, what one has added to the practice's, and for who runs the practice all of that."""
    if document.scope is Scope.SHIPPED:
        return False
    return document.scope is Scope.OWN or document.added_by == by.id or by.runs_practice


def _check_may_change(tx: Tx, by: SignedIn, document_id: DocumentId) -> None:
    if document_id.startswith(CARD_HEAD):
        raise NotAllowed("the cards that come with PhyAssist stay as they are", hint="add a text of your own")
    if not may_change(by, tx.library.get(document_id)):
        raise NotAllowed(
            "this document was added by somebody else", hint="ask them, or who runs the practice"
        )


def search_passages(
    store: Store,
    by: SignedIn,
    words: str,
    *,
    embedder: Embedder | None = None,
    limit: int = FOUND_MAX,
    way: Way = _DEFAULT_WAY,
    language: Language | None = None,
    form: str = "",
) -> tuple[Passage, ...]:
    """The passages that fit a question best, best first, in whatever language they are written, or in one.

    `form` leaves the documents of one kind, such as "csv".
    Without an embedding model words alone decide, and a question finds passages of its own language.
    Raises CannotOpen.
    """
    asked = words[:_WORDS_CHARS_MAX]
    index = open_index(store, by, embedder.name if embedder else "")
    vector = None
    if embedder is not None and index.has_meaning:
        vector = next(iter(embedder.embed_question(asked)), None)
    return index.search(asked, vector, limit=limit, way=way, language=language, form=form)


def get_passage(store: Store, by: SignedIn, passage_id: str) -> Passage:
    """One passage by what names it.  Raises NotFound, also where its document was removed."""
    document_id, no = parse_passage_id(passage_id)
    document, pieces = read_text(store, by, document_id)
    if not 0 <= no < len(pieces):
        raise NotFound(f"no passage {no} in document {document_id}", hint="search again")
    piece = pieces[no]
    return Passage(document, no, piece.page, piece.heading, piece.text)


def read_text(store: Store, by: SignedIn, document_id: DocumentId) -> tuple[Document, tuple[Piece, ...]]:
    """A document with all its passages, in their order.  Raises NotFound, CannotOpen."""
    card = find_card(document_id)
    if card is not None:
        return card.document, card.pieces
    with store.read(by) as tx:
        document = tx.library.get(document_id)
        return document, next((text.pieces for text in tx.library.texts([document_id])), ())


def embed_missing(store: Store, by: SignedIn, embedder: Embedder, stop: Stop) -> Iterator[Embedded]:
    """Vectors for all passages that have none of this model; a document at a time is kept.

    It goes on where it was stopped.  Ends early where the model goes.
    """
    with store.read(by) as tx:
        lacking = [each for each in tx.library.list() if each.passages and each.meaning != embedder.name]
    total, done = sum(each.passages for each in lacking), 0
    yield Embedded(0, total)
    for document in lacking:
        with store.read(by) as tx:
            pieces = next((text.pieces for text in tx.library.texts([document.id])), ())
        rows: list[Floats] = []
        for start in range(0, len(pieces), _EMBEDDED_AT_ONCE):
            if stop.is_set():
                return
            some = pieces[start : start + _EMBEDDED_AT_ONCE]
            made = embedder.embed_passages([show_to_model(document, each) for each in some])
            if len(made) != len(some):
                return
            rows += list(made)
            yield Embedded(done + len(rows), total)
        done += len(rows)
        if rows:
            _keep_vectors(store, by, document.id, embedder.name, rows)


def show_to_model(document: Document, piece: Piece) -> str:
    """A passage as the embedding model reads it: what it is about often stands in the title alone."""
    return "\n".join(filter(None, (document.title, piece.heading, piece.text)))


@again
def _keep_vectors(
    store: Store, by: SignedIn, document_id: DocumentId, meaning: str, rows: Sequence[Floats]
) -> None:
    packed = pack_rows(rows)
    with store.write(by) as tx:
        # Somebody may have removed it meanwhile.
        if document_id in tx.library.marks():
            tx.library.save_vectors(document_id, meaning, packed)


def open_index(store: Store, by: SignedIn, meaning: str) -> LibraryIndex:
    """The index of all that may be opened, made once for a login and only as far as something is new."""
    opened = store.kept.of(by)
    with opened.library_lock, store.read(by) as tx:
        marks = tx.library.marks()
        key = frozenset({*marks.items(), (f"meaning {meaning}", 0)})
        shared = store.kept.libraries.get(key)
        if not isinstance(shared, LibraryIndex):
            before = opened.library if isinstance(opened.library, LibraryIndex) else None
            shared = _make_index(tx, marks, meaning, before)
            store.kept.libraries[key] = shared
        opened.library = shared
        return shared


def _make_index(
    tx: Tx, marks: Mapping[DocumentId, int], meaning: str, before: LibraryIndex | None
) -> LibraryIndex:
    cards = load_cards_with(meaning)
    if before is None:
        fresh = [(card.document, 0, card.pieces, card.vectors) for card in cards]
        before = LibraryIndex.empty(meaning).with_documents(fresh, set())
    elif before.meaning != meaning:
        return _make_index(tx, marks, meaning, None)
    keep = {each for each, version in before.versions.items() if marks.get(each, 0) == version}
    return before.with_documents(_read_fresh(tx, marks, keep, meaning), keep)


def _read_fresh(
    tx: Tx, marks: Mapping[DocumentId, int], keep: set[DocumentId], meaning: str
) -> Iterable[tuple[Document, int, Sequence[Piece], Floats | None]]:
    missing = [each for each in marks if each not in keep]
    cards = {each.id: each for each in tx.library.some(missing)}
    for text in tx.library.texts(missing):
        document = cards[text.document_id]
        has_vectors = text.vectors is not None and document.meaning == meaning
        vectors = unpack_vectors(text.vectors) if has_vectors and text.vectors else None
        yield document, marks[text.document_id], text.pieces, vectors
