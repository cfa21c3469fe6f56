"""consent, audit and erasure from the command line, on the invented practice."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Cli
from tests.cli.scripted_server import ScriptedServer


def test_an_answer_is_recorded_and_shown_with_its_history(cli: Cli, invented: Path):
    before = json.loads(cli("consent", "show", "0124", "--json").out)

    ran = cli(
        "consent", "set", "0124", "own-training", "yes", "--on", "2026-01-05", "--signed-by", "guardian"
    )
    cli("consent", "set", "0124", "drafting", "no", "--remark", "by telephone")

    after = json.loads(cli("consent", "show", "0124", "--json").out)
    assert ran.code == 0
    assert before["now"]["drafting"] == {"answer": None, "allowed": True}
    assert before["now"]["own_training"] == {"answer": None, "allowed": False}
    assert after["now"]["drafting"] == {"answer": "no", "allowed": False}
    assert after["now"]["own_training"] == {"answer": "yes", "allowed": True}
    newest, oldest = after["history"]
    assert (newest["purpose"], newest["signed_by"], newest["remark"]) == (
        "drafting",
        "patient",
        "by telephone",
    )
    assert (oldest["on"], oldest["signed_by"]) == ("2026-01-05", "guardian")
    assert "not allowed" in cli("consent", "show", "0124").out


def test_an_analysis_without_consent_is_refused_in_a_sentence_and_rules_still_read(
    cli: Cli, invented: Path, tmp_path: Path, outside: ScriptedServer
):
    source = tmp_path / "said.txt"
    source.write_text("I am 41 years old and I sleep badly. What shall I do?", encoding="utf-8")
    cli("consent", "set", "0124", "drafting", "no")
    drafts = cli("patients", "show", "0124", "--json").out

    analysed = cli("analyse", str(source), "--patient", "0124")
    still = cli("patients", "show", "0124", "--json").out
    organised = cli("organise", str(source), "--patient", "0124", "--json")

    assert analysed.code == 1
    assert "PA-RULE-CONSENT" in analysed.err
    assert still == drafts
    assert organised.code == 0
    assert "41 years old" in organised.out
    assert outside.asked == []


def test_the_audit_is_listed_verified_and_anchored(cli: Cli, invented: Path, tmp_path: Path):
    anchor = cli("audit", "anchor").out.strip()
    cli("patients", "show", "0124")
    anchors = tmp_path / "anchors.txt"
    anchors.write_text(f"{anchor}\n", encoding="utf-8")

    rows = json.loads(cli("audit", "list", "--json").out)
    whole = cli("audit", "verify", "--anchor-file", str(anchors))
    other = cli("audit", "verify", "--anchor", "2-" + "ab" * 16)
    none = cli("audit", "verify", "--anchor", "what")

    assert {"signed in", "viewed"} <= {row["act"] for row in rows}
    assert rows[0]["origin"] == "cli"
    assert "Margaret" not in json.dumps(rows)
    assert whole.code == 0
    assert "1 anchors fit" in whole.err
    assert (other.code, none.code) == (1, 1)
    assert "PA-STORE-AUDIT" in other.err


def test_a_patient_is_erased_with_the_name_again_and_leaves_a_receipt(cli: Cli, invented: Path):
    patient = json.loads(cli("patients", "show", "0124", "--json").out)

    wrong = cli("erasure", "patient", "0124", "--confirm", "Margaret")
    done = cli("erasure", "patient", "0124", "--confirm", patient["name"])
    (receipt,) = json.loads(cli("erasure", "receipts", "--json").out)

    assert wrong.code == 1
    assert done.code == 0
    assert (receipt["id"], receipt["patient"]) == (done.out.strip(), patient["id"])
    assert receipt["complete"] is True
    assert patient["id"] in cli("erasure", "receipts").out
    assert cli("patients", "show", "0124").code == 1
