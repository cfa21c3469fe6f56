"""Every reply, whatever page it is and however it went, carries the headers that shut the browser's doors."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI
from starlette.responses import Response
from starlette.testclient import TestClient

from tests.security.conftest import list_routes, make_browser

NEVER = ("unsafe-inline", "unsafe-eval", "unsafe-hashes", "*", "http:", "https:")
ELSEWHERE = [
    ("GET", "/nowhere"),
    ("DELETE", "/patients"),
    ("GET", "/static/js/main.js"),
    ("GET", "/static/nothing.js"),
    ("GET", "/static/%00"),
    ("GET", "/static/../app.py"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
]


def missing_headers(reply: Response) -> list[str]:
    """What a reply lacks, in words."""
    headers, policy = reply.headers, {}
    for part in headers.get("content-security-policy", "").split(";"):
        name, _, value = part.strip().partition(" ")
        policy[name] = value.split()
    found = [
        f"{name} allows {value}" for name, values in policy.items() for value in values if value in NEVER
    ]
    wanted = {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
    }
    found += [f"no {name}" for name, values in wanted.items() if policy.get(name) != values]
    fixed = {
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
    found += [f"no {name}" for name, value in fixed.items() if headers.get(name) != value]
    if "camera=()" not in headers.get("permissions-policy", ""):
        found.append("no permissions-policy")
    return found


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("who", ["a stranger", "a counsellor"])
def test_every_route_answers_with_the_headers(
    who: str, scheme: str, app: FastAPI, inside: TestClient
) -> None:
    browser = inside if who == "a counsellor" else make_browser(app, f"{scheme}://127.0.0.1:8420")
    if who == "a counsellor" and scheme == "https":
        secret = inside.cookies["phyassist_login"]
        browser = make_browser(app, "https://127.0.0.1:8420")
        browser.cookies.set("__Host-phyassist_login", secret)

    found = {}
    for method, path in [*list_routes(), *ELSEWHERE]:
        if path == "/lock":
            continue
        reply = browser.request(method, re.sub(r"\{[^}]+\}", "0" * 32, path))
        lacks = missing_headers(reply)
        if not path.startswith("/static") and reply.headers.get("cache-control") != "no-store":
            lacks.append("may be kept")
        if ("strict-transport-security" in reply.headers) != (scheme == "https"):
            lacks.append("HSTS")
        if reply.status_code >= 500:
            lacks.append(str(reply.status_code))
        if lacks:
            found[f"{method} {path}"] = lacks

    assert found == {}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 400),
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403),
    ],
)
def test_a_refusal_carries_them_too(headers: dict[str, str], status: int, stranger: TestClient) -> None:
    reply = stranger.post("/unlock", data={"passphrase": "x"}, headers=headers)

    assert reply.status_code == status
    assert missing_headers(reply) == []


def test_a_file_to_keep_is_not_kept_by_the_browser(inside: TestClient) -> None:
    address = inside.post("/patients", data={"name": "Lee", "language": "en"}).headers["location"]
    patient = address.split("/")[2]

    reply = inside.get(f"/patients/{patient}/notes/export")

    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["content-disposition"].startswith("attachment")
    assert missing_headers(reply) == []
