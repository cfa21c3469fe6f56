"""Who gets what from each route, decided by hand.  A route without a row here fails the tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# What a person is answered.
SHOWN = "shown"  # what they asked for
HIDDEN = "hidden"  # word for word what is answered for an id that does not exist
READ_ONLY = "read only"
NOT_ALLOWED = "not allowed"
LOCKED = "locked"  # led to the page where one signs in

# The counsellor in charge; those with whom the file is shared; those with whom it was; and the others.
READERS = ("reader", "reading supervisor")
STRANGERS = ("withdrawn", "expired", "former", "foreign", "foreign supervisor", "administrator")
PEOPLE = ("own", "writer", *READERS, *STRANGERS, "nobody")
_OUTSIDE = {**dict.fromkeys(STRANGERS, HIDDEN), "nobody": LOCKED}


# Kinds of routes: what each person is answered.
Answers = Mapping[str, str]
SEE: Answers = {"own": SHOWN, "writer": SHOWN, **dict.fromkeys(READERS, SHOWN), **_OUTSIDE}
CHANGE: Answers = {"own": SHOWN, "writer": SHOWN, **dict.fromkeys(READERS, READ_ONLY), **_OUTSIDE}
# What only the counsellor in charge decides.
CHARGE: Answers = {"own": SHOWN, "writer": NOT_ALLOWED, **dict.fromkeys(READERS, NOT_ALLOWED), **_OUTSIDE}
# What only the author of a note may do with it; who may not write at all is told that.
AUTHOR: Answers = {"own": SHOWN, "writer": NOT_ALLOWED, **dict.fromkeys(READERS, READ_ONLY), **_OUTSIDE}
# What anybody who is signed in may do for themselves; it names no patient.
SIGNED_IN: Answers = {**dict.fromkeys(PEOPLE, SHOWN), "nobody": LOCKED}
# Work with patients, though with none in particular.
COUNSEL: Answers = {**SIGNED_IN, "administrator": NOT_ALLOWED}
RUN_PRACTICE: Answers = {**dict.fromkeys(PEOPLE, NOT_ALLOWED), "administrator": SHOWN, "nobody": LOCKED}
EVERYBODY: Answers = dict.fromkeys(PEOPLE, SHOWN)


# A counsellor's private notes: whoever else opens the file has their own, and learns of no other.
MINE: Answers = {"own": SHOWN, "writer": HIDDEN, **dict.fromkeys(READERS, HIDDEN), **_OUTSIDE}
# A document of the library that is one counsellor's own: of no patient, and nobody else's to see.
OWN_DOCUMENT: Answers = {**dict.fromkeys(PEOPLE, HIDDEN), "own": SHOWN, "nobody": LOCKED}
# An adapter of one counsellor's own is used and taken back by them and by who runs the practice.
OWN_ADAPTER: Answers = {
    **dict.fromkeys(PEOPLE, HIDDEN),
    "own": SHOWN,
    "administrator": HIDDEN,
    "nobody": LOCKED,
}
# What is left of an erasure: for who erased and for who runs the practice.
RECEIPT: Answers = {
    **dict.fromkeys(PEOPLE, NOT_ALLOWED),
    "own": SHOWN,
    "administrator": SHOWN,
    "nobody": LOCKED,
}
# The audit log names ids, to who runs the practice; never a word.
TELLS_IDS = {("GET", "/practice/audit"), ("POST", "/practice/audit/check")}


@dataclass(frozen=True)
class Row:
    """`form` is what a page would send; `status` what it is answered where it is let through.

    `ids` puts another of the world's ids in the place of one that the path names.
    """

    answers: Answers
    form: dict[str, str] = field(default_factory=dict)
    status: int = 200
    query: dict[str, str] = field(default_factory=dict)
    file: bool = False
    ids: dict[str, str] = field(default_factory=dict)


PRIVATE_NOTE = {"note_id": "process_note_id"}
QUESTION, ANSWER = {"message_id": "question_id"}, {"message_id": "answer_id"}
OWN, OWN_RUN = {"adapter_id": "own_adapter_id"}, {"run_id": "own_run_id"}
AFTER = {"after": "{draft_version}"}
CARD = {"name": "Lee", "language": "en"}
TWICE = {"passphrase": "another long passphrase", "again": "another long passphrase"}

TABLE: dict[tuple[str, str], Row] = {
    # The doors
    ("GET", "/"): Row(EVERYBODY, status=303),
    ("GET", "/alive"): Row(EVERYBODY),
    ("GET", "/setup"): Row(EVERYBODY, status=303),
    ("POST", "/setup"): Row(
        EVERYBODY, {"name": "Eve", "language": "en", "jurisdiction": "cn", **TWICE}, status=409
    ),
    ("GET", "/unlock"): Row(EVERYBODY),
    ("POST", "/unlock"): Row(EVERYBODY, {"name": "Olga", "passphrase": "wrong"}, status=403),
    ("GET", "/join"): Row(EVERYBODY),
    ("POST", "/join/look"): Row(EVERYBODY, {"code": "wrong"}, status=403),
    ("POST", "/join"): Row(
        EVERYBODY, {"code": "wrong", "name": "Eve", "language": "en", **TWICE}, status=403
    ),
    ("POST", "/lock"): Row(EVERYBODY, status=303),
    ("GET", "/recover"): Row(EVERYBODY),
    ("POST", "/recover"): Row(EVERYBODY, {"recovery_key": "wrong", **TWICE}, status=403),
    ("POST", "/language"): Row(EVERYBODY, {"language": "zh"}, status=303),
    ("POST", "/theme"): Row(EVERYBODY, {"theme": "dark"}, status=303),
    # One's own workspace
    ("GET", "/patients"): Row(SIGNED_IN),
    ("GET", "/library"): Row(SIGNED_IN),
    ("POST", "/library/search"): Row(SIGNED_IN, {"words": "Quist"}, status=303),
    ("POST", "/library"): Row(SIGNED_IN, {"scope": "own"}, status=303, file=True),
    ("POST", "/library/in-drafts"): Row(RUN_PRACTICE, {"wanted": "yes"}, status=303),
    ("GET", "/library/{document_id}"): Row(OWN_DOCUMENT),
    ("POST", "/library/{document_id}"): Row(OWN_DOCUMENT, {"title": "Other"}, status=303),
    ("POST", "/library/{document_id}/remove"): Row(OWN_DOCUMENT, status=303),
    ("GET", "/find"): Row(SIGNED_IN),
    ("POST", "/find"): Row(SIGNED_IN, {"words": "Quist"}, status=303),
    ("GET", "/practice"): Row(SIGNED_IN),
    ("GET", "/account"): Row(SIGNED_IN),
    ("POST", "/account/passphrase"): Row(SIGNED_IN, {"old": "wrong", **TWICE}, status=422),
    ("GET", "/account/second"): Row(SIGNED_IN),
    ("POST", "/account/second"): Row(SIGNED_IN, {"secret": "A" * 32, "code": "0"}, status=422),
    ("POST", "/account/second/end"): Row(SIGNED_IN, {"passphrase": "wrong"}, status=422),
    ("POST", "/account/logins/end"): Row(SIGNED_IN, status=303),
    ("POST", "/account/logins/{login_id}/end"): Row(SIGNED_IN, status=303),
    ("POST", "/account/seen"): Row(SIGNED_IN, status=303),
    ("POST", "/account/cover"): Row(SIGNED_IN, {"to": "{holder_id}", "until": "2031-01-01"}, status=303),
    ("POST", "/account/hand-over"): Row(SIGNED_IN, {"to": "{holder_id}", "confirm": "yes"}, status=303),
    ("GET", "/patients/new"): Row(COUNSEL),
    ("POST", "/patients"): Row(COUNSEL, CARD, status=303),
    # The practice
    ("POST", "/practice"): Row(
        RUN_PRACTICE,
        {
            "language": "en",
            "theme": "dark",
            "client_word": "client",
            "jurisdiction": "cn",
            "idle_lock_min": "15",
        },
        status=303,
    ),
    ("GET", "/practice/people"): Row(SIGNED_IN),
    ("POST", "/practice/people"): Row(RUN_PRACTICE, {"name": "Uta", "role": "counsellor"}),
    ("POST", "/practice/people/{counsellor_id}/withdraw"): Row(
        RUN_PRACTICE, status=303, ids={"counsellor_id": "invited_id"}
    ),
    ("POST", "/practice/people/{counsellor_id}/end"): Row(
        RUN_PRACTICE, status=303, ids={"counsellor_id": "holder_id"}
    ),
    ("POST", "/practice/people/{counsellor_id}/resume"): Row(
        RUN_PRACTICE, status=303, ids={"counsellor_id": "holder_id"}
    ),
    ("POST", "/practice/people/{counsellor_id}/confirm"): Row(
        SIGNED_IN, {"fingerprint": "wrong"}, status=422, ids={"counsellor_id": "holder_id"}
    ),
    ("GET", "/practice/templates"): Row(SIGNED_IN),
    ("POST", "/practice/templates"): Row(
        RUN_PRACTICE, {"template": "soap", "lock_after_days": "7"}, status=303
    ),
    ("GET", "/practice/retention"): Row(SIGNED_IN),
    ("POST", "/practice/retention"): Row(RUN_PRACTICE, {"rule": "de", "years": "10"}, status=303),
    ("GET", "/practice/audit"): Row(RUN_PRACTICE),
    ("POST", "/practice/audit/check"): Row(RUN_PRACTICE),
    ("GET", "/practice/erasures"): Row(SIGNED_IN),
    ("GET", "/practice/erasures/{erasure_id}"): Row(RECEIPT),
    # A patient's file
    ("GET", "/patients/{patient_id}/audit"): Row(SEE),
    ("GET", "/patients/{patient_id}/consent"): Row(SEE),
    ("POST", "/patients/{patient_id}/consent"): Row(CHANGE, {"drafting": "yes"}, status=303),
    ("GET", "/patients/{patient_id}/consent/form"): Row(SEE),
    ("POST", "/patients/{patient_id}/printed"): Row(SEE, status=204),
    ("GET", "/patients/{patient_id}"): Row(SEE, status=303),
    ("POST", "/patients/{patient_id}"): Row(CHANGE, CARD, status=303),
    ("GET", "/patients/{patient_id}/edit"): Row(SEE),
    ("POST", "/patients/{patient_id}/delete"): Row(CHARGE, {"confirm": "Lee Quist"}, status=303),
    ("GET", "/patients/{patient_id}/sharing"): Row(SEE),
    ("POST", "/patients/{patient_id}/sharing"): Row(
        CHARGE, {"to": "{holder_id}", "right": "write"}, status=303
    ),
    ("POST", "/patients/{patient_id}/sharing/{counsellor_id}/end"): Row(
        CHARGE, status=303, ids={"counsellor_id": "holder_id"}
    ),
    ("POST", "/patients/{patient_id}/hand-over"): Row(CHARGE, {"to": "{holder_id}"}, status=303),
    ("GET", "/patients/{patient_id}/consultation"): Row(SEE, status=303),
    ("POST", "/patients/{patient_id}/consultations"): Row(CHANGE, status=303),
    ("GET", "/patients/{patient_id}/consultations/{consultation_id}"): Row(SEE),
    ("GET", "/patients/{patient_id}/notes"): Row(SEE),
    ("GET", "/patients/{patient_id}/notes/export"): Row(SEE, query={"form": "json"}),
    ("POST", "/notes/{note_id}/amendments"): Row(CHANGE, {"text": "more", "reason": "forgotten"}),
    ("POST", "/notes/{note_id}/lock"): Row(AUTHOR),
    ("POST", "/notes/{note_id}/withdraw"): Row(AUTHOR, {"reason": "wrong date"}, status=303),
    ("GET", "/patients/{patient_id}/record"): Row(SEE),
    ("POST", "/patients/{patient_id}/record"): Row(
        CHANGE, {"field": "mental_state", "text": "calm", "after": "{record_version}"}
    ),
    ("POST", "/patients/{patient_id}/record/{statement_id}"): Row(
        CHANGE, {"text": "20", "after": "{record_version}"}
    ),
    ("POST", "/patients/{patient_id}/record/{statement_id}/delete"): Row(
        CHANGE, {"after": "{record_version}"}
    ),
    ("POST", "/patients/{patient_id}/record/{statement_id}/settle"): Row(
        CHANGE, {"choice": "leave", "after": "{record_version}"}, ids={"statement_id": "differing_id"}
    ),
    ("GET", "/patients/{patient_id}/process-notes"): Row(SEE),
    ("GET", "/patients/{patient_id}/process-notes/export"): Row(SEE),
    ("GET", "/patients/{patient_id}/process-notes/{note_id}"): Row(MINE, ids=PRIVATE_NOTE),
    ("GET", "/patients/{patient_id}/process-notes/{note_id}/versions"): Row(MINE, ids=PRIVATE_NOTE),
    ("POST", "/patients/{patient_id}/process-notes/{note_id}"): Row(
        MINE, {"text": "changed", "after": "1"}, ids=PRIVATE_NOTE
    ),
    ("POST", "/patients/{patient_id}/process-notes/{note_id}/delete"): Row(
        MINE, status=303, ids=PRIVATE_NOTE
    ),
    # Conversations
    ("GET", "/patients/{patient_id}/chat"): Row(SEE, query={"thread": "{thread_id}"}),
    ("POST", "/patients/{patient_id}/chat/search"): Row(SEE, {"words": "ask"}, status=303),
    ("GET", "/consultations/{consultation_id}/chat"): Row(SEE),
    ("POST", "/patients/{patient_id}/chat"): Row(CHANGE, {"question": "why?"}),
    ("GET", "/chat"): Row(SIGNED_IN),
    ("POST", "/chat/search"): Row(SIGNED_IN, {"words": "ask"}, status=303),
    ("POST", "/chat"): Row(SIGNED_IN, {"question": "why?"}),
    ("POST", "/chats/{thread_id}/messages"): Row(CHANGE, {"question": "and?", "parent": "{answer_id}"}),
    ("POST", "/chats/{thread_id}/messages/{message_id}/again"): Row(CHANGE, ids=QUESTION),
    ("GET", "/chats/{thread_id}/messages/{message_id}/stream"): Row(CHANGE, ids=ANSWER),
    ("POST", "/chats/{thread_id}/messages/{message_id}/stop"): Row(CHANGE, status=204, ids=ANSWER),
    ("POST", "/chats/{thread_id}/messages/{message_id}/show"): Row(CHANGE, ids=ANSWER),
    ("POST", "/chats/{thread_id}/messages/{message_id}/item"): Row(
        CHANGE, {"paragraph": "0", "section": "advice"}, ids=ANSWER
    ),
    ("POST", "/chats/{thread_id}/messages/{message_id}/record"): Row(
        CHANGE, {"paragraph": "0", "field": "mental_state"}, ids=ANSWER
    ),
    ("POST", "/chats/{thread_id}/delete"): Row(CHANGE, status=303),
    # What the assistant learns; this world has no model, so no run begins
    ("GET", "/patients/{patient_id}/assistant"): Row(SEE),
    ("POST", "/patients/{patient_id}/assistant/merge"): Row(SEE, status=409),
    ("POST", "/patients/{patient_id}/assistant/train"): Row(SEE, status=409),
    ("GET", "/patients/{patient_id}/assistant/runs/{run_id}"): Row(SEE),
    ("POST", "/patients/{patient_id}/assistant/runs/{run_id}/cancel"): Row(CHANGE, status=303),
    ("POST", "/patients/{patient_id}/assistant/adapters/{adapter_id}/use"): Row(CHANGE, status=303),
    ("POST", "/patients/{patient_id}/assistant/adapters/{adapter_id}/withdraw"): Row(CHANGE, status=303),
    ("POST", "/patients/{patient_id}/assistant/adapters/{adapter_id}/delete"): Row(CHANGE, status=303),
    ("POST", "/patients/{patient_id}/assistant/examples/{example_id}"): Row(CHANGE, {"left_out": "yes"}),
    ("POST", "/consultations/{consultation_id}/assistant"): Row(CHANGE, {"wanted": ""}, status=303),
    ("GET", "/consultations/{consultation_id}/compare/{adapter_id}"): Row(SEE),
    ("GET", "/consultations/{consultation_id}/compare/{adapter_id}/stream"): Row(SEE),
    ("GET", "/practice/assistant"): Row(SIGNED_IN),
    ("POST", "/practice/assistant"): Row(SIGNED_IN, {"kind": "counsellor"}, status=303),
    ("POST", "/practice/assistant/merge"): Row(SIGNED_IN, status=409),
    ("POST", "/practice/assistant/train"): Row(SIGNED_IN, {"kind": "counsellor"}, status=409),
    ("GET", "/practice/assistant/runs/{run_id}"): Row(OWN_ADAPTER, ids=OWN_RUN),
    ("POST", "/practice/assistant/runs/{run_id}/cancel"): Row(OWN_ADAPTER, status=303, ids=OWN_RUN),
    ("POST", "/practice/assistant/shipped/{name}/take"): Row(
        RUN_PRACTICE, status=303, ids={"name": "shipped_name"}
    ),
    ("GET", "/practice/assistant/compare/{adapter_id}"): Row(SEE, query={"on": "{consultation_id}"}),
    ("POST", "/practice/assistant/adapters/{adapter_id}/use"): Row(OWN_ADAPTER, status=303, ids=OWN),
    ("POST", "/practice/assistant/adapters/{adapter_id}/withdraw"): Row(OWN_ADAPTER, status=303, ids=OWN),
    ("POST", "/practice/assistant/adapters/{adapter_id}/delete"): Row(OWN_ADAPTER, status=303, ids=OWN),
    # Beside a consultation
    ("GET", "/patients/{patient_id}/risk"): Row(SEE),
    ("GET", "/consultations/{consultation_id}/risk"): Row(SEE),
    ("GET", "/consultations/{consultation_id}/similar"): Row(SEE),
    ("GET", "/consultations/{consultation_id}/leaving"): Row(SEE),
    # A consultation
    ("GET", "/consultations/{consultation_id}/source"): Row(SEE),
    ("POST", "/consultations/{consultation_id}/source"): Row(
        CHANGE, {"text": "changed", "after": "{source_version}"}
    ),
    ("GET", "/consultations/{consultation_id}/question"): Row(SEE),
    ("POST", "/consultations/{consultation_id}/question"): Row(
        CHANGE, {"question": "so?", "after": "{question_version}"}
    ),
    ("POST", "/consultations/{consultation_id}/upload"): Row(CHANGE, file=True),
    ("POST", "/consultations/{consultation_id}/organise"): Row(CHANGE),
    ("GET", "/consultations/{consultation_id}/organise/stream"): Row(CHANGE),
    ("POST", "/consultations/{consultation_id}/organise/stop"): Row(CHANGE, status=204),
    ("POST", "/consultations/{consultation_id}/drafts/by-hand"): Row(CHANGE),
    ("POST", "/consultations/{consultation_id}/drafts"): Row(CHANGE),
    # A draft
    ("GET", "/drafts/{draft_id}"): Row(SEE, status=303),
    ("GET", "/drafts/{draft_id}/stream"): Row(CHANGE, query=AFTER),
    ("POST", "/drafts/{draft_id}/stop"): Row(CHANGE, status=204),
    ("POST", "/drafts/{draft_id}/redo"): Row(CHANGE, AFTER),
    ("POST", "/drafts/{draft_id}/again"): Row(CHANGE),
    ("GET", "/drafts/{draft_id}/versions"): Row(SEE),
    ("GET", "/drafts/{draft_id}/versions/{version}"): Row(SEE),
    ("POST", "/drafts/{draft_id}/versions/{version}/restore"): Row(CHANGE, AFTER),
    ("POST", "/drafts/{draft_id}/discard"): Row(CHANGE, AFTER),
    ("GET", "/drafts/{draft_id}/note"): Row(SEE),
    ("POST", "/drafts/{draft_id}/note/preview"): Row(SEE),
    ("POST", "/drafts/{draft_id}/note"): Row(CHANGE, AFTER, status=303),
    ("POST", "/drafts/{draft_id}/items"): Row(CHANGE, {**AFTER, "text": "one more", "section": "advice"}),
    ("POST", "/drafts/{draft_id}/items/{item_id}"): Row(CHANGE, {**AFTER, "text": "other words"}),
    ("POST", "/drafts/{draft_id}/items/{item_id}/comments"): Row(CHANGE, {**AFTER, "words": "shorter"}),
    ("POST", "/drafts/{draft_id}/items/{item_id}/delete"): Row(CHANGE, AFTER),
    ("POST", "/drafts/{draft_id}/items/{item_id}/bring-back"): Row(
        CHANGE, AFTER, ids={"item_id": "gone_item_id"}
    ),
    ("POST", "/drafts/{draft_id}/items/{item_id}/move"): Row(CHANGE, {**AFTER, "direction": "down"}),
    ("GET", "/drafts/{draft_id}/items/{item_id}/history"): Row(SEE),
}
