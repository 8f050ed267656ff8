"""What an Event API asks of a websocket's upgrade.

`websocket.py` hands `TERMS` to `graphql.api.handshake.shake`.
https://docs.aws.amazon.com/appsync/latest/eventapi/event-api-websocket-protocol.html
"""

from callpark.graphql.api.handshake import Terms
from callpark.graphql.channels.api.location import not_found
from callpark.graphql.channels.model import EventApiDefinition
from callpark.graphql.realtime.lifecycle import Rejected

TERMS: Terms[EventApiDefinition] = Terms(
    "aws-appsync-event-ws", Rejected("Required headers are missing.", 400, "BadRequestException"), not_found
)
