"""What the model does while the counsellor looks on: the services' events as pieces of the page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from starlette.responses import Response

from phyassist.domain.drafts import Draft, DraftId, DraftState, ItemId, Section
from phyassist.domain.records import Consultation, Record
from phyassist.domain.runs import RunKind
from phyassist.errors import ModelError, UnknownName
from phyassist.lm.protocol import LanguageModel, Reading, Waiting
from phyassist.services.drafting import (
    AnalysisDone,
    DraftEvent,
    ItemWords,
    ItemWritten,
    UnreadWritten,
    redo_items,
    write_draft,
)
from phyassist.services.intake import (
    OrganiseDone,
    OrganiseEvent,
    Progress,
    QuestionFound,
    RecordSaved,
    organise,
)
from phyassist.services.looking import await_draft, get_consultation, get_draft
from phyassist.services.patients import load_patient
from phyassist.services.running import find_run
from phyassist.web.desk import Desk
from phyassist.web.faults import guard_bits
from phyassist.web.render import View, render_text
from phyassist.web.sse import Bit, one_shot, stream
from phyassist.web.views.consultation import (
    ActionsFragment,
    ActionsView,
    DraftRunFragment,
    GivenFragment,
    ProgressFragment,
    QuestionFragment,
    RunView,
    name_notes,
    view_consultation,
)
from phyassist.web.views.drafting import (
    DraftFragment,
    DraftView,
    ItemFragment,
    ItemsFragment,
    NewItemFragment,
    NewUnreadFragment,
    UnreadListFragment,
    VersionFragment,
    WritingFragment,
    find_item_view,
    view_draft,
    view_sections,
    view_unread,
)
from phyassist.web.views.recording import RecordFragment, view_record

WORDS_EVERY_S = 0.2
ABOUT_AFTER_S = 10
# How often a page looks for what another process has written.
LOOK_EVERY_S = 0.5


def bit(*views: View) -> Bit:
    return Bit("\n".join(render_text(view) for view in views))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run is to write: all of a new draft, or some of its items anew."""

    after: int
    redo: bool = False
    item_ids: tuple[ItemId, ...] | None = None
    section: Section | None = None

    def to_query(self) -> str:
        pairs = [("after", str(self.after)), *(("items", item_id) for item_id in self.item_ids or ())]
        if self.redo:
            pairs.append(("redo", "yes"))
        if self.section is not None:
            pairs.append(("section", self.section.value))
        return urlencode(pairs)


def address_of(draft: Draft, wanted: Wanted | None = None) -> str:
    """The stream that writes into a draft.  It names the version it follows, so it can run only once."""
    return f"/drafts/{draft.id}/stream?{(wanted or Wanted(draft.version)).to_query()}"


def view_writing(desk: Desk, draft: Draft, wanted: Wanted | None = None, *, oob: bool = False) -> ActionsView:
    """The run with its Stop, where Organise and Analysis were."""
    return ActionsView(
        draft.consultation_id,
        address_of(draft, wanted),
        f"/drafts/{draft.id}/stop",
        desk.w("actions.starting"),
        oob=oob,
    )


def stream_organise(desk: Desk, consultation: Consultation) -> Response:
    """Organise a consultation, part by part, into the record."""
    stop = desk.house.runs.begin(
        desk.by, consultation.id, patient_id=consultation.patient_id, kind=RunKind.ORGANISE
    )
    idle = ActionsView(consultation.id, oob=True)
    if stop is None:
        return watch_organise(desk, consultation)

    def bits(stop: threading.Event) -> Iterator[Bit]:
        run = OrganiseRun(desk, consultation)
        model = find_model(desk)
        for event in organise(desk.house.store, model, desk.by, consultation_id=consultation.id, stop=stop):
            yield from run.tell(event, stop.is_set())

    def at_last() -> Iterator[Bit]:
        yield bit(ActionsFragment(desk.w, idle))

    guarded = guard_bits(bits, desk.w, at_last)
    return stream(guarded, stop, lambda: desk.house.runs.end(consultation.id))


