"""How well a text is organised: found and invented on texts labelled by hand, by kind and language."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from phyassist.domain.reading.sentences import split_sentences
from phyassist.domain.reading.speakers import Speaker
from phyassist.domain.records import Record
from phyassist.domain.scores import Fact, LabelledText, Share, add_shares, score_text
from phyassist.errors import BadInput
from phyassist.lm.protocol import LanguageModel, Stop
from phyassist.services.intake import OrganiseDone, StatementsFound, organise_text, read_text
from phyassist.services.kept_scores import KeptRun, TextScored

DATA_FOLDER = Path("../shared/data")
READER_ONLY = "reader only"
# A busy machine is to change the seconds that a model took, not what it found.
_PATIENCE_S = 900.0
_SPEAKERS = {"client": "来访者", "counselor": "咨询师", "patient": "患者", "doctor": "医生"}


@dataclass(frozen=True, slots=True)
class OrganiseScored:
    """The whole set.  `found` by kind and language; `asserted` and `unsupported`: two sorts of invention."""

    model: str
    label_set: str
    texts: tuple[TextScored, ...] = field(repr=False)

    def found(self, *, kind: str = "", language: str = "") -> Share:
        return add_shares(
            share
            for text in self.texts
            for name, share in text.score.found.items()
            if (not kind or name == kind) and (not language or text.score.language == language)
        )

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(sorted({name for text in self.texts for name in text.score.found}))

    @property
    def asserted(self) -> Share:
        return add_shares(text.score.asserted for text in self.texts)

    @property
    def unsupported(self) -> Share:
        return add_shares(text.score.unsupported for text in self.texts)

    @property
    def seconds(self) -> float:
        return sum(text.seconds for text in self.texts)

    @property
    def unread(self) -> int:
        return sum(len(text.unread) for text in self.texts)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a results file: no word of any text."""
        return {
            "model": self.model,
            "labels": self.label_set,
            "texts": len(self.texts),
            "found": self.found().to_json(),
            "found_by_kind": {kind: self.found(kind=kind).to_json() for kind in self.kinds},
            "found_by_language": {
                language: {
                    "all": self.found(language=language).to_json(),
                    **{kind: self.found(kind=kind, language=language).to_json() for kind in self.kinds},
                }
                for language in ("zh", "en")
                if self.found(language=language).of
            },
            "absent_facts_asserted": self.asserted.to_json(),
            "statements_not_carried_by_their_quote": self.unsupported.to_json(),
            "shown_share_of_client_words": add_shares(text.shown for text in self.texts).to_json(),
            "unread_parts": self.unread,
            "model_tokens": sum(text.tokens for text in self.texts),
            "seconds": round(self.seconds, 2),
            "first_facts_s_max": round(max((text.first_s for text in self.texts), default=0.0), 2),
            "whole_s_max": round(max((text.seconds for text in self.texts), default=0.0), 2),
        }


def evaluate_organise(
    lm: LanguageModel | None,
    *,
    data_folder: Path = DATA_FOLDER,
    label_set: Literal["test", "dev", "second"] = "test",
    always_ask: bool = False,
    shortest: int = 0,
    kept: Path | None = None,
    stop: Stop,
) -> Iterator[TextScored | OrganiseScored]:
    """Scores text by text, then the whole.  With `always_ask` a model reads even if known to add nothing.

    The shortest texts come first, and `shortest` scores that many of them (0: all), so that a run which stops
    early has scored a set that nobody chose by its results.  With `kept` every text is written to that file
    as soon as it is scored, and one that stands there already, read by the same model and the same reader,
    is not read again.
    Raises BadInput where the folder with the public texts is not there, or `kept` cannot be read.
    """
    labelled = load_labels(label_set)
    texts = load_texts(data_folder, labelled)
    labelled = tuple(sorted(labelled, key=lambda label: len(texts[label.id])))[: shortest or None]
    name = lm.name if lm is not None else READER_ONLY
    run = (
        KeptRun(kept, f"{name}, {label_set}, {'always' if always_ask else 'where worth it'}")
        if kept
        else None
    )
    done: list[TextScored] = []
    for no, label in enumerate(labelled, start=1):
        if stop.is_set():
            break
        scored = run.find(label.id, no, len(labelled)) if run is not None else None
        if scored is None:
            scored = _score(label, texts[label.id], lm, always_ask=always_ask, stop=stop)
            scored = replace(scored, no=no, of=len(labelled))
            if run is not None and not stop.is_set():
                run.add(scored)
        done.append(scored)
        yield scored
    yield OrganiseScored(name, label_set, tuple(done))


