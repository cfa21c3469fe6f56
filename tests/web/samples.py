"""One view of every template, made of invented people, in either language."""

# ruff: noqa: E501 - what a person says is not broken to fit a line
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from types import MappingProxyType

from phyassist.domain.drafts import (
    Basis,
    Change,
    Comment,
    Draft,
    DraftId,
    DraftItem,
    DraftVersion,
    ItemId,
    Section,
    UnreadReply,
    WrittenBy,
)
from phyassist.domain.notes import Amendment, ByHand, Note, NoteId
from phyassist.domain.people import Language, PatientId
from phyassist.domain.records import (
    Consultation,
    ConsultationId,
    Record,
    RecordField,
    RecordLine,
    Source,
    SourceId,
    Span,
    Standing,
    Statement,
    StatementId,
)
from phyassist.services.retention import list_rules
from phyassist.store.people import SecondFactor
from phyassist.web import faults
from phyassist.web.pages import account
from phyassist.web.render import View
from phyassist.web.views import consultation as consulting
from phyassist.web.views import drafting, entrance, frame, members, notes, people, recording
from phyassist.web.views import process_notes as processing
from phyassist.web.views import retention as keeping
from phyassist.web.when import When, make_zone
from phyassist.web.wording import Words, make_words
from tests.web.samples_of_beside import make_beside
from tests.web.samples_of_chat import make_chat_fragments, make_chat_pages
from tests.web.samples_of_duties import make_duties
from tests.web.samples_of_learning import make_chip, make_learning, make_learning_fragments
from tests.web.samples_of_library import make_library

NOW = datetime(2026, 11, 2, 6, 3, tzinfo=UTC)
PERSON = PatientId("p1")
MEETING = ConsultationId("c1")

