// The questions before a chat. What was typed stays until it has been sent, whatever happens meanwhile.

import { button, h } from "./widget-dom.js";

const COMPLETE = { name: "name", company: "organization", email: "email", phone: "tel" };
const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;
const FEW = 5;

/** `send(answers)` is called with answers fit to be sent; `back` leads to the conversation shown before. */
export class Survey {
  constructor({ config, known, memory, send, back }) {
    Object.assign(this, { config, memory, send });
    this.drafts = memory.get("survey") || {};
    this.known = known;
    this.rows = new Map(config.survey.fields.map((field) => [field.id, this.row(field)]));
    this.summary = h("p", { class: "notice bad", role: "alert" });
    this.submit = h("button", { type: "submit", class: "primary" }, this.submitText);
    this.element = h(
      "form",
      { class: "survey", novalidate: true, on: { submit: (event) => this.submitted(event) } },
      back && button(back.text, back.go, { class: "quiet" }),
      this.greeting(),
      this.reminder(),
      [...this.rows.values()].map((row) => row.element),
      this.summary,
      this.submit,
      this.ways(),
    );
    this.update();
  }

  get submitText() {
    return this.config.open ? this.config.survey.submit : "Send request";
  }

  greeting() {
    const { open, opens, phone } = this.config;
    if (open) return h("p", { class: "intro" }, "Tell us what is happening and a technician will join you here.");
    return h(
      "div",
      { class: "notice" },
      h("p", {}, h("strong", {}, "Our chat is closed now."), opens ? ` It opens ${opens}.` : ""),
      h("p", {}, "Send this form and it becomes a ticket at once; a technician will contact you."),
      phone && h("p", {}, "If work has stopped completely, call ", call(phone), " now."),
    );
  }

  /** Say who is asking, instead of asking again. */
  reminder() {
    this.kept = new Set(Object.keys(this.known).filter((id) => this.rows.has(id)));
    if (!this.kept.size) return null;
    const { name, company, email, phone } = this.known;
    const text = [[name, company].filter(Boolean).join(", "), email, phone].filter(Boolean).join(" · ");
    const change = () => {
      this.reveal();
      this.rows.get([...this.rows.keys()][0]).control.focus();
    };
    this.card = h("div", { class: "known" }, h("span", {}, text), button("Change", change, { class: "link" }));
    return this.card;
  }

  reveal() {
    this.kept.clear();
    this.card?.remove();
    this.update();
  }

  row(field) {
    const id = `f-${field.id}`;
    const notes = `${id}-help ${id}-error`;
    const value = this.drafts[field.id] ?? this.known[field.id] ?? "";
    const shared = { id, name: field.id, "aria-describedby": notes, required: field.required };
    const mark = field.required && h("span", { class: "mark", "aria-hidden": "true" }, " *");
    const help = h("p", { class: "help", id: `${id}-help` }, field.help || "");
    const error = h("p", { class: "error", id: `${id}-error` });
    const changed = () => this.changed(field);
    const row = { field, error, value };
    if (field.type === "choice" && field.options.length <= FEW) {
      const options = field.options.map((option, at) => {
        const given = { type: "radio", id: `${id}-${at}`, name: field.id, value: option };
        const box = h("input", { ...given, checked: option === value, on: { change: changed } });
        return h("label", { class: "option", for: `${id}-${at}` }, box, h("span", {}, option));
      });
      const group = { "aria-describedby": notes, role: "radiogroup", "aria-required": String(!!field.required) };
      row.element = h("fieldset", group, h("legend", {}, field.ask, mark), h("div", { class: "options" }, options));
      row.control = row.element.querySelector("input");
      row.read = () => row.element.querySelector("input:checked")?.value || "";
      row.element.append(help, error);
      return row;
    }
    row.control = this.control(field, shared, changed);
    row.control.value = value;
    row.read = () => row.control.value;
    row.element = h("div", { class: "field" }, h("label", { for: id }, field.ask, mark), row.control, help, error);
    return row;
  }

