"""A segment: a filter on subscribers, written in TOML, evaluated once for each mailing.

A condition is a table in one of the forms below. The method `matches` defines its meaning. The store has
an SQL expression with the same meaning.

    attribute = "soort"   with one of: is, is_not = "..."; one_of = [...]; begins_with = "..."; known = true or false
    domain = "example.org" or [...]          the domain of the address
    language = "en" or [...]                 the chosen language, or else the list's
    all = [...]   any = [...]   not = {...}  combine other conditions
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Self

from moza_mail.errors import AddressError
from moza_mail.model.address import CONTROL_CHARACTER, Address
from moza_mail.model.merge_field import NAME_FIELD
from moza_mail.model.subscriber import Subscriber, SubscriptionState

DEEPEST = 8
MOST_VALUES = 1000
LONGEST = 1000
ABOUT_ATTRIBUTE = ("is", "is_not", "one_of", "begins_with", "known")
FORMS = ("attribute", "domain", "language", "all", "any", "not")


class SegmentError(ValueError):
    """A table is not a valid condition. The text of this error is a clause of a sentence."""


def attribute_value(subscriber: Subscriber, attribute: str) -> str:
    """Return the value of an attribute, empty if the subscriber has none."""
    return subscriber.name if attribute == NAME_FIELD else subscriber.attributes.get(attribute, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class HasAttribute:
    """The condition that an attribute has a value that is not only white space."""

    attribute: str

    def matches(self, subscriber: Subscriber) -> bool:
        """Return True if the subscriber meets the condition."""
        return bool(attribute_value(subscriber, self.attribute).strip())

    def __str__(self) -> str:
        return f"{self.attribute} is known"


@dataclass(frozen=True, slots=True, kw_only=True)
class HasOneOf:
    """The condition that an attribute has one of some values.

    Values are compared exactly. A missing value counts as an empty text.
    """

    attribute: str
    values: tuple[str, ...]

    def matches(self, subscriber: Subscriber) -> bool:
        """Return True if the subscriber meets the condition."""
        return attribute_value(subscriber, self.attribute) in self.values

    def __str__(self) -> str:
        return f"{self.attribute} is {_listed(self.values)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartsWith:
    """The condition that the value of an attribute starts with `prefix`, compared exactly."""

    attribute: str
    prefix: str

    def matches(self, subscriber: Subscriber) -> bool:
        """Return True if the subscriber meets the condition."""
        return attribute_value(subscriber, self.attribute).startswith(self.prefix)

    def __str__(self) -> str:
        return f"{self.attribute} begins with {_quoted(self.prefix)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainCondition:
    """The condition that the address is at one of some domains, and not at a subdomain.

    domains: A-labels in lower case.
    """

    domains: tuple[str, ...]

    def matches(self, subscriber: Subscriber) -> bool:
        """Return True if the subscriber meets the condition."""
        return subscriber.address.domain in self.domains

    def __str__(self) -> str:
        return f"the address is at {_listed(self.domains)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageCondition:
    """A condition on the language of a subscriber.

    languages: the subscriber's language must be one of these languages or a variant. For example, `en` includes `en-GB`.
    default: the language of a subscriber who has chosen none.
    """

    languages: tuple[str, ...]
    default: str

    def matches(self, subscriber: Subscriber) -> bool:
        """Return True if the subscriber meets the condition."""
        chosen = subscriber.lang or self.default
        return any(chosen == one or chosen.startswith(f"{one}-") for one in self.languages)

    def __str__(self) -> str:
        return f"the language is {_listed(self.languages)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """The condition that an inner condition is not met."""

    condition: "Condition"

    def matches(self, subscriber: Subscriber) -> bool:
        """Return True if the subscriber meets the condition."""
        return not self.condition.matches(subscriber)

    def __str__(self) -> str:
        return f"not ({self.condition})"


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf:
    """The condition that every inner condition is met."""

    conditions: tuple["Condition", ...]

    def matches(self, subscriber: Subscriber) -> bool:
        """Return True if the subscriber meets the condition."""
        return all(one.matches(subscriber) for one in self.conditions)

    def __str__(self) -> str:
        return " and ".join(map(_bracketed, self.conditions))


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """The condition that at least one inner condition is met."""

    conditions: tuple["Condition", ...]

    def matches(self, subscriber: Subscriber) -> bool:
        """Return True if the subscriber meets the condition."""
        return any(one.matches(subscriber) for one in self.conditions)

    def __str__(self) -> str:
        return " or ".join(map(_bracketed, self.conditions))


Condition = HasAttribute | HasOneOf | StartsWith | DomainCondition | LanguageCondition | Not | AllOf | AnyOf


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberFilter:
    """Selects the subscribers of a list that have a given state and meet a condition.

    state: None for all states.
    condition: None for no condition.
    """

    state: SubscriptionState | None = None
    condition: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A named condition, in a form that can be stored.

    The store keeps the TOML table from which the condition was parsed, and the language of the list.
    """

    slug: str
    condition: Condition
    description: str = ""
    table: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    lang: str = ""

    @classmethod
    def parse(cls, slug: str, table: Mapping[str, Any], *, lang: str) -> Self:
        """Parse the table of a segment; raise SegmentError with the reason if it is invalid."""
        rest = dict(table)
        description = rest.pop("description", "")
        if not isinstance(description, str) or CONTROL_CHARACTER.search(description):
            raise SegmentError("`description` must be a sentence on one line")
        condition = _condition(rest, lang, DEEPEST)
        return cls(
            slug=slug,
            condition=condition,
            description=description.strip(),
            table=MappingProxyType(dict(table)),
            lang=lang,
        )

    @property
    def attributes(self) -> frozenset[str]:
        """The attributes that the condition uses."""
        return frozenset(_attributes(self.condition))

    def __str__(self) -> str:
        return str(self.condition)


