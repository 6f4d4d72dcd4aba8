// The outbox: new messages appear without reloading the page.
import { ask, byId, data } from "./ask.js";
import { follow } from "./stream.js";

async function refresh() {
  const query = new URLSearchParams({ message: data.message, page: data.page });
  byId("messages").innerHTML = await (await ask(`/api/outbox?${query}`)).text();
}

follow({ outbox: () => refresh().catch(() => {}), again: () => refresh().catch(() => {}) });
