"""What deploy/ holds is what its readers take: checked by their own schemas, and against the command line."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from compose_spec import PyOptions
from typer.core import TyperGroup
from typer.main import get_command

from callpark.cli.commands import cli
from callpark.gateway.app import HEALTH_PATH
from callpark.kernel.limits import Limits
from callpark.metrics.exposition import backlog

pytestmark = pytest.mark.unit

DEPLOY = Path(__file__).parents[2] / "deploy"
KUBERNETES = "1.37.0"
MANIFESTS = sorted(path for path in (DEPLOY / "kubernetes").glob("*.yaml") if path.name != "kustomization.yaml")
BIN = Path(sys.executable).parent


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in MANIFESTS:
        for document in yaml.safe_load_all(path.read_text()):
            yield f"{path.name}: {document['kind']} {document['metadata']['name']}", document


def options_of(command: str) -> set[str]:
    group = get_command(cli)
    assert isinstance(group, TyperGroup)
    return {name for parameter in group.commands[command].params for name in parameter.opts}


DOCUMENTS = dict(documents())
ROUTES_OF_KUBERNETES = next(
    variable["value"]
    for variable in DOCUMENTS["nats.yaml: StatefulSet nats"]["spec"]["template"]["spec"]["containers"][0]["env"]
    if variable["name"] == "ROUTES"
)
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
NODES_IN_COMPOSE = COMPOSE["services"]["node"]["command"]
POD = DOCUMENTS["nodes.yaml: Deployment callpark"]["spec"]["template"]["spec"]
NODES_IN_KUBERNETES = POD["containers"][0]["args"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_kubernetes_takes_every_document(name: str) -> None:
    kubernetes_validate.validate(DOCUMENTS[name], KUBERNETES, strict=True)


def test_what_kubernetes_would_refuse_is_refused_here() -> None:
    wrong = {**DOCUMENTS["nodes.yaml: Deployment callpark"], "spec": {"replicas": "three"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES, strict=True)


def test_the_kustomization_names_every_manifest() -> None:
    kustomization = yaml.safe_load((DEPLOY / "kubernetes/kustomization.yaml").read_text())
    assert sorted(kustomization["resources"]) == [path.name for path in MANIFESTS]
    for generated in kustomization["configMapGenerator"]:
        assert all((DEPLOY / "kubernetes" / file).is_file() for file in generated["files"])


def test_the_image_is_the_one_of_this_version() -> None:
    (image,) = yaml.safe_load((DEPLOY / "kubernetes/kustomization.yaml").read_text())["images"]
    assert image == {"name": "callpark", "newTag": version("callpark")}


def test_probes_ask_for_a_page_that_there_is() -> None:
    container = POD["containers"][0]
    probes = [container[each] for each in ("startupProbe", "readinessProbe", "livenessProbe")]
    assert {probe["httpGet"]["path"] for probe in probes} == {HEALTH_PATH}


def test_compose_takes_the_file() -> None:
    filled_in = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", (DEPLOY / "compose.yaml").read_text())
    compose = PyOptions(apply_merge=True).from_yaml(filled_in)
    compose.validate()
    assert sorted(compose.service_names()) == ["door", "nats-1", "nats-2", "nats-3", "node"]
    for source in binds(compose.to_dict()):
        assert (DEPLOY / source).exists(), source


def binds(compose: Mapping[str, Any]) -> Iterator[str]:
    for service in compose["services"].values():
        for volume in service.get("volumes", ()):
            source = volume if isinstance(volume, str) else volume["source"]
            if source.startswith((".", "/")):
                yield source.split(":")[0]


def test_a_wrong_compose_file_is_refused_here() -> None:
    with pytest.raises(ValueError):
        PyOptions(apply_merge=True).from_yaml("services: {a: {image: 1, ports: [no]}}").validate()


def test_the_container_file_is_sound() -> None:
    ran = subprocess.run([BIN / "hadolint", DEPLOY / "Containerfile"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("routes", ['["nats://nats-1:6222"]', ROUTES_OF_KUBERNETES])
def test_the_servers_take_their_configuration(routes: str) -> None:
    environment = {**os.environ, "SERVER_NAME": "nats-1", "ROUTES": routes}
    command: list[str | Path] = [BIN / "nats-server", "-t", "-c", DEPLOY / "kubernetes/nats.conf"]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def limits_in(arguments: list[str]) -> Limits:
    return Limits().override([each.removeprefix("--limit=") for each in arguments if each.startswith("--limit=")])


@pytest.mark.parametrize(
    ("arguments", "grace", "before"),
    [
        (NODES_IN_KUBERNETES, POD["terminationGracePeriodSeconds"], POD["containers"][0]["lifecycle"]["preStop"]),
        (NODES_IN_COMPOSE, int(COMPOSE["services"]["node"]["stop_grace_period"].removesuffix("s")), {}),
    ],
    ids=["kubernetes", "compose"],
)
def test_a_node_has_ended_before_it_is_killed(arguments: list[str], grace: int, before: dict[str, Any]) -> None:
    limits = limits_in(arguments)
    sleep = before.get("sleep", {}).get("seconds", 0)
    assert sleep + limits.cluster.silence_seconds + limits.gateway.shutdown_seconds + 10 <= grace


def test_a_node_may_take_as_long_to_start_as_it_waits_for_others() -> None:
    probe, limits = POD["containers"][0]["startupProbe"], limits_in(NODES_IN_KUBERNETES)
    needed = limits.store.start_seconds + limits.cluster.start_seconds
    assert probe["periodSeconds"] * probe["failureThreshold"] > needed


def test_servers_let_their_clients_go_before_they_are_killed() -> None:
    seconds = re.search(r"lame_duck_duration: (\d+)s", (DEPLOY / "kubernetes/nats.conf").read_text())
    pod = DOCUMENTS["nats.yaml: StatefulSet nats"]["spec"]["template"]["spec"]
    assert seconds is not None
    assert int(seconds[1]) < pod["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if "StatefulSet" in name or "Deployment" in name])
def test_pods_keep_to_the_restricted_standard(name: str) -> None:
    """kubernetes.io/docs/concepts/security/pod-security-standards: restricted, which namespace.yaml enforces."""
    pod = DOCUMENTS[name]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
    for container in pod["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"]["drop"] == ["ALL"]


def test_every_pod_is_behind_a_network_policy_and_a_disruption_budget() -> None:
    for kind in ("NetworkPolicy", "PodDisruptionBudget"):
        kept = [each["spec"] for each in DOCUMENTS.values() if each["kind"] == kind]
        labels = [(each.get("podSelector") or each.get("selector"))["matchLabels"]["app"] for each in kept]
        assert sorted(labels) == ["callpark", "nats"], kind


def test_the_policies_open_the_ports_that_are_served() -> None:
    for app, ports in (("callpark", {4566}), ("nats", {4222, 6222, 8222})):
        rules = DOCUMENTS[f"network.yaml: NetworkPolicy {app}"]["spec"]["ingress"]
        assert {port["port"] for rule in rules for port in rule["ports"]} == ports


def test_autoscaling_follows_a_metric_that_nodes_have() -> None:
    scaler = DOCUMENTS["autoscaling.yaml: HorizontalPodAutoscaler callpark"]["spec"]
    names = {each["external"]["metric"]["name"] for each in scaler["metrics"] if each["type"] == "External"}
    assert names == {backlog(0).split()[2]}
    assert "replicas" not in DOCUMENTS["nodes.yaml: Deployment callpark"]["spec"], "it would undo what is scaled"


@pytest.mark.parametrize("arguments", [NODES_IN_COMPOSE, NODES_IN_KUBERNETES], ids=["compose", "kubernetes"])
def test_the_nodes_are_started_with_options_that_exist(arguments: list[str]) -> None:
    offered = options_of("start")
    given = {argument.split("=")[0] for argument in arguments if argument.startswith("--")}
    assert given <= offered, given - offered
