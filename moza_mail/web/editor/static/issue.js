// The page of an issue: it shows the mail, its parts, its findings and the list for the saved file or the unsaved text.
import { _, ask, byId, data, send, tell } from "./ask.js";
import { Looks, Tabs } from "./controls.js";
import { dialog, testing } from "./dialogs.js";
import { Findings } from "./findings.js";
import { Editor } from "./editor.js";
import { Frame } from "./frame.js";
import { follow } from "./stream.js";

const SEARCH_DELAY_MS = 200;
// The list is refreshed after this delay, because it is long and the mail is more urgent.
const LIST_MS = 300;

class IssuePage {
  constructor() {
    this.mail = new Frame();
    this.mail.key = data.key;
    this.tabs = new Tabs(this.mail);
    this.looks = new Looks(this.mail);
    this.findings = new Findings(this.mail);
    this.reader = "";
    this.hasProblem = data.has_problem;
    this.busy = false;
    this.wanted = false;
    // Unsaved text is rendered instead of the file.
    this.typed = () => null;
    this.onshown = () => {};
    document.documentElement.dataset.shown = data.key;
  }

  // Render again. Of the requests that arrive meanwhile, only the last one is kept.
  async refresh() {
    this.wanted = true;
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.wanted) {
        this.wanted = false;
        const text = this.typed();
        const asked = { name: data.name, recipient: this.reader, ...(text === null ? {} : { text }) };
        await this.take(await send("/api/preview", asked));
      }
    } catch (error) {
      tell(_("The issue cannot be shown: {reason}", { reason: error.message }));
    } finally {
      this.busy = false;
    }
  }

  // Render again after a file was saved, and announce the new mail. Changes by typing are not announced.
  async renew() {
    await this.refresh();
    if (!this.hasProblem) tell(_("The mail is refreshed."));
  }

  async take(answer) {
    byId("problem").innerHTML = answer.html ?? "";
    byId("found").hidden = answer.has_problem;
    byId("found-later").hidden = !answer.has_problem;
    if (answer.status) byId("status").innerHTML = answer.status;
    if (answer.has_problem) {
      tell(_("The issue cannot be shown: {reason}", { reason: answer.message }));
    } else if (this.hasProblem) {
      tell(_("Fixed: the mail is shown again."));
    }
    this.hasProblem = answer.has_problem;
    document.documentElement.dataset.problem = String(answer.has_problem);
    if (answer.has_problem || !answer.key) return;
    byId("title").textContent = answer.title;
    byId("inboxline").hidden = false;
    byId("shown-from").textContent = answer.sender;
    byId("shown-subject").textContent = answer.subject;
    byId("shown-preheader").textContent = answer.preheader;
    const lacking = answer.missing.length ? _("This recipient has no value for {fields}, and would be skipped.", { fields: answer.missing.join(", ") }) : "";
    byId("missing").textContent = answer.unknown ? _("Nobody has that address. The invented recipient is shown.") : lacking;
    byId("missing").hidden = !byId("missing").textContent;
    await this.mail.show(answer.key);
    this.onshown();
    this.tabs.refresh();
    window.clearTimeout(this.checking);
    this.checking = window.setTimeout(() => this.findings.refresh(answer.key).catch(() => {}), 150);
  }

  listSoon() {
    window.clearTimeout(this.listing);
    this.listing = window.setTimeout(() => this.list().catch(() => {}), LIST_MS);
  }

  async list() {
    const answer = await (await ask(`/api/issues?${new URLSearchParams({ name: data.name })}`)).json();
    byId("issues").innerHTML = answer.html;
    filter();
  }
}

function filter() {
  const wanted = byId("filter").value.trim().toLowerCase();
  for (const card of document.querySelectorAll("#issues .card")) {
    card.parentElement.hidden = !card.textContent.toLowerCase().includes(wanted);
  }
}

function chooseRecipient(page) {
  const field = byId("reader");
  const known = byId("readers");
  let timer = 0;
  field.addEventListener("input", () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(async () => {
      const query = new URLSearchParams({ name: data.name, query: field.value });
      const found = await (await ask(`/api/recipients?${query}`)).json();
      known.replaceChildren(...found.map(({ address, name }) => new Option(name, address)));
    }, SEARCH_DELAY_MS);
  });
  field.addEventListener("change", () => {
    page.reader = field.value.trim();
    page.refresh();
  });
}

function keyboard(page, actions) {
  const heard = (event) => {
    if (event.key === "F8") {
      event.preventDefault();
      page.findings.step(event.shiftKey ? -1 : 1);
      return;
    }
    const act = event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey ? actions[event.code] : undefined;
    if (!act) return;
    event.preventDefault();
    act();
  };
  document.addEventListener("keydown", heard);
  page.mail.onkey = heard;
}

async function lead(editor, line) {
  if (!editor.isOpen) await editor.toggle();
  editor.toLine(line);
}

function open() {
  byId("filter").addEventListener("input", filter);
  if (!data.name) {
    follow({ issue: () => window.location.reload(), again: () => window.location.reload() });
    return;
  }
  const page = new IssuePage();
  const editor = new Editor(page);
  const test = testing(page.mail);
  const help = dialog("help-dialog");
  byId("test-button").addEventListener("click", test);
  // The browser focuses the button at the end of the list, so scroll back to the beginning.
  const showHelp = () => { help.showModal(); help.scrollTop = 0; };
  byId("help-button").addEventListener("click", showHelp);
  byId("problem").addEventListener("click", (event) => {
    const button = event.target.closest(".to-line");
    if (button) lead(editor, Number(button.dataset.line));
  });
  chooseRecipient(page);
  keyboard(page, {
    ...Object.fromEntries([0, 1, 2, 3, 4].map((at) => [`Digit${at + 1}`, () => page.tabs.choose(at, true)])),
    KeyW: () => page.looks.next("width"),
    KeyL: () => page.looks.next("scheme"),
    KeyI: () => page.looks.toggle("images"),
    KeyY: () => page.looks.toggle("styles"),
    KeyE: () => editor.toggle(),
    KeyJ: () => editor.act("item"),
    KeyG: () => editor.act("event"),
    KeyK: () => editor.act("section"),
    KeyT: test,
    KeyH: showHelp,
  });
  follow({
    issue: async (name) => {
      if (name === data.name && await editor.changed()) await page.renew();
      page.listSoon();
    },
    render: () => page.renew(),
    // A running send writes to the store many times a second, so wait before refreshing.
    store: () => {
      window.clearTimeout(page.counting);
      page.counting = window.setTimeout(() => page.findings.refresh(page.mail.key).catch(() => {}), LIST_MS);
      page.listSoon();
    },
    again: () => {
      page.refresh();
      page.listSoon();
    },
  });
  if (editor.wasOpen) editor.toggle();
}

open();
