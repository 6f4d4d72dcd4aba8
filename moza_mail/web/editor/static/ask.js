// Requests to the server. A request that changes something contains the token of this page.
export const data = JSON.parse(document.getElementById("data").textContent);

// Return a text in the language of the page, with its {parts} filled in. The call must contain the text itself, because
// the server searches the scripts for texts.
export const _ = (text, parts = {}) =>
  (data.texts[text] ?? text).replace(/\{(\w+)\}/g, (hole, name) => parts[name] ?? hole);

export const byId = (id) => document.getElementById(id);

export async function ask(path, options = {}) {
  const answer = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
  if (!answer.ok && answer.status !== 409) throw new Error(`${answer.status}`);
  return answer;
}

export async function send(path, content, options = {}) {
  const answer = await ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Editor-Token": data.token },
    body: JSON.stringify(content),
    ...options,
  });
  return answer.json();
}

let pending = 0;
// Announce a change to screen readers. A repeated text is announced again.
export function tell(text) {
  const place = byId("announcement");
  place.textContent = "";
  window.clearTimeout(pending);
  pending = window.setTimeout(() => { place.textContent = text; }, 80);
}
