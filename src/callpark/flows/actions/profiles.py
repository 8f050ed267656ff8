"""The customer profile actions. Profiles come from `profiles:` in connect.yaml and from CreateCustomerProfile.

What is found lands in `$.Customer`, within 14,000 characters. Without a domain: the error branch and one warning.

https://docs.aws.amazon.com/connect/latest/adminguide/customer-profiles-block.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from callpark.flows.actions.nested import compile_nested, resolve_nested
from callpark.flows.declared import Profile
from callpark.flows.effects import Keep
from callpark.flows.language import Action
from callpark.flows.parameters import ParameterProblem, members
from callpark.flows.program import DONE, NO_MATCHING_ERROR, NO_RESULT, ActionType, Failed, Handlers, Outcome
from callpark.flows.references import as_text
from callpark.flows.turn import Turn

NONE_FOUND, SEVERAL_FOUND = "NoneFoundError", "MultipleFoundError"
_PEOPLE = (
    *("FirstName", "MiddleName", "LastName", "PhoneNumber", "EmailAddress", "AccountNumber", "AdditionalInformation"),
    *("PartyType", "BusinessName", "BirthDate", "Gender", "MobilePhoneNumber", "HomePhoneNumber"),
    *("BusinessPhoneNumber", "BusinessEmailAddress"),
)
_PLACES = (
    *("Address1", "Address2", "Address3", "Address4", "City", "County", "Country", "PostalCode", "Province", "State"),
)
FIELDS = frozenset(
    (*_PEOPLE, *(prefix + place for prefix in ("", "Shipping", "Mailing", "Billing") for place in _PLACES))
)

Request = Mapping[str, object]
Work = Callable[[Turn, Request, tuple[str, ...]], Outcome]


@dataclass(frozen=True, slots=True)
class ProfileAction:
    """All six read a request and a list of fields to give back, and need a domain."""

    action: Action
    request: object
    response: tuple[str, ...]
    work: Work

    def enter(self, turn: Turn) -> Outcome:
        if turn.profiles is None:
            turn.warn("there are no customer profiles: declare them under `profiles:` in connect.yaml")
            outcome: Outcome = Failed(NO_MATCHING_ERROR, "there is no customer profiles domain")
        else:
            request = resolve_nested(self.request, turn.namespace)
            outcome = self.work(turn, request if isinstance(request, dict) else {}, self.response)
        turn.log(self.action, {}, **({"Results": outcome.error} if isinstance(outcome, Failed) else {}))
        return outcome


def _text(request: Request, key: str) -> str:
    return as_text(request.get(key))


def _associate(turn: Turn, request: Request, response: tuple[str, ...]) -> Outcome:
    profile_id = _text(request, "ProfileId")
    if profile_id not in (turn.profiles or {}):
        return Failed(NO_MATCHING_ERROR, f"there is no profile {profile_id!r}")
    if _text(request, "ContactId") != as_text(turn.namespace("ContactId")):
        return Failed(NO_MATCHING_ERROR, f"{_text(request, 'ContactId')!r} is not this contact")
    turn.record(customer_id=profile_id)
    return DONE


def _create(turn: Turn, request: Request, response: tuple[str, ...]) -> Outcome:
    profile_id = turn.new_id("profile")
    turn.effects.append(Keep("profile", profile_id, _fields(request)))
    return _give(turn, profile_id, response)


def _update(turn: Turn, request: Request, response: tuple[str, ...]) -> Outcome:
    """The profile that an earlier action found."""
    profile_id = _found_id(turn)
    if profile_id not in (turn.profiles or {}):
        return Failed(NO_MATCHING_ERROR, "no profile was found before that could be updated")
    turn.effects.append(Keep("profile", profile_id, _fields(request)))
    return _give(turn, profile_id, response)


def _get(turn: Turn, request: Request, response: tuple[str, ...]) -> Outcome:
    criteria = _criteria(request)
    if not criteria:
        return Failed(NO_MATCHING_ERROR, "nothing to search for")
    every = _text(request, "LogicalOperator") != "OR"
    found = [
        profile.id
        for profile in (turn.profiles or {}).values()
        if (all if every else any)(_matches(profile, key, value) for key, value in criteria)
    ]
    if not found:
        return Failed(NONE_FOUND, "no profile matches")
    if len(found) > 1:
        return Failed(SEVERAL_FOUND, f"{len(found)} profiles match")
    return _give(turn, found[0], response)


def _get_object(turn: Turn, request: Request, response: tuple[str, ...]) -> Outcome:
    profile = (turn.profiles or {}).get(_text(request, "ProfileId"))
    kind = _text(request, "ObjectType")
    objects = () if profile is None else profile.objects.get(kind, ())
    if _text(request, "UseLatest").lower() != "true":
        name, value = _text(request, "IdentifierName"), _text(request, "IdentifierValue")
        objects = tuple(item for item in objects if item.get(name) == value)
    if not objects:
        return Failed(NONE_FOUND, f"no {kind} of this profile matches")
    chosen = {key: value for key, value in objects[-1].items() if not response or key in response}
    return _fill(turn, {kind: chosen})


def _get_calculated(turn: Turn, request: Request, response: tuple[str, ...]) -> Outcome:
    profile = (turn.profiles or {}).get(_text(request, "ProfileId"))
    values = {} if profile is None else profile.calculated
    chosen = {key: value for key, value in values.items() if not response or key in response}
    if not chosen:
        return Failed(NONE_FOUND, "no calculated attribute of this profile")
    return _fill(turn, {"CalculatedAttributes": chosen})


def _criteria(request: Request) -> list[tuple[str, str]]:
    """In the three forms that occur: one identifier, a list of them, fields by name."""
    listed = request.get("SearchCriteria")
    if isinstance(listed, list):
        items = [item for item in listed if isinstance(item, dict)]
        return [(_text(item, "IdentifierName"), _text(item, "IdentifierValue")) for item in items]
    if "IdentifierName" in request:
        return [(_text(request, "IdentifierName"), _text(request, "IdentifierValue"))]
    return [(key, as_text(value)) for key, value in request.items() if key != "LogicalOperator" and value is not None]


def _matches(profile: Profile, key: str, value: str) -> bool:
    """Identifiers of the service begin with an underscore: `_phone`, `_profileId`."""
    names = {"_phone": "PhoneNumber", "_email": "EmailAddress", "_account": "AccountNumber", "_fullName": "FullName"}
    if key in ("_profileId", "ProfileId"):
        return profile.id == value
    return bool(value) and profile.fields.get(names.get(key, key)) == value


def _fields(request: Request) -> Mapping[str, str]:
    """Attributes come as an object or as `Attributes.x`; both are kept as the latter."""
    flat: dict[str, str] = {}
    for key, value in request.items():
        if key == "Attributes" and isinstance(value, dict):
            flat.update({f"Attributes.{name}": as_text(item) for name, item in value.items()})
        elif value is not None and key != "ProfileId":
            flat[key] = as_text(value)
    return flat


def _give(turn: Turn, profile_id: str, response: tuple[str, ...]) -> Outcome:
    fields = (turn.profiles or {})[profile_id].fields
    wanted = fields.keys() if not response else [name for name in response if name in fields]
    plain = {key: fields[key] for key in wanted if not key.startswith("Attributes.")}
    attributes = {key.removeprefix("Attributes."): fields[key] for key in wanted if key.startswith("Attributes.")}
    arn = f"{turn.party.instance_arn}/profile/{profile_id}"
    return _fill(turn, {**plain, "Attributes": attributes, "ProfileId": profile_id, "ProfileARN": arn})


def _fill(turn: Turn, values: Mapping[str, object]) -> Outcome:
    present = turn.memory.found.get("Customer")
    customer = {**(present if isinstance(present, dict) else {}), **values}
    if len(as_text(customer)) > turn.world.limits.profile_characters:
        return Failed(NO_MATCHING_ERROR, f"more than {turn.world.limits.profile_characters} characters of profile")
    turn.find("Customer", customer)
    return DONE


def _found_id(turn: Turn) -> str:
    customer = turn.memory.found.get("Customer")
    return as_text(customer.get("ProfileId")) if isinstance(customer, dict) else ""


def _action(name: str, work: Work, needed: tuple[str, ...] = (), *errors: str, writes: bool = False) -> ActionType:
    def prepare(action: Action) -> Handlers:
        request = members(action.parameters, "ProfileRequestData")
        for key in needed:
            if key not in request:
                raise ParameterProblem(f"ProfileRequestData.{key}", "is missing", missing=True)
        for key in request if writes else ():
            if key not in FIELDS | {"Attributes", "ProfileId"} and not key.startswith("Attributes."):
                raise ParameterProblem(f"ProfileRequestData.{key}", "is no field of a profile")
        return Handlers(ProfileAction(action, compile_nested(request), _response(action), work).enter)

    return ActionType(
        name,
        prepare,
        frozenset(("ProfileRequestData", "ProfileResponseData")),
        errors=frozenset((NO_MATCHING_ERROR, *errors)),
        required_errors=frozenset((NO_MATCHING_ERROR, *errors)),
        results=NO_RESULT,
    )


def _response(action: Action) -> tuple[str, ...]:
    """Documented as a map, exported as a list of field names."""
    value = action.parameters.get("ProfileResponseData")
    if value is None:
        return ()
    if not isinstance(value, dict | list):
        raise ParameterProblem("ProfileResponseData", "is a list of field names")
    return tuple(str(key) for key in value)


ASSOCIATE_CONTACT_TO_CUSTOMER_PROFILE = _action(
    "AssociateContactToCustomerProfile", _associate, ("ProfileId", "ContactId")
)
CREATE_CUSTOMER_PROFILE = _action("CreateCustomerProfile", _create, writes=True)
UPDATE_CUSTOMER_PROFILE = _action("UpdateCustomerProfile", _update, writes=True)
GET_CUSTOMER_PROFILE = _action("GetCustomerProfile", _get, (), SEVERAL_FOUND, NONE_FOUND)
GET_CUSTOMER_PROFILE_OBJECT = _action("GetCustomerProfileObject", _get_object, ("ProfileId", "ObjectType"), NONE_FOUND)
GET_CALCULATED_ATTRIBUTES_FOR_CUSTOMER_PROFILE = _action(
    "GetCalculatedAttributesForCustomerProfile", _get_calculated, ("ProfileId",), NONE_FOUND
)
