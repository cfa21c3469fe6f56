"""phyassist chat: asked on the command line, kept, listed, gone on with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.scripted_server import ScriptedServer


def test_a_question_about_a_patient_is_answered_and_the_thread_gone_on_with(
    cli: Cli, invented: Path, outside: ScriptedServer
):
    outside.replies.extend(["来访者睡得很少。", "可以先问作息。"])

    first = json.loads(cli("chat", "她怎么了？", "--patient", "0112", "--json").out)
    second = cli("chat", "--patient", "0112", "--thread", first["thread"][:8], "接下来问什么？")
    listed = json.loads(cli("chat", "--patient", "0112", "--list", "--json").out)

    assert (first["text"], first["state"]) == ("来访者睡得很少。", "done")
    assert "可以先问作息。" in second.out
    assert first["notes_read"]
    assert all(f"note {number}" in second.err for number in first["notes_read"])
    assert (set(first["left_out"].values()), "did not fit" in second.err) == ({0}, False)
    assert [(row["thread"], row["title"], row["messages"]) for row in listed] == [
        (first["thread"], "她怎么了？", 4)
    ]
    said = [message["content"] for message in outside.asked[-1]["messages"]]
    assert "来访者睡得很少。" in said


def test_questions_about_nobody_are_read_line_by_line_and_found_again(
    cli: Cli, invented: Path, outside: ScriptedServer
):
    outside.replies.extend(["睡眠限制、刺激控制。", "四到八次。"])

    ran = cli("chat", stdin="失眠怎么做？\n要多少次？\n\n")
    found = cli("chat", "--find", "刺激控制")
    nothing = cli("chat", "--find", "没有的词")

    assert "睡眠限制、刺激控制。" in ran.out
    assert "四到八次。" in ran.out
    assert "刺激控制" in found.out
    assert "no thread" in nothing.err


def test_what_did_not_fit_the_model_is_said(
    cli: Cli, invented: Path, outside: ScriptedServer, monkeypatch: pytest.MonkeyPatch
):
    outside.replies.extend(["来访者睡得很少。", "来访者睡得很少。"])
    monkeypatch.setenv("PHYASSIST_CONTEXT_TOKENS", "2048")

    told = cli("chat", "她怎么了？", "--patient", "0112")
    shaped = json.loads(cli("chat", "她怎么了？", "--patient", "0112", "--json").out)

    assert sum(shaped["left_out"].values()) > 0
    assert "did not fit the model: " in told.err