def find_model(desk: Desk) -> LanguageModel | None:
    """The model, or none: rules and the small reader organise a text without it, only less fully."""
    try:
        return desk.house.model()
    except (ModelError, UnknownName):
        return None


class OrganiseRun:
    """Keeps count of one run's parts and time."""

    def __init__(self, desk: Desk, consultation: Consultation) -> None:
        self.desk = desk
        self.consultation = consultation
        self.started = desk.house.clock()

    def tell(self, event: OrganiseEvent | RecordSaved, stopped: bool) -> Iterator[Bit]:
        if isinstance(event, Progress):
            yield bit(ProgressFragment(self.desk.w, self.progress(event)))
        elif isinstance(event, RecordSaved):
            yield bit(self.show(event.record))
        elif isinstance(event, QuestionFound):
            now = self.again()
            yield bit(QuestionFragment(self.desk.w, view_consultation(now, (), self.desk.when)))
        elif isinstance(event, OrganiseDone):
            yield bit(ActionsFragment(self.desk.w, self.done(event, stopped)))

    def again(self) -> Consultation:
        return get_consultation(self.desk.house.store, self.desk.by, consultation_id=self.consultation.id)

    def show(self, record: Record) -> RecordFragment:
        patient_id = self.consultation.patient_id
        fields = view_record(record, patient_id)
        return RecordFragment(self.desk.w, patient_id, record.version, fields, "consultation", oob=True)

    def progress(self, event: Progress) -> ActionsView:
        said = self.desk.w("actions.reading_part", part=event.part, parts=event.parts)
        done = event.part - 1
        elapsed_s = (self.desk.house.clock() - self.started).total_seconds()
        left_s = elapsed_s / done * (event.parts - done) if done else 0.0
        if left_s > ABOUT_AFTER_S:
            said = f"{said} · {self.desk.w('actions.about_left', seconds=round(left_s))}"
        return ActionsView(self.consultation.id, said=said, done=done, total=event.parts, progress_oob=True)

    def done(self, event: OrganiseDone, stopped: bool) -> ActionsView:
        w = self.desk.w
        said = w("actions.organised", count=len(event.statements), seconds=round(event.seconds))
        if not event.statements:
            said = w("actions.nothing_found")
        if stopped:
            said = w("actions.stopped")
        if event.unread:
            said = f"{said} {w('actions.parts_unread', count=len(event.unread))}"
        return ActionsView(self.consultation.id, said=said, oob=True)


def stream_draft(desk: Desk, draft: Draft, wanted: Wanted) -> Response:
    """Write a draft, or some of its items anew, item by item."""
    if is_going(desk, draft.id):
        return watch_draft(desk, draft)
    run = DraftRun(desk, draft, wanted)
    if draft.version != wanted.after:
        # The browser calls again by itself after a break; what was written before it is shown, nothing twice.
        return one_shot(Bit("\n".join(each.html for each in run.show_again())))
    stop = desk.house.runs.begin(desk.by, draft.id, patient_id=draft.patient_id, kind=RunKind.DRAFT)
    if stop is None:
        return watch_draft(desk, draft)

    def bits(stop: threading.Event) -> Iterator[Bit]:
        for event in run.events(stop):
            yield from run.tell(event)
        yield from run.finish(desk.w("actions.stopped") if stop.is_set() else "")

    guarded = guard_bits(bits, desk.w, run.show_again)
    return stream(guarded, stop, lambda: desk.house.runs.end(draft.id))


def watch_draft(desk: Desk, draft: Draft) -> Response:
    """A draft that another window or process writes: its items as they are kept, until that run is over."""
    run = DraftRun(desk, draft, Wanted(draft.version))

    def bits(gone: threading.Event) -> Iterator[Bit]:
        run.again()
        yield bit(DraftFragment(desk.w, run.view(), oob=True))
        texts = {item.id: item.text for item in run.draft.items}
        is_alive = True
        while is_alive and not gone.wait(LOOK_EVERY_S):
            is_alive = is_going(desk, draft.id)
            run.again()
            fresh = [item for item in run.draft.items if texts.get(item.id) != item.text]
            texts |= {item.id: item.text for item in fresh}
            for item in fresh:
                yield run.item(ItemWritten(item, run.draft.version))
        broke_off = find_run(desk.house.store, desk.by, draft.id) is not None
        yield from run.finish(desk.w("actions.broken_off" if broke_off else "actions.over"))

    return stream(guard_bits(bits, desk.w, run.show_again), threading.Event(), lambda: None)


