"""`renown evaluate`, `renown stability` and `renown evidence`: what they print, and how they refuse."""

from __future__ import annotations

import json
import random
from pathlib import Path
from xml.etree import ElementTree as ET

import click
import pytest
from click.testing import CliRunner, Result

from agents.cli.evaluate import evaluate
from agents.cli.evidence import evidence
from agents.cli.stability import stability
from agents.evidence import extras
from agents.evidence.evaluation import METRICS
from agents.evidence.scores import MEANINGS
from schemas.errors import BadSettingError, RenownError

HOUR_S = 3_600
T_S = 1_341_100_000


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give four days of shares among forty people; the lower a number, the more it is shared."""
    chance = random.Random(1)
    lines = []
    for i in range(3_000):
        actor, target = chance.randrange(40), int(40 * chance.random() ** 3)
        lines.append(f"{actor} {target} {T_S + i * 96 * HOUR_S // 3_000} {'RT' if i % 3 else 'RE'}\n")
    path = tmp_path_factory.mktemp("recording") / "activity.txt"
    path.write_text("".join(lines))
    return path


def invoke(command: click.Command, *words: object) -> Result:
    """Run a command with these words."""
    return CliRunner().invoke(command, [str(word) for word in words])


def test_an_evaluation_has_every_score_metric_and_paired_error(file: Path) -> None:
    """Programs read the document; horizons that do not fit a cut are left out there, not guessed."""
    words = (file, "--format", "higgs", "--profile", "burst", "--cuts", "40h,60h,80h", "--horizons", "6h,24h")
    result = invoke(evaluate, *words, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert " engagements of 40 users; refused: " in result.stderr
    assert f"{document['refused']['self_engagement']} self_engagement" in result.stderr
    cells = {(cell["horizon"], cell["score"], cell["metric"]): cell for cell in document["cells"]}
    assert {key[1] for key in cells} == set(MEANINGS)
    assert {key[2] for key in cells} == set(METRICS)
    assert len(cells["6h", "count", "ndcg_50"]["values"]) == 3
    assert len(cells["1d", "count", "ndcg_50"]["values"]) == 2
    raw, count = (cells["6h", name, "ndcg_50"] for name in ("raw", "count"))
    assert raw["difference"] == 0
    assert count["difference"] == pytest.approx(count["mean"] - raw["mean"], abs=2e-6)
    paired = [one - other for one, other in zip(count["values"], raw["values"], strict=True)]
    mean = sum(paired) / 3
    error = (sum((each - mean) ** 2 for each in paired) / 2 / 3) ** 0.5
    assert count["standard_error"] == pytest.approx(error, abs=2e-6)
    assert [cut["ranked"] for cut in document["cuts"]] == sorted(cut["ranked"] for cut in document["cuts"])


def test_scores_that_know_who_is_popular_beat_chance(file: Path) -> None:
    """In a recording with lasting popularity every sane score must foretell it."""
    result = invoke(evaluate, file, "--format", "higgs", "--profile", "burst", "--horizons", "12h", "--json")
    cells = json.loads(result.stdout)["cells"]
    found = {
        cell["score"]: cell["mean"] for cell in cells if (cell["metric"], cell["outcome"]) == ("spearman", "engagers")
    }
    assert found["raw"] > 0.7
    assert found["score"] > 0.7
    assert found["count"] > 0.7


def test_the_table_names_each_score_and_the_chart_is_drawn_alike_twice(file: Path, tmp_path: Path) -> None:
    """A chart in a repository must not change when its figures do not."""
    words = (file, "--format", "higgs", "--profile", "burst", "--horizons", "6h", "--cuts", "2", "--chart")
    charts = [tmp_path / "one.svg", tmp_path / "two.svg"]
    result, _ = (invoke(evaluate, *words, chart) for chart in charts)
    assert result.exit_code == 0, result.output
    assert all(name in result.stdout for name in MEANINGS)
    assert "6h ahead, distinct people who engaged, 2 cuts" in result.stdout
    assert charts[0].read_bytes() == charts[1].read_bytes()
    assert ET.parse(charts[0]).getroot().tag.endswith("svg")  # noqa: S314 - our own file


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("--cuts", "1000h"), "cuts"),
        (("--cuts", "soon"), "cuts"),
        (("--cuts", "0"), "cuts"),
        (("--horizons", "60h"), "horizons"),
        (("--horizons", "6"), "horizons"),
        (("--chart", "chart.png"), "chart"),
        (("--chart", "/no/such/folder/chart.svg"), "chart"),
        (("--set", "tau_s"), "set"),
        (("--set", "tau=1"), "tau"),
    ],
)
def test_a_bad_setting_names_itself(file: Path, words: tuple[str, str], name: str) -> None:
    """One line that says what to send."""
    result = invoke(evaluate, file, "--format", "higgs", *words)
    assert isinstance(result.exception, BadSettingError)
    assert result.exception.name == name


@pytest.mark.parametrize("command", [evaluate, stability])
def test_an_unreadable_or_foreign_file_is_refused(command: click.Command, file: Path, tmp_path: Path) -> None:
    """Never an empty success, never a traceback of numpy."""
    gone = invoke(command, tmp_path / "gone.jsonl")
    assert isinstance(gone.exception, RenownError)
    assert "name a readable file" in str(gone.exception)
    foreign = invoke(command, file, "--format", "jsonl")
    assert isinstance(foreign.exception, RenownError)
    assert "check --format" in str(foreign.exception)
    assert "3,000 refused" in str(foreign.exception)


def test_a_missing_extra_is_named_before_minutes_are_spent(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The remedy is a command that can be pasted."""
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "igraph" else name)
    result = invoke(evaluate, file, "--format", "higgs")
    assert isinstance(result.exception, RenownError)
    assert str(result.exception) == "igraph is not installed: pip install 'renown[evidence]'"