def _score(
    label: LabelledText, text: str, lm: LanguageModel | None, *, always_ask: bool, stop: Stop
) -> TextScored:
    started = time.monotonic()
    first_s = 0.0
    events = (
        read_text(text, lm, language=label.language, known=Record(), stop=stop, second_reading_s=_PATIENCE_S)
        if always_ask
        else organise_text(text, lm, language=label.language, known=Record(), stop=stop)
    )
    for event in events:
        if isinstance(event, StatementsFound) and not first_s:
            first_s = time.monotonic() - started
        if isinstance(event, OrganiseDone):
            ended = event
    told = sum(len(each.text) for each in split_sentences(text) if each.speaker != Speaker.COUNSELLOR)
    shown = sum(len(statement.text) for statement in ended.statements if not statement.kind)
    return TextScored(
        0,
        0,
        score_text(label, ended.statements),
        first_s,
        ended.seconds,
        ended.tokens,
        ended.unread,
        Share(shown, told),
    )


def load_labels(label_set: str) -> tuple[LabelledText, ...]:
    """The labels that ship with the package; the texts themselves do not."""
    lines = files("phyassist").joinpath(f"data/organise_{label_set}.jsonl").read_text("utf-8").splitlines()
    return tuple(_read_label(json.loads(line)) for line in lines if line.strip())


def _read_label(row: dict[str, Any]) -> LabelledText:
    return LabelledText(
        row["id"],
        row["source"],
        row["row_id"],
        row["lang"],
        tuple(Fact(fact["kind"], tuple(fact["any"])) for fact in row["facts"]),
        tuple(Fact(fact["kind"], tuple(fact["any"])) for fact in row["absent"]),
    )


def load_texts(data_folder: Path, labelled: Sequence[LabelledText]) -> dict[str, str]:
    """The labelled texts by id, rebuilt from the public files.  Raises BadInput where one is missing."""
    if not data_folder.is_dir():
        raise BadInput(
            f"the folder {data_folder} with the public texts is not there",
            hint="name it with --data; docs/organise.md says where the texts come from",
        )
    by_source = {source: _load_source(data_folder, source) for source in {label.source for label in labelled}}
    missing = [label.id for label in labelled if label.row_id not in by_source[label.source]]
    if missing:
        raise BadInput(
            f"{len(missing)} labelled texts are not in {data_folder}, the first of them {missing[0]}",
            hint="use the files that docs/organise.md names",
        )
    return {label.id: by_source[label.source][label.row_id] for label in labelled}


def _load_source(folder: Path, source: str) -> dict[int, str]:
    texts: dict[int, str] = {}
    name = "counsel_chat.csv" if source == "counsel-chat" else "dialogues.jsonl"
    path = folder / source / name
    if not path.is_file():
        raise BadInput(f"{path} is not there", hint="docs/organise.md says where the texts come from")
    with path.open(encoding="utf-8", newline="") as handle:
        if source == "counsel-chat":
            for row in csv.DictReader(handle):
                texts.setdefault(int(row["questionID"]), f"{row['questionTitle']}\n\n{row['questionText']}")
        else:
            for line in handle:
                body = json.loads(line)
                texts[int(body["id"])] = _rebuild(body)
    return texts


def _rebuild(row: dict[str, Any]) -> str:
    if "dialogue" in row:
        return str(row["dialogue"]).replace("\r\n", "\n")
    return "\n".join(f"{_SPEAKERS[turn['role']]}：{turn['content']}" for turn in row["turns"])