def watch_organise(desk: Desk, consultation: Consultation) -> Response:
    """A consultation that another window or process organises, until that run is over; then its record."""
    run = OrganiseRun(desk, consultation)

    def bits(gone: threading.Event) -> Iterator[Bit]:
        busy = ActionsView(consultation.id, said=desk.w("actions.organise_busy"))
        yield bit(ProgressFragment(desk.w, busy))
        while is_going(desk, consultation.id) and not gone.wait(LOOK_EVERY_S):
            continue
        broke_off = find_run(desk.house.store, desk.by, consultation.id) is not None
        said = desk.w("actions.organise_broken_off" if broke_off else "actions.over")
        record = load_patient(desk.house.store, desk.by, consultation.patient_id).record
        yield bit(
            run.show(record), ActionsFragment(desk.w, ActionsView(consultation.id, said=said, oob=True))
        )

    def at_last() -> Iterator[Bit]:
        yield bit(ActionsFragment(desk.w, ActionsView(consultation.id, oob=True)))

    return stream(guard_bits(bits, desk.w, at_last), threading.Event(), lambda: None)


def is_going(desk: Desk, run_id: str) -> bool:
    run = find_run(desk.house.store, desk.by, run_id)
    return run is not None and run.is_alive(desk.house.store.clock())


def view_actions(desk: Desk, consultation: Consultation, draft_id: str) -> ActionsView:
    """Organise and Analysis of a page that is opened: free, or with what is going on or was broken off."""
    at = f"/consultations/{consultation.id}"
    organising = find_run(desk.house.store, desk.by, consultation.id)
    if organising is not None and organising.is_alive(desk.house.store.clock()):
        return ActionsView(
            consultation.id, f"{at}/organise/stream", f"{at}/organise/stop", desk.w("actions.organise_busy")
        )
    writing = find_run(desk.house.store, desk.by, draft_id) if draft_id else None
    if writing is not None:
        draft = get_draft(desk.house.store, desk.by, draft_id=DraftId(draft_id))
        if writing.is_alive(desk.house.store.clock()):
            return replace(view_writing(desk, draft), said=desk.w("actions.busy"))
        if draft.state is DraftState.OPEN and draft.missing:
            return ActionsView(consultation.id, said=desk.w("actions.broken_off"))
    said = desk.w("actions.organise_broken_off") if organising is not None else ""
    return ActionsView(consultation.id, said=said)