TEXT = {
    "zh": "我今年十九岁，女，在读高三复读班。从三月开始，每晚只能睡四个小时左右，一想到模拟考试就心慌、手心出汗。"
    "去年高考差了六分，爸妈没有责怪我，可是我觉得对不起他们。以前成绩一直很好，初中时当过班长。"
    "现在不太想和同学说话，中午一个人吃饭。我想知道，我这样是不是出了什么问题，还能不能参加明年的考试？",
    "en": "I am nineteen and repeating my final school year. Since March I sleep about four hours a night, and when I "
    "think of the mock exams my heart races and my palms sweat. I missed the mark by six points last year. My "
    "parents did not blame me, but I feel that I let them down. I was always good at school, and class monitor once. "
    "These days I hardly talk to anybody and have lunch alone. Is something wrong with me, and can I sit the exam next year?",
}
QUESTION = {
    "zh": "我这样是不是出了什么问题，还能不能参加明年的考试？",
    "en": "Is something wrong with me, and can I sit the exam next year?",
}
LINES = {
    "zh": [
        (RecordField.DEMOGRAPHIC, "女", "女", "sex", Standing.KNOWN),
        (RecordField.DEMOGRAPHIC, "19 岁", "十九岁", "age", Standing.DIFFERS),
        (RecordField.DEMOGRAPHIC, "高三复读生", "在读高三复读班", "occupation", Standing.NEW),
        (RecordField.HISTORY, "去年高考差六分", "去年高考差了六分", "", Standing.NEW),
        (RecordField.HISTORY, "成绩一直很好，当过班长", "以前成绩一直很好，初中时当过班长", "", Standing.SAME),
        (RecordField.MENTAL, "想到模拟考试就心慌", "一想到模拟考试就心慌", "", Standing.NEW),
        (RecordField.PHYSICAL, "三月起每晚睡四小时左右", "从三月开始，每晚只能睡四个小时左右", "", Standing.NEW),
        (RecordField.SOCIAL, "不愿与同学说话，独自吃饭", "不太想和同学说话，中午一个人吃饭", "", Standing.NEW),
    ],
    "en": [
        (RecordField.DEMOGRAPHIC, "female", "", "sex", Standing.KNOWN),
        (RecordField.DEMOGRAPHIC, "19 years old", "I am nineteen", "age", Standing.DIFFERS),
        (RecordField.DEMOGRAPHIC, "repeats her final school year", "repeating my final school year", "occupation", Standing.NEW),
        (RecordField.HISTORY, "missed the mark by six points last year", "I missed the mark by six points last year", "", Standing.NEW),
        (RecordField.HISTORY, "always good at school; class monitor", "I was always good at school, and class monitor once", "", Standing.SAME),
        (RecordField.MENTAL, "heart races when she thinks of the mock exams", "when I think of the mock exams my heart races", "", Standing.NEW),
        (RecordField.PHYSICAL, "sleeps about four hours a night since March", "Since March I sleep about four hours a night", "", Standing.NEW),
        (RecordField.SOCIAL, "hardly talks to anybody, has lunch alone", "I hardly talk to anybody and have lunch alone", "", Standing.NEW),
    ],
}  # fmt: skip
ITEMS = {
    "zh": [
        (Section.SYMPTOM_TYPE, "学业焦虑，伴睡眠不足", None, ""),
        (Section.REASON, "落榜仅差六分，复读把压力集中到一次考试上。", Basis.QUOTED, "去年高考差了六分"),
        (Section.REASON, "父母没有责怪，她却觉得亏欠，内疚转成对自己的苛求。", Basis.QUOTED, "我觉得对不起他们"),
        (Section.REASON, "一贯优秀，可能把成绩当作自我价值的唯一依据。", Basis.INFERRED, ""),
        (Section.ADVICE, "先稳定睡眠：固定起床时间，睡前一小时不看习题，记录两周的睡眠日记。", None, ""),
        (Section.ADVICE, "与她一起写下“六分意味着什么”，把一次结果和整个人分开。", None, ""),
        (Section.ADVICE, "若睡眠和心慌四周内没有好转，建议转介精神科评估。", None, ""),
    ],
    "en": [
        (Section.SYMPTOM_TYPE, "Academic anxiety with too little sleep", None, ""),
        (Section.REASON, "Six points were missing; repeating the year puts all the weight on one exam.", Basis.QUOTED, "I missed the mark by six points last year"),
        (Section.REASON, "Nobody blames her, yet she feels she owes them: guilt has become a demand on herself.", Basis.QUOTED, "I feel that I let them down"),
        (Section.REASON, "Always good at school, she may measure her worth by marks alone.", Basis.INFERRED, ""),
        (Section.ADVICE, "Steady the sleep first: one time to get up, no exercises in the last hour, a sleep diary for two weeks.", None, ""),
        (Section.ADVICE, "Write down together what six points mean, and part one result from the whole person.", None, ""),
        (Section.ADVICE, "If sleep and racing heart are no better in four weeks, consider referral to a psychiatrist.", None, ""),
    ],
}  # fmt: skip
NAMES = {
    "zh": ("孙某", "李晓雨", "赵先生", "陈某某"),
    "en": ("Lee Hartwell", "Ada Brook", "Tom Finch", "J. Moss"),
}
COMMENT = {"zh": "再具体一些，她只有周末有时间", "en": "more concrete, she has only weekends"}


def make_when(language: Language) -> When:
    return When(make_zone("Asia/Shanghai"), make_words(language), NOW)


def make_consultation(language: Language) -> Consultation:
    source = Source(SourceId("s1"), TEXT[language], 3, NOW, 3)
    return Consultation(MEETING, PERSON, NOW, source, QUESTION[language], 2)


def make_record(language: Language) -> Record:
    lines = []
    for no, (place, text, words, kind, standing) in enumerate(LINES[language]):
        start = max(TEXT[language].find(words), 0)
        statement = Statement(place, text, words, Span(start, start + len(words)), kind)
        differs = StatementId("line0") if standing == Standing.DIFFERS else None
        line_id = StatementId(f"line{no}")
        lines.append(RecordLine(line_id, statement, SourceId("s1"), MEETING, NOW, standing, differs))
    return Record(tuple(lines), 4)


