"""EvaluateDataTableValues: attributes of a row of a declared data table. Unpublished; the form of its queries is ours.

A query has a name, primary values that a row must have, and the attributes wanted (none named: all). What is found is
`$.DataTables.<query>.<attribute>`. A query without a row gives nothing, which is no error.

https://docs.aws.amazon.com/connect/latest/APIReference/API_EvaluateDataTableValues.html
"""

from collections.abc import Mapping
from dataclasses import dataclass

from callpark.flows.actions.nested import compile_nested, resolve_nested
from callpark.flows.language import Action
from callpark.flows.parameters import ParameterProblem, required
from callpark.flows.program import DONE, NO_MATCHING_ERROR, NO_RESULT, ActionType, Failed, Handlers, Outcome
from callpark.flows.references import Template, as_text, template
from callpark.flows.resources import look_up
from callpark.flows.turn import Turn


@dataclass(frozen=True, slots=True)
class Evaluate:
    action: Action
    table: Template
    queries: object

    def enter(self, turn: Turn) -> Outcome:
        reference = self.table.text(turn.namespace)
        table = look_up(turn.world.resources.data_tables, reference)
        turn.log(self.action, {"DataTableId": reference})
        if table is None:
            turn.warn(f"there is no data table {reference!r}: declare it under `data_tables:` in connect.yaml")
            return Failed(NO_MATCHING_ERROR, f"there is no data table {reference!r}")
        queries = resolve_nested(self.queries, turn.namespace)
        found = {
            _first(query, "Name", "QueryName"): _evaluate(table.rows, query)
            for query in (queries if isinstance(queries, list) else [])
            if isinstance(query, dict)
        }
        present = turn.memory.found.get("DataTables")
        turn.find("DataTables", {**(present if isinstance(present, dict) else {}), **found})
        turn.find("DataTableList", {"ResultData": list(table.rows)})
        return DONE


def _evaluate(rows: tuple[Mapping[str, object], ...], query: Mapping[str, object]) -> Mapping[str, object]:
    wanted = query.get("PrimaryValues", query.get("PrimaryAttributes", []))
    pairs = [
        (_first(item, "AttributeName", "Name"), as_text(item.get("Value")))
        for item in (wanted if isinstance(wanted, list) else [])
        if isinstance(item, dict)
    ]
    names = query.get("AttributeNames", query.get("Attributes"))
    for row in rows:
        if all(name in row and as_text(row[name]) == value for name, value in pairs):
            return {key: value for key, value in row.items() if not isinstance(names, list) or key in names}
    return {}


def _first(query: Mapping[str, object], *keys: str) -> str:
    return next((as_text(query[key]) for key in keys if key in query), "")


def _prepare(action: Action) -> Handlers:
    queries = action.parameters.get("Queries")
    if not isinstance(queries, list) or not queries or not all(isinstance(query, dict) for query in queries):
        raise ParameterProblem("Queries", "is a list of queries", missing=queries is None)
    if not all(_first(query, "Name", "QueryName") for query in queries):
        raise ParameterProblem("Queries", "each has a Name")
    return Handlers(
        Evaluate(action, template(required(action.parameters, "DataTableId")), compile_nested(queries)).enter
    )


EVALUATE_DATA_TABLE_VALUES = ActionType(
    "EvaluateDataTableValues", _prepare, frozenset(("DataTableId", "Queries")), results=NO_RESULT
)
