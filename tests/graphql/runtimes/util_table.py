"""What both runtimes answer to the same call: `util.NAME(...arguments)` in JavaScript, `$util.NAME(...)` in VTL.

Run by `js/test_util_table.py` and `vtl/test_util_table.py`. Arguments and results are JSON values; the clock stands at
2026-01-01T00:00:00Z, the caller came with an API key. `text_of_json`: the result is a string that holds this JSON.
`REFUSED` are calls that end the evaluation with an error that says the text.
"""
# ruff: noqa: E501 - tables read better unbroken

from typing import Any

from tests.graphql.runtimes import pattern_table, time_table, transform_table
from tests.graphql.runtimes.row import Row

TABLE = [
    *pattern_table.ROWS,
    *time_table.ROWS,
    *transform_table.ROWS,
    # time: vectors of the developer guide
    Row("time.nowISO8601", (), "2026-01-01T00:00:00.000Z"),
    Row("time.nowEpochSeconds", (), 1767225600),
    Row("time.nowEpochMilliSeconds", (), 1767225600000),
    Row("time.nowFormatted", ("yyyy-MM-dd HH:mm:ssZ",), "2026-01-01 00:00:00+0000"),
    Row("time.nowFormatted", ("yyyy-MM-dd HH:mm:ssZ", "+08:00"), "2026-01-01 08:00:00+0800"),
    Row("time.nowFormatted", ("yyyy-MM-dd HH:mm:ssZ", "Australia/Perth"), "2026-01-01 08:00:00+0800"),
    Row("time.nowFormatted", ("EEEE, d MMM uuuu 'at' hh:mm a[XXX]",), "Thursday, 1 Jan 2026 at 12:00 AMZ"),
    Row("time.nowFormatted", ("yy M/d H:m:s.SSS",), "26 1/1 0:0:0.000"),
    Row("time.nowFormatted", ("'o''clock' MMMM",), "o'clock January"),
    Row("time.epochMilliSecondsToSeconds", (1517943695758,), 1517943695),
    Row("time.epochMilliSecondsToISO8601", (1517943695758,), "2018-02-06T19:01:35.758Z"),
    Row("time.epochMilliSecondsToFormatted", (1517943695758, "yyyy-MM-dd HH:mm:ssZ"), "2018-02-06 19:01:35+0000"),
    Row("time.epochMilliSecondsToFormatted", (1517943695758, "yyyy-MM-dd HH:mm:ssZ", "+08:00"), "2018-02-07 03:01:35+0800"),
    Row("time.epochMilliSecondsToFormatted", (1720000000000, "HH:mm XXX", "Europe/London"), "10:46 +01:00"),
    Row("time.parseFormattedToEpochMilliSeconds", ("2018-02-02 01:19:22+0800", "yyyy-MM-dd HH:mm:ssZ"), 1517505562000),
    Row("time.parseFormattedToEpochMilliSeconds", ("2018-02-02 01:19:22", "yyyy-MM-dd HH:mm:ss", "+08:00"), 1517505562000),
    Row("time.parseFormattedToEpochMilliSeconds", ("2018-02-02 01:19:22", "yyyy-MM-dd HH:mm:ss", "Australia/Perth"), 1517505562000),
    Row("time.parseFormattedToEpochMilliSeconds", ("5 Feb 2018 1:02 PM", "d MMM yyyy h:mm a"), 1517835720000),
    Row("time.parseISO8601ToEpochMilliSeconds", ("2018-02-01T17:21:05.180+08:00",), 1517476865180),
    Row("time.parseISO8601ToEpochMilliSeconds", ("2018-02-01T17:21:05Z",), 1517505665000),
    # encodings
    Row("base64Encode", ("hello wörld",), "aGVsbG8gd8O2cmxk"),
    Row("base64Encode", ("ab",), "YWI="),
    Row("base64Decode", ("aGVsbG8gd8O2cmxk",), "hello wörld"),
    Row("urlEncode", ("a b&c=ü/(x)~*._-",), "a+b%26c%3D%C3%BC%2F%28x%29%7E*._-"),
    Row("urlDecode", ("a+b%26c%3D%C3%BC",), "a b&c=ü"),
    Row("escapeJavaScript", ("it's \"q\" </a>\n\\",), "it\\'s \\\"q\\\" <\\/a>\\n\\\\"),
    Row("escapeJavaScript", ("ü",), "\\u00FC"),
    # matching is whole-string
    Row("matches", ("a*b", "aaaaab"), True),
    Row("matches", ("a*b", "caaab"), False),
    Row("matches", ("(?i)ABC", "abc"), True),
    Row("matches", ("^\\d{3}-\\w+$", "123-ab"), True),
    Row("authType", (), "API Key Authorization"),
    # dynamodb: numbers stay numbers
    Row("dynamodb.toDynamoDB", (12345,), {"N": 12345}),
    Row("dynamodb.toDynamoDB", ("a",), {"S": "a"}),
    Row("dynamodb.toDynamoDB", (True,), {"BOOL": True}),
    Row("dynamodb.toDynamoDB", (None,), {"NULL": None}),
    Row("dynamodb.toDynamoDB", ({"a": [1, "b", True, None]},), {"M": {"a": {"L": [{"N": 1}, {"S": "b"}, {"BOOL": True}, {"NULL": None}]}}}),
    Row("dynamodb.toMapValues", ({"id": "1", "n": 2},), {"id": {"S": "1"}, "n": {"N": 2}}),
    Row("dynamodb.toString", ("a",), {"S": "a"}),
    Row("dynamodb.toStringSet", (["a", "b"],), {"SS": ["a", "b"]}),
    Row("dynamodb.toNumber", (5,), {"N": 5}),
    Row("dynamodb.toNumberSet", ([1, 2.5],), {"NS": [1, 2.5]}),
    Row("dynamodb.toBinary", ("YQ==",), {"B": "YQ=="}),
    Row("dynamodb.toBinarySet", (["YQ=="],), {"BS": ["YQ=="]}),
    Row("dynamodb.toBoolean", (False,), {"BOOL": False}),
    Row("dynamodb.toNull", (), {"NULL": None}),
    Row("dynamodb.toList", ([1, "a"],), {"L": [{"N": 1}, {"S": "a"}]}),
    Row("dynamodb.toMap", ({"a": 1},), {"M": {"a": {"N": 1}}}),
    Row("dynamodb.toString", (None,), None),
    Row("dynamodb.toList", (None,), None),
    Row("dynamodb.toS3Object", ("k", "b", "r"), {"S": '{"s3":{"key":"k","bucket":"b","region":"r"}}'}),
    Row("dynamodb.toS3Object", ("k", "b", "r", "v"), {"S": '{"s3":{"key":"k","bucket":"b","region":"r","version":"v"}}'}),
    # transform: the forms are AWS's
    Row("transform.toDynamoDBFilterExpression", ({"title": {"contains": "Hello World"}},), {"expression": "(contains(#title,:title_contains))", "expressionNames": {"#title": "title"}, "expressionValues": {":title_contains": {"S": "Hello World"}}}, text_of_json=True),
    Row("transform.toDynamoDBFilterExpression", ({"a": {"beginWith": "x"}},), None),
    Row("transform.toDynamoDBFilterExpression", ({"a": {"gt": 1, "lt": 5}, "b": {"attributeExists": False}},), {"expression": "((#a > :a_gt) AND (#a < :a_lt)) AND (attribute_not_exists(#b))", "expressionNames": {"#a": "a", "#b": "b"}, "expressionValues": {":a_gt": {"N": 1}, ":a_lt": {"N": 5}}}, text_of_json=True),
    Row("transform.toDynamoDBFilterExpression", ({"or": [{"a": {"eq": 1}}, {"not": {"b": {"beginsWith": "x"}}}]},), {"expression": "((#a = :or_0_a_eq) OR (NOT (begins_with(#b,:or_1_not_b_beginsWith))))", "expressionNames": {"#a": "a", "#b": "b"}, "expressionValues": {":or_0_a_eq": {"N": 1}, ":or_1_not_b_beginsWith": {"S": "x"}}}, text_of_json=True),
    Row("transform.toDynamoDBFilterExpression", ({"a": {"between": [1, 2], "in": [3, 4], "size": {"ge": 2}}},), {"expression": "((#a BETWEEN :a_between_start AND :a_between_end) AND (#a IN (:a_in_0, :a_in_1)) AND (size(#a) >= :a_size_ge))", "expressionNames": {"#a": "a"}, "expressionValues": {":a_between_start": {"N": 1}, ":a_between_end": {"N": 2}, ":a_in_0": {"N": 3}, ":a_in_1": {"N": 4}, ":a_size_ge": {"N": 2}}}, text_of_json=True),
    Row("transform.toDynamoDBConditionExpression", ({"id": {"attributeExists": True}, "version": {"eq": 2}},), {"expression": "(attribute_exists(#id)) AND (#version = :version_eq)", "expressionNames": {"#id": "id", "#version": "version"}, "expressionValues": {":version_eq": {"N": 2}}}, text_of_json=True),
    Row("dynamodb.toMapValues", ({},), {}),
    Row("dynamodb.toDynamoDB", ([],), {"L": []}),
    Row("urlDecode", ("%7B%22a%22%3A+1%7D",), '{"a": 1}'),
    Row("base64Encode", ("",), ""),
    Row("matches", ("[^@]+@[^@]+\\.[a-z]{2,}", "a@b.com"), True),
    Row("math.roundNum", (-1.5,), -1),
    Row("time.epochMilliSecondsToISO8601", (-1,), "1969-12-31T23:59:59.999Z"),
    Row("time.epochMilliSecondsToFormatted", (951782400000, "yyyy-MM-dd EEE DDD"), "2000-02-29 Tue 060"),
    Row("time.parseISO8601ToEpochMilliSeconds", ("2024-02-29T00:00:00.5Z",), 1709164800500),
    Row("http.copyHeaders", (None,), {}),
    Row("xml.toMap", ("<a x='1'>t</a>",), {"a": {"x": 1, "content": "t"}}),
    Row("xml.toMap", ("<a><b>true</b><c/><d>007</d><e>1.50</e><f><![CDATA[<z>]]></f></a>",), {"a": {"b": True, "c": "", "d": "007", "e": 1.5, "f": "<z>"}}),
    Row("transform.toElasticsearchQueryDSL", ({"upvotes": {"ne": 15, "range": [10, 20]}, "title": {"eq": "hihihi", "wildcard": "h*i"}},), {"bool": {"must": [{"bool": {"must": [{"bool": {"must_not": {"term": {"upvotes": 15}}}}, {"range": {"upvotes": {"gte": 10, "lte": 20}}}]}}, {"bool": {"must": [{"term": {"title": "hihihi"}}, {"wildcard": {"title": "h*i"}}]}}]}}, text_of_json=True),
    Row("transform.toSubscriptionFilter", ({"a": {"eq": 1}, "or": [{"b": {"gt": 2}}, {"c": {"in": ["x"]}}]},), {"filterGroup": [
        {"filters": [{"fieldName": "a", "operator": "eq", "value": 1}, {"fieldName": "b", "operator": "gt", "value": 2}]},
        {"filters": [{"fieldName": "a", "operator": "eq", "value": 1}, {"fieldName": "c", "operator": "in", "value": ["x"]}]},
    ]}),
    # strings, numbers, HTTP, XML
    Row("str.normalize", ("\u0041\u030a", "nfc"), "\u00c5"),
    Row("math.roundNum", (10.5,), 11),
    Row("math.roundNum", (10.4,), 10),
    Row("math.minVal", (1, 2.5), 1),
    Row("math.maxVal", (1, 2.5), 2.5),
    Row("http.copyHeaders", ({"Host": "h", "Content-Length": "1", "accept": "a"},), {"accept": "a"}),
    Row("xml.toMap", ('<?xml version="1.0" encoding="UTF-8"?>\n<posts>\n<post>\n  <id>1</id>\n  <title>Getting started with GraphQL</title>\n</post>\n</posts>',), {"posts": {"post": {"id": 1, "title": "Getting started with GraphQL"}}}),
    Row("xml.toMap", ("<posts><post><id>1</id></post><post><id>2</id></post></posts>",), {"posts": {"post": [{"id": 1}, {"id": 2}]}}),
    Row("xml.toJsonString", ("<a><b>x</b></a>",), {"a": {"b": "x"}}, text_of_json=True),
    Row("xml.toMap", ("<a/>",), {"a": ""}),
    Row("xml.toMap", ("<a>-1.5e2</a>",), {"a": -150}),
    Row("xml.toMap", ("<a>007</a>",), {"a": "007"}),
    Row("xml.toMap", ("<a>true</a>",), {"a": True}),
    Row("xml.toMap", ("<a><b>1</b><c>2</c><b>3</b></a>",), {"a": {"b": [1, 3], "c": 2}}),
    Row("xml.toMap", ('<a x="1" y="&lt;">t</a>',), {"a": {"x": 1, "y": "<", "content": "t"}}),
    Row("xml.toMap", ("<a><![CDATA[<b>&amp;]]></a>",), {"a": "<b>&amp;"}),
    Row("xml.toMap", ("<a>x<b/>y</a>",), {"a": {"b": "", "content": ["x", "y"]}}),
    Row("xml.toMap", ("<!-- c --><!DOCTYPE a [<!ENTITY b \"c\">]><a>&b; &#65;&#x42; &lt;</a>",), {"a": "&b; AB <"}),
    Row("xml.toMap", ("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a>1</a>",), {"a": 1}),
    Row("xml.toMap", ("<a><b>null</b><?x y?><c>0012</c><d>1e999</d></a>",), {"a": {"b": None, "c": "0012", "d": "1e999"}}),
    Row("xml.toMap", ("<a b='1'><b>2</b></a>",), {"a": {"b": [1, 2]}}),
    Row("xml.toMap", ("",), {}),
    Row("xml.toMap", ("<a></a>",), {"a": ""}),
    Row("xml.toMap", ('<a x="1"/>',), {"a": {"x": 1}}),
    Row("xml.toMap", ("<a y='&lt;é'>t</a>",), {"a": {"y": "<é", "content": "t"}}),
    Row("xml.toMap", ("<s:a xmlns:s='u'><s:b>1</s:b></s:a>",), {"s:a": {"xmlns:s": "u", "s:b": 1}}),
    Row("xml.toMap", ("<a><__proto__>1</__proto__></a>",), {"a": {"__proto__": 1}}),
    Row("xml.toMap", (None,), None),
    Row("xml.toJsonString", ("<a>1</a>", False), {"a": 1}, text_of_json=True),
    Row("xml.toJsonString", ("<a>1</a>", True), '{"a":1}', text_of_json=True),
    Row("dynamodb.fromS3ObjectJson", ('{"s3":{"key":"k"}}',), {"key": "k"}),
    # transform: recorded answers of the service
    Row("transform.toDynamoDBFilterExpression", ({"v": {"notContains": "x"}},), {"expression": "(NOT contains(#v,:v_notContains))", "expressionNames": {"#v": "v"}, "expressionValues": {":v_notContains": {"S": "x"}}}, text_of_json=True),
    Row("transform.toDynamoDBFilterExpression", ({"v": {"attributeType": "stringSet"}},), {"expression": "(attribute_type(#v,:v_attributeType))", "expressionNames": {"#v": "v"}, "expressionValues": {":v_attributeType": {"S": "SS"}}}, text_of_json=True),
    Row("transform.toDynamoDBFilterExpression", ({"and": [{"v": {"eq": 1}}, {}]},), {"expression": "((#v = :and_0_v_eq) AND )", "expressionNames": {"#v": "v"}, "expressionValues": {":and_0_v_eq": {"N": 1}}}, text_of_json=True),
    Row("transform.toDynamoDBFilterExpression", ({"v": {"in": []}},), {"expression": "(null)", "expressionNames": {"#v": "v"}, "expressionValues": {}}, text_of_json=True),
    Row("transform.toDynamoDBFilterExpression", ({"v": "x"},), None),
    Row("transform.toDynamoDBFilterExpression", ({"and": None},), None),
    Row("transform.toSubscriptionFilter", ({},), {"filterGroup": []}),
    Row("transform.toSubscriptionFilter", ({"a": {"eq": 1, "ne": 2}},), {"filterGroup": [{"filters": [{"fieldName": "a", "operator": "eq", "value": 1}]}, {"filters": [{"fieldName": "a", "operator": "ne", "value": 2}]}]}),
    Row("transform.toSubscriptionFilter", ({"not": {"a": {"eq": 1}}},), {"filterGroup": [{"filters": [{"fieldName": "not", "operator": "a", "value": {"eq": 1}}]}]}),
    Row("transform.toSubscriptionFilter", ({"a": {"eq": 1}, "b": {"eq": 2}}, ["a"], {"r": {"gte": 3}}), {"filterGroup": [{"filters": [{"fieldName": "b", "operator": "eq", "value": 2}, {"fieldName": "r", "operator": "gte", "value": 3}]}]}),
    Row("transform.toElasticsearchQueryDSL", ({"or": [{"a": {"matchPhrase": "x"}}, {"not": {"a": {"exists": True}}}]},), {"bool": {"should": [{"match_phrase": {"a": "x"}}, {"bool": {"must_not": {"exists": {"field": "a"}}}}], "minimum_should_match": 1}}, text_of_json=True),
    Row("time.epochMilliSecondsToFormatted", (1517943695758, "E EEEE d dd D DDD SSSSSS"), "Tue Tuesday 6 06 37 037 758000"),
    Row("time.epochMilliSecondsToFormatted", (1517943695758, "VV z", "America/New_York"), "America/New_York EST"),
    Row("time.parseFormattedToEpochMilliSeconds", ("2018-10-28 01:30", "yyyy-MM-dd HH:mm", "Europe/London"), 1540686600000),
    Row("time.parseFormattedToEpochMilliSeconds", ("2018-037", "yyyy-DDD"), 1517875200000),
    Row("matches", ("\\Qa.b*\\E+", "a.b**"), True),
    Row("matches", ("\\p{Alpha}+\\p{Digit}", "ab1"), True),
    Row("matches", ("(?<year>\\d{4})-\\k<year>", "2020-2020"), True),
]  # fmt: skip