def make_draft(language: Language) -> Draft:
    items = []
    for no, (section, text, basis, words) in enumerate(ITEMS[language]):
        start = TEXT[language].find(words) if words else -1
        span = Span(start, start + len(words)) if words else None
        comments = (Comment(COMMENT[language], NOW),) if no == 5 else ()
        by = WrittenBy("qwen2.5-coder-1.5b-instruct")
        items.append(
            DraftItem(ItemId(f"i{no}"), section, text, basis, words, span, by, no == 3, False, comments)
        )
    gone = DraftItem(ItemId("i9"), Section.REASON, "…", Basis.INFERRED, deleted=True)
    unread = UnreadReply(ItemId("u1"), Section.ADVICE, "not JSON", '{"advice": [{"text": ', WrittenBy("qwen"))
    return Draft(
        DraftId("d1"),
        PERSON,
        MEETING,
        QUESTION[language],
        (*items[:4], gone, *items[4:]),
        (unread,),
        version=5,
        started_at=NOW,
        notes_used=("n1",),
        left_out=("n2",),
    )


def make_note(language: Language) -> Note:
    draft = make_draft(language)
    amendment = Amendment(NOW, "Dr. Wen", COMMENT[language], ITEMS[language][4][1])
    return Note(
        NoteId("n1"),
        PERSON,
        MEETING,
        draft.id,
        2,
        NOW,
        NOW,
        "Dr. Wen",
        draft.question,
        draft.items,
        (amendment,),
    )


def make_signed(language: Language) -> Note:
    """One that its author may still withdraw, with words by hand."""
    return replace(
        make_note(language),
        id=NoteId("n3"),
        amendments=(),
        by_hand=(ByHand("birp.response", COMMENT[language]),),
        author_id="a1",
        locks_at=NOW + timedelta(days=7),
        fingerprint="sha256:" + "3f2a91c0" * 8,
    )


def make_frame(language: Language, tab: str) -> frame.Frame:
    days = [make_words(language)(key) for key in ("when.today", "when.yesterday", "when.day2")]
    rail = tuple(
        frame.RailRow(f"p{no}", name, (*days, "2026-10-12")[no - 1], no == 1, no == 1)
        for no, name in enumerate(NAMES[language], start=1)
    )
    return frame.Frame(language, "auto", "Dr. Wen", rail, "p1" if tab != "practice" else "", tab, 15, False)


def make_head(language: Language) -> frame.PatientHead:
    name = NAMES[language][0]
    return frame.PatientHead("p1", name, "0231", consulting.view_facts(make_record(language)), language)


@cache
def list_views(language: Language) -> Mapping[str, View]:
    """Every page and every fragment by name.  They are frozen, and it takes longer to make than to show them."""
    return MappingProxyType({**make_pages(language), **make_fragments(language)})


