// The tickets of the list that were selected, and the bar with what can be done with all of them.

import { button, h, iconButton } from "./dom.js";

export class Selection {
  /** `several` takes the steps; `shown()` returns the lines that are listed now, `rows` is their list. */
  constructor({ several, shown, rows }) {
    Object.assign(this, { several, shown, rows });
    this.chosen = new Map();
    this.toggle = iconButton("select", "Select tickets", () => this.begin(this.bar.hidden), { "aria-pressed": "false" });
    this.all = h("input", { type: "checkbox", on: { change: () => this.chooseAll(this.all.checked) } });
    this.count = h("span", { role: "status" });
    this.steps = [["assign", "Assign"], ["priority", "Priority"], ["merge", "Merge"], ["cancel", "Cancel"]].map(([step, label]) => {
      // "Cancel" alone could be taken for an end of the selecting.
      const cancels = step === "cancel" && { class: "small danger-text", "aria-label": "Cancel tickets", title: "Cancel the selected tickets" };
      return { step, control: button(label, () => this.take(step), cancels || { class: "small" }) };
    });
    this.bar = h("div", { class: "selection", role: "group", "aria-label": "Selected tickets", hidden: true },
      h("div", { class: "selection-head" }, h("label", {}, this.all, h("span", { class: "hidden" }, "Select all that are listed")), this.count,
        iconButton("close", "Stop selecting", () => this.begin(false))),
      h("div", { class: "selection-steps" }, this.steps.map(({ control }) => control)));
  }

  begin(on) {
    this.bar.hidden = !on;
    this.toggle.setAttribute("aria-pressed", String(on));
    this.rows.classList.toggle("selecting", on);
    if (!on) {
      const inside = this.bar.contains(document.activeElement);
      this.chosen.clear();
      if (inside) this.toggle.focus();
    }
    this.draw();
  }

  /** The box beside a line. It is drawn with every line, and hidden as long as nothing is selected. */
  box(line) {
    const input = h("input", { type: "checkbox", data: { choose: line.number }, on: { change: () => this.choose(line, input.checked) } });
    return h("label", { class: "choose" }, input, h("span", { class: "hidden" }, `Select ${line.number}`));
  }

  choose(line, on) {
    if (on) this.chosen.set(line.number, line);
    else this.chosen.delete(line.number);
    this.draw();
  }

  /** Selects a line by its number or takes it out again. */
  flip(number) {
    const line = this.shown().find((each) => each.number === number);
    if (!line) return;
    if (this.bar.hidden) this.begin(true);
    this.choose(line, !this.chosen.has(number));
  }

  chooseAll(on) {
    for (const line of this.shown()) {
      if (on) this.chosen.set(line.number, line);
      else this.chosen.delete(line.number);
    }
    this.draw();
  }

  async take(step) {
    const done = await this.several[step]([...this.chosen.values()]);
    if (!Array.isArray(done)) return;
    for (const number of done) this.chosen.delete(number);
    if (this.chosen.size) this.draw();
    else this.begin(false);
  }

  /** After the list was drawn: the boxes, and what is known of the lines now. */
  draw() {
    const lines = this.shown();
    for (const line of lines) if (this.chosen.has(line.number)) this.chosen.set(line.number, line);
    for (const box of this.rows.querySelectorAll("[data-choose]")) box.checked = this.chosen.has(box.dataset.choose);
    const { size } = this.chosen;
    const listed = lines.filter(({ number }) => this.chosen.has(number)).length;
    this.all.checked = listed > 0 && listed === lines.length;
    this.all.indeterminate = listed > 0 && listed < lines.length;
    this.count.textContent = size ? `${size} selected` : "Select tickets in the list";
    for (const { step, control } of this.steps) control.disabled = size < (step === "merge" ? 2 : 1);
  }
}
