"""Parts: found, shown whole, signed, taken along; and hidden from whoever shall judge them blind."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from taktsight.inspect.ledger import FILE
from taktsight.inspect.ledger_rows import digest_of
from taktsight.inspect.review.store.values import Choice, PartKey, Why
from taktsight.inspect.review.web.part_pdf import can_print, refuse_all_but_data
from taktsight.records import Outcome

from .running_bench import token
from .served_records import Served, certified_spots, key_of, path_of, serving

JSON_COLUMNS = ("reasons", "stage_ns", "scores", "health", "frames")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    place = tmp_path_factory.mktemp("parts")
    certified_spots(place / "spots.takt")
    with serving(place) as running:
        yield running


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Served]:
    """A bench whose records may be damaged."""
    with serving(tmp_path, with_bundle=False) as running:
        yield running


def rejected(served: Served, number: int = 0) -> Any:
    return served.made.of(Outcome.REJECT)[number]


def test_scanned_serial_leads_to_its_part(served: Served) -> None:
    part = rejected(served)
    for text in (part.serial, part.serial.lower(), str(key_of(part))):
        answer = served.people["reviewer"].get("/parts", params={"text": f" {text} "})
        assert answer.status_code == 303
        assert answer.headers["location"] == path_of(part)


def test_search_filters_and_says_where_nothing_is(served: Served) -> None:
    reviewer = served.people["reviewer"]
    everything = reviewer.get("/parts", params={"text": "L05"}).text
    assert all(part.serial in everything for part in served.made.parts)
    found = reviewer.get("/parts", params={"outcome": "REJECT"}).text
    for part in served.made.parts:
        assert (part.serial in found) == (part.outcome is Outcome.REJECT)
    assert "No part is like that" in reviewer.get("/parts", params={"since": "2030-01-01"}).text
    assert "No part is like that" in reviewer.get("/parts", params={"text": "nothing"}).text


@pytest.mark.parametrize(
    "strange",
    [
        "'; DROP TABLE parts; --",
        "%",
        "x:y",
        ":1",
        "a:-1",
        "<script>alert(1)</script>",
        "9" * 30,
        "2026-02-31",
    ],
)
def test_strange_searches_are_only_texts(served: Served, strange: str) -> None:
    for name in ("text", "outcome", "label", "lot", "station", "run", "since", "until", "after"):
        answer = served.people["auditor"].get("/parts", params={name: strange})
        assert answer.status_code == 200, (name, strange)
        assert "<script>alert" not in answer.text


def test_part_shows_what_the_ledger_has(served: Served) -> None:
    part = rejected(served)
    page = served.people["auditor"].get(path_of(part)).text
    content = exported(served, part)
    for said in (part.serial, "REJECT", "record intact", "VOID", content["digest"], content["bundle"]):
        assert said in page
    assert content["ledger"][0]["row"]["digest"] in page
    assert content["reasons"][0].replace(">", "&gt;") in page


def exported(served: Served, part: Any) -> dict[str, Any]:
    answer = served.people["auditor"].get(f"{path_of(part)}/export.json")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    found: dict[str, Any] = json.loads(answer.content)
    return found


def ledger_rows(served: Served, key: PartKey) -> list[dict[str, Any]]:
    with sqlite3.connect(f"file:{served.made.folder / FILE}?mode=ro", uri=True) as file:
        file.row_factory = sqlite3.Row
        query = "SELECT * FROM entries WHERE run = ? AND trigger = ? AND kind = 'verdict'"
        rows = [dict(row) for row in file.execute(query, (key.run, key.trigger))]
    file.close()
    return rows


def test_json_holds_the_numbers_of_the_ledger_and_proves_them(served: Served) -> None:
    for part in served.made.parts:
        content = exported(served, part)
        (row,) = ledger_rows(served, key_of(part))
        (said,) = content["ledger"]
        # Whoever has the file alone can compute the digest of the row again.
        written = {
            name: json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            if name in JSON_COLUMNS and value is not None
            else value
            for name, value in said["row"].items()
        }
        assert written == row
        assert digest_of(written) == row["digest"]
        assert content["cycle_ms"] == row["cycle_ns"] / 1e6
        assert content["outcome"] == part.outcome.value
        scores = {view: list(values.values()) for view, values in content["scores"].items()}
        assert scores == json.loads(row["scores"])
        assert content["frames"] == json.loads(row["frames"])
        assert content["intact"]
        assert content["digest"] == served.store.digest_of_part(key_of(part))


def test_csv_holds_them_too_and_no_formula(served: Served) -> None:
    part = rejected(served, 1)
    served.decide("supervisor", part, note="=HYPERLINK(1)")
    answer = served.people["engineer"].get(f"{path_of(part)}/export.csv")
    table = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    (row,) = ledger_rows(served, key_of(part))
    scores = {
        (line["view"], line["name"]): float(line["value"]) for line in table if line["section"] == "scores"
    }
    assert scores == {(view, "spot"): values[0] for view, values in json.loads(row["scores"]).items()}
    cycle = next(line["value"] for line in table if line["name"] == "cycle_ms")
    assert float(cycle) == row["cycle_ns"] / 1e6
    note = next(line["value"] for line in table if line["name"] == "note")
    assert note == "'=HYPERLINK(1)"


@pytest.mark.skipif(not can_print(), reason="no WeasyPrint: pip install 'taktsight[report]'")
def test_pdf_holds_the_record(served: Served, tmp_path: Path) -> None:
    part = rejected(served)
    answer = served.people["supervisor"].get(f"{path_of(part)}/export.pdf", timeout=120)
    assert answer.status_code == 200, answer.text
    assert answer.content.startswith(b"%PDF-")
    reader = shutil.which("pdftotext")
    if reader is None:
        pytest.skip("no pdftotext: apt install poppler-utils")
    (tmp_path / "part.pdf").write_bytes(answer.content)
    text = subprocess.run([reader, tmp_path / "part.pdf", "-"], capture_output=True, text=True, check=True)
    words = "".join(text.stdout.split())
    for said in (part.serial, "REJECT", exported(served, part)["digest"], "VOID"):
        assert said in words


@pytest.mark.parametrize(
    "url", ["http://x/", "https://x/", "file:///etc/passwd", "ftp://x/", "//x", "x.png"]
)
def test_paper_fetches_nothing(url: str) -> None:
    with pytest.raises(ValueError, match="holds all it needs"):
        refuse_all_but_data(url)
    refuse_all_but_data("data:,")


def test_export_stands_in_the_log(served: Served) -> None:
    part = rejected(served)
    content = exported(served, part)
    last = served.store.log(0, 10_000)[-1]
    assert (last.actor, last.action, last.subject) == ("auditor", "export", f"part:{key_of(part)}")
    assert content["digest"] in (last.new or "")


def test_signature_holds_then_is_of_an_earlier_record(served: Served) -> None:
    part = served.made.of(Outcome.REVIEW)[0]
    served.decide("supervisor", part, Choice.FALSE_REJECT)
    assert served.sign("supervisor", part).status_code == 303
    assert [each["state"] for each in exported(served, part)["signatures"]] == ["holds"]
    undone = served.decide("supervisor", part, Choice.MISSED_DEFECT)
    assert [each["state"] for each in exported(served, part)["signatures"]] == ["earlier"]
    served.store.undo("supervisor", undone.id, "seen again")
    page = served.people["auditor"].get(path_of(part)).text
    assert "holds for the record as it was" in page
    assert "seen again" in page
    assert "Supervisor Berg (supervisor)" in page


def test_record_that_changed_meanwhile_is_not_signed(served: Served) -> None:
    part = rejected(served)
    before = served.store.digest_of_part(key_of(part))
    served.decide("engineer", part)
    assert served.sign("engineer", part, digest=before).status_code == 409
    assert served.sign("engineer", part, digest="0" * 64).status_code == 409
    assert served.sign("engineer", part, meaning="witnessed").status_code == 422
    answer = served.sign("engineer", part, password="not my password")
    assert answer.status_code == 422
    assert "The password is wrong" in answer.text
    assert served.store.signatures_of(f"part:{key_of(part)}") == ()


def test_role_signs_and_takes_along_what_the_table_says(served: Served) -> None:
    part = served.made.of(Outcome.PASS)[0]
    for role in ("auditor", "admin"):
        client = served.people[role]
        sent = {"csrf": token(client, "/help"), "digest": "0" * 64, "meaning": "reviewed", "password": "x"}
        assert client.post(f"{path_of(part)}/sign", data=sent).status_code == 403
    for kind in ("json", "csv", "pdf"):
        assert served.people["reviewer"].get(f"{path_of(part)}/export.{kind}").status_code == 403
    assert "Export as" not in served.people["reviewer"].get(path_of(part)).text
    for meaning in ("approved", "rejected"):  # it takes more than having looked at it
        assert served.sign("reviewer", part, meaning=meaning).status_code == 422
    assert served.sign("reviewer", part).status_code == 303


def test_colleagues_are_not_named_to_who_may_not_see_names(served: Served) -> None:
    part = served.made.of(Outcome.UNINSPECTED)[0]
    served.decide("engineer", part, Choice.FALSE_REJECT, why=Why.UNINSPECTED, note="a good part")
    page = served.people["reviewer"].get(path_of(part)).text
    assert "a good part" in page
    assert "engineer" not in page.lower()
    assert "A colleague" in page
    assert "engineer" in served.people["auditor"].get(path_of(part)).text


def test_blind_second_hides_the_part_until_it_is_given(own: Served) -> None:
    own.store.change_setting("engineer", "blind_share", 1.0, "every part twice")
    own.store.change_setting("engineer", "known_share", 0.0, "")
    part = rejected(own)
    own.decide("supervisor", part, note="a scratch, surely")
    reviewer = own.people["reviewer"]
    page = reviewer.get(path_of(part)).text
    assert "judge this part blind" in page
    for told in ("REJECT", "scratch", part.serial, "0.", "onnxruntime"):
        assert told not in page.partition("<main")[2]
    listed = reviewer.get("/parts").text
    assert "judge it blind" in listed
    row = listed.partition(f">{part.serial}<")[2].partition("</tr>")[0]
    assert "REJECT" not in row
    assert part.serial not in reviewer.get("/parts", params={"outcome": "REJECT"}).text
    assert own.sign("engineer", part).status_code == 409
    assert own.people["engineer"].get(f"{path_of(part)}/export.json").status_code == 409
    assert "a scratch, surely" in own.people["auditor"].get(path_of(part)).text
    assert "a scratch, surely" in own.people["supervisor"].get(path_of(part)).text
    own.decide("reviewer", part, Choice.MISSED_DEFECT, why=Why.SECOND, blind=True)
    assert "a scratch, surely" in reviewer.get(path_of(part)).text


def tamper(served: Served, change: str, *values: object) -> None:
    with sqlite3.connect(served.made.folder / FILE) as file:
        for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            file.execute(f"DROP TRIGGER {name}")
        file.execute(change, values)
    file.close()


CHANGED = "changed after it was written"
DAMAGES = [
    ("UPDATE entries SET outcome = 'PASS' WHERE seq = ?", CHANGED),
    ("UPDATE entries SET scores = X'FF' WHERE seq = ?", CHANGED),
    ("DELETE FROM entries WHERE seq = ? - 1", "row before it is gone"),
]


def test_damaged_record_is_said_and_not_signed(own: Served) -> None:
    client = own.people["supervisor"]
    parts = [*own.made.of(Outcome.REJECT), own.made.of(Outcome.REVIEW)[0]]
    for part, (change, said) in zip(parts, DAMAGES, strict=True):
        assert own.sign("supervisor", part).status_code == 303
        (row,) = ledger_rows(own, key_of(part))
        tamper(own, change, row["seq"])
        page = client.get(path_of(part)).text
        for told in ("record damaged", said, "does not hold"):
            assert told in page, change
        content = json.loads(client.get(f"{path_of(part)}/export.json").content)
        assert not content["intact"]
        assert [each["state"] for each in content["signatures"]] == ["broken"]
        assert client.get(f"{path_of(part)}/export.csv").status_code == 200
        sent = {"csrf": token(client, "/help"), "digest": content["digest"], "meaning": "reviewed"}
        assert client.post(f"{path_of(part)}/sign", data=sent | {"password": "x"}).status_code == 409


@pytest.mark.parametrize(
    "name", ["x", "x:y", "20260105T060000:999", "20260105T060000:-1", "a:1" * 200, "%00:1"]
)
def test_part_that_is_none_is_not_there(served: Served, name: str) -> None:
    for tail in ("", "/export.json", "/export.csv"):
        assert served.people["auditor"].get(f"/parts/{name}{tail}").status_code == 404
