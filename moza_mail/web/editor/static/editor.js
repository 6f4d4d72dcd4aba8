// The editor: the text of the file in a text area, and its front matter in a form. It never saves automatically.
import { _, ask, byId, data, send, tell } from "./ask.js";
import { tablist } from "./controls.js";
import { dialog } from "./dialogs.js";
import { Outline } from "./outline.js";
import { lineOf } from "./match.js";
import { below, bold, insert, item, link, linkTo, nextItem, setText, toLine } from "./textarea.js";

const TYPED_MS = 20;
const OUTLINE_MS = 250;
const FIELD_MS = 250;
const CARET_MS = 120;
const SAVED_MS = 4000;
const KEPT = "editor-editing";

export class Editor {
  constructor(page) {
    this.page = page;
    this.place = byId("editor");
    this.area = byId("text");
    this.isOpen = false;
    this.front = "";
    this.base = { text: "", digest: "" };
    this.outline = new Outline(this);
    this.conflict = dialog("conflict-dialog");
    this.changes = Promise.resolve();
    this.tabs = tablist(this.place.querySelector('[role="tablist"]'), (part) => { if (part !== "write") this.outlined(); });
    this.listen();
    page.typed = () => (this.isOpen && this.dirty ? this.text : null);
    page.findings.toLine = (line) => this.toLine(line);
    page.mail.onpick = (element) => this.pick(element);
    page.onshown = () => this.follow();
  }

