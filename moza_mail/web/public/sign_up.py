"""The sign-up pages: the form, its result page, and the confirmation page."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
from moza_mail.model.sign_up import FORM_LIFETIME, MAIL_INTERVAL, SignUp
from moza_mail.web.public import forms
from moza_mail.web.public.forms import FormStamp, StampKind
from moza_mail.web.public.site import PublicSite, link_error

MAX_SOURCE_LENGTH = 200


SENT_PURPOSE = "sign-up-sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedForm:
    """The values of a submitted form.

    problems: the key of the error message for each field with a problem.
    checked: the address that the person is asked to check. If the form is sent again with this address,
        the address is accepted.
    meant: the address that the person probably meant.
    notice: the key of the first message on the page, if the form must be sent once more; "" for no message.
    stamp_kind: the reason why the form is shown again.
    """

    email: str = ""
    name: str = ""
    checked: str = ""
    meant: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)
    notice: str = ""
    stamp_kind: StampKind = StampKind.ASKED


@dataclass(frozen=True, slots=True, kw_only=True)
class SentForm:
    """An accepted form. The token in the URL of the result page contains these values.

    resend_stamp: the signed time in the form that asks for another confirmation mail.
    """

    email: str
    name: str
    resend_stamp: str


class SignUpPages:
    """The pages to sign up for a list, and to confirm the sign-up.

    The response is the same for a known and a new address, so nobody can find out who is subscribed. A form that
    seems to come from a program may come from a person. So it is not dropped but shown again, and accepted when it is sent
    once more.
    """

    def __init__(self, site: PublicSite) -> None:
        self._site = site

    async def show_form(self, request: Request) -> Response:
        """Show the sign-up form of a list."""
        return self._form(request, self._find_list(request), SubmittedForm(stamp_kind=StampKind.OPENED))

    async def sign_up(self, request: Request) -> Response:
        """Store a sign-up, so that a confirmation is mailed. Show an invalid form again.

        A form on another website has no stamp of ours. Such a form only opens our own form with the same values.
        """
        mailing_list = self._find_list(request)
        sent = await forms.read_form(request)
        now = self._site.now()
        sign_up, problems = self._read(
            sent, mailing_list, self._site.make_consent(request, mailing_list), request
        )
        filled = SubmittedForm(
            email=_typed_address(sent),
            name=forms.first_value(sent, "name"),
            checked=str(sign_up.address) if sign_up else "",
        )
        stamp_text = forms.first_value(sent, forms.STAMP_FIELD)
        if not stamp_text or forms.comes_from_elsewhere(request, self._site.hosts):
            return self._form(request, mailing_list, filled)
        stamp = forms.read_stamp(self._site.links, mailing_list.slug, stamp_text)
        if obstacle := self._find_obstacle(request, mailing_list, sent, stamp):
            filled = replace(filled, notice=obstacle)
        elif stamp and sign_up and stamp.kind is StampKind.RESEND and now < stamp.shown_at + MAIL_INTERVAL:
            wait = ceil((stamp.shown_at + MAIL_INTERVAL - now) / timedelta(minutes=1))
            form = SentForm(email=str(sign_up.address), name=sign_up.name, resend_stamp=stamp_text)
            return self._sent_page(request, mailing_list, form, wait=wait, status=422)
        elif sign_up and (meant := self._suggest(sent, sign_up)):
            problems, filled = {"email": "email_typo"}, replace(filled, meant=meant)
        if sign_up is None or problems or filled.notice:
            return self._form(request, mailing_list, replace(filled, problems=problems))
        self._check_rate(request)
        if not await self._site.self_service.sign_up(sign_up, mailing_list, stamp=stamp_text, now=now):
            return self._form(request, mailing_list, replace(filled, notice="press_again"))
        return self._redirect_sent(request, mailing_list, sign_up)

    async def show_sent(self, request: Request) -> Response:
        """Show the page after sign-up, which announces a mail with a confirmation link."""
        mailing_list = self._find_list(request)
        return self._sent_page(request, mailing_list, self._read_sent(request, mailing_list))

    async def show_change(self, request: Request) -> Response:
        """Show the sign-up form again, filled in, so that the address can be corrected."""
        mailing_list = self._find_list(request)
        form = self._read_sent(request, mailing_list)
        filled = SubmittedForm(email=form.email, name=form.name) if form else SubmittedForm()
        return self._form(request, mailing_list, filled)

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
        found = self._site.find_list(request)
        if found.opt_in is not OptIn.DOUBLE:
            raise HTTPException(404)
        return found

    def _find_obstacle(
        self, request: Request, mailing_list: MailingList, sent: forms.FormFields, stamp: FormStamp | None
    ) -> str:
        """Return the key of the reason why the form must be sent once more; "" for no reason."""
        if stamp is None:
            return "press_again"
        age = self._site.now() - stamp.shown_at
        consent = self._site.make_consent(request, mailing_list)
        if not timedelta(0) <= age <= FORM_LIFETIME or forms.first_value(
            sent, forms.CONSENT_FIELD
        ) != _digest(consent):
            return "page_old"
        is_hasty = age < forms.MIN_FILL_TIME or bool(forms.first_value(sent, forms.HONEYPOT_FIELD))
        return "press_again" if stamp.kind is StampKind.OPENED and is_hasty else ""

    def _suggest(self, sent: forms.FormFields, sign_up: SignUp) -> str:
        """Return the address that the person probably meant.

        Returns "" if the typed address looks correct, or if the person has confirmed it.
        """
        meant = suggest_address(sign_up.address)
        is_checked = forms.first_value(sent, forms.CHECKED_FIELD) == str(sign_up.address)
        return str(meant) if meant and not is_checked else ""

    def _form(self, request: Request, mailing_list: MailingList, filled: SubmittedForm) -> Response:
        consent = self._site.make_consent(request, mailing_list)
        return self._site.page(
            request,
            "sign-up",
            mailing_list,
            status=422 if filled.problems or filled.notice else 200,
            action=self._site.path(request, "lists", mailing_list.slug),
            given=filled,
            problems=filled.problems,
            consent=consent.text,
            consent_lang=self._site.consent_language(request, mailing_list),
            terms=_digest(consent),
            stamp=self._make_stamp(mailing_list, filled.stamp_kind),
            is_prefilled=filled.stamp_kind is StampKind.ASKED and bool(filled.email),
        )

    def _make_stamp(self, mailing_list: MailingList, kind: StampKind) -> str:
        return forms.make_stamp(self._site.links, mailing_list.slug, self._site.now(), kind)

    def _sent_page(
        self,
        request: Request,
        mailing_list: MailingList,
        form: SentForm | None,
        *,
        wait: int = 0,
        status: int = 200,
    ) -> Response:
        """Return the page after sign-up.

        form: the accepted form; None if the URL has no valid token, as in an old link.
        wait: the minutes until the person can ask for the mail again; 0 if the person did not ask for it.
        """
        address = self._site.path(request, "lists", mailing_list.slug)
        token = self._make_sent_token(mailing_list, form) if form else ""
        return self._site.page(
            request,
            "sent",
            mailing_list,
            status=status,
            form=form,
            wait=wait,
            action=address,
            change_url=self._site.path(request, "lists", mailing_list.slug, "change", token)
            if form
            else address,
            terms=_digest(self._site.make_consent(request, mailing_list)),
            minutes=MAIL_INTERVAL // timedelta(minutes=1),
        )

    def _make_sent_token(self, mailing_list: MailingList, form: SentForm) -> str:
        text = f"{form.email}\n{form.name}\n{form.resend_stamp}"
        until = self._site.now() + FORM_LIFETIME
        return self._site.links.make_text_token(SENT_PURPOSE, mailing_list.slug, text, until)

    def _read_sent(self, request: Request, mailing_list: MailingList) -> SentForm | None:
        """Return the accepted form in the token of a URL; None if there is no valid token."""
        token = request.path_params.get("token", "")
        try:
            text = self._site.links.read_text_token(SENT_PURPOSE, mailing_list.slug, token, self._site.now())
        except InvalidLink:
            return None
        email, name, resend_stamp = text.split("\n")
        return SentForm(email=email, name=name, resend_stamp=resend_stamp)

    def _read(
        self, sent: forms.FormFields, mailing_list: MailingList, consent: Consent, request: Request
    ) -> tuple[SignUp | None, dict[str, str]]:
        """Return the sign-up in a form and the problems by field. One of the two is empty."""
        email = _typed_address(sent)
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
                lang=self._site.choose_language(request, mailing_list),
            )
        except SubscriptionError:
            return None, {"name": "name_wrong"}
        return sign_up, {}

    def _check_rate(self, request: Request) -> None:
        host = request.client.host if request.client else ""
        if wait := self._site.sign_up_limiter.acquire(host, self._site.now()):
            raise HTTPException(429, headers={"Retry-After": str(ceil(wait.total_seconds()))})

    def _redirect_sent(self, request: Request, mailing_list: MailingList, sign_up: SignUp) -> Response:
        stamp = self._make_stamp(mailing_list, StampKind.RESEND)
        form = SentForm(email=str(sign_up.address), name=sign_up.name, resend_stamp=stamp)
        token = self._make_sent_token(mailing_list, form)
        return RedirectResponse(self._site.path(request, "lists", mailing_list.slug, "sent", token), 303)


def _typed_address(sent: forms.FormFields) -> str:
    """Return the address in a form: the suggested address if the person chose it."""
    return (forms.first_value(sent, forms.SUGGESTION_FIELD) or forms.first_value(sent, "email")).strip()


def _digest(consent: Consent) -> str:
    """Return a digest of the consent text, to detect a change after the form was shown."""
    return sha256(consent.evidence.encode()).hexdigest()[:16]
