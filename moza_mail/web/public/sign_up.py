"""The pages by which people come onto a list: the form, what follows it, and the link of the mail."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from math import ceil

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from moza_mail import subscribe
from moza_mail.errors import AddressError, InvalidLink, SubscriptionError
from moza_mail.model.address import Address
from moza_mail.model.mailing_list import Consent, MailingList, OptIn
from moza_mail.model.sign_up import SignUp
from moza_mail.web.public import forms
from moza_mail.web.public.service import Service, gone

LONGEST_SOURCE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """The form as somebody sent it, and what is wrong with it, by field the key of its sentence."""

    email: str = ""
    name: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)


class Joining:
    """Sign up and confirm. Whoever signs up sees the same, whether or not we knew the address; so does a program."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def ask(self, request: Request) -> Response:
        """The form."""
        return self._form(request, self._list(request), Filled())

    async def sign_up(self, request: Request) -> Response:
        """Take what somebody filled in; a mail asks them to confirm it."""
        mailing_list = self._list(request)
        sent = await forms.fields(request)
        now = self._service.now()
        age = forms.age(self._service.links, mailing_list.slug, forms.first(sent, forms.STAMP), now)
        if age is None or timedelta(0) <= age < forms.FILLING_IN or forms.first(sent, forms.TRAP):
            return self._sent(request, mailing_list)
        consent = self._service.consent(request, mailing_list)
        stale = not timedelta(0) <= age <= forms.OLD or forms.first(sent, forms.TERMS) != _digest(consent)
        wish, problems = self._read(
            sent, mailing_list, consent, self._service.language(request, mailing_list)
        )
        if stale:
            problems["email"] = "page_old"
        if wish is None or problems:
            filled = Filled(
                email=forms.first(sent, "email"), name=forms.first(sent, "name"), problems=problems
            )
            return self._form(request, mailing_list, filled)
        self._admit(request)
        await subscribe.sign_up(self._service.store, wish, mailing_list, now=now)
        return self._sent(request, mailing_list)

    async def sent(self, request: Request) -> Response:
        """What to do now: look in the mailbox."""
        return self._service.page(request, "sent", self._list(request))

    async def ask_again(self, request: Request) -> Response:
        """The page behind the link of the mail, with its button."""
        mailing_list = self._list(request)
        token = request.path_params["token"]
        try:
            found = await subscribe.asked(
                self._service.store, self._service.links, mailing_list.slug, token, now=self._service.now()
            )
        except InvalidLink as error:
            raise gone(error) from None
        action = self._service.path(request, "confirm", mailing_list.slug, token)
        address = found.address.mask()
        return self._service.page(request, "confirm", mailing_list, action=action, address=address)

    async def confirm(self, request: Request) -> Response:
        """The button was pressed: they are on the list."""
        mailing_list = self._list(request)
        token = request.path_params["token"]
        await forms.body(request)
        links = self._service.links
        try:
            found = await subscribe.confirm(
                self._service.store, links, mailing_list.slug, token, now=self._service.now()
            )
        except InvalidLink as error:
            raise gone(error) from None
        return self._service.page(
            request,
            "confirmed",
            mailing_list,
            preferences_url=links.make_preferences_url(found.subscriber_id),
        )

    def _list(self, request: Request) -> MailingList:
        """The list of an address, when people may sign up to it."""
        found = self._service.lists.get(request.path_params["slug"])
        if found is None or found.opt_in is not OptIn.DOUBLE:
            raise HTTPException(404)
        return found

    def _form(self, request: Request, mailing_list: MailingList, filled: Filled) -> Response:
        consent = self._service.consent(request, mailing_list)
        return self._service.page(
            request,
            "sign-up",
            mailing_list,
            status=422 if filled.problems else 200,
            action=self._service.path(request, "lists", mailing_list.slug),
            given=filled,
            problems=filled.problems,
            consent=consent.text,
            consent_lang=self._service.consent_language(request, mailing_list),
            terms=_digest(consent),
            stamp=forms.stamp(self._service.links, mailing_list.slug, self._service.now()),
        )

    def _read(
        self, sent: forms.Fields, mailing_list: MailingList, consent: Consent, lang: str
    ) -> tuple[SignUp | None, dict[str, str]]:
        """What they wish, or what is wrong with what they filled in."""
        email = forms.first(sent, "email").strip()
        if not email:
            return None, {"email": "email_missing"}
        try:
            address = Address.parse(email, international=self._service.international)
        except AddressError:
            return None, {"email": "email_wrong"}
        source = f"form {self._service.links.public_url.rstrip('/')}/lists/{mailing_list.slug}"
        try:
            wish = SignUp(
                address=address,
                consent=consent,
                source=source[:LONGEST_SOURCE],
                name=forms.first(sent, "name"),
                lang=lang,
            )
        except SubscriptionError:
            return None, {"name": "name_wrong"}
        return wish, {}

    def _admit(self, request: Request) -> None:
        host = request.client.host if request.client else ""
        if wait := self._service.visits.admit(host, self._service.now()):
            raise HTTPException(429, headers={"Retry-After": str(ceil(wait.total_seconds()))})

    def _sent(self, request: Request, mailing_list: MailingList) -> Response:
        return RedirectResponse(self._service.path(request, "lists", mailing_list.slug, "sent"), 303)


def _digest(consent: Consent) -> str:
    """What tells that the words beside the button are still those that were read."""
    return sha256(consent.evidence.encode()).hexdigest()[:16]
