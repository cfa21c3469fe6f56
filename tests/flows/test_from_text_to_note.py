"""From a text to an encrypted note with a real small model: through the command line, as a person would."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from phyassist.services.cases import Case, load_case
from tests.cli.conftest import Cli
from tests.cli.test_analysing import check_shape
from tests.house.canary import find_canary
from tests.models import find_model

# The shortest case of each language, with the smallest model that speaks it.
RUNS = (
    ("en-two-cups", "smollm2-135m-instruct"),
    ("zh-since-the-baby", "qwen2.5-coder-0.5b-instruct"),
)

pytestmark = pytest.mark.model


@pytest.fixture(params=RUNS, ids=["en", "zh"])
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    """A case, with the model that answers it named in the settings."""
    name, model = request.param
    monkeypatch.setenv("PHYASSIST_MODEL", str(find_model(model)))
    return load_case(name)


@pytest.mark.timeout(600)
def test_a_case_becomes_an_encrypted_note(case: Case, cli: Cli, invented: Path):
    cli("patients", "new", "Case", "--number", "0300", "--lang", case.language)

    organised = cli("organise", str(case.path), "--patient", "0300", "--json")
    analysed = cli("analyse", str(case.path), "--patient", "0300", "--json")
    signed = cli("notes", "save", "0300", "--yes")

    record, draft = json.loads(organised.out), json.loads(analysed.out)
    check_shape(record, "organise")
    check_shape(draft, "analyse")
    assert all(one["quote"] in case.text for one in record["demographic_data"])
    assert draft["symptom_type"]
    assert draft["reasons"]
    assert all(one["quote"] in case.text for one in draft["reasons"])
    assert draft["advice"]
    assert signed.code == 0
    note = cli("notes", "show", "0300", "1").out
    assert draft["symptom_type"] in note
    # The note is on the disk, and neither it nor the text can be read there.  (A symptom's name is too short
    # to look for: two signs of it stand in any file by chance.)
    words = [draft["advice"][0]["text"], case.facts[-1].quote]
    assert [leak for word in words for leak in find_canary([invented], word)] == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", RUNS[:1], ids=["en"], indirect=True)
def test_a_text_alone_is_analysed_and_leaves_nothing(case: Case, cli: Cli, home: Path):
    ran = cli("analyse", "-", "--json", stdin=case.text.partition("\n")[0])

    value = json.loads(ran.out)
    check_shape(value, "analyse")
    assert value["tokens"] > 0
    assert sorted(path.name for path in home.iterdir()) == ["logs"]
