"""AWS::RDS::DBCluster: `--database` stands for it."""

from collections.abc import Collection
from pathlib import Path

import pytest

from callpark.kernel.arn import Place
from callpark.projects.load import load_project
from callpark.projects.model import Project

pytestmark = pytest.mark.unit

TEMPLATE = """
Resources:
  Books: { Type: AWS::RDS::DBCluster, Properties: { Engine: aurora-postgresql, EnableHttpEndpoint: true } }
  Named: { Type: AWS::RDS::DBCluster, Properties: { Engine: aurora-postgresql, DBClusterIdentifier: shop } }
  One: { Type: AWS::RDS::DBInstance, Properties: { DBClusterIdentifier: !Ref Books, Engine: aurora-postgresql } }
  Alone: { Type: AWS::RDS::DBInstance, Properties: { Engine: mysql } }
Outputs:
  Name: { Value: !Ref Books }
  Arn: { Value: !GetAtt Named.DBClusterArn }
"""
ALONE = "Resources.Alone: AWS::RDS::DBInstance: resources of this type are ignored, unless they belong to a cluster"
ARN = "arn:aws:rds:us-east-1:123456789012:cluster:shop"


def loaded(folder: Path, databases: Collection[str]) -> Project:
    (folder / "template.yaml").write_text(TEMPLATE)
    return load_project(folder, place=Place(), base_url="http://127.0.0.1:4566", databases=databases)


def test_a_cluster_has_a_name_and_an_arn(tmp_path: Path) -> None:
    assert loaded(tmp_path, ()).outputs == {"Name": "Books", "Arn": ARN}


@pytest.mark.parametrize(
    ("databases", "missing"),
    [((), ["Books", "shop"]), (("Books",), ["shop"]), (("Books/reports", ARN), []), (("shop", "books"), ["Books"])],
)
def test_a_cluster_without_a_database_is_named_with_the_remedy(
    tmp_path: Path, databases: Collection[str], missing: list[str]
) -> None:
    warnings = [warning.partition(": ")[2] for warning in loaded(tmp_path, databases).warnings]
    assert ALONE in warnings
    assert [warning.partition(": AWS::RDS::DBCluster: ")[2] for warning in warnings if warning != ALONE] == [
        f"no database is made; --database {name}=URL says which one stands for it" for name in missing
    ]
