// The fields of a dialog: each a row with its label, its help and its problem, and a control that is read and written by value.

import { button, h } from "./dom.js";

let made = 0;

/** Makes a field's row and adds its control to `controls`, by the field's name. */
export function fieldRow(field, controls) {
  const id = `field-${(made += 1)}`;
  const problem = h("p", { class: "problem", id: `${id}-problem`, role: "alert", hidden: true });
  const { input, read, write } = control(field, id);
  const helped = field.help ? `${id}-help ` : "";
  input.setAttribute("aria-describedby", `${helped}${id}-problem`);
  if (field.required && field.type !== "messages") input.setAttribute("aria-required", "true");
  const row = h("div", { class: "field" },
    label(field, id), field.help && h("p", { class: "help", id: `${id}-help` }, field.help),
    field.type === "confirm" ? h("label", { class: "choice" }, input, h("span", {}, field.label)) : input, problem);
  controls.set(field.name, { input, read, write, problem, row });
  return row;
}

function label(field, id) {
  if (field.type === "confirm") return null;
  const star = field.required && h("span", { class: "required", "aria-hidden": "true" }, " *");
  return field.type === "messages" || field.type === "people"
    ? h("p", { class: "label", id: `${id}-label` }, field.label, star)
    : h("label", { for: id }, field.label, star);
}

function control(field, id) {
  if (field.type === "long") return ofText(h("textarea", { id, rows: field.rows || "4", dir: "auto", value: field.value || "" }));
  if (field.type === "choice") return choice(field, id);
  if (field.type === "messages") return messages(field, id);
  if (field.type === "people") return people(field, id);
  if (field.type === "confirm") {
    const input = h("input", { id, type: "checkbox" });
    return { input, read: () => input.checked, write: (value) => (input.checked = value) };
  }
  const types = { email: "email", phone: "tel", moment: "datetime-local" };
  const type = types[field.type] || "text";
  return ofText(h("input", { id, type, dir: type === "text" ? "auto" : false, value: field.value || "", autocomplete: "off" }));
}

function ofText(input) {
  return { input, read: () => input.value, write: (value) => (input.value = value) };
}

function choice(field, id) {
  const blank = field.blank === false ? [] : [h("option", { value: "" }, field.blank || "Choose…")];
  return ofText(h("select", { id }, blank, field.options.map((option) => {
    const { value, label: words } = typeof option === "string" ? { value: option, label: option } : option;
    return h("option", { value, selected: value === field.value }, words);
  })));
}

function messages(field, id) {
  const boxes = field.options.map(({ value, label: words }) => ({ value, box: h("input", { type: "checkbox" }), words }));
  const input = h("div", { class: "choices", id, role: "group", tabindex: "-1", "aria-labelledby": `${id}-label` },
    boxes.map(({ box, words }) => h("label", { class: "choice" }, box, h("span", {}, words))));
  return {
    input,
    read: () => boxes.filter(({ box }) => box.checked).map(({ value }) => value),
    write: (values) => boxes.forEach(({ value, box }) => (box.checked = values.includes(value))),
  };
}

/** Buttons of which one is pressed: that sends the form. */
function people(field, id) {
  let chosen = "";
  const choose = (value) => {
    chosen = value;
    input.closest("form").requestSubmit();
  };
  const input = h("div", { class: "people", id, role: "group", tabindex: "-1", "aria-labelledby": `${id}-label` }, field.options.map(({ value, label: name, help }) =>
    button("", () => choose(value), { class: "person-choice" }, h("span", { dir: "auto" }, name), h("span", { class: "help" }, help))));
  return { input, read: () => chosen, write: () => {} };
}
