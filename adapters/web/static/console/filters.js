// What narrows every list: tier, company, priority, who has the ticket, and what is overdue; and in words what it is narrowed to.

import { read } from "./api.js";
import { button, h, iconButton, replace } from "./dom.js";

export class ListFilter {
  /** `changed` is called whenever the list has to be read again. */
  constructor({ me, tiers, staff, priorities, changed }) {
    Object.assign(this, { me, changed });
    this.mine = false;
    this.tier = choice("Tier", [["", "All tiers"], ...tiers.map(({ id, name, mine }) => [id, mine ? `${name} (your tier)` : name])], () => this.apply());
    this.tier.row.className = "tier-choice";
    this.tier.row.firstChild.className = "hidden";
    this.tier.row.hidden = !tiers.length;
    this.company = choice("Company", [["", "All companies"]], () => this.apply());
    this.priority = choice("Priority", [["", "All priorities"], ...priorities.map((name) => [name, name])], () => this.apply());
    this.assignee = choice("Assignee", [], () => this.apply());
    this.overdue = choice("Due", [["", "Any time"], ["1", "Overdue"]], () => this.apply());
    setOptions(this.company.select, [["", "All companies"]]);
    setOptions(this.assignee.select, [...ANYBODY, ...staff.map(({ id, name }) => [id, this.named(id, name)])]);
    this.panel = h("div", { class: "filter-panel", id: "filter-panel", role: "group", "aria-label": "Filter", hidden: true },
      [this.company, this.priority, this.assignee, this.overdue].map(({ row }) => row));
    this.toggle = iconButton("filter", "Filter", () => this.open(this.panel.hidden), { "aria-expanded": "false", "aria-controls": "filter-panel" });
    this.said = h("p", { class: "filtered", hidden: true });
    this.element = h("div", { class: "filter" }, this.panel, this.said);
  }

  /** Every choice by its name in a request. */
  get choices() {
    const { tier, company, priority, assignee, overdue } = this;
    return { tier, company, priority, assignee, overdue };
  }

  /** What was chosen, as parts of a request. */
  get chosen() {
    return Object.fromEntries(Object.entries(this.choices).map(([name, { select }]) => [name, select.value]).filter(([, value]) => value));
  }

  /** What of it narrows the list that is shown. */
  get wanted() {
    const { assignee, ...others } = this.chosen;
    return assignee && !this.mine ? { ...others, assignee } : others;
  }

  get narrows() {
    return Object.keys(this.wanted).length > 0;
  }

  /** Whose one's own tickets are is no question: the choice is kept for the other lists. */
  show(mine) {
    this.mine = mine;
    this.assignee.row.hidden = mine;
    this.say();
  }

  /** Chooses what an address names. */
  restore(given) {
    for (const [name, { select }] of Object.entries(this.choices)) {
      const value = given.get(name) || "";
      if (name === "company" && value) setOptions(select, [["", "All companies"], [value, value]]);
      select.value = value;
      // What is none of the options would be nothing at all.
      if (select.selectedIndex < 0) select.value = "";
    }
    this.say();
  }

  open(opened) {
    this.panel.hidden = !opened;
    this.toggle.setAttribute("aria-expanded", String(opened));
    if (!opened) return;
    this.company.select.focus();
    read("/open").then((found) => this.fill(found)).catch(() => {});
  }

  fill({ staff, companies }) {
    const people = staff.map(({ id, name, open, overdue }) => [id, `${this.named(id, name)}: ${workload(open, overdue)}`]);
    setOptions(this.company.select, [["", "All companies"], ...companies.map((name) => [name, name])]);
    setOptions(this.assignee.select, [...ANYBODY, ...people]);
  }

  named(id, name) {
    return id === this.me.id ? "You" : name;
  }

  clear() {
    for (const { select } of Object.values(this.choices)) select.value = "";
    this.apply();
    this.toggle.focus();
  }

  apply() {
    this.say();
    this.changed();
  }

  say() {
    const words = Object.keys(this.wanted).map((name) => this.choices[name].select.selectedOptions[0].textContent.split(": ")[0]);
    replace(this.said, h("span", { dir: "auto" }, `Only: ${words.join(", ")}`), button("Clear", () => this.clear(), { class: "link" }));
    this.said.hidden = !this.narrows;
    this.toggle.classList.toggle("on", this.narrows);
  }
}

const ANYBODY = [["", "Anybody"], ["nobody", "Nobody yet"]];

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