  listen() {
    this.area.addEventListener("input", () => this.typed());
    this.area.addEventListener("paste", (event) => this.paste(event));
    document.addEventListener("selectionchange", () => {
      if (document.activeElement !== this.area) return;
      window.clearTimeout(this.following);
      this.following = window.setTimeout(() => this.follow(), CARET_MS);
    });
    this.area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey) nextItem(this.area, event);
    });
    this.place.querySelector(".toolbar").addEventListener("click", (event) => {
      const button = event.target.closest("[data-act]");
      if (button) this.act(button.dataset.act);
    });
    byId("edit-button").addEventListener("click", () => this.toggle());
    byId("save-button").addEventListener("click", () => this.save());
    byId("keep-mine").addEventListener("click", () => this.keepMine());
    byId("take-theirs").addEventListener("click", () => this.takeTheirs());
    byId("form").addEventListener("submit", (event) => event.preventDefault());
    byId("form").addEventListener("input", (event) => this.field(event.target, FIELD_MS));
    byId("form").addEventListener("change", (event) => this.field(event.target, 0));
    window.addEventListener("beforeunload", (event) => { if (this.dirty) event.preventDefault(); });
    document.addEventListener("keydown", (event) => {
      if (!this.isOpen || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
      const act = { s: () => this.save(), b: () => this.act("bold"), k: () => this.act("link") }[event.key.toLowerCase()];
      if (!act || (event.key.toLowerCase() !== "s" && document.activeElement !== this.area)) return;
      event.preventDefault();
      act();
    });
  }

  get text() {
    const { front, area: { value } } = this;
    return front && !front.endsWith("\n") && value ? `${front}\n${value}` : front + value;
  }

  get dirty() {
    return this.isOpen && this.text !== this.base.text;
  }

  get frontRows() {
    return this.front.split("\n").length - 1;
  }

  async toggle() {
    if (this.isOpen) {
      if (this.dirty) {
        tell(_("Not saved."));
        byId("save-button").focus();
        return;
      }
      this.isOpen = false;
    } else {
      await this.load();
      this.isOpen = true;
    }
    this.place.hidden = !this.isOpen;
    byId("layout").classList.toggle("editing", this.isOpen);
    byId("edit-button").setAttribute("aria-expanded", String(this.isOpen));
    window.sessionStorage.setItem(KEPT, this.isOpen ? "yes" : "");
    this.mark();
    if (this.isOpen) { 
      this.area.setSelectionRange(0, 0);
      this.area.focus();
      this.area.scrollTop = 0;
      tell(_("The editor is open."));
    }
  }

  get wasOpen() {
    return window.sessionStorage.getItem(KEPT) === "yes";
  }

  async source() {
    return (await ask(`/api/source?${new URLSearchParams({ name: data.name })}`)).json();
  }

  async load() {
    const source = await this.source();
    if (source.error) { this.notice("form", source.error); return; }
    await this.take(source);
  }

  // Load a new text of the file. If it cannot be divided into front matter and body, the text area shows the whole file.
  async take({ text, digest }) {
    const told = await send("/api/outline", { name: data.name, text });
    const rows = text.split("\n");
    this.front = told.body ? rows.slice(0, told.body).join("\n") + (rows.length > told.body ? "\n" : "") : "";
    const body = told.body ? rows.slice(told.body).join("\n") : text;
    this.base = { text, digest };
    if (this.isOpen) setText(this.area, body); else this.area.value = body;
    this.show(told);
    this.mark();
  }

  show(told) {
    if (told.form || !told.body) byId("form").innerHTML = told.form;
    this.notice("form", told.body ? "" : _("The details cannot be read, so the whole file is in the text. Fix it there: {reason}", { reason: told.error }));
    this.outline.show(told.html);
    this.notice("outline", told.html ? "" : told.error);
  }

  notice(panel, text) {
    byId(`${panel}-notice`).hidden = !text;
    byId(`${panel}-notice`).textContent = text;
  }

  async outlined() {
    const told = await send("/api/outline", { name: data.name, text: this.text });
    const typing = byId("form").contains(document.activeElement);
    this.show(typing ? { ...told, form: "" } : told);
  }

  // Scroll the mail to the line of the caret.
  follow() {
    const { area } = this;
    if (!this.isOpen || document.activeElement !== area) return;
    const row = area.value.slice(0, area.selectionStart).split("\n").length;
    this.page.mail.follow(this.text.split("\n"), this.frontRows + row);
  }

  // Select the line of the text that the clicked element of the mail shows.
  async pick(element) {
    const rows = this.isOpen ? this.text.split("\n") : (await this.source()).text?.split("\n") ?? [];
    const line = lineOf(element, rows);
    if (!line) { tell(_("That part of the mail has no line of its own.")); return; }
    if (!this.isOpen) await this.toggle();
    this.toLine(line);
  }

  // Paste formatted text as Markdown. A URL that is pasted over selected words makes them a link.
  async paste(event) {
    const copied = event.clipboardData;
    const words = copied.getData("text/plain");
    const { area } = this;
    if (area.selectionStart !== area.selectionEnd && linkTo(area, words)) { event.preventDefault(); return; }
    const html = copied.getData("text/html");
    if (!/<(?:b|strong|i|em|a|h[1-6]|ul|ol|li|table|blockquote|p|s|del|code|pre|br)\b/i.test(html)) return;
    event.preventDefault();
    let text = "";
    try {
      ({ text } = await send("/api/paste", { html }));
    } catch { /* The words alone are better than nothing. */ }
    insert(area, text || words);
  }

  mark() {
    byId("unsaved").hidden = !this.dirty;
    if (this.dirty) byId("saved").hidden = true;
    byId("save-button").classList.toggle("first", this.dirty);
    document.documentElement.dataset.dirty = String(this.dirty);
  }

  typed() {
    this.mark();
    window.clearTimeout(this.refreshing);
    this.refreshing = window.setTimeout(() => this.page.refresh(), TYPED_MS);
    if (this.tabs.chosen === "write") return;
    window.clearTimeout(this.outlining);
    this.outlining = window.setTimeout(() => this.outlined(), OUTLINE_MS);
  }

  act(name) {
    const [title, day] = [_("Title"), _("date")];
    const acts = {
      bold: () => bold(this.area),
      link: () => link(this.area, _("where it leads")),
      item: () => item(this.area),
      event: () => below(this.area, `* **${title}**: ${day}`, title),
      section: () => below(this.area, `## ${title}`, title, true),
    };
    if (!this.isOpen) return;
    this.tabs.named("write");
    acts[name]();
  }

  // Let the server change the text. Each change waits for the previous one and applies to its result.
  change(what) {
    const next = this.changes.then(async () => {
      const before = this.text;
      const answer = await send("/api/edit", { name: data.name, text: before, ...what });
      if (answer.error || this.text !== before) return answer;
      this.put(answer);
      return answer;
    });
    this.changes = next.catch(() => {});
    return next;
  }

  put({ text, body }) {
    const rows = body;
    const parts = text.split("\n");
    if (this.front) {
      this.front = parts.slice(0, rows).join("\n") + (parts.length > rows ? "\n" : "");
      const focused = document.activeElement;
      setText(this.area, parts.slice(rows).join("\n"));
      if (focused !== this.area) focused?.focus?.({ preventScroll: true });
    } else {
      setText(this.area, text);
    }
    this.typed();
  }

  field(input, wait) {
    const { name } = input;
    if (!name) return;
    const value = input.type === "checkbox" ? (input.checked ? "true" : "") : input.value;
    if (input.dataset.sent === value) return;
    window.clearTimeout(this.setting);
    this.setting = window.setTimeout(async () => {
      input.dataset.sent = value;
      const answer = await this.change({ key: name, value });
      const refusal = answer.error ? _("Not changed: {reason}", { reason: answer.error }) : "";
      this.notice("form", refusal);
      if (refusal) tell(refusal);
    }, wait);
  }

  // Go to a line of the file: select it in the text, or focus its field in the front matter form.
  toLine(line) {
    if (!this.isOpen) return false;
    if (line > this.frontRows) {
      this.tabs.named("write");
      return toLine(this.area, line - this.frontRows);
    }
    const key = /^([\w-]+)\s*:/.exec(this.front.split("\n")[line - 1] ?? "")?.[1];
    const field = key && byId(`field-${key}`);
    if (!field) return false;
    this.tabs.named("form");
    field.closest("details")?.setAttribute("open", "");
    field.focus();
    return true;
  }

  async save(digest = this.base.digest) {
    await this.changes;
    if (!this.isOpen || (!this.dirty && digest === this.base.digest)) { this.saved(); return; }
    const { text } = this;
    let answer;
    try {
      answer = await send("/api/save", { name: data.name, text, digest });
    } catch (error) {
      answer = { error: error.message };
    }
    if (answer.html !== undefined) { this.collide(answer); return; }
    if (answer.error) {
      const refusal = _("Not saved. {reason}", { reason: answer.error });
      tell(refusal);
      byId("unsaved").textContent = refusal;
      return;
    }
    this.base = { text, digest: answer.digest };
    this.mark();
    this.saved();
    this.page.listSoon();
    if (!this.front) this.take({ text, digest: answer.digest });
  }

  saved() {
    tell(_("Saved."));
    byId("unsaved").textContent = _("Not saved");
    byId("saved").hidden = false;
    window.clearTimeout(this.fading);
    this.fading = window.setTimeout(() => { byId("saved").hidden = true; }, SAVED_MS);
  }

  collide(answer) {
    this.theirs = answer;
    byId("conflict-difference").innerHTML = answer.html;
    byId("take-theirs").disabled = answer.current === null;
    if (!this.conflict.open) this.conflict.showModal();
    tell(_("The file was changed elsewhere, and your text is not saved. Nothing is overwritten."));
  }

  keepMine() {
    this.conflict.close();
    this.save(this.theirs.digest);
  }

  async takeTheirs() {
    this.conflict.close();
    await this.take({ text: this.theirs.current, digest: this.theirs.digest });
    this.page.refresh();
  }

  // Handle a saved file, also if another program saved it. Return true if the mail must be rendered from the file.
  async changed() {
    if (!this.isOpen) return true;
    const source = await this.source();
    if (source.digest === this.base.digest) return false;
    if (this.dirty) {
      if (source.text === this.text) { this.base = source; this.mark(); return false; }
      this.collide(await send("/api/difference", { name: data.name, text: this.text }));
      return false;
    }
    if (source.error) return true;
    await this.take(source);
    tell(_("The file was changed elsewhere; that text is shown."));
    return true;
  }
}
