"""An assistant beside what answers now, on a real question; nothing of it is kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from fastapi import APIRouter
from starlette.responses import Response

from phyassist.domain.adapters import AdapterId
from phyassist.domain.drafts import Section
from phyassist.domain.records import ConsultationId
from phyassist.services.adapters import list_choices
from phyassist.services.comparing import SideItem, compare_adapters
from phyassist.services.looking import get_consultation
from phyassist.web.desk import AtDesk, Desk
from phyassist.web.faults import PageRoute, guard_bits
from phyassist.web.render import render
from phyassist.web.runs import bit
from phyassist.web.sse import Bit, stream
from phyassist.web.views.assistant import find_base, name_adapters
from phyassist.web.views.comparing import CompareFragment, SideEndFragment, SideItemFragment, SideName

router = APIRouter(route_class=PageRoute)
AT = "/consultations/{consultation_id}/compare/{adapter_id}"


@router.get(AT)
def show_compare(desk: AtDesk, consultation_id: ConsultationId, adapter_id: AdapterId) -> Response:
    consultation = get_consultation(desk.house.store, desk.by, consultation_id=consultation_id)
    called, alone = name_adapters(desk, consultation.patient_id), desk.w("assistant.model_alone")
    names: tuple[tuple[SideName, str, str], ...] = (
        ("new", desk.w("assistant.compare_new"), called.get(adapter_id, alone)),
        (
            "now",
            desk.w("assistant.compare_now"),
            called.get(find_other(desk, consultation_id, adapter_id), alone),
        ),
    )
    return render(
        CompareFragment(desk.w, f"/consultations/{consultation_id}/compare/{adapter_id}/stream", names)
    )


@router.get(AT + "/stream")
def run_compare(desk: AtDesk, consultation_id: ConsultationId, adapter_id: AdapterId) -> Response:
    other = find_other(desk, consultation_id, adapter_id)

    def bits(stop: threading.Event) -> Iterator[Bit]:
        begun: set[tuple[str, Section]] = set()
        for event in compare_adapters(
            desk.house.store,
            desk.house.model(),
            desk.by,
            consultation_id=consultation_id,
            sides=(adapter_id, other),
            stop=stop,
        ):
            side: SideName = "new" if event.adapter == adapter_id else "now"
            if isinstance(event, SideItem):
                section = event.item.section
                title = "" if (side, section) in begun else desk.w(f"section.{section.value}")
                begun.add((side, section))
                yield bit(SideItemFragment(desk.w, side, title, event.item.text))
            else:
                said = desk.w("assistant.compare_done", seconds=round(event.seconds))
                yield bit(SideEndFragment(desk.w, side, said))

    return stream(guard_bits(bits, desk.w, lambda: iter(())), threading.Event(), lambda: None)


def find_other(desk: Desk, consultation_id: ConsultationId, adapter_id: AdapterId) -> str:
    """What answers now; beside the very one that does, the model alone."""
    consultation = get_consultation(desk.house.store, desk.by, consultation_id=consultation_id)
    shelf = list_choices(
        desk.house.store, desk.by, patient_id=consultation.patient_id, base_sha256=find_base(desk)
    )
    card = shelf.choice.card
    return "" if card is None or card.id == adapter_id else card.id
