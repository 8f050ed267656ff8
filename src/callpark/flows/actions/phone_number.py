"""Store customer input as a phone number: what callers type, checked and written in E.164."""

from collections.abc import Mapping
from dataclasses import dataclass

from callpark.flows.parameters import choice, required


@dataclass(frozen=True, slots=True)
class PhoneNumberRule:
    """`region`: ISO country code of a local number, None when callers type the country code themselves."""

    region: str | None

    def normalise(self, typed: str) -> str | None:
        """The number in E.164, None when it is no valid one."""
        import phonenumbers  # its tables take 30 ms to load, and few flows ask for numbers

        try:
            parsed = phonenumbers.parse(typed if self.region else f"+{typed}", self.region)
        except phonenumbers.NumberParseException:
            return None
        if not phonenumbers.is_possible_number(parsed):
            return None
        return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def read_phone_number_rule(validation: Mapping[str, object]) -> PhoneNumberRule:
    local = choice(validation, "NumberFormat", ("Local", "E164")) == "Local"
    path = "InputValidation.PhoneNumberValidation."
    return PhoneNumberRule(required(validation, "CountryCode", path).upper() if local else None)
