"""DescribeView of the participant service: what a client draws when an interactive message brings a view's token.

https://docs.aws.amazon.com/connect/latest/APIReference/API_connect-participant_DescribeView.html
"""

from collections.abc import Mapping

import msgspec

from callpark.flows.api.reading import text
from callpark.flows.chat import refusals
from callpark.flows.chat.service import Chats
from callpark.flows.contact import Viewing
from callpark.flows.declared import View
from callpark.flows.resources import look_up
from callpark.flows.service import Flows
from callpark.kernel.operations import Call, OperationTable


class ViewOperations:
    def __init__(self, flows: Flows, chats: Chats) -> None:
        self._flows = flows
        self._chats = chats

    def table(self) -> OperationTable:
        return {("connectparticipant", "DescribeView"): self.describe}

    async def describe(self, call: Call) -> Mapping[str, object]:
        """A view that is declared, or that the chat shows now: of that callpark knows the name alone."""
        seat = self._chats.seat(text(call.parameters, "ConnectionToken"))
        token = text(call.parameters, "ViewToken")
        view = look_up(self._flows.instance.resources.views, token)
        shown = seat.contact.activity
        if view is None and isinstance(shown, Viewing) and shown.view == token:
            view = View(name=token.rsplit("/", 1)[-1].partition(":")[0], arn=token if token.startswith("arn:") else "")
        if view is None:
            raise refusals.no_resource("The view of that token")
        return {"View": _members(view, seat.contact.party.instance_arn)}


def _members(view: View, instance_arn: str) -> Mapping[str, object]:
    view_id = view.id or (view.arn.rsplit("/", 1)[-1] if view.arn else view.name)
    return {
        "Id": view_id.partition(":")[0],
        "Arn": view.arn or f"{instance_arn}/view/{view_id}",
        "Name": view.name,
        "Version": view.version,
        "Content": {
            "InputSchema": _json(view.input_schema),
            "Template": _json(view.template),
            "Actions": list(view.actions),
        },
    }


def _json(value: Mapping[str, object]) -> str:
    return msgspec.json.encode(value).decode()
