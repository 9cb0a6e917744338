// Several tickets at once: each is a step of its own, done or refused by itself, and what was refused is told with its reason.

import { RequestFailed, change } from "./api.js";
import { askForm, showDialog } from "./dialogs.js";
import { h, ticketLink } from "./dom.js";
import { askPerson } from "./people.js";

export class Several {
  constructor({ me, settings, toast, open }) {
    Object.assign(this, { me, settings, toast, open });
  }

  assign(lines) {
    return askPerson({
      me: this.me, staff: this.settings.staff, title: `Assign ${count(lines)}`, intro: numbers(lines),
      submit: (values) => this.each(lines, "assign", values, "assigned"),
    });
  }

  priority(lines) {
    return askForm({
      title: `Change the priority of ${count(lines)}`,
      intro: numbers(lines),
      fields: [{ name: "priority", label: "Priority", type: "choice", required: true, missing: "Choose a priority.", options: this.settings.priorities }],
      action: "Change",
      submit: (values) => this.each(lines, "edit", values, "changed"),
    });
  }

  cancel(lines) {
    return askForm({
      title: `Cancel ${count(lines)}`,
      intro: [h("p", {}, numbers(lines)), h("p", {}, "A cancelled ticket cannot be opened again. The customers are told that it was cancelled, not why.")],
      fields: [{ name: "reason", label: "Why, for the history", type: "long", rows: "2", required: true, missing: "Say why they are cancelled." }],
      action: "Cancel the tickets",
      danger: true,
      submit: (values) => this.each(lines, "cancel", values, "cancelled"),
    });
  }

  /** All but the one that stays become part of it; the oldest is proposed. */
  merge(lines) {
    const sorted = [...lines].sort((one, other) => one.number.localeCompare(other.number, undefined, { numeric: true }));
    const options = sorted.map(({ number, subject, requester }) => ({ value: number, label: `${number} ${subject}, ${requester}` }));
    const other = {
      name: "other_company", type: "confirm", required: true, label: "They belong together although the companies differ",
      missing: "Confirm that the tickets of several companies belong together.",
    };
    return askForm({
      title: `Merge ${count(lines)} into one`,
      intro: [
        h("ul", { class: "quoted" }, sorted.map((line) => h("li", {}, h("strong", {}, line.number), " ", h("bdi", {}, line.subject), " · ",
          h("bdi", {}, line.requester), ", ", h("bdi", {}, line.company || "no company named")))),
        h("p", {}, "Their conversations move to the one that stays, and the customers are told its number. This cannot be undone."),
      ],
      fields: [{ name: "into", label: "The ticket that stays", type: "choice", blank: false, value: sorted[0].number, options }, ...(oneCompany(lines) ? [] : [other])],
      action: "Merge",
      submit: async ({ into, ...confirmed }) => {
        const done = await this.each(sorted.filter(({ number }) => number !== into), "merge", { into, ...confirmed }, `merged into ${into}`);
        if (done.length) this.open(into);
        return [...done, into];
      },
    });
  }

  /** Takes the step with one ticket after the other, tells what became of them and returns the numbers of those done. */
  async each(lines, step, body, done) {
    const succeeded = [];
    const refused = [];
    let stopped = "";
    for (const { number } of lines) {
      try {
        if (stopped) throw new Error(stopped);
        await change(`/tickets/${encodeURIComponent(number)}/${step}`, body);
        succeeded.push(number);
      } catch (error) {
        // Without the desk the others would fail as well, each after a while.
        if (!(error instanceof RequestFailed)) stopped = error.message;
        refused.push({ number, why: error.message });
      }
    }
    const text = `${succeeded.length} of ${count(lines)} ${done}.`;
    if (refused.length) this.tell(text, refused);
    else this.toast(`${count(lines)} ${done}.`);
    return succeeded;
  }

  tell(text, refused) {
    showDialog(text, h("div", { class: "told" }, h("p", {}, "Not done:"), h("ul", { class: "refused" },
      refused.map(({ number, why }) => h("li", {}, ticketLink(number, this.open), ` ${why}`)))));
  }
}

function count(lines) {
  return lines.length === 1 ? "1 ticket" : `${lines.length} tickets`;
}

function numbers(lines) {
  return lines.map(({ number }) => number).join(", ");
}

/** As the desk compares companies: however they are spaced and capitalised. */
function oneCompany(lines) {
  return new Set(lines.map(({ company }) => company.trim().toLowerCase().split(/\s+/).join(" "))).size === 1;
}
