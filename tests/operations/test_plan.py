"""`renown plan`: grows with the load, says what it stands on, and the manifests follow it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from agents.cli.plan import plan
from agents.operations.capacity.costs import Costs, measured
from agents.operations.capacity.needs import GIB, USED, Load, needs, touched_per_s
from tests.operations.rule_files import PROJECT

COSTS = measured().costs
loads = st.builds(Load, st.floats(0.1, 2e6), st.integers(1, 10**9), st.floats(0, 100))


def test_costs_are_measured_ones() -> None:
    """A cost of zero, or of a thousand times what is believable, is a measurement gone wrong."""
    found = measured()
    assert found.machine["cpu"]
    assert all(value > 0 for value in (getattr(COSTS, name) for name in Costs.__struct_fields__))
    assert 1 < COSTS.worker_us_per_event + COSTS.worker_us_per_score < 200
    assert 200 < COSTS.row_bytes_per_user < 20_000
    assert COSTS.worker_base_bytes < GIB


@given(loads, st.floats(1.0, 10.0))
def test_more_of_anything_never_needs_less(load: Load, times: float) -> None:
    """Workers, memory, disk and scores grow with engagements and with people."""
    base = needs(load, COSTS)
    for more in (replace(load, events_per_s=load.events_per_s * times), replace(load, users=int(load.users * times))):
        found = needs(more, COSTS)
        assert found.workers * found.worker_memory_bytes >= base.workers * base.worker_memory_bytes * (1 - 1e-9)
        assert found.redis_memory_bytes >= base.redis_memory_bytes
        assert found.kafka_disk_bytes >= base.kafka_disk_bytes


@given(loads)
def test_what_is_planned_has_room(load: Load) -> None:
    """Cores and memory hold what comes, and there are two workers, so that one may be lost."""
    found = needs(load, COSTS)
    busy = load.events_per_s * COSTS.worker_us_per_event + found.scores_per_s * COSTS.worker_us_per_score
    assert found.workers >= 2
    assert busy / 1e6 <= found.workers * USED * (1 + 1e-9)
    assert found.worker_memory_bytes <= load.worker_bytes * (1 + 1e-9)
    assert found.partitions >= 2 * found.workers
    assert found.partitions & (found.partitions - 1) == 0
    assert found.redis_cores_used <= USED or any("several pipelines" in note for note in found.notes)
    assert found.emit_interval_s == 1.0 or any("RENOWN_EMIT_INTERVAL_S" in note for note in found.notes)


def test_scores_are_no_more_than_engagements_and_no_more_than_people_an_interval() -> None:
    """Both bounds are reached at their ends."""
    assert touched_per_s(1e6, 1_000, 1.0) == pytest.approx(1_000)
    assert touched_per_s(1_000, 10**9, 1.0) == pytest.approx(1_000, rel=1e-3)


def test_the_command_says_all_of_it_and_what_it_stands_on() -> None:
    """One document for programs, lines for people."""
    words = ["--events-per-second", "1000", "--users", "1000000"]
    document = json.loads(CliRunner().invoke(plan, [*words, "--json"]).stdout)
    assert document["needs"]["workers"] >= 2
    assert document["measured_by"].startswith("python -m agents.operations.capacity")
    told = CliRunner().invoke(plan, words).stdout
    for word in ("workers", "partitions", "Redis", "Kafka", "measured by"):
        assert word in told


@pytest.mark.parametrize("wrong", [["0", "5"], ["nan", "5"], ["inf", "5"], ["-1", "5"], ["5", "0"]])
def test_a_load_that_is_none_is_refused(wrong: list[str]) -> None:
    """Not with a traceback."""
    done = CliRunner().invoke(plan, ["--events-per-second", wrong[0], "--users", wrong[1]])
    assert done.exit_code == 2
    assert "Invalid value" in done.stderr


def test_the_large_overlay_is_what_its_first_lines_say() -> None:
    """Its figures are a plan's."""
    large = PROJECT / "deploy" / "kubernetes" / "overlays" / "large"
    found, overlay = needs(Load(10_000, 10_000_000), COSTS), (large / "kustomization.yaml").read_text()
    assert "renown plan --events-per-second 10000 --users 10000000" in overlay
    settings = yaml.safe_load((large / "settings.yaml").read_text())["data"]
    set_to = {
        (patch["target"]["kind"], each["path"].rpartition("/")[2]): each.get("value")
        for patch in yaml.safe_load(overlay)["patches"]
        if "patch" in patch
        for each in yaml.safe_load(patch["patch"])
    }
    assert found.emit_interval_s == 1.0
    assert int(settings["RENOWN_PARTITIONS"]) >= found.partitions
    assert set_to["StatefulSet", "replicas"] == set_to["ScaledObject", "minReplicaCount"] == found.workers
    assert found.workers < set_to["ScaledObject", "maxReplicaCount"] <= int(settings["RENOWN_PARTITIONS"])
    memory = set_to["StatefulSet", "resources"]["requests"]["memory"]
    assert found.worker_memory_bytes <= int(memory.removesuffix("Gi")) * GIB
    assert set_to["Deployment", "replicas"] >= found.scoring_agents
