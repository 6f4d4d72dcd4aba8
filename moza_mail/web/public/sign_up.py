"""The sign-up pages: the form, its result page, and the confirmation page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from math import ceil

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from moza_mail.errors import AddressError, InvalidLink, SubscriptionError
from moza_mail.model.address import Address
from moza_mail.model.address_typo import suggest_address
from moza_mail.model.mailing_list import Consent, MailingList, OptIn
from moza_mail.model.sign_up import SignUp
from moza_mail.web.public import forms
from moza_mail.web.public.site import PublicSite, link_error

MAX_SOURCE_LENGTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedForm:
    """The values of a submitted form.

    problems: the key of the error message for each field with a problem.
    checked: the address that the person is asked to check. If it is sent again unchanged, it is accepted.
    meant: the address that the person probably meant.
    """

    email: str = ""
    name: str = ""
    checked: str = ""
    meant: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)


class SignUpPages:
    """The pages to sign up for a list, and to confirm the sign-up.

    The response is the same for a known address, a new address, and a form that was filled in by a program. So nobody
    can find out who is subscribed.
    """

    def __init__(self, site: PublicSite) -> None:
        self._site = site

    async def show_form(self, request: Request) -> Response:
        """Show the sign-up form of a list."""
        return self._form(request, self._find_list(request), SubmittedForm())

    async def sign_up(self, request: Request) -> Response:
        """Store a sign-up, so that a confirmation is mailed. If invalid, show the form again."""
        mailing_list = self._find_list(request)
        sent = await forms.read_form(request)
        now = self._site.now()
        age = forms.measure_age(
            self._site.links, mailing_list.slug, forms.first_value(sent, forms.TIMESTAMP_FIELD), now
        )
        if (
            age is None
            or timedelta(0) <= age < forms.MIN_FILL_TIME
            or forms.first_value(sent, forms.HONEYPOT_FIELD)
        ):
            return self._redirect_sent(request, mailing_list)
        consent = self._site.make_consent(request, mailing_list)
        is_outdated = not timedelta(0) <= age <= forms.MAX_FORM_AGE or forms.first_value(
            sent, forms.CONSENT_FIELD
        ) != _digest(consent)
        sign_up, problems = self._read(
            sent, mailing_list, consent, self._site.choose_language(request, mailing_list)
        )
        meant = suggest_address(sign_up.address) if sign_up else None
        # A person who sends the same address again knows better.
        if sign_up and meant and forms.first_value(sent, forms.CHECKED_FIELD) != str(sign_up.address):
            problems["email"] = "email_typo"
        if is_outdated:
            problems["email"] = "page_old"
        if sign_up is None or problems:
            filled = SubmittedForm(
                email=forms.first_value(sent, "email"),
                name=forms.first_value(sent, "name"),
                problems=problems,
                checked=str(sign_up.address) if sign_up else "",
                meant=str(meant) if meant else "",
            )
            return self._form(request, mailing_list, filled)
        self._check_rate(request)
        await self._site.self_service.sign_up(sign_up, mailing_list, now=now)
        return self._redirect_sent(request, mailing_list)

    async def show_sent(self, request: Request) -> Response:
        """Show the page after sign-up, which announces a mail with a confirmation link."""
        return self._site.page(request, "sent", self._find_list(request))

    async def show_confirm(self, request: Request) -> Response:
        """Show the confirmation page with its button. The confirmation mail links to this page."""
        mailing_list = self._find_list(request)
        token = request.path_params["token"]
        try:
            found = await self._site.self_service.find_sign_up(mailing_list.slug, token, now=self._site.now())
        except InvalidLink as error:
            raise link_error(error) from None
        action = self._site.path(request, "confirm", mailing_list.slug, token)
        address = found.address.mask()
        return self._site.page(request, "confirm", mailing_list, action=action, address=address)

    async def confirm(self, request: Request) -> Response:
        """Confirm a sign-up."""
        mailing_list = self._find_list(request)
        token = request.path_params["token"]
        await forms.read_body(request)
        links = self._site.links
        try:
            found = await self._site.self_service.confirm(mailing_list.slug, token, now=self._site.now())
        except InvalidLink as error:
            raise link_error(error) from None
        return self._site.page(
            request,
            "confirmed",
            mailing_list,
            preferences_url=links.make_preferences_url(found.subscriber_id),
        )

    def _find_list(self, request: Request) -> MailingList:
        """Return the list in the request's path; raise HTTPException 404 if it has no form."""
        found = self._site.lists.get(request.path_params["slug"])
        if found is None or found.opt_in is not OptIn.DOUBLE:
            raise HTTPException(404)
        return found

    def _form(self, request: Request, mailing_list: MailingList, filled: SubmittedForm) -> Response:
        consent = self._site.make_consent(request, mailing_list)
        return self._site.page(
            request,
            "sign-up",
            mailing_list,
            status=422 if filled.problems else 200,
            action=self._site.path(request, "lists", mailing_list.slug),
            given=filled,
            problems=filled.problems,
            consent=consent.text,
            consent_lang=self._site.consent_language(request, mailing_list),
            terms=_digest(consent),
            stamp=forms.make_timestamp(self._site.links, mailing_list.slug, self._site.now()),
        )

    def _read(
        self, sent: forms.FormFields, mailing_list: MailingList, consent: Consent, lang: str
    ) -> tuple[SignUp | None, dict[str, str]]:
        """Return the sign-up in a form and the problems by field. One of the two is empty."""
        email = forms.first_value(sent, "email").strip()
        if not email:
            return None, {"email": "email_missing"}
        try:
            address = Address.parse(email, international=self._site.international)
        except AddressError:
            return None, {"email": "email_wrong"}
        source = f"form {self._site.links.public_url.rstrip('/')}/lists/{mailing_list.slug}"
        try:
            sign_up = SignUp(
                address=address,
                consent=consent,
                source=source[:MAX_SOURCE_LENGTH],
                name=forms.first_value(sent, "name"),
                lang=lang,
            )
        except SubscriptionError:
            return None, {"name": "name_wrong"}
        return sign_up, {}

    def _check_rate(self, request: Request) -> None:
        host = request.client.host if request.client else ""
        if wait := self._site.sign_up_limiter.acquire(host, self._site.now()):
            raise HTTPException(429, headers={"Retry-After": str(ceil(wait.total_seconds()))})

    def _redirect_sent(self, request: Request, mailing_list: MailingList) -> Response:
        return RedirectResponse(self._site.path(request, "lists", mailing_list.slug, "sent"), 303)


def _digest(consent: Consent) -> str:
    """Return a digest of the consent text, to detect a change after the form was shown."""
    return sha256(consent.evidence.encode()).hexdigest()[:16]
