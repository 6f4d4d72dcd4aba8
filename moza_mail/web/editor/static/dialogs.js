// Dialogs: the test copy and the list of keys. The browser keeps the focus in an open dialog, and restores it afterwards.
import { _, byId, send, tell } from "./ask.js";

const KEPT = "editor-address";

export function dialog(id) {
  const place = byId(id);
  place.querySelectorAll(".close").forEach((button) => button.addEventListener("click", () => place.close()));
  place.addEventListener("click", (event) => { if (event.target === place) place.close(); });
  return place;
}

export function testing(mail) {
  const place = dialog("test-dialog");
  const address = byId("test-address");
  const result = byId("test-result");
  const open = byId("test-open");
  try {
    address.value = window.sessionStorage.getItem(KEPT) ?? "";
  } catch { /* It is typed again. */ }
  byId("test-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    result.className = "result";
    open.hidden = true;
    result.textContent = _("Sending …");
    try {
      const answer = await send("/api/test", { key: mail.key, address: address.value });
      const accepted = answer.outbox ? _("The copy is a file in the outbox. Nobody gets it by mail.") : _("The copy to {address} was accepted.", { address: address.value });
      result.textContent = answer.accepted ? accepted : _("The copy was not accepted. {reason}", { reason: answer.reason });
      open.hidden = !answer.outbox;
      open.href = answer.outbox || "/outbox";
      result.classList.add(answer.accepted ? "good" : "bad");
      window.sessionStorage.setItem(KEPT, address.value);
    } catch (error) {
      result.textContent = _("The copy was not accepted. {reason}", { reason: error.message });
      result.classList.add("bad");
    }
    tell(result.textContent);
  });
  return () => {
    result.textContent = "";
    open.hidden = true;
    place.showModal();
    address.focus();
  };
}
