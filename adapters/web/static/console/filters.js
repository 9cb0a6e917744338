// What narrows the queue: company, priority, who has the ticket, and what is overdue; and in words what it is narrowed to.

import { read } from "./api.js";
import { button, h, iconButton, replace } from "./dom.js";

export class QueueFilter {
  /** `changed` is called whenever the queue has to be read again. */
  constructor({ me, priorities, changed }) {
    Object.assign(this, { me, changed });
    this.company = choice("Company", [["", "All companies"]], () => this.apply());
    this.priority = choice("Priority", [["", "All priorities"], ...priorities.map((name) => [name, name])], () => this.apply());
    this.assignee = choice("Assignee", [], () => this.apply());
    this.overdue = choice("Due", [["", "Any time"], ["1", "Overdue"]], () => this.apply());
    this.fill({ staff: [], companies: [] });
    this.panel = h("div", { class: "filter-panel", id: "filter-panel", role: "group", "aria-label": "Filter", hidden: true },
      this.choices.map(({ row }) => row));
    this.toggle = iconButton("filter", "Filter", () => this.open(this.panel.hidden), { "aria-expanded": "false", "aria-controls": "filter-panel" });
    this.said = h("p", { class: "filtered", hidden: true });
    this.element = h("div", { class: "filter" }, this.panel, this.said);
  }

  get choices() {
    return [this.company, this.priority, this.assignee, this.overdue];
  }

  /** The parts of the request for the queue. */
  get wanted() {
    const [company, priority, assignee, overdue] = this.choices.map(({ select }) => select.value);
    return Object.fromEntries(Object.entries({ company, priority, assignee, overdue }).filter(([, value]) => value));
  }

  get narrows() {
    return this.choices.some(({ select }) => select.value);
  }

  /** Shown beside the queue alone: other lists are not narrowed. */
  show(visible) {
    this.toggle.hidden = !visible;
    this.element.hidden = !visible;
  }

  open(opened) {
    this.panel.hidden = !opened;
    this.toggle.setAttribute("aria-expanded", String(opened));
    if (!opened) return;
    this.company.select.focus();
    read("/open").then((found) => this.fill(found)).catch(() => {});
  }

  fill({ staff, companies }) {
    const people = staff.map(({ id, name, open, overdue }) => [id, `${id === this.me.id ? "You" : name}: ${workload(open, overdue)}`]);
    setOptions(this.company.select, [["", "All companies"], ...companies.map((name) => [name, name])]);
    setOptions(this.assignee.select, [["", "Anybody"], ["nobody", "Nobody yet"], ...people]);
  }

  clear() {
    for (const { select } of this.choices) select.value = "";
    this.apply();
    this.toggle.focus();
  }

  apply() {
    const words = this.choices.filter(({ select }) => select.value).map(({ select }) => select.selectedOptions[0].textContent.split(": ")[0]);
    replace(this.said, h("span", { dir: "auto" }, `Only: ${words.join(", ")}`), button("Clear", () => this.clear(), { class: "link" }));
    this.said.hidden = !this.narrows;
    this.toggle.classList.toggle("on", this.narrows);
    this.changed();
  }
}

/** "7 open, 2 overdue" */
export function workload(open, overdue) {
  return `${open} open${overdue ? `, ${overdue} overdue` : ""}`;
}

function choice(label, options, changed) {
  const select = h("select", { on: { change: changed } });
  setOptions(select, options);
  return { select, row: h("label", { class: "filter-choice" }, h("span", {}, label), select) };
}

/** Gives a select its options; what was chosen stays chosen, even where it is no longer among them. */
function setOptions(select, options) {
  const chosen = select.value && [select.value, select.selectedOptions[0].textContent];
  const missing = chosen && !options.some(([value]) => value === chosen[0]) ? [chosen] : [];
  replace(select, [...options, ...missing].map(([value, words]) => h("option", { value }, words)));
  if (chosen) [select.value] = chosen;
}
