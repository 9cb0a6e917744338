// Several tickets at once: each is a step of its own, done or refused by itself, and what was refused is told with its reason.

import { RequestFailed, change } from "./api.js";
import { askForm, showDialog } from "./dialogs.js";
import { h, ticketLink } from "./dom.js";
import { askPerson } from "./people.js";

export class Several {
  constructor({ me, settings, toast, open }) {
    Object.assign(this, { me, settings, toast, open });
  }

  async assign(lines) {
    const found = await askPerson({
      me: this.me, staff: this.settings.staff, title: `Assign ${count(lines)}`, intro: numbers(lines),
      submit: (values) => each(lines, "assign", values),
    });
    return this.tell(found, lines, "assigned");
  }

  async priority(lines) {
    const found = await askForm({
      title: `Change the priority of ${count(lines)}`,
      intro: numbers(lines),
      fields: [{ name: "priority", label: "Priority", type: "choice", required: true, missing: "Choose a priority.", options: this.settings.priorities }],
      action: "Change",
      submit: (values) => each(lines, "edit", values),
    });
    return this.tell(found, lines, "changed");
  }

  async cancel(lines) {
    const found = await askForm({
      title: `Cancel ${count(lines)}`,
      intro: [h("p", {}, numbers(lines)), h("p", {}, "A cancelled ticket cannot be opened again. The customers are told that it was cancelled, not why.")],
      fields: [{ name: "reason", label: "Why, for the history", type: "long", rows: "2", required: true, missing: "Say why they are cancelled." }],
      action: "Cancel the tickets",
      danger: true,
      submit: (values) => each(lines, "cancel", values),
    });
    return this.tell(found, lines, "cancelled");
  }

  /** All but the one that stays become part of it; the oldest is proposed. */
  async merge(lines) {
    const sorted = [...lines].sort((one, other) => one.number.localeCompare(other.number, undefined, { numeric: true }));
    const options = sorted.map(({ number, subject, requester }) => ({ value: number, label: `${number} ${subject}, ${requester}` }));
    const other = {
      name: "other_company", type: "confirm", required: true, label: "They belong together although the companies differ",
      missing: "Confirm that the tickets of several companies belong together.",
    };
    let stays = "";
    const without = () => sorted.filter(({ number }) => number !== stays);
    const found = await askForm({
      title: `Merge ${count(lines)} into one`,
      intro: [
        h("ul", { class: "quoted" }, sorted.map((line) => h("li", {}, h("strong", {}, line.number), " ", h("bdi", {}, line.subject), " · ",
          h("bdi", {}, line.requester), ", ", h("bdi", {}, line.company || "no company named")))),
        h("p", {}, "Their conversations move to the one that stays, and the customers are told its number. This cannot be undone."),
      ],
      fields: [{ name: "into", label: "The ticket that stays", type: "choice", blank: false, value: sorted[0].number, options }, ...(oneCompany(lines) ? [] : [other])],
      action: "Merge",
      submit: ({ into, ...confirmed }) => {
        stays = into;
        return each(without(), "merge", { into, ...confirmed });
      },
    });
    const done = this.tell(found, without(), `merged into ${stays}`);
    if (!done?.length) return done;
    this.open(stays);
    return [...done, stays];
  }

  /** Tells what became of the tickets and returns the numbers of those done; null when nothing was asked of them. */
  tell(found, lines, done) {
    if (!found) return null;
    const { succeeded, refused } = found;
    if (refused.length) {
      showDialog(`${succeeded.length} of ${count(lines)} ${done}`, h("div", { class: "told" }, h("p", {}, "Not done:"), h("ul", { class: "refused" },
        refused.map(({ number, why }) => h("li", {}, ticketLink(number, this.open), ` ${why}`)))));
    } else this.toast(`${count(lines)} ${done}.`);
    return succeeded;
  }
}

/** Takes the step with one ticket after the other. */
async function each(lines, step, body) {
  const succeeded = [];
  const refused = [];
  let stopped = "";
  for (const { number } of lines) {
    if (stopped) {
      refused.push({ number, why: stopped });
      continue;
    }
    try {
      await change(`/tickets/${encodeURIComponent(number)}/${step}`, body);
      succeeded.push(number);
    } catch (error) {
      refused.push({ number, why: error.message });
      // Without the desk the others would fail as well, each after a while.
      if (!(error instanceof RequestFailed)) stopped = error.message;
    }
  }
  return { succeeded, refused };
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
