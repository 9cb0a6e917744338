// Dialogs with a form: errors stand beside their field, what was typed stays, Escape leaves.

import { RequestFailed } from "./api.js";
import { button, h, iconButton } from "./dom.js";

/** Shows a form. `submit(values)` may throw RequestFailed: its fields are marked. Resolves to what submit returned. */
export function askForm({ title, intro = "", fields, action, submit, danger = false }) {
  return new Promise((resolve) => {
    const controls = new Map();
    const general = h("p", { class: "problem", role: "alert", hidden: true });
    const rows = fields.map((field) => fieldRow(field, controls));
    const go = h("button", { type: "submit", class: danger ? "danger" : "primary" }, action);
    const form = h("form", { novalidate: true, on: { submit: async (event) => {
      event.preventDefault();
      await attempt({ controls, general, go, submit, done: (result) => finish(result) });
    } } }, intro && h("p", { class: "intro" }, intro), rows, general,
    h("div", { class: "dialog-bar" }, button("Cancel", () => finish(null)), go));
    const dialog = showDialog(title, form, () => resolve(null));
    const finish = (result) => {
      dialog.onclose = null;
      dialog.close();
      dialog.remove();
      resolve(result);
    };
    const follow = () => fields.forEach((field, place) => {
      rows[place].hidden = !isAsked(field, controls);
    });
    form.addEventListener("input", follow);
    follow();
    (form.querySelector("textarea, input, select") || go).focus();
  });
}

export function showDialog(title, content, closed = () => {}) {
  const dialog = h("dialog", { class: "dialog", "aria-label": title },
    h("div", { class: "dialog-head" }, h("h2", {}, title), iconButton("close", "Close", () => dialog.close())), content);
  dialog.onclose = () => {
    dialog.remove();
    closed();
  };
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

async function attempt({ controls, general, go, submit, done }) {
  clear(controls, general);
  const values = {};
  for (const [name, { read, row }] of controls) if (!row.hidden) values[name] = read();
  go.disabled = true;
  try {
    done((await submit(values)) ?? true);
  } catch (error) {
    showProblems(error, controls, general);
  } finally {
    go.disabled = false;
  }
}

function showProblems(error, controls, general) {
  const fields = error instanceof RequestFailed ? { ...error.fields } : {};
  if (error.field && !(error.field in fields)) fields[error.field] = error.message;
  let first = null;
  for (const [name, text] of Object.entries(fields)) {
    const control = controls.get(name) || controls.get(name.replace(/^answers\./, ""));
    if (!control || control.row.hidden) continue;
    control.problem.textContent = text;
    control.problem.hidden = false;
    control.input.setAttribute("aria-invalid", "true");
    first = first || control.input;
  }
  if (first) first.focus();
  if (!first || Object.keys(fields).length === 0) {
    general.textContent = error.message;
    general.hidden = false;
  }
}

function clear(controls, general) {
  general.hidden = true;
  for (const { problem, input } of controls.values()) {
    problem.hidden = true;
    input.removeAttribute("aria-invalid");
  }
}

function isAsked(field, controls) {
  return Object.entries(field.when || {}).every(([other, allowed]) => {
    const control = controls.get(other);
    return control && !control.row.hidden && allowed.includes(control.read());
  });
}

let made = 0;

function fieldRow(field, controls) {
  const id = `field-${(made += 1)}`;
  const problem = h("p", { class: "problem", id: `${id}-problem`, role: "alert", hidden: true });
  const { input, read } = control(field, id);
  const helped = field.help ? `${id}-help ` : "";
  input.setAttribute("aria-describedby", `${helped}${id}-problem`);
  const label = field.type === "messages"
    ? h("p", { class: "label", id: `${id}-label` }, field.label)
    : h("label", { for: id }, field.label, field.required && h("span", { class: "required", "aria-hidden": "true" }, " *"));
  if (field.required) input.setAttribute("aria-required", "true");
  const row = h("div", { class: "field" }, label, field.help && h("p", { class: "help", id: `${id}-help` }, field.help), input, problem);
  controls.set(field.name, { input, read, problem, row });
  return row;
}

function control(field, id) {
  if (field.type === "long") {
    const input = h("textarea", { id, rows: field.rows || "4", value: field.value || "" });
    return { input, read: () => input.value };
  }
  if (field.type === "choice") {
    const blank = field.blank === false ? [] : [h("option", { value: "" }, field.blank || "Choose…")];
    const input = h("select", { id }, blank, field.options.map((option) => {
      const { value, label } = typeof option === "string" ? { value: option, label: option } : option;
      return h("option", { value, selected: value === field.value }, label);
    }));
    return { input, read: () => input.value };
  }
  if (field.type === "messages") {
    const boxes = field.options.map(({ value, label }) => ({ value, box: h("input", { type: "checkbox" }), label }));
    const input = h("div", { class: "choices", id, role: "group", tabindex: "-1", "aria-labelledby": `${id}-label` },
      boxes.map(({ box, label }) => h("label", { class: "choice" }, box, h("span", {}, label))));
    return { input, read: () => boxes.filter(({ box }) => box.checked).map(({ value }) => value) };
  }
  const types = { email: "email", phone: "tel", moment: "datetime-local" };
  const input = h("input", { id, type: types[field.type] || "text", value: field.value || "", autocomplete: "off" });
  return { input, read: () => input.value };
}
