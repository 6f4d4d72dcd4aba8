// The tabs for the parts of the mail, and the display settings. The browser remembers the chosen settings.
import { _, ask, byId } from "./ask.js";

const KEPT = "editor-looks";

// A list of tabs according to the ARIA Authoring Practices: the Tab key reaches the selected tab, and arrow keys the others.
export function tablist(place, heard) {
  const tabs = [...place.querySelectorAll('[role="tab"]')];
  const chosen = () => tabs.find((tab) => tab.getAttribute("aria-selected") === "true").id.replace("tab-", "");
  const choose = (at, focus = false) => {
    tabs.forEach((tab, other) => {
      tab.setAttribute("aria-selected", String(other === at));
      tab.tabIndex = other === at ? 0 : -1;
      byId(tab.getAttribute("aria-controls")).hidden = other !== at;
    });
    if (focus) tabs[at].focus();
    heard(chosen());
  };
  tabs.forEach((tab, at) => {
    tab.addEventListener("click", () => choose(at));
    tab.addEventListener("keydown", (event) => {
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      choose((to + tabs.length) % tabs.length, true);
    });
  });
  const named = (name) => { if (chosen() !== name) choose(tabs.findIndex((tab) => tab.id === `tab-${name}`)); };
  return { choose, named, get chosen() { return chosen(); } };
}

export class Tabs {
  constructor(mail) {
    this.mail = mail;
    this.list = tablist(document.querySelector('#preview [role="tablist"]'), (part) => {
      this.refresh();
      if (part === "mail") mail.fit();
    });
  }

  get chosen() {
    return this.list.chosen;
  }

  choose(at, focus) {
    this.list.choose(at, focus);
  }

  // Load the text of the selected part. The other parts are loaded when they are selected.
  async refresh() {
    const part = this.chosen;
    const key = this.mail.key;
    if (part === "mail" || !key) return;
    const place = document.querySelector(`#panel-${part} pre`);
    if (place.dataset.key === key) return;
    const text = await (await ask(`/part/${key}/${part}`)).text();
    if (key !== this.mail.key) return;
    place.dataset.key = key;
    place.textContent = text || (part === "calendar" ? _("No event has a date, so no calendar is attached.") : "");
  }
}

export class Looks {
  constructor(mail) {
    this.mail = mail;
    this.place = byId("looks");
    this.restore();
    this.place.addEventListener("change", () => this.take());
    this.take();
  }

  value(name) {
    return this.place.querySelector(`[name="${name}"]:checked`)?.value;
  }

  on(name) {
    return this.place.querySelector(`[name="${name}"]`).checked;
  }

  take() {
    const look = { scheme: this.value("scheme"), images: this.on("images"), styles: this.on("styles") };
    this.mail.setWidth(this.value("width"));
    byId("stage").dataset.scheme = look.scheme;
    if (JSON.stringify(look) !== JSON.stringify(this.mail.look)) {
      this.mail.look = look;
      this.mail.show();
    }
    try {
      window.localStorage.setItem(KEPT, JSON.stringify({ ...look, width: this.value("width") }));
    } catch { /* A browser may keep nothing. */ }
  }

  restore() {
    let kept = {};
    try {
      kept = JSON.parse(window.localStorage.getItem(KEPT) ?? "{}");
    } catch { /* Ignore a stored value that is not ours. */ }
    // On a phone, the mail has the width of a phone until another width is chosen.
    if (!kept.width && window.innerWidth < 640) kept.width = "375";
    for (const name of ["width", "scheme"]) {
      const radio = [...this.place.querySelectorAll(`[name="${name}"]`)].find((each) => each.value === kept[name]);
      if (radio) radio.checked = true;
    }
    for (const name of ["images", "styles"]) {
      if (kept[name] === false) this.place.querySelector(`[name="${name}"]`).checked = false;
    }
  }

  next(name) {
    const radios = [...this.place.querySelectorAll(`[name="${name}"]`)];
    const at = radios.findIndex((radio) => radio.checked);
    this.press(radios[(at + 1) % radios.length]);
  }

  toggle(name) {
    this.press(this.place.querySelector(`[name="${name}"]`));
  }

  // Click the control and focus it, so that a screen reader announces its name and state.
  press(control) {
    control.click();
    control.focus();
  }
}
