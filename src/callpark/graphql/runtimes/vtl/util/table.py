"""Everything a template reaches as `$util`, `$utils` and `$extensions`."""

from callpark.graphql.runtimes.vtl.util.collections import LIST, MAP
from callpark.graphql.runtimes.vtl.util.core import CORE
from callpark.graphql.runtimes.vtl.util.documents import RDS, XML
from callpark.graphql.runtimes.vtl.util.dynamodb import DYNAMODB
from callpark.graphql.runtimes.vtl.util.errors import ERRORS
from callpark.graphql.runtimes.vtl.util.function import Family
from callpark.graphql.runtimes.vtl.util.http import EXTENSIONS, HTTP
from callpark.graphql.runtimes.vtl.util.text_and_numbers import MATH, STR
from callpark.graphql.runtimes.vtl.util.time import TIME
from callpark.graphql.runtimes.vtl.util.transform import TRANSFORM

UTIL = Family(
    {
        **CORE,
        **ERRORS,
        "dynamodb": DYNAMODB,
        "http": HTTP,
        "list": LIST,
        "map": MAP,
        "math": MATH,
        "rds": RDS,
        "str": STR,
        "time": TIME,
        "transform": TRANSFORM,
        "xml": XML,
    }
)
FAMILIES = {"util": UTIL, "utils": UTIL, "extensions": EXTENSIONS}