REFUSED = [
    *pattern_table.REFUSED,
    *time_table.REFUSED,
    *transform_table.REFUSED,
    ("time.parseFormattedToEpochMilliSeconds", ("x", "yyyy"), "does not match"),
    ("time.nowFormatted", ("yyyy", "Nowhere/Land"), "Nowhere/Land"),
    ("matches", ("(", "x"), "util.matches"),
    *(
        ("xml.toMap", (source,), "util.xml.toMap: ")
        for source in ("<a>", "<a></b>", "a", "<a b></a", "<a b=1/>", "<!-- open", "<a><![CDATA[", "<", "</a>")
    ),
    ("str.normalize", ("x", "nfx"), "util.str.normalize"),
    ("str.normalize", (1, "nfc"), "util.str.normalize expects a string"),
    ("math.roundNum", ("x",), "util.math.roundNum expects a number"),
    ("math.minVal", (1, "x"), "util.math.minVal expects a number"),
    ("math.maxVal", (None, 1), "util.math.maxVal expects a number"),
    ("math.randomWithinRange", ("a", 1), "util.math.randomWithinRange expects a"),
    ("base64Encode", (1,), "util.base64Encode expects a string"),
    ("base64Decode", ("?",), "util.base64Decode expects base64 text"),
    ("base64Decode", ("/w==",), "util.base64Decode expects UTF-8"),
    ("urlEncode", (1,), "util.urlEncode expects a string"),
    ("urlDecode", (1,), "util.urlDecode expects a string"),
    ("escapeJavaScript", (1,), "util.escapeJavaScript expects a string"),
    ("matches", (1, "x"), "util.matches expects a string"),
    ("matches", ("x", None), "util.matches expects a string"),
    ("dynamodb.fromS3ObjectJson", ("x",), "util.dynamodb.fromS3ObjectJson"),
    ("http.addResponseHeaders", (5,), "util.http.addResponseHeaders expects a map"),
]

