"""The way to the model hub and back, through the hub's own client: its login, its mirrors, its upload.

`endpoint` is a mirror's address; empty means what the client itself takes: HF_ENDPOINT, else the hub.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phyassist.errors import BadInput, HubFailed, UnreadableFile
from phyassist.lm.bundle import (
    CARD,
    MANIFEST,
    SUMS,
    fill_folder,
    list_files,
    read_sums,
    refuse_pickles,
    verify_sums,
)
from phyassist.lm.folders import is_full
from phyassist.training.bases import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    HEADS,
    MARK,
    BaseMark,
    check_fits,
    find_trained,
    load_adapter_config,
)
from phyassist.training.publish import BESIDE

_PUSH_AGAIN = (
    "check the network or HF_ENDPOINT, then publish again: all files go up in one commit or none does"
)
_LOOK_AT_NAME = "check the name, then the network or HF_ENDPOINT"
_PULL_AGAIN = "check the network or HF_ENDPOINT; what has come is kept"
WEIGHTS = {ADAPTER_CONFIG, ADAPTER_WEIGHTS}
# What a bundle can hold: of these, what a new version lacks is taken away.
KNOWN = {CARD, MANIFEST, MARK, SUMS, *WEIGHTS, *(f"{HEADS}/{name}" for name in WEIGHTS), *BESIDE}
Fetch = Callable[[str, Path], None]
FindBase = Callable[[Mapping[str, Any]], BaseMark | None]


@dataclass(frozen=True, slots=True)
class Pushed:
    """Where a bundle lies now, and the commit that holds it."""

    url: str
    commit: str


def push_bundle(folder: Path, repo: str, *, private: bool, endpoint: str = "") -> Pushed:
    """Put all files of a bundle into one commit of a repository, which is made where it is missing.

    Raises HubFailed, BadInput where a private one was asked for and the repository is public.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    api = _open_api(endpoint)
    with _explain(repo, hint=_PUSH_AGAIN):
        url = str(api.create_repo(repo, private=private or None, exist_ok=True))
        if private and not api.repo_info(repo).private:
            raise BadInput(f"{repo} is public already", hint="make it private on the hub, or name another")
        names = list_files(folder)
        there = set(api.list_repo_files(repo))
        commit = api.create_commit(
            repo,
            operations=[
                *(CommitOperationAdd(name, folder / name) for name in names),
                *(CommitOperationDelete(name) for name in sorted((there & KNOWN).difference(names))),
            ],
            commit_message="Publish an adapter",
        )
    return Pushed(url, commit.oid)


def pull_bundle(
    source: str, out: Path, find_base: FindBase, *, revision: str = "", endpoint: str = ""
) -> Mapping[str, Any]:
    """A published adapter in `out`, every file compared with its checksum; its manifest comes out.

    `source` is a repository of the hub or a folder.  `find_base` gives the base at hand that the manifest
    speaks of, None where it is not.  What broke off goes on at the next call.
    Raises BadInput for a pickle, a missing checksum, another base or a folder that is not here, ModelDamaged,
    UnreadableFile, HubFailed, StoreFull.
    """
    if not Path(source).is_dir() and (source.count("/") > 1 or source.startswith((".", "/", "~"))):
        raise BadInput(f"there is no folder {source}", hint="check the name; the hub's are ORGANISATION/NAME")
    explain = _explain_folder if Path(source).is_dir() else _explain
    with fill_folder(out, keep_part=True) as part, explain(source):
        names, fetch = _open_source(source, revision, endpoint)
        refuse_pickles(names)
        if SUMS not in names:
            raise BadInput(f"{source} states no checksums", hint="only what phyassist publish made is pulled")
        fetch(SUMS, part)
        sums = read_sums(part / SUMS)
        fetch(MANIFEST, part)
        verify_sums(part, {MANIFEST: sums[MANIFEST]})
        manifest = _read_manifest(part / MANIFEST)
        here = find_base(manifest)
        if here is not None:
            check_fits(BaseMark(manifest["base"]["name"], manifest["base"]["sha256"]), here)
        for name in sums:
            fetch(name, part)
        verify_sums(part, sums)
        load_adapter_config(find_trained(part))
        # The client's own notes, and what an earlier try at another adapter left.
        shutil.rmtree(part / ".cache", ignore_errors=True)
        for name in set(list_files(part)) - {*sums, SUMS}:
            (part / name).unlink()
    return manifest


def _open_source(source: str, revision: str, endpoint: str) -> tuple[list[str], Fetch]:
    """Which files there are, and how one of them is brought into a folder."""
    if Path(source).is_dir():
        folder = Path(source)

        def copy(name: str, target: Path) -> None:
            # What an earlier try left may be of another adapter, and copying it again costs nothing.
            (target / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(folder / name, target / name)

        return list_files(folder), copy
    api = _open_api(endpoint)
    with _explain(source, first="no such folder is here, and ", hint=_LOOK_AT_NAME):
        # One commit for all files: somebody may publish anew meanwhile.
        commit = api.repo_info(source, revision=revision or None).sha

    def fetch(name: str, target: Path) -> None:
        api.hf_hub_download(source, name, revision=commit, local_dir=target)

    return list(api.list_repo_files(source, revision=commit)), fetch


def _read_manifest(path: Path) -> Mapping[str, Any]:
    try:
        manifest = json.loads(path.read_text("utf-8"))
    except ValueError:
        manifest = None
    if isinstance(manifest, dict) and manifest.get("format", 1) != 1:
        raise BadInput(f"{path.name} has a form that this release does not know", hint="update PhyAssist")
    base = manifest.get("base") if isinstance(manifest, dict) else None
    if not isinstance(base, dict) or not base.keys() >= {"name", "sha256"} or "research_only" not in manifest:
        raise BadInput(f"{path.name} does not describe an adapter", hint="do not use this adapter")
    return dict(manifest)


def _open_api(endpoint: str) -> Any:
    from huggingface_hub import HfApi

    return HfApi(endpoint=endpoint or None, library_name="phyassist")


@contextmanager
def _explain_folder(source: str) -> Iterator[None]:
    """What reading a folder raises, as UnreadableFile; a full disk passes."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise
        raise UnreadableFile(
            f"{source} cannot be read to the end ({error.strerror})", hint="check who may read it"
        ) from error


@contextmanager
def _explain(repo: str, *, first: str = "", hint: str = _PULL_AGAIN) -> Iterator[None]:
    """What the client raises, as HubFailed, with `hint` where it broke off; a full disk passes."""
    from httpx2 import HTTPError
    from huggingface_hub.errors import HFValidationError

    try:
        yield
    except (HTTPError, OSError, RuntimeError, HFValidationError) as error:
        if is_full(error):
            raise
        what, advice = _find_reason(error)
        raise HubFailed(f"{repo}: {first}{what}", hint=advice or hint) from error


def _find_reason(error: BaseException) -> tuple[str, str]:
    """What happened and what to do; nothing where that depends on what was being done."""
    causes = [error]
    while (cause := causes[-1].__cause__) is not None:
        causes.append(cause)
    answers = [getattr(each, "response", None) for each in causes]
    status = next((answer.status_code for answer in answers if answer is not None), 0)
    if status in {401, 403}:
        return "the hub does not let you in", "log in with `hf auth login`, with a token that may write there"
    if status == 404:
        return "the hub has no such repository or file, or hides it from you", "check the name and the login"
    if status:
        return f"the hub answered with status {status}", "try again later"
    if isinstance(error, ValueError):
        return "this is no name of a repository", "write ORGANISATION/NAME"
    return "the hub cannot be reached, or broke off", ""
