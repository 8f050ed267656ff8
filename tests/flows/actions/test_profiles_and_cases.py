"""Customer profiles and cases: searched, made, changed, associated."""

import pytest

from callpark.flows.declared import Case, Declared, Profile
from tests.flows.actions.single import NUMBER, edge, single
from tests.flows.building import INSTANCE_ARN, action, hang_up, say
from tests.flows.driving import Driver

pytestmark = pytest.mark.unit


# Customer profiles

ANN = Profile(
    id="p1",
    fields={"FirstName": "Ann", "PhoneNumber": NUMBER, "Attributes.tier": "gold"},
    calculated={"calls": "7"},
    objects={"Order": ({"OrderId": "1", "Total": "5"}, {"OrderId": "2", "Total": "9"})},
)
BOB = Profile(id="p2", fields={"FirstName": "Bob", "City": "Leeds"})
BOBBY = Profile(id="p3", fields={"FirstName": "Bobby", "City": "Leeds"})
DOMAIN = Declared(profiles=(ANN, BOB, BOBBY))


def profile(type_: str, declared: Declared = DOMAIN, /, **request: object) -> Driver:
    parameters: dict[str, object] = {"ProfileRequestData": request}
    errors = ("NoMatchingError", "NoneFoundError", "MultipleFoundError")
    return single(type_, parameters, errors=errors, declared=declared)


@pytest.mark.parametrize(
    ("request_", "taken"),
    [
        ({"PhoneNumber": "$.CustomerEndpoint.Address"}, "next"),
        ({"IdentifierName": "_phone", "IdentifierValue": NUMBER}, "next"),
        ({"IdentifierName": "_profileId", "IdentifierValue": "p1"}, "next"),
        ({"IdentifierName": "City", "IdentifierValue": "Leeds"}, "error MultipleFoundError"),
        ({"IdentifierName": "City", "IdentifierValue": "York"}, "error NoneFoundError"),
        (
            {
                "LogicalOperator": "AND",
                "SearchCriteria": [
                    {"IdentifierName": "City", "IdentifierValue": "Leeds"},
                    {"IdentifierName": "FirstName", "IdentifierValue": "Bob"},
                ],
            },
            "next",
        ),
        (
            {
                "LogicalOperator": "OR",
                "SearchCriteria": [
                    {"IdentifierName": "City", "IdentifierValue": "Leeds"},
                    {"IdentifierName": "FirstName", "IdentifierValue": "Ann"},
                ],
            },
            "error MultipleFoundError",
        ),
        ({}, "error NoMatchingError"),
    ],
)
def test_profiles_are_searched(request_: dict[str, object], taken: str) -> None:
    assert edge(profile("GetCustomerProfile", DOMAIN, **request_)) == taken


@pytest.mark.parametrize("response", [["FirstName"], {"FirstName": "$.x"}])
def test_the_fields_asked_for_are_found(response: object) -> None:
    parameters = {"ProfileRequestData": {"PhoneNumber": NUMBER}, "ProfileResponseData": response}
    driver = single("GetCustomerProfile", parameters, declared=DOMAIN)
    arn = f"{INSTANCE_ARN}/profile/p1"
    found = {"FirstName": "Ann", "Attributes": {}, "ProfileId": "p1", "ProfileARN": arn}
    assert driver.contact.memory.found["Customer"] == found


def test_a_profile_is_made_found_in_the_same_turn_and_changed() -> None:
    make = {"ProfileRequestData": {"FirstName": "Cleo", "PhoneNumber": "+44", "Attributes": {"tier": "new"}}}
    driver = Driver(
        action("make", "CreateCustomerProfile", make, "get", errors={"NoMatchingError": "bye"}),
        action("get", "GetCustomerProfile", {"ProfileRequestData": {"PhoneNumber": "+44"}}, "change"),
        action("change", "UpdateCustomerProfile", {"ProfileRequestData": {"FirstName": "Cleopatra"}}, "say"),
        say("say", "$.Customer.FirstName $.Customer.Attributes.tier", "bye"),
        hang_up(),
        world=single("Loop", declared=DOMAIN).world,
    ).start()
    assert driver.said == ["Cleopatra new"]
    profiles = driver.world.profiles
    assert profiles is not None
    assert len(profiles) == 4


def test_profiles_that_cannot_be_made_or_changed() -> None:
    assert edge(profile("CreateCustomerProfile", Nickname="C")) == "error NoMatchingError"
    assert edge(profile("UpdateCustomerProfile", FirstName="C")) == "error NoMatchingError"
    absent = profile("CreateCustomerProfile", Declared(), FirstName="C")
    assert edge(absent) == "error NoMatchingError"
    assert "declare them under `profiles:`" in absent.warnings[0]


