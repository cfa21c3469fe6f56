"""Documents of the library: cards, texts and vectors, sealed under a key of the practice's or of one's own.

The practice's library key lies under the practice's key, so everyone who works there opens it; when that is
renewed, what is added from then on lies under a new one.  A counsellor's lies under their own key, and is
given to the recovery key so that a lost passphrase does not lose it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import Connection, RowMapping, Select, delete, func, insert, select, update

from phyassist.domain.library import Document, DocumentId, Piece, Reference, Scope
from phyassist.domain.people import CounsellorId
from phyassist.errors import NotFound, StoreUnusable
from phyassist.store.coding import Json, pack, unpack
from phyassist.store.desk import Desk
from phyassist.store.faults import changed_meanwhile
from phyassist.store.library_tables import library_documents, library_keys, library_texts
from phyassist.store.tables import practice
from phyassist.store.wraps import RECOVERY_HOLDER
from phyassist.vault.keyring import Keyring, give_key
from phyassist.vault.sealing import DataKey, DataKeys, Place
from phyassist.vault.secrets import Secret

PRACTICE_OWNER = "practice"
_CardChange = Callable[[Document], Document]
_TEXTS_AT_ONCE = 50


class KeptText(NamedTuple):
    """A document's pieces, and its vectors as they were given; None where it has none."""

    document_id: DocumentId
    pieces: tuple[Piece, ...]
    vectors: bytes | None

    def __repr__(self) -> str:
        return f"KeptText({self.document_id}, {len(self.pieces)} pieces)"


