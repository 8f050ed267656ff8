"""AWS::Cognito::UserPool and its clients: ids for those who refer to them; their tokens are the local pool's.

`registry.py` asks for identities. Users, domains and triggers of a pool do not live here (docs/compatibility.md).
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Cognito.html
"""

from callpark.projects.identity import token
from callpark.projects.intrinsics import Identity
from callpark.projects.resources.stack import Resource, Stack

USER_POOL = "AWS::Cognito::UserPool"
USER_POOL_CLIENT = "AWS::Cognito::UserPoolClient"


def user_pool_identity(resource: Resource, stack: Stack) -> Identity:
    region = stack.home.region
    pool_id = f"{region}_{token(stack.project, USER_POOL, resource.logical_id, 9)}"
    attributes = {
        "Arn": stack.home.arn("cognito-idp", f"userpool/{pool_id}"),
        "ProviderName": f"cognito-idp.{region}.amazonaws.com/{pool_id}",
        "ProviderURL": f"https://cognito-idp.{region}.amazonaws.com/{pool_id}",
        "UserPoolId": pool_id,
    }
    return Identity(pool_id, attributes)


def user_pool_client_identity(resource: Resource, stack: Stack) -> Identity:
    client_id = token(stack.project, USER_POOL_CLIENT, resource.logical_id)
    return Identity(client_id, {"ClientId": client_id, "Name": resource.properties.text("ClientName") or client_id})
