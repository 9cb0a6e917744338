// Dialogs with a form: errors stand beside their field, what was typed stays, Escape leaves and loses none of it.

import { RequestFailed } from "./api.js";
import { button, h, iconButton } from "./dom.js";
import { FormDraft } from "./drafts.js";
import { fieldRow } from "./fields.js";

/**
 * Shows a form. `submit(values)` may throw RequestFailed: its fields are marked. Resolves to what submit returned.
 * A field's `missing` is said when it is left blank. With `draft`, a name, what was typed is there again the next time.
 * Without an `action` there is no button to send it: a field does.
 */
export function askForm({ title, intro = "", fields, action = "", submit, danger = false, draft = "" }) {
  return new Promise((resolve) => {
    const controls = new Map();
    const general = h("p", { class: "problem", role: "alert", hidden: true });
    const rows = fields.map((field) => fieldRow(field, controls));
    const unsent = draft ? new FormDraft(draft, controls) : null;
    const go = h("button", { type: "submit", class: danger ? "danger" : "primary", hidden: !action }, action);
    const leave = (result) => {
      unsent?.forget();
      finish(result);
    };
    const form = h("form", { novalidate: true, on: { submit: async (event) => {
      event.preventDefault();
      await attempt({ fields, controls, general, go, submit, done: leave });
    } } }, intro && h("div", { class: "intro" }, intro), unsent?.restore() && restored(unsent, () => follow()), rows, general,
    h("div", { class: "dialog-bar" }, button("Cancel", () => leave(null)), go));
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
    form.addEventListener("input", () => {
      follow();
      unsent?.keep();
    });
    follow();
    (form.querySelector(".person-choice") || form.querySelector("textarea, input, select") || go).focus();
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

function restored(unsent, then) {
  const line = h("p", { class: "restored", role: "status" }, "What you typed last time is here again. ", button("Start afresh", () => {
    unsent.startAfresh();
    then();
    line.closest("form").querySelector("textarea, input, select").focus();
    line.remove();
  }, { class: "link" }));
  return line;
}

async function attempt({ fields, controls, general, go, submit, done }) {
  if (go.disabled) return;
  clear(controls, general);
  if (mark(blanks(fields, controls), controls)) return;
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

/** What is left blank and must not be, all of it at once, by field. */
function blanks(fields, controls) {
  const found = {};
  for (const { name, missing } of fields) {
    const { read, row } = controls.get(name);
    const value = read();
    if (missing && !row.hidden && (value === false || !String(value).trim())) found[name] = missing;
  }
  return found;
}

function showProblems(error, controls, general) {
  const found = error instanceof RequestFailed ? { ...error.fields } : {};
  if (error.field && !(error.field in found)) found[error.field] = error.message;
  if (mark(found, controls)) return;
  general.textContent = error.message;
  general.hidden = false;
}

/** Says each problem beside its field and goes to the first; returns whether one of them is shown. */
function mark(found, controls) {
  const words = (name) => found[name] || found[`answers.${name}`];
  const wrong = [...controls].filter(([name, { row }]) => words(name) && !row.hidden);
  for (const [name, { problem, input }] of wrong) {
    problem.textContent = words(name);
    problem.hidden = false;
    input.setAttribute("aria-invalid", "true");
  }
  wrong[0]?.[1].input.focus();
  return wrong.length > 0;
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
