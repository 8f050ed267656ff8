"""AWS STS as far as handlers and scripts ask it: who am I? Wired by `app.py`.

https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
"""

from collections.abc import Mapping

from callpark.kernel.operations import Call, OperationTable

#: The shape of an assumed role's id, as credentials inside a function have it.
_USER_ID = "AROACALLPARKLOCALROLE:callpark"


async def get_caller_identity(call: Call) -> Mapping[str, object]:
    """Everybody is the local account: signatures are not verified, so nobody can be told from anybody else."""
    place = call.place
    return {
        "UserId": _USER_ID,
        "Account": place.account,
        "Arn": f"arn:aws:sts::{place.account}:assumed-role/callpark/callpark",
    }


OPERATIONS: OperationTable = {("sts", "GetCallerIdentity"): get_caller_identity}
