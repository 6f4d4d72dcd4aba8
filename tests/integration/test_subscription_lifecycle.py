"""A subscription under any sequence of events, on SQLite and PostgreSQL: only the person's own act subscribes them again."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from moza_mail.errors import InvalidLink
from moza_mail.model.address_hash import AddressHasher
from moza_mail.model.sign_up import LINK_LIFETIME, PreferenceChoice
from moza_mail.model.subscriber import SubscriptionState
from moza_mail.store import Store, open_store
from moza_mail.subscribe import SelfService
from tests.integration.test_store_sign_ups import LINKS, WORDS, choosing, leaving, queued, sign_up, token
from tests.support.store_builders import NOW, add_subscribers, address, make_list, newcomer, suppression
from tests.support.stores import KINDS, new_store, store_examples

LISTS = ("weekly", "other")
CONFIRMED, UNCONFIRMED, UNSUBSCRIBED = (
    SubscriptionState.CONFIRMED,
    SubscriptionState.UNCONFIRMED,
    SubscriptionState.UNSUBSCRIBED,
)
PSEUDONYMS = AddressHasher(secret=b"a secret of thirty-two bytes, so")


@dataclass
class Life:
    """A store, with the expected state of its one reader on each list and the links that still confirm."""

    store: Store
    states: dict[str, SubscriptionState] = field(default_factory=dict)
    suppressed: bool = False
    barred: bool = False
    """True if the person was erased, and has not confirmed a sign-up since."""
    number: int = 0
    confirmations: list = field(default_factory=list)
    good: set[int] = field(default_factory=set)
    """The ids of the sign-ups whose link is still valid."""
    now: datetime = NOW

    async def sign_up(self, list_slug):
        await sign_up(self.store, at=self.now, list_slug=list_slug)
        self.states.setdefault(list_slug, UNCONFIRMED)
        known = {confirmation.id for confirmation in self.confirmations}
        made = [confirmation for confirmation in await queued(self.store) if confirmation.id not in known]
        self.confirmations += made
        self.good |= {confirmation.id for confirmation in made}

    async def confirm(self, _):
        await self.use(self.confirmations[-1:])

    async def confirm_old(self, _):
        await self.use(self.confirmations[:1])

    async def use(self, confirmations):
        for confirmation in confirmations:
            asked = SelfService(self.store, LINKS).confirm(
                confirmation.list_slug, token(confirmation), now=self.now
            )
            if confirmation.id in self.good and self.now < confirmation.created_at + LINK_LIFETIME:
                await asked
                self.comes(confirmation.list_slug)
                # The link was mailed to the address, so using it ends the suppression.
                self.suppressed = False
            else:
                with pytest.raises(InvalidLink):
                    await asked

    def comes(self, list_slug):
        self.states[list_slug] = CONFIRMED
        self.barred = False

    async def leave(self, list_slug):
        if self.number:
            link = leaving(self.number, list_slug)
            await SelfService(self.store, LINKS).unsubscribe(list_slug, link, now=self.now)
            self.goes(list_slug)

    def goes(self, list_slug):
        if list_slug in self.states:
            self.states[list_slug] = UNSUBSCRIBED
        self.good -= {
            confirmation.id for confirmation in self.confirmations if confirmation.list_slug == list_slug
        }

    async def be_imported(self, list_slug):
        await add_subscribers(self.store, newcomer(1), list_slug=list_slug, now=self.now)
        may = not self.suppressed and not self.barred
        if may and self.states.get(list_slug) is not UNSUBSCRIBED:
            self.states[list_slug] = CONFIRMED

    async def join(self, list_slug):
        if self.states:
            await self.choose(list_slug, PreferenceChoice(name="Zoë", lang="", joins={list_slug: WORDS}))
            self.comes(list_slug)

    async def stay_out(self, list_slug):
        if self.states:
            await self.choose(list_slug, PreferenceChoice(name="Zoë", lang="", leaves=(list_slug,)))
            self.goes(list_slug)

    async def choose(self, list_slug, choice):
        link, joined = choosing(self.number), [make_list(slug=list_slug)]
        await SelfService(self.store, LINKS).save_preferences(link, choice, joined=joined, now=self.now)

    async def be_suppressed(self, _):
        await self.store.suppressions.add(suppression(1))
        self.suppressed = True

    async def be_erased(self, _):
        if self.states:
            assert await self.store.data_requests.erase(address(1), now=self.now)
            self.states, self.good, self.barred = {}, set(), True

    async def wait_an_hour(self, _):
        self.now += timedelta(hours=1)

    async def wait_six_days(self, _):
        self.now += timedelta(days=6)

    async def check(self, event):
        """The store has the expected state of each list."""
        person = await self.store.subscribers.find(address(1))
        found = {one.list_slug: one.state for one in person.subscriptions} if person else {}
        self.number = person.subscriber.id if person else self.number
        assert found == self.states, event
        for slug in LISTS:
            on_it = found.get(slug) is CONFIRMED and not self.suppressed
            assert (await self.store.subscribers.count_audience(slug)).confirmed == on_it, event
        recent = [one for one in await queued(self.store) if self.now - one.created_at < timedelta(days=7)]
        assert len(recent) <= 3


EVENTS_OF_A_LIFE = (
    *("sign_up", "confirm", "confirm_old", "leave", "be_imported", "join", "stay_out"),
    *("be_suppressed", "be_erased", "wait_an_hour", "wait_six_days"),
)


async def live(url: str, events) -> None:
    store = await open_store(url, hasher=PSEUDONYMS)
    try:
        for slug in LISTS:
            await store.subscribers.save_list(make_list(slug=slug))
        life = Life(store)
        for event, list_slug in events:
            await getattr(life, event)(list_slug)
            life.now += timedelta(seconds=1)
            await life.check(event)
    finally:
        await store.close()


# Erased while suppressed, and back on the person's own page instead of by the link in the confirmation mail.
ERASED_WHILE_SUPPRESSED = [
    (event, "weekly") for event in ("sign_up", "be_suppressed", "be_erased", "sign_up", "join")
]
EVENTS = st.lists(st.tuples(st.sampled_from(EVENTS_OF_A_LIFE), st.sampled_from(LISTS)), max_size=25)


@pytest.mark.parametrize("kind", KINDS)
def test_an_unsubscribed_person_is_restored_only_by_their_own_act(kind, request):
    @store_examples(kind, 40)
    @example(events=ERASED_WHILE_SUPPRESSED)
    @given(events=EVENTS)
    def lived(events):
        with new_store(kind, request) as url:
            asyncio.run(live(url, events))

    lived()
