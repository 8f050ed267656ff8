"""`$util.transform`: filter objects as DynamoDB expressions, OpenSearch queries, subscription filters.

https://docs.aws.amazon.com/appsync/latest/devguide/transformation-helpers-in-utils-transform.html
"""

from callpark.graphql.runtimes.vtl.util.function import Family, functions, shared

_ARGUMENTS = {
    "toDynamoDBFilterExpression": (1, 1),
    "toDynamoDBConditionExpression": (1, 1),
    "toElasticsearchQueryDSL": (1, 1),
    "toSubscriptionFilter": (1, 3),
}
TRANSFORM = Family(
    functions("$util.transform", {name: shared("transform", name, *each) for name, each in _ARGUMENTS.items()})
)
