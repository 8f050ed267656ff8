"""What deploy/ holds is what its readers take: checked by their own schemas, and against the command line."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from compose_spec import PyOptions
from typer.core import TyperGroup
from typer.main import get_command

from callpark.cli.commands import cli

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
NODES_IN_COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["node"]["command"]
NODES_IN_KUBERNETES = DOCUMENTS["nodes.yaml: Deployment callpark"]["spec"]["template"]["spec"]["containers"][0]["args"]


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


@pytest.mark.parametrize("arguments", [NODES_IN_COMPOSE, NODES_IN_KUBERNETES], ids=["compose", "kubernetes"])
def test_the_nodes_are_started_with_options_that_exist(arguments: list[str]) -> None:
    offered = options_of("start")
    given = {argument.split("=")[0] for argument in arguments if argument.startswith("--")}
    assert given <= offered, given - offered
