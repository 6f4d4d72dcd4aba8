// Receive the events of the server about saved files.
import { _, byId, tell } from "./ask.js";

export function follow(heard) {
  const stream = new EventSource("/events");
  let lost = false;
  for (const kind of ["issue", "render", "outbox", "store"]) {
    stream.addEventListener(kind, (event) => heard[kind]?.(JSON.parse(event.data).name));
  }
  stream.addEventListener("open", () => {
    document.documentElement.dataset.stream = "open";
    if (lost) heard.again?.();
    lost = false;
    byId("gone")?.remove();
  });
  stream.addEventListener("error", () => {
    if (lost) return;
    lost = true;
    const notice = document.createElement("p");
    notice.id = "gone";
    notice.className = "gone";
    notice.textContent = _("The editor is closed. Start moza-mail preview again.");
    document.body.append(notice);
    tell(notice.textContent);
  });
  window.addEventListener("pagehide", () => stream.close());
}