EFFECTS: list[tuple[str, tuple[Any, ...]]] = [
    ("evictFromApiCache", ("Query", "f", {"context.arguments.id": "1"})),
    ("evictFromApiCache", ("Query", "f")),
    ("setSubscriptionFilter", ({"filterGroup": [{"filters": [{"fieldName": "a", "operator": "eq", "value": 1}]}]},)),
    ("setSubscriptionInvalidationFilter", ({"filterGroup": []},)),
    ("invalidateSubscriptions", ({"subscriptionField": "f", "payload": {"a": 1}},)),
]
"""Calls of `extensions`; each leaves an effect of its name with its arguments."""

EFFECTS_REFUSED: list[tuple[str, tuple[Any, ...], str]] = [
    ("evictFromApiCache", ("Query", "f", 5), "extensions.evictFromApiCache expects the values of caching keys as an object"),
    ("evictFromApiCache", ("Query", None), "extensions.evictFromApiCache expects a string"),
    ("setSubscriptionFilter", ({},), "extensions.setSubscriptionFilter expects an object with a 'filterGroup'"),
    ("setSubscriptionInvalidationFilter", ([],), "extensions.setSubscriptionInvalidationFilter expects an object with a 'filterGroup'"),
    ("invalidateSubscriptions", ({},), "extensions.invalidateSubscriptions expects an object with a 'subscriptionField'"),
]  # fmt: skip

_NOT_COPIED = "transfer-encoding connection host expect keep-alive upgrade proxy-authenticate proxy-authorization te content-length"
_CORS = "Credentials Origin Methods Headers"
HEADERS: list[tuple[str, Any, str | None]] = [
    ("itemsCount", 7, None),
    ("x-own", "a b", None),
    ("", 1, "The name of a response header is empty or invalid."),
    ("a b", 1, "The name of a response header is empty or invalid."),
    ("a", None, "The response header 'a' has no value."),
    ("a", "x\r\ny: z", "The value of the response header 'a' is invalid."),
    *(
        (name, "x", f"The response header '{name}' is restricted.")
        for name in (
            *_NOT_COPIED.split(),
            *(f"Access-Control-Allow-{each}" for each in _CORS.split()),
            "Access-Control-Expose-Headers", "Access-Control-Max-Age", "Vary", "Content-Type", "x-amzn-y", "X-Amz-y",
        )
    ),
]  # fmt: skip
"""`util.http.addResponseHeader`: name, value, and why it is not added."""

TABLE += [Row("http.copyHeaders", ({name: "x", "kept": "y"},), {"kept": "y"}) for name in _NOT_COPIED.split()]
