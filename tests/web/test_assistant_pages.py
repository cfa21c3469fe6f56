"""The assistant as a person meets it: a run, its verdict, rolling back, the shared ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from phyassist.domain.adapters import AdapterCard
from phyassist.domain.consents import Answer, Purpose
from phyassist.domain.people import Patient
from phyassist.errors import MissingLibrary
from phyassist.lm.protocol import Never
from phyassist.lm.shipped import get_shipped
from phyassist.services.consent import record_answers
from phyassist.services.drafting import start_draft, write_draft
from phyassist.services.learning_runs import Base
from phyassist.services.patients import edit_patient
from phyassist.services.workers import load_worker
from phyassist.services.working import BaseFiles, Tools, work_once
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from phyassist.store.workers import WorkerKeys
from tests.conftest import PASSPHRASE, Clock
from tests.services.drafts import SAID, make_consultation
from tests.services.runs import TakingModel, make_tools, sign_notes, start
from tests.web.driving import PART, Driven, open_workspace


@pytest.fixture
def worker(tmp_path: Path) -> WorkerKeys:
    return load_worker(tmp_path / "machine")


@pytest.fixture
def model() -> TakingModel:
    return TakingModel()


@pytest.fixture
def pages(store: Store, anna: SignedIn, model: TakingModel, worker: WorkerKeys) -> Iterator[Driven]:
    with open_workspace(store, anna, model=lambda: model, worker=worker.line) as driven:
        yield driven


def sign(pages: Driven, patient: Patient, clock: Clock, count: int = 2) -> None:
    """Notes of some weeks, after which the browser has to be unlocked again."""
    sign_notes(pages.store, pages.by, patient, clock, count)
    pages.http.post("/unlock", data={"passphrase": PASSPHRASE})


def page_of(pages: Driven, patient: Patient) -> str:
    return pages.http.get(f"/patients/{patient.id}/assistant").text


def is_open(page: str) -> bool:
    """Whether Train can be pressed."""
    return bool(re.search(r'<button form="train" class="primary">', page))


def test_what_is_missing_is_said_in_a_sentence_each(pages: Driven, patient: Patient, clock: Clock) -> None:
    refused = page_of(pages, patient)
    sign(pages, patient, clock, count=1)
    single = page_of(pages, patient)
    sign(pages, patient, clock, count=1)
    ready = page_of(pages, patient)

    assert "has not agreed that an assistant learns" in refused
    assert "One note of a language is too little" in single
    assert "Uses the model alone: nothing has been trained yet." in ready
    assert re.search(r"Examples: 1, notes: 1; kept aside to measure by: 1\.", ready)
    assert [is_open(page) for page in (refused, single, ready)] == [False, False, True]


def test_a_run_is_begun_watched_judged_used_and_rolled_back(
    pages: Driven, patient: Patient, clock: Clock, worker: WorkerKeys, model: TakingModel
) -> None:
    sign(pages, patient, clock)
    at = f"/patients/{patient.id}/assistant"

    begun = pages.http.post(f"{at}/train")
    waiting = page_of(pages, patient)
    (run,) = re.findall(rf'hx-get="({at}/runs/\w+)"', waiting)
    work_once(pages.store, worker, make_tools(model))
    over = pages.http.get(run, headers=PART)
    trained = page_of(pages, patient)
    meeting = make_consultation(pages.store, pages.by, patient)
    consulting = pages.http.get(f"/patients/{patient.id}/consultations/{meeting.id}").text
    timeline = pages.http.get(f"/patients/{patient.id}/notes").text

    assert begun.headers["location"] == f"{at}?said=started"
    assert "waiting for a computer" in waiting
    assert (over.status_code, over.headers["hx-redirect"]) == (204, at)
    assert "Better than what answered before" in trained
    assert "in use since 2026-03-" in trained
    assert "Assistant 1 trained; notes it learnt from: 1" in timeline
    assert "Assistant: assistant 1" in consulting
    assert re.search(r"assistant 1, trained on \d+ March\. Notes it learnt from: 1\.", consulting)

    (adapter,) = re.findall(rf'action="({at}/adapters/\w+)/withdraw"', trained)
    assert "Roll back" in trained
    pages.http.post(f"{adapter}/withdraw")
    rolled_back = page_of(pages, patient)
    pages.http.post(f"{adapter}/use")
    used = page_of(pages, patient)
    pages.http.post(f"{adapter}/delete")

    assert "none of the assistants has proved better" in rolled_back
    assert "in use since" in used
    assert "None yet." in page_of(pages, patient)


def test_a_page_that_asks_how_far_a_run_is_keeps_no_login_awake(
    pages: Driven, patient: Patient, clock: Clock, worker: WorkerKeys
) -> None:
    sign(pages, patient, clock)
    pages.http.post(f"/patients/{patient.id}/assistant/train")
    (run,) = re.findall(r'hx-get="(/patients/\w+/assistant/runs/\w+)"', page_of(pages, patient))

    statuses = []
    for _ in range(16):
        clock.move(minutes=1)
        statuses.append(pages.http.get(run, headers=PART).status_code)

    assert statuses[:14] == [200] * 14
    assert statuses[15] != 200


def test_a_late_run_says_how_far(pages: Driven, patient: Patient, clock: Clock, worker: WorkerKeys) -> None:
    sign(pages, patient, clock)
    start(pages.store, pages.by, [patient], worker, act="late")
    work_once(pages.store, worker, make_tools())

    assert "its time (60 min) was over after 3 of 8 steps" in page_of(pages, patient)


def may_use(page: str) -> bool:
    return bool(re.search(r'/adapters/\w+/use"', page))


def test_after_a_withdrawal_the_page_says_so_and_offers_no_use(
    pages: Driven, patient: Patient, clock: Clock, worker: WorkerKeys, model: TakingModel
) -> None:
    sign(pages, patient, clock)
    pages.http.post(f"/patients/{patient.id}/assistant/train")
    work_once(pages.store, worker, make_tools(model))

    record_answers(pages.store, pages.by, patient_id=patient.id, answers={Purpose.OWN_TRAINING: Answer.NO})
    page = page_of(pages, patient)

    assert "no longer agrees that an assistant learns from these notes" in page
    assert "not used: consent to it was withdrawn" in page
    assert "nothing has been trained yet" not in page
    assert "a newer one is in use" not in page
    assert not may_use(page)
    assert "/compare/" not in page


def test_for_who_is_written_about_in_another_language_the_page_says_why_it_is_not_used(
    pages: Driven, patient: Patient, clock: Clock, worker: WorkerKeys, model: TakingModel
) -> None:
    sign(pages, patient, clock)
    pages.http.post(f"/patients/{patient.id}/assistant/train")
    work_once(pages.store, worker, make_tools(model))

    edit_patient(
        pages.store, pages.by, patient_id=patient.id, name=patient.name, number=patient.number, language="en"
    )
    page = page_of(pages, patient)

    assert "accepted, but learnt from notes in another language" in page
    assert "it does not answer here by itself" in page
    assert not may_use(page)


def test_after_a_change_of_model_what_was_trained_before_is_not_offered(
    pages: Driven, patient: Patient, clock: Clock, worker: WorkerKeys, model: TakingModel
) -> None:
    sign(pages, patient, clock)
    pages.http.post(f"/patients/{patient.id}/assistant/train")
    work_once(pages.store, worker, make_tools(model))
    meeting = make_consultation(pages.store, pages.by, patient)
    address = f"/patients/{patient.id}/consultations/{meeting.id}"
    before = pages.http.get(address).text
    (own,) = re.findall(r'name="wanted" value="(\w{32})"', before)

    with open_workspace(
        pages.store, pages.by, model=lambda: TakingModel(Base("larger", "cd" * 32)), worker=worker.line
    ) as changed:
        pages.http.cookies.clear()
        page, chip = page_of(changed, patient), changed.http.get(address).text
        asked = changed.http.post(f"/consultations/{meeting.id}/assistant", data={"wanted": own})

    assert f'value="{own}"' not in chip
    assert asked.status_code == 403
    assert "<strong>for another model</strong>" in page
    assert not may_use(page)
    assert "/compare/" not in page


def test_what_repeats_whole_passages_is_used_only_after_a_question(
    pages: Driven, patient: Patient, clock: Clock, worker: WorkerKeys
) -> None:
    sign(pages, patient, clock)
    pages.http.post(f"/patients/{patient.id}/assistant/train")
    work_once(pages.store, worker, make_tools(TakingModel(neutral=SAID * 2)))

    page = page_of(pages, patient)
    (use,) = re.findall(r'action="(\S+/adapters/\w+/use)"', page)
    pages.http.post(use)

    assert re.search(r"<p>It repeats whole passages of the notes it learnt from\..*?</p>\s*<form", page)
    assert "in use since" in page_of(pages, patient)


def test_what_names_others_cannot_be_used_and_the_page_says_why(
    pages: Driven, patient: Patient, clock: Clock, worker: WorkerKeys
) -> None:
    sign(pages, patient, clock)
    form = {"kind": "set", "label": "Evening group", "of": patient.id}
    pages.http.post("/practice/assistant/train", data=form)
    work_once(pages.store, worker, make_tools(TakingModel(neutral=f"I think of {patient.name}.")))

    page = pages.http.get("/practice/assistant").text
    (own,) = re.findall(r"/adapters/(\w+)/withdraw", page)
    refused = pages.http.post(f"/practice/assistant/adapters/{own}/use")

    assert "What it gives away belongs to others" in page
    assert not may_use(page)
    assert "/compare/" not in page
    assert refused.status_code == 403


def test_one_consultation_takes_another_choice_and_its_draft_says_who_wrote(
    pages: Driven, patient: Patient, clock: Clock, worker: WorkerKeys, model: TakingModel
) -> None:
    sign(pages, patient, clock)
    pages.http.post(f"/patients/{patient.id}/assistant/train")
    work_once(pages.store, worker, make_tools(model))
    meeting = make_consultation(pages.store, pages.by, patient)
    address = f"/patients/{patient.id}/consultations/{meeting.id}"
    draft = start_draft(pages.store, pages.by, consultation_id=meeting.id)
    list(write_draft(pages.store, model, pages.by, draft_id=draft.id, stop=Never()))
    usual = pages.http.get(address).text

    chosen = pages.http.post(f"/consultations/{meeting.id}/assistant", data={"wanted": "base"})
    alone = pages.http.get(address).text

    assert "Written by scripted + assistant 1" in usual
    assert chosen.headers["location"] == address
    assert "Assistant: model alone" in alone
    assert "Uses the model alone, as chosen for this consultation." in alone


def test_an_example_is_left_out_and_taken_in_again(pages: Driven, patient: Patient, clock: Clock) -> None:
    sign(pages, patient, clock)
    at = f"/patients/{patient.id}/assistant/examples"
    page = page_of(pages, patient)
    first = re.findall(rf'hx-post="{at}/(\w+)"', page)[0]

    out = pages.http.post(f"{at}/{first}", data={"left_out": "yes"}, headers=PART)
    after = page_of(pages, patient)
    back = pages.http.post(f"{at}/{first}", headers=PART)

    assert "first written" in page
    assert "学业压力" in page
    assert "left out" in out.text
    assert after.count('class="example is-out"') == 1
    assert "Learn again" not in back.text


def test_a_run_is_cancelled_and_the_page_says_that_nothing_was_kept(
    pages: Driven, patient: Patient, clock: Clock
) -> None:
    sign(pages, patient, clock)
    at = f"/patients/{patient.id}/assistant"
    pages.http.post(f"{at}/train")
    (run,) = re.findall(rf'action="({at}/runs/\w+)/cancel"', page_of(pages, patient))

    pages.http.post(f"{run}/cancel")
    again = page_of(pages, patient)

    assert "The last training was stopped. Nothing of it was kept." in again
    assert is_open(again)


def test_a_shared_assistant_is_planned_named_and_trained(
    pages: Driven, patient: Patient, clock: Clock, worker: WorkerKeys, model: TakingModel
) -> None:
    sign(pages, patient, clock)
    form = {"kind": "set", "label": "Evening group", "of": patient.id}

    plan = pages.http.post("/practice/assistant", data=form, follow_redirects=True).text
    nameless = pages.http.get("/practice/assistant", params={"kind": "set", "of": patient.id}).text
    begun = pages.http.post("/practice/assistant/train", data=form)
    work_once(pages.store, worker, make_tools(model))
    trained = pages.http.get("/practice/assistant").text

    assert "Files whose clients agreed: 1." in plan
    assert "PA-INPUT" not in nameless
    assert 'role="alert"' in nameless
    assert begun.headers["location"] == "/practice/assistant?said=started"
    assert "Evening group 1" in trained
    assert "trained 2026-03-" in trained


def test_two_are_set_side_by_side_and_nothing_is_kept(
    pages: Driven, patient: Patient, clock: Clock, worker: WorkerKeys, model: TakingModel
) -> None:
    sign(pages, patient, clock)
    pages.http.post(f"/patients/{patient.id}/assistant/train")
    work_once(pages.store, worker, make_tools(model))
    clock.move(minutes=5)
    # Opened a moment ago, with nothing said yet: what was said before is compared.
    make_consultation(pages.store, pages.by, patient, "")
    (shown,) = re.findall(r'hx-get="(/consultations/\w+/compare/\w+)"', page_of(pages, patient))

    sides = pages.http.get(shown, headers=PART).text
    said = pages.http.get(f"{shown}/stream").text

    assert "assistant 1" in sides
    assert "model alone" in sides
    assert said.count("event: bit") == 2 * 7 + 2
    assert "side-new" in said
    assert "side-now" in said


def test_a_shared_assistant_is_set_beside_what_answers_now_on_a_consultation_of_choice(
    pages: Driven, patient: Patient, clock: Clock, worker: WorkerKeys, model: TakingModel
) -> None:
    sign(pages, patient, clock)
    pages.http.post(
        "/practice/assistant/train", data={"kind": "set", "label": "Evening group", "of": patient.id}
    )
    work_once(pages.store, worker, make_tools(model))
    make_consultation(pages.store, pages.by, patient, "")
    page = pages.http.get("/practice/assistant").text
    (shown,) = re.findall(r'hx-get="(/practice/assistant/compare/\w+)"', page)
    ((meeting, title),) = re.findall(r'<option value="(\w+)">([^<]+ · 2026-03-\d\d)</option>', page)

    sides = pages.http.get(shown, params={"on": meeting}, headers=PART).text
    stream = re.search(r'sse-connect="([^"]+)"', sides)
    assert stream is not None
    said = pages.http.get(stream[1]).text

    assert patient.name in title
    assert "Evening group 1" in sides
    assert "model alone" in sides
    assert said.count("event: bit") == 2 * 7 + 2


def test_one_that_comes_with_phyassist_is_taken_with_one_click(
    store: Store, anna: SignedIn, worker: WorkerKeys
) -> None:
    at = "/practice/assistant"
    fitting = TakingModel(Base("scripted", get_shipped("drafts-zh").base_sha256))
    with open_workspace(store, anna, model=lambda: fitting, worker=worker.line) as pages:
        offered = pages.http.get(at).text

        taken = pages.http.post(f"{at}/shipped/drafts-zh/take")
        after = pages.http.get(f"{at}?said=taken").text

    assert "Drafts in Chinese" in offered
    assert taken.headers["location"] == f"{at}?said=taken"
    assert "Drafts in Chinese" not in after
    assert re.search(
        r"published assistant 1.*?in use since.*?from public data.*?written about in Chinese",
        after,
        re.DOTALL,
    )


def test_a_run_that_failed_says_what_to_do(
    pages: Driven, patient: Patient, clock: Clock, worker: WorkerKeys, model: TakingModel
) -> None:
    sign(pages, patient, clock)
    at, tools = f"/patients/{patient.id}/assistant", make_tools(model)
    pages.http.post(f"{at}/train")

    def find_base(card: AdapterCard) -> BaseFiles:
        raise MissingLibrary(f"torch is not installed for {card.id}")

    work_once(pages.store, worker, Tools(find_base, tools.open_model, tools.trainer))

    assert re.search(r"PA-LIBRARY.*pip install .*phyassist\[train\]", page_of(pages, patient))


def test_what_is_gone_on_from_is_asked_and_two_are_merged_into_one(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock, worker: WorkerKeys
) -> None:
    fitting = TakingModel(Base("scripted", get_shipped("drafts-zh").base_sha256))
    at = f"/patients/{patient.id}/assistant"
    with open_workspace(store, anna, model=lambda: fitting, worker=worker.line) as pages:
        sign(pages, patient, clock, count=4)
        before = page_of(pages, patient)
        pages.http.post("/practice/assistant/shipped/drafts-zh/take")
        asked = page_of(pages, patient)
        ((published, said),) = re.findall(r'<option value="(\w{32})">([^<]+)<', asked)
        pages.http.post(f"{at}/train", data={"on": published})
        work_once(store, worker, make_tools(fitting))
        on_top = page_of(pages, patient)
        refused = pages.http.post(f"{at}/train", data={"on": "f" * 32})
        (own,) = re.findall(rf'action="{at}/adapters/(\w+)/delete"', on_top)

        one = pages.http.post(f"{at}/merge", data={"of": [own]})
        twice = pages.http.post(f"{at}/merge", data={"of": [own, published], "way": "svd"})
        pages.http.post(f"{at}/train", data={"on": "base"})
        work_once(store, worker, make_tools(fitting))
        ids = re.findall(rf'action="{at}/adapters/(\w+)/delete"', page_of(pages, patient))
        (alone,) = set(ids) - {own}
        begun = pages.http.post(f"{at}/merge", data={"of": [alone, published], "way": "svd"})
        going = page_of(pages, patient)
        work_once(store, worker, make_tools(fitting))
        merged = page_of(pages, patient)

    assert 'name="on"' not in before
    assert said == "published assistant 1"
    assert '<option value="base" selected>model alone</option>' in asked
    assert "on top of published assistant 1" in on_top
    assert refused.status_code == 409
    assert (one.status_code, "choose two or more" in one.text) == (409, True)
    assert (twice.status_code, "that part would count twice" in twice.text) == (409, True)
    assert begun.headers["location"] == f"{at}?said=started"
    assert 'id="learning-run"' in going
    assert "merged from assistant 2 and published assistant 1" in merged
    assert "Better than what answered before" in merged


def test_shared_ones_are_merged_under_a_name(
    pages: Driven, patient: Patient, clock: Clock, worker: WorkerKeys, model: TakingModel
) -> None:
    at = "/practice/assistant"
    sign(pages, patient, clock, count=4)
    for label in ("mornings", "evenings"):
        pages.http.post(f"{at}/train", data={"kind": "set", "label": label, "of": patient.id})
        work_once(pages.store, worker, make_tools(model))
    two = re.findall(rf'action="{at}/adapters/(\w+)/delete"', pages.http.get(at).text)

    nameless = pages.http.post(f"{at}/merge", data={"of": two})
    pages.http.post(f"{at}/merge", data={"of": two, "way": "ties_svd", "label": "all day"})
    work_once(pages.store, worker, make_tools(model))
    merged = pages.http.get(at).text

    assert (nameless.status_code, "Give the merged assistant a name" in nameless.text) == (409, True)
    assert re.search(r"all day \d", merged)
    assert re.search(r"merged from (mornings|evenings) \d and (mornings|evenings) \d", merged)
