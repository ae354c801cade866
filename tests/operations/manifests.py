"""Kubernetes manifests read and looked over: what any set of them must hold, from files or as kustomize renders them.

`python -m tests.operations.manifests FILE…` looks over rendered sets; exit 1 with one line for each fault.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import yaml

from agents.cli.main import COMMANDS
from schemas.errors import BadSettingError
from streams.settings import PREFIX, load
from tests.containerfile import final_stage
from tests.operations.promql import faults as query_faults

Doc = dict[str, Any]
VERSIONS: Final = ("1.34.0", "1.37.0")
"""The oldest and the newest Kubernetes that the manifests are checked for."""
FOREIGN: Final = {"ServiceMonitor", "PrometheusRule", "ScaledObject", "Kafka", "KafkaNodePool", "KafkaUser"}
"""Kinds that operators bring; Kubernetes itself has no schema of them."""
POD_KINDS: Final = {"StatefulSet", "Deployment", "Job"}
LEAST_GRACE_S: Final = 40
CALM_S: Final = 600


def read(*paths: Path) -> list[Doc]:
    """Return every document of the files."""
    return [doc for path in paths for doc in yaml.safe_load_all(path.read_text()) if doc]


def faults(docs: list[Doc]) -> list[str]:
    """Return what is wrong between the manifests of a set and our code, one line each; see also `schema_faults`."""
    found = [f"{_name(doc)}: {line}" for doc in docs if doc["kind"] in POD_KINDS for line in _of_pod(doc, docs)]
    return found + _of_references(docs) + _of_worker(docs) + _of_scaling(docs)


def schema_faults(docs: list[Doc]) -> list[str]:
    """Return what either version of Kubernetes would refuse, unknown fields too."""
    return [line for doc in docs for line in _of_schema(doc)]


def _name(doc: Doc) -> str:
    return f"{doc['kind']} {doc['metadata']['name']}"


def _of_schema(doc: Doc) -> Iterator[str]:
    if doc["kind"] in FOREIGN:
        return
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(doc, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{_name(doc)} for {version}: {'.'.join(map(str, error.path))}: {error.message}"


def pod_of(doc: Doc) -> Doc:
    """Return the pod's specification."""
    found: Doc = doc["spec"]["template"]["spec"]
    return found


def _of_pod(doc: Doc, docs: list[Doc]) -> Iterator[str]:
    pod = pod_of(doc)
    user, _, group = final_stage()["USER"].rest.partition(":")
    security = pod.get("securityContext", {})
    wanted = {"runAsNonRoot": True, "runAsUser": int(user), "runAsGroup": int(group), "fsGroup": int(group)}
    if {name: security.get(name) for name in wanted} != wanted or security.get("seccompProfile") is None:
        yield f"pod is not held to user {user}: {security}"
    if pod.get("automountServiceAccountToken") is not False:
        yield "pod gets a token of the cluster"
    if doc["kind"] != "Job" and pod.get("terminationGracePeriodSeconds", 30) < LEAST_GRACE_S:
        yield "no time to end in order"
    for container in pod["containers"]:
        yield from _of_container(container, pod, docs)


def _of_container(container: Doc, pod: Doc, docs: list[Doc]) -> Iterator[str]:
    security = container.get("securityContext", {})
    if not (security.get("readOnlyRootFilesystem") and security.get("allowPrivilegeEscalation") is False):
        yield "container may write its root or gain rights"
    if security.get("capabilities") != {"drop": ["ALL"]}:
        yield "container keeps capabilities"
    resources = container.get("resources", {})
    if not {"cpu", "memory"} <= resources.get("requests", {}).keys() or "memory" not in resources.get("limits", {}):
        yield "container does not say what it needs"
    if container["args"][0] not in COMMANDS:
        yield f"there is no command {container['args'][0]}"
    mounted, there = {each["name"] for each in container["volumeMounts"]}, {each["name"] for each in pod["volumes"]}
    if mounted != there or "/tmp" not in {each["mountPath"] for each in container["volumeMounts"]}:
        yield f"mounts {mounted} of volumes {there}"
    yield from _of_settings(environment(container, docs))


def environment(container: Doc, docs: list[Doc]) -> dict[str, str]:
    """Return the RENOWN_* variables of a container; what comes from a field is told by the field's name."""
    maps = {doc["metadata"]["name"]: doc.get("data", {}) for doc in docs if doc["kind"] == "ConfigMap"}
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        found |= maps[source["configMapRef"]["name"]]
    for each in container.get("env", []):
        found[each["name"]] = each.get("value") or each["valueFrom"]["fieldRef"]["fieldPath"]
    return {name: value for name, value in found.items() if name.startswith(PREFIX)}