def make_pages(language: Language) -> dict[str, View]:
    """Every page by name."""
    w = make_words(language)
    head, when = make_head(language), make_when(language)
    note_names = {
        "n1": w("given.note", no=2, date="2026-10-20"),
        "n2": w("given.note", no=1, date="2026-10-02"),
    }
    draft = drafting.view_draft(make_draft(language), "", note_names)
    source = consulting.view_source(make_consultation(language), when)
    fields = recording.view_record(make_record(language), "p1")
    meeting = consulting.view_consultation(
        make_consultation(language), (make_consultation(language),) * 2, when
    )
    note = notes.view_note(make_note(language), when)
    signed = notes.view_note(make_signed(language), when, me="a1", form="soap")
    trace = notes.WithdrawnView(signed, when.moment(NOW), "Dr. Wen", COMMENT[language])
    earlier = notes.EarlierDraft("/drafts/d1", when.moment(NOW), QUESTION[language], "discarded")
    client_words = (("client", w("client.client")), ("patient", w("client.patient")))
    fault = faults.make_fault(w, faults.NotFound("nothing"))
    key = "K7QF-2M9X-TT4A-0W3P-8RZC-5VEN-J1HD-6YBS"
    return {
        "setup": entrance.SetupPage(w, "auto", "", "cn", ""),
        "recovery": entrance.RecoveryKeyPage(w, "auto", key, "Dr. Wen", "2026-11-02"),
        "unlock": entrance.UnlockPage(w, "auto", "/", w("error.PA-VAULT-PASSPHRASE.what")),
        "recover": entrance.RecoverPage(w, "auto", ""),
        "join": entrance.JoinPage(w, "auto", ""),
        "join_person": entrance.JoinPage(w, "auto", "K7QF", w("role.counsellor"), NAMES[language][1]),
        "people": make_people(language),
        "account": make_account(language),
        "sharing": make_sharing(language, head),
        "fault": faults.FaultPage(w, "auto", fault),
        "welcome": frame.WelcomePage(w, make_frame(language, "")),
        "patient": people.PatientFormPage(
            w, make_frame(language, ""), "p1", "", head.name, "0231", language, "", ""
        ),
        "begin": people.BeginPage(w, make_frame(language, "consultation"), head),
        "found": people.FoundPage(w, make_frame(language, ""), make_found(w, language)),
        "practice": people.PracticePage(
            w,
            make_frame(language, "practice"),
            "cn",
            "client",
            client_words,
            15,
            "qwen",
            8192,
            "api.example.org",
            False,
            "cn",
            "crisis team 555",
            (("", w("practice.region_auto")), ("cn", w("practice.region_cn"))),
            "",
            "",
        ),
        "consultation": consulting.ConsultationPage(
            w,
            make_frame(language, "consultation"),
            head,
            meeting,
            recording.RecordFragment(w, "p1", 4, fields, "consultation"),
            (source,),
            draft,
            consulting.ActionsView("c1"),
            consulting.ConsentLine("p1", "no", "2026-10-20"),
            make_chip(language),
        ),
        "record": recording.RecordPage(
            w,
            make_frame(language, "record"),
            head,
            recording.RecordFragment(w, "p1", 4, fields, "record"),
            (source,),
        ),
        **make_duties(language, make_head(language), make_frame),
        **make_chat_pages(language, make_head(language), make_frame),
        **make_learning(language, make_head(language), make_frame),
        "notes": notes.NotesPage(w, make_frame(language, "notes"), head, (note,), (earlier,), "n1", ""),
        "notes_soap": notes.NotesPage(
            w,
            make_frame(language, "notes"),
            head,
            (signed,),
            (),
            "",
            "n3",
            (trace,),
            notes.view_forms(w, "soap"),
            "soap",
        ),
        "process_notes": processing.ProcessNotesPage(
            w,
            make_frame(language, "notes"),
            head,
            processing.ProcessNoteView("f" * 32, "", 0, "", "", False),
            (processing.ProcessNoteView("e" * 32, COMMENT[language], 3, when.moment(NOW), "14:03", True),),
        ),
        **make_library(language, make_frame),
        "retention": keeping.RetentionPage(
            w,
            make_frame(language, "practice"),
            "Rule",
            "Source",
            (
                keeping.DueRow("p1", head.name, "0231", "2010-03-02", "2025-03-02", "2016-03-02", False),
                keeping.DueRow("e" * 32, "", "", "2011-03-02", "2027-03-02", "", True),
            ),
            365,
            tuple(keeping.view_rule(each, list_rules()[0], w) for each in list_rules()),
            10,
            True,
            True,
        ),
        "note_settings": notes.NoteSettingsPage(
            w, make_frame(language, "practice"), notes.view_forms(w, "original"), 7
        ),
    }


def make_people(language: Language) -> members.PeoplePage:
    w, mark = make_words(language), "4821 0937 5512 7730 1187 4402"
    one, two, three = NAMES[language][1:4]
    return members.PeoplePage(
        w,
        make_frame(language, "practice"),
        (
            members.PersonRow("a1", "Dr. Wen", w("role.administrator"), mark, 0, True, True, False, ""),
            members.PersonRow("a2", one, w("role.counsellor"), mark, 12, False, False, True, ""),
            members.PersonRow("a3", two, w("role.counsellor"), mark, 3, False, False, False, "2026-10-02"),
        ),
        (members.InvitationRow("a4", three, w("role.supervisor"), "2026-11-09"),),
        members.view_roles(w),
        "K7QF-2M9X-TT4A-0W3P-8RZC",
        three,
        w("people.said_confirmed"),
    )