def test_a_contact_is_associated_with_a_profile() -> None:
    driver = profile("AssociateContactToCustomerProfile", ProfileId="p1", ContactId="$.ContactId")
    assert edge(driver) == "next"
    assert driver.contact.memory.record.customer_id == "p1"
    for wrong in ({"ProfileId": "p9", "ContactId": "$.ContactId"}, {"ProfileId": "p1", "ContactId": "x"}, {}):
        assert edge(profile("AssociateContactToCustomerProfile", DOMAIN, **wrong)) == "error NoMatchingError"


@pytest.mark.parametrize(
    ("request_", "taken", "found"),
    [
        ({"ObjectType": "Order", "UseLatest": "true"}, "next", {"Order": {"OrderId": "2", "Total": "9"}}),
        (
            {"ObjectType": "Order", "IdentifierName": "OrderId", "IdentifierValue": "1"},
            "next",
            {"Order": {"OrderId": "1", "Total": "5"}},
        ),
        ({"ObjectType": "Order", "IdentifierName": "OrderId", "IdentifierValue": "3"}, "error NoneFoundError", None),
        ({"ObjectType": "Asset", "UseLatest": "true"}, "error NoneFoundError", None),
    ],
)
def test_objects_of_a_profile(request_: dict[str, object], taken: str, found: object) -> None:
    driver = profile("GetCustomerProfileObject", DOMAIN, ProfileId="p1", **request_)
    assert edge(driver) == taken
    assert driver.contact.memory.found.get("Customer") == found


def test_calculated_attributes_of_a_profile() -> None:
    driver = profile("GetCalculatedAttributesForCustomerProfile", ProfileId="p1")
    assert driver.contact.memory.found["Customer"] == {"CalculatedAttributes": {"calls": "7"}}
    assert edge(profile("GetCalculatedAttributesForCustomerProfile", ProfileId="p2")) == "error NoneFoundError"


def test_14_000_characters_of_profile_and_no_more() -> None:
    long = Declared(profiles=(Profile(id="p", fields={"AdditionalInformation": "x" * 14_000}),))
    assert edge(profile("GetCustomerProfile", long, ProfileId="p")) == "error NoMatchingError"


# Cases

CASES = Declared(
    cases=(
        Case(id="c1", fields={"title": "Leak", "customer_id": "p1", "last_updated_datetime": "2026-01-01"}),
        Case(id="c2", fields={"title": "Leak", "customer_id": "p1", "last_updated_datetime": "2026-02-01"}),
    )
)
CASE_ERRORS = ("NoMatchingError", "ContactNotLinked", "MultipleFound", "NoneFound")


@pytest.mark.parametrize(
    ("parameters", "taken", "case_id"),
    [
        ({"CaseRequestFields": {"case_id": "c1"}, "GetLastUpdatedCase": "false"}, "next", "c1"),
        ({"CaseRequestFields": {"title": "Leak"}, "GetLastUpdatedCase": "true"}, "next", "c2"),
        ({"CaseRequestFields": {"title": "Leak"}, "GetLastUpdatedCase": "false"}, "error MultipleFound", None),
        ({"CustomerId": "p1", "GetLastUpdatedCase": "true"}, "next", "c2"),
        ({"CaseRequestFields": {"title": "$.Attributes.none"}, "GetLastUpdatedCase": "true"}, "error NoneFound", None),
        ({"GetLastUpdatedCase": "true"}, "error NoneFound", None),
        ({}, "error NoMatchingError", None),
    ],
)
def test_cases_are_found(parameters: dict[str, object], taken: str, case_id: str | None) -> None:
    more = {"LinkContactToCase": "true", "CaseResponseFields": ["title"]}
    driver = single("GetCase", {**parameters, **more}, errors=CASE_ERRORS, declared=CASES)
    assert edge(driver) == taken
    found = driver.contact.memory.found.get("Case")
    assert found == (None if case_id is None else {"case_id": case_id, "title": "Leak"})
    assert driver.contact.memory.record.settings.get("CaseId") == case_id


def test_a_case_is_made_and_changed() -> None:
    driver = Driver(
        action(
            "make",
            "CreateCase",
            {"LinkContactToCase": "false", "CaseTemplateId": "t", "CaseRequestFields": {"title": "For $.Channel"}},
            "change",
        ),
        action(
            "change",
            "UpdateCase",
            {"LinkContactToCase": "false", "CaseId": "$.Case.case_id", "CaseRequestFields": {"status": "closed"}},
            "say",
        ),
        say("say", "$.Case.title $.Case.status", "bye"),
        hang_up(),
        world=single("Loop", declared=Declared(cases=())).world,
    ).start()
    assert driver.said == ["For VOICE closed"]


def test_cases_that_are_not_there() -> None:
    update = {"LinkContactToCase": "false", "CaseId": "c9"}
    assert edge(single("UpdateCase", update, errors=CASE_ERRORS, declared=CASES)) == "error NoMatchingError"
    absent = single("UpdateCase", update, errors=CASE_ERRORS)
    assert "declare them under `cases:`" in absent.warnings[0]
    assert edge(single("CreateCase", {"Fields": {}}, declared=CASES)) == "error NoMatchingError"
