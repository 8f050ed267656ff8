"""`$util.time`: the clock's now, instants as text.

https://docs.aws.amazon.com/appsync/latest/devguide/time-helpers-in-util-time.html
"""

from callpark.graphql.runtimes.vtl.util.function import Family, functions, shared

_ARGUMENTS = {
    "nowISO8601": (0, 0),
    "nowEpochSeconds": (0, 0),
    "nowEpochMilliSeconds": (0, 0),
    "nowFormatted": (1, 2),
    "parseFormattedToEpochMilliSeconds": (2, 3),
    "parseISO8601ToEpochMilliSeconds": (1, 1),
    "epochMilliSecondsToSeconds": (1, 1),
    "epochMilliSecondsToISO8601": (1, 1),
    "epochMilliSecondsToFormatted": (2, 3),
}
TIME = Family(functions("$util.time", {name: shared("time", name, *each) for name, each in _ARGUMENTS.items()}))