def _condition(table: Any, lang: str, depth: int) -> Condition:
    if not isinstance(table, Mapping):
        raise SegmentError(
            f'{_shown(table)} must be a condition, such as {{ attribute = "soort", is = "gemeente" }}'
        )
    forms = [form for form in FORMS if form in table]
    if len(forms) != 1:
        found = " and ".join(f"`{form}`" for form in forms) or "none of them"
        raise SegmentError(f"a condition has one of {', '.join(FORMS)}, and there is {found}")
    (form,) = forms
    known = {form, *(ABOUT_ATTRIBUTE if form == "attribute" else ())}
    if odd := next((key for key in table if key not in known), ""):
        raise SegmentError(f"`{odd}` is not a known key beside `{form}`")
    if not depth:
        raise SegmentError(f"conditions stand at most {DEEPEST} deep in one another")
    match form:
        case "attribute":
            return _about(table)
        case "domain":
            return DomainCondition(domains=tuple(map(_domain, _texts(table[form], form))))
        case "language":
            return LanguageCondition(languages=_texts(table[form], form), default=lang)
        case "not":
            return Not(condition=_condition(table[form], lang, depth - 1))
    parts = table[form]
    if not isinstance(parts, list | tuple) or not 1 <= len(parts) <= MOST_VALUES:
        raise SegmentError(f"`{form}` must be a list of conditions")
    conditions = tuple(_condition(part, lang, depth - 1) for part in parts)
    return AllOf(conditions=conditions) if form == "all" else AnyOf(conditions=conditions)


def _about(table: Mapping[str, Any]) -> Condition:
    """Parse a condition on an attribute."""
    attribute = _text(table["attribute"], "attribute")
    if '"' in attribute or "\\" in attribute:
        raise SegmentError(f"`{attribute}` cannot name an attribute")
    asked = [key for key in ABOUT_ATTRIBUTE if key in table]
    if len(asked) != 1:
        raise SegmentError(f"beside `attribute` stands one of {', '.join(ABOUT_ATTRIBUTE)}")
    (key,) = asked
    given = table[key]
    match key:
        case "known":
            if not isinstance(given, bool):
                raise SegmentError("`known` is true or false")
            found = HasAttribute(attribute=attribute)
            return found if given else Not(condition=found)
        case "begins_with":
            return StartsWith(attribute=attribute, prefix=_text(given, key))
        case "one_of":
            return HasOneOf(attribute=attribute, values=_texts(given, key))
    only = HasOneOf(attribute=attribute, values=(_text(given, key),))
    return only if key == "is" else Not(condition=only)


def _texts(given: Any, key: str) -> tuple[str, ...]:
    many = given if isinstance(given, list | tuple) else [given]
    if not 1 <= len(many) <= MOST_VALUES:
        raise SegmentError(f"`{key}` has 1 to {MOST_VALUES} values")
    return tuple(_text(one, key) for one in many)


def _text(given: Any, key: str) -> str:
    if not isinstance(given, str):
        raise SegmentError(f"`{key}` must be a text between quotes, and is {_shown(given)}")
    if not given.strip():
        raise SegmentError(f"`{key}` is empty; who has no value is asked for with known = false")
    if len(given) > LONGEST or CONTROL_CHARACTER.search(given):
        raise SegmentError(f"`{key}` is a text of at most {LONGEST} signs on one line")
    return given


def _domain(text: str) -> str:
    try:
        return Address.parse(f"nobody@{text}").domain
    except AddressError:
        raise SegmentError(f"`{text}` is not a domain such as example.org") from None


def _attributes(condition: Condition) -> Iterator[str]:
    match condition:
        case HasAttribute() | HasOneOf() | StartsWith():
            yield condition.attribute
        case Not():
            yield from _attributes(condition.condition)
        case AllOf() | AnyOf():
            for one in condition.conditions:
                yield from _attributes(one)


def _bracketed(condition: Condition) -> str:
    return f"({condition})" if isinstance(condition, AllOf | AnyOf) else str(condition)


def _listed(values: tuple[str, ...]) -> str:
    return " or ".join(map(_quoted, values))


def _quoted(text: str) -> str:
    return f'"{text}"'


def _shown(given: Any) -> str:
    return repr(given)[:40]
