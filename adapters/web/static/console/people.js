// Asks for a technician: one press on a name is the answer. Who has the fewest open tickets comes first.

import { read } from "./api.js";
import { askForm } from "./dialogs.js";
import { workload } from "./filters.js";

let asking = false;

/** `staff` is offered when the desk cannot say who has how many tickets; `without` is the id of who has it now. */
export async function askPerson({ me, staff, without = "", submit, ...dialog }) {
  // A key that is pressed twice asks once.
  if (asking) return null;
  asking = true;
  const found = await read("/open").then((answer) => answer.staff, () => staff);
  asking = false;
  const people = found.filter(({ id }) => id !== without).map(({ id, name, open, overdue }) => ({
    value: id, label: id === me.id ? `${name} (you)` : name, help: open === undefined ? "" : workload(open, overdue),
  }));
  return askForm({
    ...dialog,
    intro: people.length ? dialog.intro : "There is nobody else. Another technician needs an account first: chatdesk agent add.",
    fields: [
      { name: "reason", label: "Why, for the history", type: "long", rows: "2" },
      { name: "agent", label: "To", type: "people", options: people },
    ],
    submit,
  });
}
