"""Receipts of erasures on the page and on paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from phyassist.services.erasing import Receipt
from phyassist.web.desk import Desk
from phyassist.web.views.frame import Frame
from phyassist.web.wording import Words


@dataclass(frozen=True, slots=True)
class ReceiptView:
    receipt_id: str
    file: str
    at: str
    by: str = field(repr=False)
    keys: int
    adapters: int
    marked: int
    cleaned: bool
    backups: str


@dataclass(frozen=True, slots=True)
class ErasuresPage:
    template: ClassVar[str] = "erasures.html"
    w: Words
    frame: Frame
    receipts: tuple[ReceiptView, ...]


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    template: ClassVar[str] = "receipt.html"
    w: Words
    frame: Frame
    receipt: ReceiptView
    said: str


def view_receipt(receipt: Receipt, desk: Desk, names: Mapping[str, str]) -> ReceiptView:
    erasure = receipt.erasure
    return ReceiptView(
        erasure.id,
        erasure.patient_id,
        desk.when.moment(erasure.at),
        names.get(erasure.by_id) or desk.w("audit.former"),
        erasure.keys,
        erasure.adapters,
        erasure.marked,
        erasure.cleaned_at is not None,
        say_backups(receipt, desk),
    )


def say_backups(receipt: Receipt, desk: Desk) -> str:
    remains = receipt.remains
    if not remains.backups:
        return desk.w("erasure.backups_none")
    if remains.without_end:
        return desk.w("erasure.backups_endless", count=remains.backups)
    return desk.w("erasure.backups_some", count=remains.backups, until=desk.when.moment(remains.until))
