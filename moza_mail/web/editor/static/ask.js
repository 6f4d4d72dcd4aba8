// Asking the desk for something. What acts carries the token of this page.
export const given = JSON.parse(document.getElementById("given").textContent);

// A text in the language of the page, with its {parts}. Written in the call itself: the server finds it in the scripts.
export const _ = (text, parts = {}) =>
  (given.texts[text] ?? text).replace(/\{(\w+)\}/g, (hole, name) => parts[name] ?? hole);

export const byId = (id) => document.getElementById(id);

export async function ask(path, options = {}) {
  const answer = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
  if (!answer.ok && answer.status !== 409) throw new Error(`${answer.status}`);
  return answer;
}

export async function send(path, content, options = {}) {
  const answer = await ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Desk-Token": given.token },
    body: JSON.stringify(content),
    ...options,
  });
  return answer.json();
}

let pending = 0;
// Told to who cannot see it change; the same words twice are told twice.
export function tell(text) {
  const place = byId("said");
  place.textContent = "";
  window.clearTimeout(pending);
  pending = window.setTimeout(() => { place.textContent = text; }, 80);
}
