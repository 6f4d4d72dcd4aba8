// The findings. They are refreshed after the mail, and a click on a finding goes to its line.
import { _, ask, byId, tell } from "./ask.js";

export class Findings {
  constructor(mail) {
    this.mail = mail;
    this.place = byId("found");
    this.toLine = () => false;
    this.place.addEventListener("click", (event) => {
      const finding = event.target.closest(".finding");
      if (finding) this.lead(finding);
    });
  }

  get all() {
    return [...this.place.querySelectorAll(".finding")];
  }

  async refresh(key) {
    const answer = await (await ask(`/api/findings/${key}`)).json();
    if (key !== this.mail.key) return;
    byId("status").innerHTML = answer.status;
    if (!answer.html) return;
    const at = this.all.indexOf(document.activeElement);
    const before = this.place.querySelector(".counts")?.textContent;
    this.place.innerHTML = answer.html;
    document.documentElement.dataset.checked = key;
    if (at >= 0) (this.all[Math.min(at, this.all.length - 1)] ?? byId("findings")).focus();
    const counted = this.place.querySelector(".counts")?.textContent ?? "";
    if (counted !== before) tell(counted.trim().replace(/\s*\n\s*/g, ", "));
  }

  lead(finding) {
    this.all.forEach((each) => each.removeAttribute("aria-current"));
    finding.setAttribute("aria-current", "true");
    const line = Number(finding.dataset.line);
    const inText = line > 0 && this.toLine(line);
    if (!this.mail.point(finding.dataset.text) && !inText) tell(_("That line has no place of its own in the mail."));
  }

  step(by) {
    const all = this.all;
    if (!all.length) return;
    const at = all.findIndex((each) => each.getAttribute("aria-current"));
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : (at + by + all.length) % all.length];
    next.focus();
    this.lead(next);
    tell(_("{number} of {count}: {finding}", {
      number: all.indexOf(next) + 1, count: all.length, finding: next.querySelector(".message").textContent,
    }));
  }
}