def test_stability_reports_days_pauses_and_disorder(file: Path) -> None:
    """The limit of 1.1 points a day downwards holds over every pair of days, whatever the targets do."""
    result = invoke(stability, file, "--format", "higgs", "--profile", "burst", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert len(document["days"]) == 3, "four days less some minutes: four ends of days"
    assert document["movement"]["shown"]["everybody"]["min"] >= -1.1 - 1e-6
    assert document["movement"]["target"]["everybody"]["min"] < -2
    rests = {one["days"]: one for one in document["rests"]}
    assert rests[1]["shown"]["worst"] >= -1.1 - 1e-6
    assert rests[7]["shown"]["worst"] >= -8
    assert rests[30]["target"]["mean"] < rests[7]["target"]["mean"] < rests[1]["target"]["mean"] < 0
    (stop,) = document["stops"]
    assert stop["target"]["mean"] < 0
    assert set(document["disorder"]) == {"late", "shuffled"}
    assert document["disorder"]["late"]["target"]["max"] > 0
    table = invoke(stability, file, "--format", "higgs", "--profile", "burst").stdout
    assert "1 % of the acts an hour late: shown" in table


def test_a_short_recording_says_that_it_is_too_short(tmp_path: Path) -> None:
    """No movement is not the same as stillness."""
    path = tmp_path / "activity.txt"
    path.write_text("".join(f"{i % 7} {i % 5 + 7} {T_S + i} RT\n" for i in range(70)))
    result = invoke(stability, path, "--format", "higgs")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("it is too short") == 3


def test_evidence_without_its_recordings_is_refused(tmp_path: Path) -> None:
    """It must not write a page about half of them."""
    result = invoke(evidence, tmp_path, "--to", tmp_path)
    assert isinstance(result.exception, BadSettingError)
    assert "higgs-activity_time.txt.gz is missing" in str(result.exception)
    assert list(tmp_path.iterdir()) == []
