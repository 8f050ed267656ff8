"""CreateCase, GetCase and UpdateCase. Cases come from `cases:` in connect.yaml and from CreateCase; `$.Case` holds the
last one. Without a domain: the error branch and one warning.

https://docs.aws.amazon.com/connect/latest/devguide/contact-actions-createcase.html
https://docs.aws.amazon.com/connect/latest/adminguide/cases-block.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from callpark.flows.actions.nested import compile_nested, resolve_nested
from callpark.flows.declared import Case
from callpark.flows.effects import Keep
from callpark.flows.language import Action
from callpark.flows.logs import timestamp
from callpark.flows.parameters import ParameterProblem, flag, members, scalar
from callpark.flows.program import DONE, NO_MATCHING_ERROR, NO_RESULT, ActionType, Failed, Handlers, Outcome
from callpark.flows.references import as_text
from callpark.flows.turn import Turn

NOT_LINKED, SEVERAL, NONE = "ContactNotLinked", "MultipleFound", "NoneFound"

Parameters = Mapping[str, object]
Work = Callable[[Turn, Parameters, Mapping[str, Case]], Outcome]


@dataclass(frozen=True, slots=True)
class CaseAction:
    action: Action
    parameters: object
    work: Work

    def enter(self, turn: Turn) -> Outcome:
        cases = turn.cases
        if cases is None:
            turn.warn("there are no cases: declare them under `cases:` in connect.yaml (`cases: []` for none yet)")
            outcome: Outcome = Failed(NO_MATCHING_ERROR, "there is no cases domain")
        else:
            parameters = resolve_nested(self.parameters, turn.namespace)
            outcome = self.work(turn, parameters if isinstance(parameters, dict) else {}, cases)
        turn.log(self.action, {}, **({"Results": outcome.error} if isinstance(outcome, Failed) else {}))
        return outcome


def _create(turn: Turn, parameters: Parameters, cases: Mapping[str, Case]) -> Outcome:
    case_id = turn.new_id("case")
    now = timestamp(turn.now)
    fields = {**_fields(parameters), "status": "open", "created_datetime": now, "last_updated_datetime": now}
    fields["template_id"] = as_text(parameters.get("CaseTemplateId"))
    turn.effects.append(Keep("case", case_id, fields))
    _link(turn, parameters, case_id)
    turn.find("Case", {**fields, "case_id": case_id})
    return DONE


def _get(turn: Turn, parameters: Parameters, cases: Mapping[str, Case]) -> Outcome:
    wanted = _fields(parameters)
    customer = as_text(parameters.get("CustomerId"))
    if customer:
        wanted = {**wanted, "customer_id": customer}
    found = [case for case in cases.values() if all(_view(case).get(key) == value for key, value in wanted.items())]
    if not wanted or not found:
        return Failed(NONE, "no case matches")
    if len(found) > 1 and as_text(parameters.get("GetLastUpdatedCase")).lower() != "true":
        return Failed(SEVERAL, f"{len(found)} cases match")
    case = max(found, key=lambda item: item.fields.get("last_updated_datetime", ""))
    _link(turn, parameters, case.id)
    listed = parameters.get("CaseResponseFields")
    names = {str(name) for name in listed} if isinstance(listed, list) else None
    turn.find("Case", {k: v for k, v in _view(case).items() if names is None or k in names or k == "case_id"})
    return DONE


def _update(turn: Turn, parameters: Parameters, cases: Mapping[str, Case]) -> Outcome:
    case_id = as_text(parameters.get("CaseId"))
    case = cases.get(case_id)
    if case is None:
        return Failed(NO_MATCHING_ERROR, f"there is no case {case_id!r}")
    fields = {**_fields(parameters), "last_updated_datetime": timestamp(turn.now)}
    turn.effects.append(Keep("case", case_id, fields))
    _link(turn, parameters, case_id)
    turn.find("Case", {**_view(case), **fields})
    return DONE


def _view(case: Case) -> Mapping[str, str]:
    return {**case.fields, "case_id": case.id}


def _fields(parameters: Parameters) -> Mapping[str, str]:
    fields = parameters.get("CaseRequestFields")
    return {key: as_text(value) for key, value in fields.items()} if isinstance(fields, dict) else {}


def _link(turn: Turn, parameters: Parameters, case_id: str) -> None:
    if as_text(parameters.get("LinkContactToCase")).lower() == "true":
        turn.keep_setting("CaseId", case_id)


def _action(name: str, work: Work, more: tuple[str, ...], needed: tuple[str, ...], *errors: str) -> ActionType:
    def prepare(action: Action) -> Handlers:
        flag(action.parameters, "LinkContactToCase")
        members(action.parameters, "CaseRequestFields")
        for key in needed:
            if scalar(action.parameters, key) is None:
                raise ParameterProblem(key, "is missing", missing=True)
        return Handlers(CaseAction(action, compile_nested(action.parameters), work).enter)

    return ActionType(
        name,
        prepare,
        frozenset(("LinkContactToCase", "CaseRequestFields", *more)),
        errors=frozenset((NO_MATCHING_ERROR, NOT_LINKED, *errors)),
        required_errors=frozenset((NO_MATCHING_ERROR, *errors)),
        results=NO_RESULT,
    )


CREATE_CASE = _action(
    "CreateCase", _create, ("CaseTemplateId", "ContactToLink"), ("LinkContactToCase", "CaseTemplateId")
)
GET_CASE = _action(
    "GetCase",
    _get,
    ("GetLastUpdatedCase", "CustomerId", "CaseResponseFields"),
    ("LinkContactToCase", "GetLastUpdatedCase"),
    SEVERAL,
    NONE,
)
UPDATE_CASE = _action("UpdateCase", _update, ("CaseId",), ("LinkContactToCase", "CaseId"))
