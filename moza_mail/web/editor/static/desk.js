// The desk: keeps the mail, its parts, its findings and the list as they are on disk, or as they are being typed.
import { _, ask, byId, given, send, tell } from "./ask.js";
import { Looks, Tabs } from "./controls.js";
import { dialog, testing } from "./dialogs.js";
import { Findings } from "./findings.js";
import { Editor } from "./editor.js";
import { Frame } from "./frame.js";
import { follow } from "./stream.js";

const READERS_AFTER_MS = 200;
// The list is long and can wait: the mail goes first.
const LIST_MS = 300;

class Desk {
  constructor() {
    this.mail = new Frame();
    this.mail.key = given.key;
    this.tabs = new Tabs(this.mail);
    this.looks = new Looks(this.mail);
    this.findings = new Findings(this.mail);
    this.reader = "";
    this.inTrouble = given.trouble;
    this.busy = false;
    this.wanted = false;
    // A text that is not saved yet goes before the file.
    this.typed = () => null;
    document.documentElement.dataset.shown = given.key;
  }

  // Dress anew. While that is under way what was asked last is remembered, and the rest let go.
  async refresh() {
    this.wanted = true;
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.wanted) {
        this.wanted = false;
        const text = this.typed();
        const asked = { name: given.name, reader: this.reader, ...(text === null ? {} : { text }) };
        await this.take(await send("/api/dress", asked));
      }
    } catch (error) {
      tell(_("The issue cannot be shown: {reason}", { reason: error.message }));
    } finally {
      this.busy = false;
    }
  }

  // The same because something was saved, which is told; what one types oneself is not.
  async renew() {
    await this.refresh();
    if (!this.inTrouble) tell(_("The mail is refreshed."));
  }

  async take(facts) {
    byId("trouble").innerHTML = facts.said ?? "";
    if (facts.trouble) {
      tell(_("The issue cannot be shown: {reason}", { reason: facts.message }));
    } else if (this.inTrouble) {
      tell(_("Fixed: the mail is shown again."));
    }
    this.inTrouble = facts.trouble;
    document.documentElement.dataset.trouble = String(facts.trouble);
    if (facts.trouble || !facts.key) return;
    byId("title").textContent = facts.title;
    byId("inboxline").hidden = false;
    byId("shown-from").textContent = facts.sender;
    byId("shown-subject").textContent = facts.subject;
    byId("shown-preheader").textContent = facts.preheader;
    const lacking = facts.missing.length ? _("This recipient has no value for {fields}, and would be skipped.", { fields: facts.missing.join(", ") }) : "";
    byId("missing").textContent = facts.unknown ? _("Nobody has that address. The invented recipient is shown.") : lacking;
    byId("missing").hidden = !byId("missing").textContent;
    await this.mail.show(facts.key);
    this.tabs.refresh();
    window.clearTimeout(this.checking);
    this.checking = window.setTimeout(() => this.findings.refresh(facts.key).catch(() => {}), 150);
  }

  listSoon() {
    window.clearTimeout(this.listing);
    this.listing = window.setTimeout(() => this.list().catch(() => {}), LIST_MS);
  }

  async list() {
    const answer = await (await ask(`/api/cards?${new URLSearchParams({ name: given.name })}`)).json();
    byId("cards").innerHTML = answer.html;
    filter();
  }
}

function filter() {
  const wanted = byId("filter").value.trim().toLowerCase();
  for (const card of document.querySelectorAll("#cards .card")) {
    card.parentElement.hidden = !card.textContent.toLowerCase().includes(wanted);
  }
}

function reading(desk) {
  const field = byId("reader");
  const known = byId("readers");
  let timer = 0;
  field.addEventListener("input", () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(async () => {
      const query = new URLSearchParams({ name: given.name, words: field.value });
      const found = await (await ask(`/api/readers?${query}`)).json();
      known.replaceChildren(...found.map(({ address, name }) => new Option(name, address)));
    }, READERS_AFTER_MS);
  });
  field.addEventListener("change", () => {
    desk.reader = field.value.trim();
    desk.refresh();
  });
}

function keyboard(desk, actions) {
  const heard = (event) => {
    if (event.key === "F8") {
      event.preventDefault();
      desk.findings.step(event.shiftKey ? -1 : 1);
      return;
    }
    const act = event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey ? actions[event.code] : undefined;
    if (!act) return;
    event.preventDefault();
    act();
  };
  document.addEventListener("keydown", heard);
  desk.mail.onkey = heard;
}

async function lead(editor, line) {
  if (!editor.isOpen) await editor.toggle();
  editor.toLine(line);
}

function open() {
  byId("filter").addEventListener("input", filter);
  if (!given.name) {
    follow({ issue: () => window.location.reload(), again: () => window.location.reload() });
    return;
  }
  const desk = new Desk();
  const editor = new Editor(desk);
  const test = testing(desk.mail);
  const help = dialog("help-dialog");
  byId("test-button").addEventListener("click", test);
  byId("help-button").addEventListener("click", () => help.showModal());
  byId("trouble").addEventListener("click", (event) => {
    const button = event.target.closest(".to-line");
    if (button) lead(editor, Number(button.dataset.line));
  });
  reading(desk);
  keyboard(desk, {
    ...Object.fromEntries([0, 1, 2, 3, 4].map((at) => [`Digit${at + 1}`, () => desk.tabs.choose(at, true)])),
    KeyW: () => desk.looks.next("width"),
    KeyL: () => desk.looks.next("scheme"),
    KeyI: () => desk.looks.toggle("images"),
    KeyY: () => desk.looks.toggle("styles"),
    KeyE: () => editor.toggle(),
    KeyJ: () => editor.act("item"),
    KeyG: () => editor.act("event"),
    KeyK: () => editor.act("section"),
    KeyT: test,
    KeyH: () => help.showModal(),
  });
  follow({
    issue: async (name) => {
      if (name === given.name && await editor.changed()) await desk.renew();
      desk.listSoon();
    },
    dress: () => desk.renew(),
    // A sending writes it many times a second.
    ledger: () => {
      window.clearTimeout(desk.counting);
      desk.counting = window.setTimeout(() => desk.findings.refresh(desk.mail.key).catch(() => {}), LIST_MS);
      desk.listSoon();
    },
    again: () => {
      desk.refresh();
      desk.listSoon();
    },
  });
  if (editor.wasOpen) editor.toggle();
}

open();