class Library:
    """What the signed-in counsellor may open: the practice's documents and their own, nobody else's."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._keys: dict[str, DataKeys | None] = {}

    def list(self) -> tuple[Document, ...]:
        """Every card, the newest first.  Raises CannotOpen."""
        query = select(library_documents).where(library_documents.c.owner_id.in_(self._owners()))
        order = (library_documents.c.added_at.desc(), library_documents.c.id)
        return tuple(self._read(row) for row in self._desk.conn.execute(query.order_by(*order)).mappings())

    def marks(self) -> Mapping[DocumentId, int]:
        """Every document that may be opened with its version: it changes with all that a search finds."""
        query = select(library_documents.c.id, library_documents.c.version).where(
            library_documents.c.owner_id.in_(self._owners())
        )
        return {DocumentId(row.id): row.version for row in self._desk.conn.execute(query)}

    def get(self, document_id: DocumentId) -> Document:
        """Raises NotFound, for somebody else's own too; CannotOpen."""
        return self._read(self._row(document_id))

    def some(self, document_ids: Sequence[DocumentId]) -> tuple[Document, ...]:
        """The cards of these, in any order; one that is gone is left out."""
        return tuple(
            self._read(row)
            for start in range(0, len(document_ids), _TEXTS_AT_ONCE)
            for row in self._desk.conn.execute(
                self._mine().where(library_documents.c.id.in_(document_ids[start : start + _TEXTS_AT_ONCE]))
            ).mappings()
        )

    def texts(self, document_ids: Sequence[DocumentId]) -> Iterator[KeptText]:
        """The pieces and vectors of these, a few documents at a time; one that is gone is left out."""
        for start in range(0, len(document_ids), _TEXTS_AT_ONCE):
            some = document_ids[start : start + _TEXTS_AT_ONCE]
            query = (
                select(library_documents.c.owner_id, library_texts)
                .join(library_texts, library_texts.c.document_id == library_documents.c.id)
                .where(library_documents.c.id.in_(some), library_documents.c.owner_id.in_(self._owners()))
            )
            for row in self._desk.conn.execute(query).mappings().all():
                yield self._read_text(row)

    def add(self, document: Document, pieces: Sequence[Piece]) -> Document:
        """The document at version 1.  The same id again changes nothing."""
        conn, now = self._desk.conn, self._desk.clock()
        known = select(library_documents.c.id).where(library_documents.c.id == document.id)
        if conn.execute(known).first() is not None:
            return self.get(document.id)
        owner = self._owner_of(document.scope)
        keys = self._keys_of(owner) or self._make_key(owner)
        stored = replace(document, added_at=now, added_by=self._desk.by.id, meaning="")
        sealed = keys.seal(_pack_pieces(pieces), _text_place(document.id, "pieces"))
        conn.execute(
            insert(library_documents).values(
                id=document.id,
                owner_id=owner,
                version=1,
                added_at=now,
                card_sealed=keys.seal(_pack_card(stored), _card_place(document.id, 1)),
            )
        )
        conn.execute(insert(library_texts).values(document_id=document.id, pieces_sealed=sealed))
        return stored

    def save_reference(self, document_id: DocumentId, reference: Reference) -> Document:
        """The document under another title, or with other things known of it.  Raises NotFound."""
        return self._change(document_id, lambda card: replace(card, reference=reference))

    def save_vectors(self, document_id: DocumentId, meaning: str, vectors: bytes) -> Document:
        """The document with vectors of its pieces from the model `meaning`.  Raises NotFound."""
        keys = self._keys_of(self._row(document_id)["owner_id"])
        if keys is None:
            raise _no_document(document_id)
        self._desk.conn.execute(
            update(library_texts)
            .where(library_texts.c.document_id == document_id)
            .values(vectors_sealed=keys.seal(vectors, _text_place(document_id, "vectors")))
        )
        return self._change(document_id, lambda card: replace(card, meaning=meaning))

    def remove(self, document_id: DocumentId) -> None:
        """The card and the text, for good.  Raises NotFound."""
        self._row(document_id)
        self._desk.conn.execute(delete(library_texts).where(library_texts.c.document_id == document_id))
        self._desk.conn.execute(delete(library_documents).where(library_documents.c.id == document_id))

    def _change(self, document_id: DocumentId, change: _CardChange) -> Document:
        row = self._row(document_id)
        card, version = change(self._read(row)), row["version"] + 1
        keys = self._keys_of(row["owner_id"])
        if keys is None:
            raise _no_document(document_id)
        done = self._desk.conn.execute(
            update(library_documents)
            .where(library_documents.c.id == document_id, library_documents.c.version == row["version"])
            .values(
                version=version, card_sealed=keys.seal(_pack_card(card), _card_place(document_id, version))
            )
        )
        if done.rowcount != 1:
            raise changed_meanwhile("document", document_id)
        return card

    def _mine(self) -> Select[tuple[object, ...]]:
        return select(library_documents).where(library_documents.c.owner_id.in_(self._owners()))

    def _row(self, document_id: DocumentId) -> RowMapping:
        found = self._desk.conn.execute(self._mine().where(library_documents.c.id == document_id))
        row = found.mappings().first()
        if row is None:
            raise _no_document(document_id)
        return row

    def _read(self, row: RowMapping) -> Document:
        keys = self._keys_of(row["owner_id"])
        document_id = DocumentId(row["id"])
        if keys is None:
            raise _no_key(document_id)
        scope = Scope.PRACTICE if row["owner_id"] == PRACTICE_OWNER else Scope.OWN
        blob = keys.open_sealed(bytes(row["card_sealed"]), _card_place(document_id, row["version"]))
        return unpack(blob, lambda fields: _read_card(fields, document_id, scope, row))

    def _read_text(self, row: RowMapping) -> KeptText:
        document_id, keys = DocumentId(row["document_id"]), self._keys_of(row["owner_id"])
        if keys is None:
            raise _no_key(document_id)
        pieces = keys.open_sealed(bytes(row["pieces_sealed"]), _text_place(document_id, "pieces"))
        vectors = row["vectors_sealed"]
        if vectors is not None:
            vectors = keys.open_sealed(bytes(vectors), _text_place(document_id, "vectors"))
        return KeptText(document_id, _unpack_pieces(pieces), vectors)

    def _owners(self) -> tuple[str, str]:
        return PRACTICE_OWNER, self._desk.by.id

    def _owner_of(self, scope: Scope) -> str:
        return PRACTICE_OWNER if scope is Scope.PRACTICE else self._desk.by.id

    def _keys_of(self, owner: str) -> DataKeys | None:
        if owner not in self._keys:
            rows = self._desk.conn.execute(select(library_keys).where(library_keys.c.owner_id == owner)).all()
            opened = {row.term: self._open_key(owner, row.term, bytes(row.wrapped_owner)) for row in rows}
            self._keys[owner] = DataKeys(opened) if opened else None
        return self._keys[owner]

    def _open_key(self, owner: str, term: int, wrapped: bytes) -> DataKey:
        place = _key_place(owner, owner, term)
        if owner == PRACTICE_OWNER:
            return DataKey(Secret(self._desk.directory.practice.keys.open_sealed(wrapped, place)), term)
        return self._desk.by.keyring.open_key(wrapped, place)

    def _make_key(self, owner: str) -> DataKeys:
        """An owner's first key; it serves this transaction alone, later ones read its row."""
        desk = self._desk
        # Whoever adds the first document at the same moment waits here, and finds this key.
        desk.conn.execute(select(practice.c.id).with_for_update())
        self._keys.pop(owner, None)
        made_meanwhile = self._keys_of(owner)
        if made_meanwhile is not None:
            return made_meanwhile
        key, place = DataKey.make(), _key_place(owner, owner, 1)
        if owner == PRACTICE_OWNER:
            wrapped = desk.directory.practice.newest.seal(key.raw().reveal(), place)
            given = None
        else:
            wrapped = desk.by.keyring.keep_key(key, place)
            given = give_key(key, desk.recovery_public, _key_place(owner, RECOVERY_HOLDER, 1))
        desk.conn.execute(
            insert(library_keys).values(
                owner_id=owner, term=1, wrapped_owner=wrapped, wrapped_recovery=given, created_at=desk.clock()
            )
        )
        self._keys[owner] = DataKeys({1: key})
        return DataKeys({1: key})