def _of_settings(env: dict[str, str]) -> Iterator[str]:
    files = {name for name in env if name.endswith("_FILE")}
    secured = {"RENOWN_KAFKA_SECURITY": "PLAINTEXT"} if "RENOWN_KAFKA_SASL_PASSWORD_FILE" in files else {}
    secured |= {"RENOWN_REDIS_URL": env["RENOWN_REDIS_URL"].replace("rediss", "redis"), "RENOWN_REDIS_USER": ""}
    secured |= {"RENOWN_KAFKA_SASL_USER": ""}
    try:
        load({name: value for name, value in (env | secured).items() if name not in files and value})
    except BadSettingError as error:
        yield str(error)


def _labels(doc: Doc) -> dict[str, str]:
    labels: dict[str, str] = doc["spec"]["template"]["metadata"]["labels"]
    return labels


def _selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return selector.items() <= labels.items()


def _of_references(docs: list[Doc]) -> list[str]:
    """Return selectors that select nothing, ports and accounts that are not there."""
    workloads = [doc for doc in docs if doc["kind"] in POD_KINDS]
    found = []
    for doc in docs:
        kind, spec = doc["kind"], doc.get("spec", {})
        if kind == "Service":
            chosen = [each for each in workloads if _selects(spec["selector"], _labels(each))]
            ports = {p["name"] for each in chosen for c in pod_of(each)["containers"] for p in c.get("ports", [])}
            found += [f"{_name(doc)}: no port {p['targetPort']}" for p in spec["ports"] if p["targetPort"] not in ports]
        if kind in {"PodDisruptionBudget", "Deployment", "StatefulSet"}:
            selector = spec["selector"]["matchLabels"]
            if not any(_selects(selector, _labels(each)) for each in workloads):
                found.append(f"{_name(doc)} selects nothing")
        if kind == "ServiceMonitor":
            found += _of_scrape(doc, docs)
    accounts = {doc["metadata"]["name"] for doc in docs if doc["kind"] == "ServiceAccount"}
    return found + [f"{_name(d)}: no account" for d in workloads if pod_of(d)["serviceAccountName"] not in accounts]


def _of_scrape(monitor: Doc, docs: list[Doc]) -> Iterator[str]:
    selector, label = monitor["spec"]["selector"], monitor["spec"]["jobLabel"]
    wanted = [{label: value} for each in selector.get("matchExpressions", []) for value in each["values"]]
    for labels in wanted or [selector["matchLabels"]]:
        services = [d for d in docs if d["kind"] == "Service" and _selects(labels, d["metadata"]["labels"])]
        ports = {port["name"] for service in services for port in service["spec"]["ports"]}
        yield from (
            f"{_name(monitor)}: {labels} has no port {e['port']}"
            for e in monitor["spec"]["endpoints"]
            if e["port"] not in ports
        )


def _of_worker(docs: list[Doc]) -> list[str]:
    """Return what would move partitions, or kill a worker that recovers."""
    found = []
    for doc in (doc for doc in docs if doc["kind"] == "StatefulSet"):
        (container,) = pod_of(doc)["containers"]
        env = environment(container, docs)
        if env.get("RENOWN_MEMBER_NAME") != "metadata.name":
            found.append("workers are not members by their pod's name")
        if float(env["RENOWN_SESSION_TIMEOUT_S"]) < pod_of(doc)["terminationGracePeriodSeconds"]:
            found.append("a worker that is stopped and started loses its partitions")
        if container["livenessProbe"]["exec"]["command"][-1] != "worker-alive" or "startupProbe" in container:
            found.append("a probe kills a worker that recovers")
        if container["readinessProbe"]["exec"]["command"][-1] != "worker":
            found.append("a worker that does not score counts as ready")
        if not any(
            d["kind"] == "PodDisruptionBudget" and d["metadata"]["name"] == doc["metadata"]["name"] for d in docs
        ):
            found.append("a drain may take all workers at once")
    return found


def _of_scaling(docs: list[Doc]) -> list[str]:
    """Return what would scale without use, or up and down in turn."""
    found = []
    for spec in (doc["spec"] for doc in docs if doc["kind"] == "ScaledObject"):
        settings = next(
            d["data"] for d in docs if d["kind"] == "ConfigMap" and "RENOWN_PARTITIONS" in d.get("data", {})
        )
        if spec["maxReplicaCount"] > int(settings["RENOWN_PARTITIONS"]):
            found.append("more workers than partitions")
        down = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
        if down["stabilizationWindowSeconds"] < CALM_S or down["policies"][0]["value"] != 1:
            found.append("scaling down would flap")
        queries = [each["metadata"]["query"] for each in spec["triggers"]]
        if not any("renown_lag_records" in query for query in queries) or len(queries) == 1:
            found.append("scaling does not look at lag and at load")
        found += [line for query in queries for line in query_faults(query, set())]
    return found


def main() -> None:
    """Look over the files named on the command line."""
    sets = {name: read(Path(name)) for name in sys.argv[1:]}
    wrong = [f"{name}: {line}" for name, docs in sets.items() for line in (*schema_faults(docs), *faults(docs))]
    sys.stdout.writelines(f"{line}\n" for line in wrong)
    sys.stdout.write(f"{len(sets)} sets of manifests, {len(wrong)} faults\n")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