  control(field, shared, changed) {
    const on = { input: changed, change: changed };
    if (field.type === "choice") {
      const options = field.options.map((option) => h("option", { value: option }, option));
      return h("select", { ...shared, on }, h("option", { value: "" }, "Please choose"), options);
    }
    if (field.type === "long") return h("textarea", { ...shared, rows: "4", maxlength: field.max, on });
    const type = { email: "email", phone: "tel" }[field.type] || "text";
    const autocomplete = COMPLETE[field.id] || COMPLETE[field.type] || "off";
    return h("input", { ...shared, type, autocomplete, maxlength: field.max, on });
  }

  changed(field) {
    this.drafts[field.id] = this.rows.get(field.id).read();
    this.memory.set("survey", this.drafts);
    this.complain(field.id, "");
    this.update();
  }

  /** Show the questions that apply, and the phone number first where work has stopped. */
  update() {
    const { stopped } = this.config.survey;
    this.answers = {};
    for (const [id, row] of this.rows) {
      const asked = Object.entries(row.field.when || {}).every(([other, ok]) => ok.includes(this.answers[other]));
      row.element.hidden = !asked || this.kept.has(id);
      const answer = row.read().trim();
      if (asked && answer) this.answers[id] = answer;
      row.asked = asked;
    }
    const row = stopped && this.config.phone && this.rows.get(stopped.field);
    if (!row) return;
    const halted = this.answers[stopped.field] === stopped.answer;
    if (halted && !this.advice) {
      this.advice = h("p", { class: "notice", role: "alert" }, "Since your work has stopped, call ");
      this.advice.append(call(this.config.phone), " now. It is the fastest way.");
      row.element.append(this.advice);
    } else if (!halted && this.advice) {
      this.advice.remove();
      this.advice = null;
    }
  }

  submitted(event) {
    event.preventDefault();
    if (this.submit.disabled) return;
    this.update();
    const problems = {};
    for (const [id, { field, asked }] of this.rows) {
      const answer = this.answers[id];
      if (asked && field.required && !answer) problems[id] = "Please fill in this field.";
      else if (answer && field.type === "email" && !EMAIL.test(answer)) {
        problems[id] = "Please enter an e-mail address such as dana@example.com.";
      }
    }
    if (Object.keys(problems).length) return this.refused("Please check the marked fields.", problems);
    this.busy(true);
    this.send(this.answers);
  }

  busy(on) {
    this.submit.disabled = on;
    this.submit.textContent = on ? "Sending…" : this.submitText;
    if (on) this.summary.textContent = "";
  }

  /** Show what is wrong beside each field and lead to the first one. */
  refused(message, problems = {}) {
    this.busy(false);
    if (Object.keys(problems).some((id) => this.kept.has(id))) this.reveal();
    let first;
    for (const [id, row] of this.rows) {
      this.complain(id, problems[id] || "");
      if (problems[id]) first ||= row.control;
    }
    this.summary.textContent = message;
    (first || this.submit).focus();
  }

  complain(id, text) {
    const { control, error, element } = this.rows.get(id);
    error.textContent = text;
    element.classList.toggle("invalid", !!text);
    if (text) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  }

  done() {
    this.memory.set("survey", null);
  }

  focus() {
    const row = [...this.rows.values()].find(({ element }) => !element.hidden);
    row?.control.focus();
  }

  /** The ways in, in the desk's own order. */
  ways() {
    const { channels, phone } = this.config;
    const shown = channels.map(({ label, href, name }) => {
      const text = name === "phone" && phone ? `${label} ${phone}` : label;
      return h("li", {}, href ? h("a", { href }, text) : text);
    });
    return h("div", { class: "ways" }, h("p", {}, "Ways to reach us"), h("ol", {}, shown));
  }
}

export function call(phone) {
  return h("a", { href: `tel:${phone.replace(/[^\d+]/g, "")}` }, phone);
}
