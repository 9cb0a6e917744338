// Keyboard shortcuts: single letters, and never while somebody writes.

import { h } from "./dom.js";
import { showDialog } from "./dialogs.js";

export const SHORTCUTS = [
  ["j", "Next ticket in the list"], ["k", "Previous ticket"], ["Enter", "Open the ticket"], ["x", "Select the ticket, for several at once"], ["t", "Take the ticket"],
  ["r", "Write a reply"], ["n", "Write an internal note"], ["w", "Let the ticket wait"], ["h", "Assign or hand over"],
  ["e", "Resolve"], ["c", "Log a call or request"], ["/", "Search"], ["u", "Back to the list"],
  ["g then q, m, a", "Go to queue, mine, all"], ["?", "Show this list"],
];

export function listenToKeys(actions) {
  let leading = false;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const key = leading ? `g${event.key}` : event.key;
    leading = !leading && event.key === "g";
    const action = actions[key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

export function showShortcuts() {
  showDialog("Keyboard shortcuts", h("dl", { class: "shortcuts" }, SHORTCUTS.flatMap(([key, what]) => [
    h("dt", {}, h("kbd", {}, key)), h("dd", {}, what),
  ])));
}
