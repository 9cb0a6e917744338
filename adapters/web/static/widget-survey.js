// The questions before a chat. What was typed stays until it has been sent, whatever happens meanwhile.

import { built, button, call, h, linked, tooLong } from "./widget-dom.js";

const COMPLETE = { name: "name", company: "organization", email: "email", phone: "tel" };
const FEW = 5;

/** `send(answers)` is called with answers fit to be sent; `back` are buttons that lead elsewhere. */
export class Survey {
  constructor({ config, known, memory, send, back, computer }) {
    Object.assign(this, { config, known, memory, send });
    this.signed = config.signed || {};
    this.drafts = memory.get("survey") || {};
    this.rows = config.survey.fields.map((field) => this.row(field));
    this.summary = h("p.notice.bad", { role: "alert" });
    this.submit = h("button.primary");
    const about = computer && h("p.known", `Computer: ${computer}`);
    const refusal = config.refusal && h("p", linked(config.refusal, config.phone));
    const notice = config.notice && h("p.notice", config.notice);
    const asked = [notice, about, this.reminder(), ...this.rows.map((row) => row.element), this.summary, this.submit];
    this.element = h("form.survey", { novalidate: true, onsubmit: (event) => this.submitted(event) }, back, refusal || built(config.greeting), this.articles(), !refusal && asked, this.ways());
    this.busy(false);
    this.update();
  }

  /** Answers to common questions: whoever finds theirs need not wait. Many are folded, to leave the survey in sight. */
  articles() {
    const { articles = [] } = this.config;
    const shown = articles.map(({ title, url, text }) =>
      url ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, title) : h("details", h("summary", title), text.map(built)),
    );
    return shown[0] && h("details.articles", { open: !shown[FEW] }, h("summary", "Common questions"), shown);
  }

  /** Say who is asking, instead of asking again; what their own site has signed cannot be changed. */
  reminder() {
    const { name, company, email, phone } = this.known;
    const text = [[name, company].filter(Boolean).join(", "), email, phone].filter(Boolean).join(" · ");
    if (!text) return null;
    const change = () => {
      this.reveal();
      this.focus();
    };
    const open = Object.keys(this.known).some((id) => !(id in this.signed));
    return (this.card = h("div.known", h("span", { dir: "auto" }, text), open && button("link", "Change", change)));
  }

  reveal() {
    const { card } = this;
    this.known = this.signed;
    card?.replaceWith(this.reminder() || "");
    this.update();
  }

  row(field) {
    const { id, ask, type, required, options } = field;
    const key = `f-${id}`;
    const value = this.signed[id] ?? this.drafts[id] ?? this.known[id] ?? "";
    const row = { field, help: h("p.help", { id: `${key}-help` }, field.help), error: h("p.error", { id: `${key}-error` }) };
    const notes = { "aria-describedby": `${key}-help ${key}-error` };
    const mark = required && h("span.error", { "aria-hidden": "true" }, " *");
    const oninput = () => this.changed(row);
    if (options?.length <= FEW) {
      const choices = options.map((option) => {
        const box = h("input", { type: "radio", name: id, value: option, checked: option === value, oninput });
        return h("label.option", box, h("span", option));
      });
      row.element = h("fieldset", { ...notes, role: "radiogroup", "aria-required": !!required }, h("legend", ask, mark), h("div.options", choices), row.help, row.error);
      row.control = row.element.querySelector("input");
      row.read = () => row.element.querySelector(":checked")?.value || "";
      return row;
    }
    const tag = options ? "select" : type === "long" ? "textarea" : "input";
    const kind = { email: "email", phone: "tel" }[type];
    const autocomplete = COMPLETE[id] || COMPLETE[type] || "off";
    row.control = h(tag, { ...notes, id: key, name: id, required, rows: 4, type: kind, dir: "auto", autocomplete, oninput });
    if (options) row.control.append(...["", ...options].map((option) => h("option", { value: option }, option || "Please choose")));
    row.control.value = value;
    row.read = () => row.control.value;
    row.element = h("div", h("label", { for: key }, ask, mark), row.control, row.help, row.error);
    return row;
  }

  changed(row) {
    this.drafts[row.field.id] = row.read();
    this.memory.set("survey", this.drafts);
    this.complain(row);
    if (!this.rows.some(({ error }) => error.textContent)) this.summary.textContent = "";
    this.update();
  }

  /** Show the questions that apply, and the phone number first where work has stopped. */
  update() {
    const { survey, phone } = this.config;
    this.answers = {};
    for (const { field, element, read } of this.rows) {
      const asked = Object.entries(field.when || {}).every(([other, ok]) => ok.includes(this.answers[other]));
      element.hidden = !asked || field.id in this.known;
      const answer = read().trim();
      if (asked && answer) this.answers[field.id] = answer;
    }
    const { field, answer } = survey.stopped || {};
    const halted = phone && field && this.answers[field] === answer;
    if (halted && !this.advice) {
      this.advice = h("p.notice", { role: "alert" }, "Since your work has stopped, call ", call(phone), " now. It is the fastest way.");
      this.rows.find((row) => row.field.id === field).element.append(this.advice);
    } else if (!halted && this.advice) {
      this.advice.remove();
      this.advice = null;
    }
  }

  submitted(event) {
    event.preventDefault();
    const problems = {};
    for (const { field, element } of this.rows) {
      const answer = this.answers[field.id] || "";
      const missing = field.required && !element.hidden && !answer;
      const problem = missing ? "Please fill in this field." : tooLong(answer, field.max);
      if (problem) problems[field.id] = problem;
    }
    if (Object.keys(problems)[0]) return this.refused("Please check the marked fields.", problems);
    this.busy(true);
    this.send(this.answers);
  }

  busy(on) {
    this.submit.disabled = on;
    this.submit.textContent = on ? "Sending…" : this.config.open ? this.config.survey.submit : "Send request";
  }

  /** Show what is wrong beside each field and lead to the first one. */
  refused(message, problems = {}) {
    this.busy(false);
    if (Object.keys(problems).some((id) => id in this.known)) this.reveal();
    for (const row of this.rows) this.complain(row, problems[row.field.id]);
    this.summary.textContent = message;
    (this.rows.find(({ field }) => problems[field.id])?.control || this.submit).focus();
  }

  complain({ control, error }, text = "") {
    error.textContent = text;
    control.setAttribute("aria-invalid", !!text);
  }

  focus() {
    this.rows.find(({ element }) => !element.hidden)?.control.focus();
  }

  /** The ways in, in the desk's own order. */
  ways() {
    const { channels, phone } = this.config;
    if (!channels[0]) return null;
    const shown = channels.map(({ label, href, name }) => {
      const text = name === "phone" && phone ? `${label} ${phone}` : label;
      return h("li", href ? h("a", { href }, text) : text);
    });
    return h("div.ways", "Ways to reach us", h("ol", shown));
  }
}