def renew_library_key(desk: Desk, old: DataKeys, new: DataKey) -> None:
    """After the practice's key was renewed: its library keys under the new one, and one more.

    Who left keeps what they could read while they were here, and cannot open what is added from now on.
    Raises CannotOpen.
    """
    rows = desk.conn.execute(select(library_keys).where(library_keys.c.owner_id == PRACTICE_OWNER)).all()
    if not rows:
        return
    for row in rows:
        place = _key_place(PRACTICE_OWNER, PRACTICE_OWNER, row.term)
        desk.conn.execute(
            update(library_keys)
            .where(library_keys.c.owner_id == PRACTICE_OWNER, library_keys.c.term == row.term)
            .values(wrapped_owner=new.seal(old.open_sealed(bytes(row.wrapped_owner), place), place))
        )
    last = select(func.max(library_keys.c.term)).where(library_keys.c.owner_id == PRACTICE_OWNER)
    term = int(desk.conn.execute(last).scalar_one()) + 1
    place = _key_place(PRACTICE_OWNER, PRACTICE_OWNER, term)
    wrapped = new.seal(DataKey.make(term).raw().reveal(), place)
    desk.conn.execute(
        insert(library_keys).values(
            owner_id=PRACTICE_OWNER,
            term=term,
            wrapped_owner=wrapped,
            wrapped_recovery=None,
            created_at=desk.clock(),
        )
    )


def restore_library_keys(
    conn: Connection, owner_id: CounsellorId, *, recovery: Keyring, keyring: Keyring
) -> None:
    """After a lost passphrase: a counsellor's library keys, opened with the recovery key, kept anew.

    Raises CannotOpen.
    """
    for row in conn.execute(select(library_keys).where(library_keys.c.owner_id == owner_id)).all():
        given = _key_place(owner_id, RECOVERY_HOLDER, row.term)
        key = recovery.open_given(bytes(row.wrapped_recovery), given)
        own = DataKey(key.raw(), row.term)
        conn.execute(
            update(library_keys)
            .where(library_keys.c.owner_id == owner_id, library_keys.c.term == row.term)
            .values(wrapped_owner=keyring.keep_key(own, _key_place(owner_id, owner_id, row.term)))
        )


def _key_place(owner: str, holder: str, term: int) -> Place:
    return Place("library_keys", owner, f"wrapped for {holder}", term)


def _card_place(document_id: DocumentId, version: int) -> Place:
    return Place("library_documents", document_id, "card", version)


def _text_place(document_id: DocumentId, what: str) -> Place:
    return Place("library_texts", document_id, what)


def _pack_card(document: Document) -> bytes:
    told = document.reference
    return pack(
        {
            "title": told.title,
            "authors": list(told.authors),
            "year": told.year,
            "language": told.language,
            "licence": told.licence,
            "source": told.source,
            "form": document.form,
            "pages": document.pages,
            "passages": document.passages,
            "scanned": list(document.scanned),
            "recognised": list(document.recognised),
            "meaning": document.meaning,
            "by": document.added_by,
            "digest": document.digest,
            "file": document.file,
            "sketch": list(document.sketch),
        }
    )


def _read_card(fields: Json, document_id: DocumentId, scope: Scope, row: RowMapping) -> Document:
    return Document(
        id=document_id,
        scope=scope,
        reference=Reference(
            fields["title"],
            tuple(fields["authors"]),
            fields["year"],
            fields["language"],
            fields["licence"],
            fields["source"],
        ),
        form=fields["form"],
        pages=int(fields["pages"]),
        passages=int(fields["passages"]),
        added_at=row["added_at"],
        scanned=tuple(fields["scanned"]),
        recognised=tuple(fields["recognised"]),
        meaning=fields["meaning"],
        added_by=fields["by"],
        digest=fields["digest"],
        sketch=tuple(fields["sketch"]),
        # Cards that were sealed by earlier versions have none.
        file=fields.get("file", ""),
    )


def _pack_pieces(pieces: Sequence[Piece]) -> bytes:
    rows = [[piece.page, piece.heading, piece.text] for piece in pieces]
    return zlib.compress(pack({"pieces": rows}), 6)


def _unpack_pieces(blob: bytes) -> tuple[Piece, ...]:
    try:
        unpacked = zlib.decompress(blob)
    except zlib.error:
        raise StoreUnusable(
            "a text of the library cannot be read by this PhyAssist", hint="remove it and add it again"
        ) from None
    return unpack(
        unpacked,
        lambda fields: tuple(Piece(int(page), heading, text) for page, heading, text in fields["pieces"]),
    )


def _no_document(document_id: DocumentId) -> NotFound:
    return NotFound(f"no document {document_id} in the library", hint="load the library again")


def _no_key(document_id: DocumentId) -> StoreUnusable:
    return StoreUnusable(f"document {document_id} has no key", hint="restore the store from a backup")
