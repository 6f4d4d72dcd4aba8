// The outbox: a message that comes in is there without loading the page again.
import { ask, byId, given } from "./ask.js";
import { follow } from "./stream.js";

async function anew() {
  const query = new URLSearchParams({ letter: given.letter, page: given.page });
  byId("letters").innerHTML = await (await ask(`/api/letters?${query}`)).text();
}

follow({ letter: () => anew().catch(() => {}), again: () => anew().catch(() => {}) });
