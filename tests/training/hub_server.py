"""A stand-in for the model hub on loopback: what the hub's own client asks of it, over real HTTP.

Repositories, pre-upload, the LFS batch with uploads in one piece and in parts, commits, trees, and files that
are served themselves or from another address, with ranges.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

TOKEN = "hf_stand_in"
PART_BYTES = 4096
LARGE = (".safetensors", ".gguf", ".png", ".bin")


@dataclass
class Repo:
    """A repository: what is committed, and whether it is private."""

    private: bool = False
    commits: list[dict[str, bytes]] = field(default_factory=lambda: [{}])

    @property
    def files(self) -> dict[str, bytes]:
        return self.commits[-1]

    @property
    def commit(self) -> str:
        return hashlib.sha1(f"{id(self)}/{len(self.commits)}".encode()).hexdigest()  # noqa: S324


@dataclass
class Hub:
    """What the server holds and has been asked; `cut` names a file that breaks off, `down` refuses all."""

    repos: dict[str, Repo] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    cut: str = ""
    down: bool = False
    url: str = ""


def make_app(hub: Hub) -> FastAPI:
    app = FastAPI()

    @app.middleware("http")
    async def note(request: Request, call_next: Any) -> Response:
        hub.asked.append(f"{request.method} {request.url.path}")
        if hub.down:
            return Response(status_code=500)
        is_upload = request.url.path.startswith(("/store/", "/cdn/"))
        if not is_upload and request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Response(status_code=401)
        answer: Response = await call_next(request)
        return answer

    _add_writing(app, hub)
    _add_reading(app, hub)
    return app


def _add_writing(app: FastAPI, hub: Hub) -> None:
    @app.post("/api/repos/create")
    async def create(request: Request) -> Response:
        said = await request.json()
        repo = f"{said['organization']}/{said['name']}"
        status = 409 if repo in hub.repos else 200
        if status == 200:
            hub.repos[repo] = Repo(private=said.get("visibility") == "private")
        return JSONResponse({"url": f"{hub.url}/{repo}"}, status)

    @app.post("/api/validate-yaml")
    async def validate(request: Request) -> dict[str, Any]:
        content = (await request.json())["content"]
        is_there = content.startswith("---\n") and "\n---\n" in content[4:]
        return {"errors": [], "warnings": [] if is_there else [{"message": "empty metadata"}]}

    @app.post("/api/models/{org}/{name}/preupload/main")
    async def preupload(org: str, name: str, request: Request) -> dict[str, Any]:
        files = (await request.json())["files"]
        return {
            "files": [
                {
                    "path": each["path"],
                    "uploadMode": "lfs" if each["path"].endswith(LARGE) else "regular",
                    "shouldIgnore": False,
                    "oid": None,
                }
                for each in files
            ]
        }

    @app.post("/{org}/{name}.git/info/lfs/objects/batch")
    async def batch(org: str, name: str, request: Request) -> dict[str, Any]:
        objects = (await request.json())["objects"]
        return {"transfer": "basic", "objects": [_plan_upload(hub, each) for each in objects]}

    @app.put("/store/{oid}")
    async def put(oid: str, request: Request) -> dict[str, Any]:
        hub.objects[oid] = await request.body()
        return {}

    @app.put("/store/{oid}/{no}")
    async def put_part(oid: str, no: int, request: Request) -> Response:
        hub.parts.setdefault(oid, {})[no] = await request.body()
        return Response(headers={"ETag": f'"{oid[:8]}-{no}"'})

    @app.post("/store/{oid}/done")
    async def complete(oid: str, request: Request) -> dict[str, Any]:
        named = [part["partNumber"] for part in (await request.json())["parts"]]
        hub.objects[oid] = b"".join(hub.parts[oid][no] for no in named)
        return {}

    @app.post("/store/{oid}/verify")
    async def verify(oid: str, request: Request) -> Response:
        said = await request.json()
        held = hub.objects.get(oid, b"")
        is_right = hashlib.sha256(held).hexdigest() == oid and len(held) == said["size"]
        return Response(status_code=200 if is_right else 422)

    @app.post("/api/models/{org}/{name}/commit/main")
    async def commit(org: str, name: str, request: Request) -> Response:
        repo = hub.repos[f"{org}/{name}"]
        files = dict(repo.files)
        for line in (await request.body()).splitlines():
            item = json.loads(line)
            key, value = item["key"], item["value"]
            if key == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                if value["oid"] not in hub.objects:
                    return Response(status_code=422)
                files[value["path"]] = hub.objects[value["oid"]]
            elif key == "deletedFile":
                del files[value["path"]]
        repo.commits.append(files)
        return JSONResponse(
            {"commitUrl": f"{hub.url}/{org}/{name}/commit/{repo.commit}", "commitOid": repo.commit}
        )


def _add_reading(app: FastAPI, hub: Hub) -> None:
    @app.get("/api/models/{org}/{name}")
    @app.get("/api/models/{org}/{name}/revision/{revision}")
    async def info(org: str, name: str, revision: str = "main") -> Response:
        repo = hub.repos.get(f"{org}/{name}")
        if repo is None:
            return Response(status_code=404, headers={"X-Error-Code": "RepoNotFound"})
        siblings = [{"rfilename": path} for path in repo.files]
        said = {"id": f"{org}/{name}", "private": repo.private, "sha": repo.commit, "siblings": siblings}
        return JSONResponse({**said, "tags": [], "downloads": 0, "likes": 0})

    @app.get("/api/models/{org}/{name}/tree/{revision}")
    async def tree(org: str, name: str, revision: str) -> list[dict[str, Any]]:
        files = hub.repos[f"{org}/{name}"].files
        return [
            {"type": "file", "path": path, "size": len(held), "oid": hashlib.sha256(held).hexdigest()[:40]}
            for path, held in files.items()
        ]

    @app.api_route("/{org}/{name}/resolve/{revision}/{path:path}", methods=["GET", "HEAD"])
    async def resolve(org: str, name: str, revision: str, path: str, request: Request) -> Response:
        repo = hub.repos[f"{org}/{name}"]
        if path not in repo.files:
            return Response(status_code=404, headers={"X-Error-Code": "EntryNotFound"})
        held = repo.files[path]
        sha256 = hashlib.sha256(held).hexdigest()
        headers = {"X-Repo-Commit": repo.commit, "ETag": f'"{sha256[:40]}"'}
        if path.endswith(LARGE):
            linked = {"X-Linked-Etag": f'"{sha256}"', "X-Linked-Size": str(len(held))}
            # Under another name, as large files are: the client takes its token along to the hub alone.
            to = f"{hub.url.replace('127.0.0.1', 'localhost')}/cdn/{org}/{name}/{path}"
            return Response(status_code=302, headers={**headers, **linked, "Location": to})
        return Response(
            b"" if request.method == "HEAD" else held, headers={**headers, "Content-Length": str(len(held))}
        )

    @app.get("/cdn/{org}/{name}/{path:path}")
    async def serve_large(org: str, name: str, path: str, request: Request) -> Response:
        held = hub.repos[f"{org}/{name}"].files[path]
        start = int(request.headers.get("range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        rest = held[start:]
        headers = {
            "Content-Length": str(len(rest)),
            "Content-Range": f"bytes {start}-{len(held) - 1}/{len(held)}",
        }
        status = 206 if start else 200
        if hub.cut != path:
            return Response(rest, status, headers=headers)

        async def break_off() -> Any:
            # The server promises more than it sends, as a line that is lost does; nobody answers after it.
            yield rest[: len(rest) // 2]
            hub.down = True
            raise ConnectionAbortedError

        return StreamingResponse(break_off(), status, headers=headers)


def _plan_upload(hub: Hub, each: dict[str, Any]) -> dict[str, Any]:
    """One address for a small object; for a larger one an address for every part, and one to end with."""
    oid, size = each["oid"], each["size"]
    place = f"{hub.url}/store/{oid}"
    upload: dict[str, Any] = {"href": place}
    if size > PART_BYTES:
        count = -(-size // PART_BYTES)
        header = {
            "chunk_size": str(PART_BYTES),
            **{f"{no:05d}": f"{place}/{no}" for no in range(1, count + 1)},
        }
        upload = {"href": f"{place}/done", "header": header}
    return {"oid": oid, "size": size, "actions": {"upload": upload, "verify": {"href": f"{place}/verify"}}}


@contextmanager
def serve_hub() -> Iterator[Hub]:
    """The hub, listening on loopback."""
    hub = Hub()
    config = uvicorn.Config(make_app(hub), host="127.0.0.1", port=0, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
    hub.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield hub
    finally:
        server.should_exit = True
        thread.join(5)
