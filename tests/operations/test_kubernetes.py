"""The manifests as they stand in their files; `make operations` looks the same over as kustomize renders them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from agents.operations.kubernetes_rules import operator_rules
from agents.operations.strimzi_users import users
from schemas.access import KAFKA_ROLES, Resource, kafka_grants
from schemas.topics import Topics
from tests.operations.manifests import FOREIGN, POD_KINDS, Doc, faults, pod_of, read, schema_faults
from tests.operations.rule_files import PROJECT, PROMETHEUS

KUBERNETES = PROJECT / "deploy" / "kubernetes"
_KINDS = {"topic": Resource.TOPIC, "group": Resource.GROUP, "transactionalId": Resource.TRANSACTIONAL_ID}


def _listed(folder: str) -> list[Doc]:
    """Return the documents that a folder's kustomization lists, with the label that it puts on all."""
    place = KUBERNETES / folder
    listed = yaml.safe_load((place / "kustomization.yaml").read_text())
    docs = read(*(place / name for name in listed["resources"] if not name.startswith("..")))
    if "labels" in listed:
        for doc in docs:
            doc["metadata"].setdefault("labels", {}).update(listed["labels"][0]["pairs"])
            if doc["kind"] in POD_KINDS:
                doc["spec"]["template"]["metadata"]["labels"].update(listed["labels"][0]["pairs"])
    return docs


@pytest.fixture(scope="module")
def docs() -> list[Doc]:
    """Return base and components."""
    return [*_listed("base"), *_listed("monitoring"), *_listed("autoscaling")]


def _of(docs: list[Doc], kind: str, name: str) -> Doc:
    return next(doc for doc in docs if (doc["kind"], doc["metadata"]["name"]) == (kind, name))


def test_manifests_fit_both_versions_and_each_other(docs: list[Doc]) -> None:
    """Schema, rights, commands, settings, selectors, probes, scaling: what each must hold."""
    assert schema_faults(docs) == []
    assert faults(docs) == []
    assert {doc["kind"] for doc in docs} >= POD_KINDS | {"PodDisruptionBudget", "NetworkPolicy", "ScaledObject"}


def _no_such_setting(docs: list[Doc]) -> None:
    _of(docs, "ConfigMap", "renown-settings")["data"]["RENOWN_PARTITION"] = "8"


def _root(docs: list[Doc]) -> None:
    del pod_of(_of(docs, "Deployment", "renown-scoring"))["securityContext"]["runAsNonRoot"]


def _no_command(docs: list[Doc]) -> None:
    pod_of(_of(docs, "Deployment", "renown-scoring"))["containers"][0]["args"] = ["score-writer"]


def _kills_recovery(docs: list[Doc]) -> None:
    container = pod_of(_of(docs, "StatefulSet", "renown-worker"))["containers"][0]
    container["livenessProbe"]["exec"]["command"][-1] = "worker"


def _moves_partitions(docs: list[Doc]) -> None:
    _of(docs, "ConfigMap", "renown-settings")["data"]["RENOWN_SESSION_TIMEOUT_S"] = "10"


def _flaps(docs: list[Doc]) -> None:
    spec = _of(docs, "ScaledObject", "renown-worker")["spec"]
    spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]["stabilizationWindowSeconds"] = 60


def _too_many(docs: list[Doc]) -> None:
    _of(docs, "ScaledObject", "renown-worker")["spec"]["maxReplicaCount"] = 9


def _selects_nothing(docs: list[Doc]) -> None:
    _of(docs, "PodDisruptionBudget", "renown-http")["spec"]["selector"]["matchLabels"] = {"app": "http"}


def _no_port(docs: list[Doc]) -> None:
    _of(docs, "Service", "renown-monitor")["spec"]["ports"][0]["targetPort"] = "metric"


def _unscraped(docs: list[Doc]) -> None:
    _of(docs, "ServiceMonitor", "renown-http")["spec"]["endpoints"][0]["port"] = "metrics"