class DraftRun:
    """What the page shows of a draft while it is being written."""

    def __init__(self, desk: Desk, draft: Draft, wanted: Wanted) -> None:
        self.desk = desk
        self.draft = draft
        self.wanted = wanted
        self.shown = {item.id for item in draft.items}
        self.started = self.last_words = desk.house.clock()
        self.written = 0
        self.repeated = 0
        self.writing = ""
        self.writing_place: tuple[Section, int] | None = None

    def events(self, stop: threading.Event) -> Iterator[DraftEvent]:
        store, model, by = self.desk.house.store, self.desk.house.model(), self.desk.by
        if not self.wanted.redo:
            embedder = self.desk.house.embedder
            return write_draft(store, model, by, draft_id=self.draft.id, stop=stop, embedder=embedder)
        return redo_items(
            store,
            model,
            by,
            draft_id=self.draft.id,
            item_ids=self.wanted.item_ids,
            section=self.wanted.section,
            after=self.wanted.after,
            stop=stop,
        )

    def tell(self, event: DraftEvent) -> Iterator[Bit]:
        w = self.desk.w
        if isinstance(event, Reading) and not self.wanted.redo:
            actions = ActionsView(
                self.draft.consultation_id,
                said=w("actions.reading_prompt"),
                done=event.read,
                total=event.total,
                progress_oob=True,
            )
            yield bit(ProgressFragment(w, actions))
        elif isinstance(event, Waiting) and not self.wanted.redo:
            said = w("chat.waiting", count=event.ahead)
            actions = ActionsView(self.draft.consultation_id, said=said, progress_oob=True)
            yield bit(ProgressFragment(w, actions))
        elif isinstance(event, ItemWords):
            yield from self.words(event)
        elif isinstance(event, ItemWritten):
            yield self.item(event)
        elif isinstance(event, AnalysisDone):
            self.repeated = event.repeated
        elif isinstance(event, UnreadWritten):
            self.again()
            self.writing_place = None
            yield bit(
                *(WritingFragment(w, section.value, "") for section in Section),
                NewUnreadFragment(w, self.draft.id, view_unread(event.unread)),
                VersionFragment(w, self.draft.version, w("unread.title")),
            )

    def words(self, event: ItemWords) -> Iterator[Bit]:
        """A few times a second at most: the page is read by a person."""
        now, place = self.desk.house.clock(), (event.section, event.no)
        self.writing = self.writing + event.text if place == self.writing_place else event.text
        self.writing_place = place
        if (now - self.last_words).total_seconds() >= WORDS_EVERY_S:
            self.last_words = now
            yield bit(WritingFragment(self.desk.w, event.section.value, self.writing))

    def item(self, event: ItemWritten) -> Bit:
        self.again()
        self.writing_place = None
        self.written += 1
        w, item = self.desk.w, find_item_view(self.draft, event.item.id)
        if item is None:
            return bit(VersionFragment(w, self.draft.version))
        said = w("item.written_said", section=w(f"section.{item.section}"), no=item.no, text=item.text)
        rest = (WritingFragment(w, item.section, ""), VersionFragment(w, self.draft.version, said))
        if event.item.id in self.shown:
            return bit(ItemFragment(w, item, oob="true"), *rest)
        self.shown.add(event.item.id)
        return bit(NewItemFragment(w, item), *rest)

    def again(self) -> None:
        draft_id = DraftId(self.draft.id)
        self.draft = await_draft(self.desk.house.store, self.desk.by, draft_id=draft_id)

    def finish(self, said: str) -> Iterator[Bit]:
        """The buttons again; sections whose items are not those on the page, or in another order, anew."""
        self.again()
        w = self.desk.w
        seconds = round((self.desk.house.clock() - self.started).total_seconds())
        if self.repeated and self.wanted.redo:
            said = w("draft.repeated")
        elif not said:
            said = w("actions.analysed", count=self.written, seconds=seconds)
            if self.repeated:
                said = f"{said} · {w('actions.repeated', count=self.repeated)}"
        views: list[View] = [WritingFragment(w, section.value, "") for section in Section]
        if self.wanted.redo:
            views += [
                ItemsFragment(w, section.name, section.items, oob=True)
                for section in view_sections(self.draft.items, self.draft.id)
                if any(ItemId(item.item_id) not in self.shown for item in section.items)
            ]
        unread = tuple(view_unread(each) for each in self.draft.unread)
        views.append(UnreadListFragment(w, self.draft.id, unread))
        yield bit(*views, VersionFragment(w, self.draft.version), *self.idle(said))

    def idle(self, said: str) -> tuple[View, ...]:
        w = self.desk.w
        above, below = ("", said) if self.wanted.redo else (said, "")
        buttons: list[View] = [
            DraftRunFragment(w, self.draft.id, RunView("", "", "", below, oob=True)),
            ActionsFragment(w, ActionsView(self.draft.consultation_id, said=above, oob=True)),
        ]
        return (*buttons, GivenFragment(w, self.view()))

    def show_again(self) -> Iterator[Bit]:
        """The whole draft as the store has it."""
        self.again()
        actions = ActionsView(self.draft.consultation_id, oob=True)
        yield bit(DraftFragment(self.desk.w, self.view(), oob=True), ActionsFragment(self.desk.w, actions))

    def view(self) -> DraftView:
        file = load_patient(self.desk.house.store, self.desk.by, self.draft.patient_id)
        return view_draft(self.draft, "", name_notes(file, self.desk))
