from __future__ import annotations

from dataclasses import replace

import pytest

from phyassist.errors import OutsideForbidden
from phyassist.lm.opening import ServerAddress, open_model
from phyassist.lm.outside import Leaving, Outside, is_own_server
from phyassist.lm.protocol import Ask, Message, Never, Reply, Words
from phyassist.lm.scripted import ScriptedModel

SAID = "My name is Daniel Okafor. My sister Amara called me on 07700 900123."
ASK = Ask((Message("system", "Help."), Message("user", SAID)), 100)


def test_the_server_sees_placeholders_and_the_reader_sees_names() -> None:
    inner = ScriptedModel(["[NAME1] spoke with [NAME2], see [CONTACT1]."])

    events = list(Outside(inner, "api.example.org", lambda: True).write(ASK, Never()))

    sent = inner.asks[0].messages[1].content
    assert sent == "My name is [NAME1]. My sister [NAME2] called me on [CONTACT1]."
    said = "Daniel Okafor spoke with Amara, see 07700 900123."
    assert "".join(event.text for event in events if isinstance(event, Words)) == said
    assert isinstance(events[-1], Reply)
    assert events[-1].text == said


def test_words_that_the_form_of_a_reply_prescribes_are_replaced_as_well() -> None:
    inner = ScriptedModel(['{"asked": "Ask [NAME2] again.", "from": 1}'])
    form = {
        "asked": {"type": "string", "enum": ["Ask Amara again."]},
        "from": {"type": "integer", "enum": [0, 1]},
    }
    listed = {"type": "array", "prefixItems": [{"type": "object", "properties": form}]}
    ask = replace(ASK, schema={"type": "object", "properties": {"reasons": listed}})
    told: list[Leaving] = []
    outside = Outside(inner, "api.example.org", lambda: True, note=told.append)

    *_, reply = outside.write(ask, Never())

    sent = inner.asks[0].schema
    assert "Amara" not in str(sent)
    assert "['Ask [NAME2] again.']" in str(sent)
    assert "[0, 1]" in str(sent)
    assert told[0].texts[-1] == "Ask [NAME2] again."
    assert isinstance(reply, Reply)
    assert "Ask Amara again." in reply.text


def test_nothing_is_sent_where_the_practice_forbids_it() -> None:
    inner = ScriptedModel(["never"])
    told: list[Leaving] = []
    outside = Outside(inner, "api.example.org", lambda: False, note=told.append)

    with pytest.raises(OutsideForbidden, match="sends nothing to outside servers"):
        list(outside.write(ASK, Never()))

    assert inner.asks == []
    assert told == []


def test_what_leaves_is_told_before_it_leaves() -> None:
    inner = ScriptedModel(["ok"])
    told: list[tuple[Leaving, int]] = []
    outside = Outside(inner, "api.example.org", lambda: True)

    list(outside.about((), lambda leaving: told.append((leaving, len(inner.asks)))).write(ASK, Never()))

    leaving, asked = told[0]
    assert asked == 0
    assert leaving.counts == {"name": 2, "contact": 1}
    assert "Okafor" not in repr(leaving) + "".join(leaving.texts)


def test_counting_tokens_and_warming_send_nothing() -> None:
    inner = ScriptedModel()
    outside = Outside(inner, "api.example.org", lambda: True)

    outside.warm(ASK.messages)

    assert outside.count_tokens(SAID) > 0
    assert inner.warmed == []


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("http://127.0.0.1:8000/v1", True),
        ("http://[::1]:8000", True),
        ("http://localhost:8000", True),
        ("http://model.practice.example/v1", True),
        ("http://10.0.0.7:8000", False),
        ("https://api.example.org/v1", False),
        ("https://127.0.0.1.example.org", False),
        ("https://127.0.0.1@example.org/v1", False),
    ],
)
def test_a_server_is_the_practices_own_only_here_or_by_name(url: str, own: bool) -> None:
    assert is_own_server(url, ["model.practice.example"]) is own


def test_a_model_at_an_outside_address_is_opened_behind_the_gate(tmp_path) -> None:
    server = ServerAddress("https://api.example.org/v1", "key")

    with (
        open_model(model="big", models_dir=tmp_path, server=server, context_tokens=4096, threads=1) as opened,
        pytest.raises(OutsideForbidden),
    ):
        list(opened.model.write(ASK, Never()))