BREAKINGS: list[tuple[Callable[[list[Doc]], None], str]] = [
    (_no_such_setting, "unknown setting"),
    (_root, "is not held to user"),
    (_no_command, "there is no command"),
    (_kills_recovery, "kills a worker"),
    (_moves_partitions, "loses its partitions"),
    (_flaps, "would flap"),
    (_too_many, "more workers than partitions"),
    (_selects_nothing, "selects nothing"),
    (_no_port, "no port metric"),
    (_unscraped, "has no port metrics"),
]


@pytest.mark.parametrize(("broken", "told"), BREAKINGS, ids=lambda each: getattr(each, "__name__", ""))
def test_what_looks_them_over_finds_what_is_wrong(docs: list[Doc], broken: Callable[[Any], None], told: str) -> None:
    """Each rule is seen to be broken once."""
    changed = copy.deepcopy(docs)
    broken(changed)
    assert any(told in line for line in faults(changed)), faults(changed)


def test_a_field_that_kubernetes_does_not_know_is_found(docs: list[Doc]) -> None:
    """It would be dropped in silence."""
    changed = copy.deepcopy(_of(docs, "Service", "renown-http"))
    changed["spec"]["portz"] = []
    told = schema_faults([changed])
    assert len(told) == 2
    assert all("portz" in line for line in told)


def test_rules_for_the_operator_are_the_rules() -> None:
    """`python -m agents.operations.kubernetes_rules` writes them anew; they read back as the same groups."""
    path = KUBERNETES / "monitoring" / "rules.yaml"
    assert path.read_text() == operator_rules(PROMETHEUS)
    (doc,) = read(path)
    both = [group for name in ("rules.yml", "alerts.yml") for group in read(PROMETHEUS / name)[0]["groups"]]
    assert doc["spec"]["groups"] == both


def test_strimzi_s_users_have_the_rights_of_their_roles() -> None:
    """`python -m agents.operations.strimzi_users` writes them anew; they read back as what `access kafka` grants."""
    assert (KUBERNETES / "strimzi" / "users.yaml").read_text() == users()
    found = {
        d["metadata"]["name"]: d["spec"]["authorization"]["acls"]
        for d in _listed("strimzi")
        if d["kind"] == "KafkaUser"
    }
    assert set(found) == {f"renown-{role}" for role in KAFKA_ROLES}
    for role in KAFKA_ROLES:
        granted = {
            (
                _KINDS[acl["resource"]["type"]],
                acl["resource"]["name"],
                "patternType" in acl["resource"],
                *acl["operations"],
            )
            for acl in found[f"renown-{role}"]
        }
        wanted = {(g.resource, g.name, g.prefixed, *g.operations) for g in kafka_grants(role, Topics())}
        assert granted == wanted


def test_every_foreign_kind_is_one_that_is_known(docs: list[Doc]) -> None:
    """A misspelt kind would pass unchecked by any schema."""
    groups = {
        doc["kind"]: doc["apiVersion"].partition("/")[0]
        for doc in [*docs, *_listed("strimzi")]
        if doc["kind"] in FOREIGN
    }
    assert groups == {
        "ServiceMonitor": "monitoring.coreos.com",
        "PrometheusRule": "monitoring.coreos.com",
        "ScaledObject": "keda.sh",
        "Kafka": "kafka.strimzi.io",
        "KafkaNodePool": "kafka.strimzi.io",
        "KafkaUser": "kafka.strimzi.io",
    }


def test_the_image_is_the_release_s() -> None:
    """An overlay that runs yesterday's image is hard to notice."""
    version = next(line for line in (PROJECT / "pyproject.toml").read_text().splitlines() if line.startswith("version"))
    (image,) = yaml.safe_load((KUBERNETES / "base" / "kustomization.yaml").read_text())["images"]
    assert f'"{image["newTag"]}"' in version
    job = next(doc for doc in _listed("base") if doc["kind"] == "Job")
    assert job["metadata"]["name"].endswith(image["newTag"].replace(".", "-"))