def make_account(language: Language) -> members.AccountPage:
    w = make_words(language)
    return members.AccountPage(
        w,
        make_frame(language, "account"),
        w("role.counsellor"),
        "4821 0937 5512 7730 1187 4402",
        ("2026-10-02 09:12",),
        (
            members.LoginRow("l1", "Firefox · Windows", "2026-11-02 09:01", "2026-11-02 14:03", True),
            members.LoginRow("l2", "Safari · iPad", "2026-11-02 08:00", "2026-11-02 08:40", False),
        ),
        12,
        (members.Choice("a2", NAMES[language][1], w("role.counsellor")),),
        "2026-11-03",
        account.draw(SecondFactor("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "otpauth://totp/PhyAssist:Wen")),
    )


def make_sharing(language: Language, head: frame.PatientHead) -> members.SharingPage:
    w = make_words(language)
    row = members.SharedRow(
        "a2", NAMES[language][1], w("role.supervisor"), w("sharing.reads"), "2026-10-02", "2026-12-31"
    )
    others = (members.Choice("a3", NAMES[language][2], w("role.counsellor")),)
    return members.SharingPage(
        w, make_frame(language, "sharing"), head, "Dr. Wen", True, (row,), others, "2026-11-03"
    )


def make_found(w: Words, language: Language) -> tuple[people.FoundRow, ...]:
    name = NAMES[language][0]
    return (
        people.FoundRow("/patients/p1", name, w("rail.where_name"), ""),
        people.FoundRow("/patients/p1/notes", name, w("rail.where_note"), TEXT[language][:40].split("。")[0]),
    )


def make_fragments(language: Language) -> dict[str, View]:
    """Every fragment by name."""
    w, when = make_words(language), make_when(language)
    draft = make_draft(language)
    view = drafting.view_draft(draft)
    item = view.sections[1].items[0]
    fields = recording.view_record(make_record(language), "p1")
    meeting = consulting.view_consultation(make_consultation(language), (), when)
    running = consulting.ActionsView("c1", "/run", "/stop", w("actions.organise_busy"), 1, 5)
    history = (DraftVersion(5, Change.WROTE, NOW), DraftVersion(4, Change.EDITED, NOW))
    past = drafting.ItemPast(4, when.moment(NOW), "edited", item.text, "qwen", (COMMENT[language],))
    fault = faults.make_fault(w, RuntimeError("never shown"))
    return {
        **make_beside(language),
        **make_chat_fragments(language),
        **make_learning_fragments(language),
        "draft": drafting.DraftFragment(w, view, oob=True),
        "item": drafting.ItemFragment(w, item),
        "item_changed": drafting.ItemFragment(w, item, mode="edit", kept=item.text, changed=True),
        "new_item": drafting.NewItemFragment(w, item),
        "items": drafting.ItemsFragment(w, "reason", view.sections[1].items, oob=True),
        "version": drafting.VersionFragment(w, 5, "said"),
        "writing": drafting.WritingFragment(w, "reason", item.text),
        "unread": drafting.NewUnreadFragment(w, "d1", view.unread[0]),
        "unread_list": drafting.UnreadListFragment(w, "d1", view.unread),
        "versions": drafting.VersionsFragment(w, "d1", drafting.view_versions(draft, history, when)),
        "old_version": drafting.OldVersionFragment(w, view, when.moment(NOW), "edited"),
        "history": drafting.ItemHistoryFragment(w, (past,)),
        "preview": notes.NotePreview(
            w,
            notes.view_note(make_signed(language), when, form="soap"),
            "d1",
            5,
            notes.view_forms(w, "soap"),
            7,
            "problem",
        ),
        "process_versions": processing.ProcessVersionsFragment(
            w, (processing.ProcessVersionView(when.moment(NOW), COMMENT[language]),)
        ),
        "note_card": notes.NoteCard(w, notes.view_note(make_note(language), when)),
        "record": recording.RecordFragment(w, "p1", 4, fields, "consultation", oob=True),
        "line": recording.LineFragment(w, fields[0].lines[1], 4, "record", "kept", changed=True),
        "actions": consulting.ActionsFragment(w, running),
        "progress": consulting.ProgressFragment(w, running),
        "question": consulting.QuestionFragment(w, meeting),
        "given": consulting.GivenFragment(w, view),
        "draft_run": consulting.DraftRunFragment(w, "d1", consulting.RunView("/run", "/stop", "i1")),
        "draft_idle": consulting.DraftRunFragment(w, "d1", consulting.RunView("", "", "", oob=True)),
        "found": people.FoundFragment(w, make_found(w, language)),
        "found_more": people.FoundFragment(w, make_found(w, language), limit=1),
        "rail": people.RailFragment(w, make_frame(language, "")),
        "alert": faults.FaultAlert(w, fault, oob=True),
    }
