"""deploy/compose.yaml and what it mounts: pinned, without rights, existing commands, known settings, right targets."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
import yaml

from agents.cli.main import COMMANDS, cli
from agents.operations.catalogue import PARTS
from streams.settings import PREFIX, load
from tests.containerfile import CONTAINERFILE
from tests.operations.rule_files import PROJECT, PROMETHEUS

DEPLOY = PROJECT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("renown:")}
SCRAPED: list[dict[str, Any]] = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]


def test_foreign_images_are_pinned_and_ours_is_the_one_that_is_built() -> None:
    """Nothing that comes from elsewhere may change by itself."""
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    assert {service["image"] for service in OURS.values()} == {f"renown:{version}"}
    assert f'image.version="{version}"' in CONTAINERFILE.read_text()
    assert f"--tag renown:{version} " in CONTAINERFILE.read_text()
    for name in SERVICES.keys() - OURS.keys():
        assert re.fullmatch(r"[a-z/]+:v?[0-9][0-9a-z.-]*@sha256:[0-9a-f]{64}", SERVICES[name]["image"])


@pytest.mark.parametrize("name", OURS)
def test_every_service_of_ours_runs_an_existing_command_without_rights(name: str) -> None:
    """A service that forgets the common part would run with what the engine gives by itself."""
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    load({each: value for each, value in service["environment"].items() if each.startswith(PREFIX)})
    if (words := service.get("command")) is None:
        assert name == "command"
        return
    context = cli.make_context("renown", [words[0]], resilient_parsing=True)
    command = cli.get_command(context, words[0])
    while hasattr(command, "get_command"):
        words = words[1:]
        command = command.get_command(context, words[0])
        assert command is not None
    assert command is not None
    assert words[0] in COMMANDS or len(words) >= 1
    options = {option for each in command.params for option in each.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_prometheus_scrapes_every_service_that_exports_metrics_under_the_job_that_dashboards_expect() -> None:
    """A job by another name is an empty panel and an alert that never fires."""
    assert {each["job_name"] for each in SCRAPED} == {part.job for part in PARTS}
    for each in SCRAPED:
        (found,) = each["dns_sd_configs"]
        assert set(found["names"]) <= set(SERVICES)
        for name in found["names"]:
            service = SERVICES[name]
            assert str(found["port"]) in {service["environment"]["RENOWN_METRICS_PORT"], *service.get("command", [])}
    exporting = {name for name in OURS if name not in {"topics", "command"}}
    assert {name for each in SCRAPED for name in each["dns_sd_configs"][0]["names"]} == exporting


def test_what_is_mounted_is_there() -> None:
    """The engine makes an empty folder of a path that it does not find."""
    mounted = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    files = [volume.split(":")[0] for volume in mounted if volume.startswith(".")]
    assert len(files) == 3
    assert [name for name in files if not (DEPLOY / name).exists()] == []
    named = {volume.split(":")[0] for volume in mounted if not volume.startswith(".")}
    assert named == set(COMPOSE["volumes"])
    rules = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["rule_files"]
    assert [name for name in rules if not (PROMETHEUS / name).exists()] == []


def test_secrets_lie_where_neither_the_image_nor_the_repository_takes_them_up() -> None:
    """A key in an image is everybody's who can pull it."""
    folder = {each["file"].rpartition("/")[0] for each in COMPOSE["secrets"].values()}
    assert folder == {"../secrets"}
    assert "secrets/" in (PROJECT / ".gitignore").read_text().splitlines()
    shown = {line for line in (PROJECT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert "!secrets" not in shown


def test_grafana_finds_its_dashboards_and_prometheus() -> None:
    """Provisioning says both by path and name."""
    provisioning = DEPLOY / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "renown.yaml").read_text())["providers"]
    assert f"./grafana:{provider['options']['path']}:ro" in SERVICES["grafana"]["volumes"]
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (DEPLOY / "grafana" / home.removeprefix(f"{provider['options']['path']}/")).exists()


def test_only_this_machine_reaches_the_ports() -> None:
    """A stack for trying it must not be the network's."""
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 5
    assert all(port.startswith("127.0.0.1:") for port in ports)
