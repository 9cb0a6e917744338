// What can be done with a ticket: each step a request, with the question it needs.

import { change, read } from "./api.js";
import { askForm } from "./dialogs.js";
import { h } from "./dom.js";
import { askPerson } from "./people.js";

const asTime = (value) => (value ? new Date(value).toISOString() : null);

export class Steps {
  constructor({ me, settings, toast, open }) {
    Object.assign(this, { me, settings, toast, open });
  }

  /** Sends a step that needs no question; what is refused is said, and the ticket read again. */
  async send(ticket, step, body = {}) {
    try {
      await this.post(ticket, step, body);
      return true;
    } catch (error) {
      this.toast(error.message, true);
      await ticket.load();
      return false;
    }
  }

  async post(ticket, step, body) {
    const answer = await change(`/tickets/${encodeURIComponent(ticket.number)}/${step}`, body);
    await ticket.load();
    return answer;
  }

  take(ticket) {
    return this.send(ticket, "take");
  }

  takeOver(ticket) {
    return this.send(ticket, "assign", { agent: this.me.id });
  }

  resume(ticket) {
    return this.send(ticket, "resume");
  }

  assign(ticket) {
    return askPerson({
      me: this.me, staff: this.settings.staff, without: ticket.header.assignee?.id,
      title: ticket.header.assignee ? `Hand over ${ticket.number}` : `Assign ${ticket.number}`,
      draft: `assign ${ticket.number}`,
      submit: (values) => this.post(ticket, "assign", values),
    });
  }

  escalate(ticket) {
    const tiers = this.settings.tiers.filter(({ id }) => ticket.header.tiers.includes(id));
    return askForm({
      title: `Escalate ${ticket.number}`,
      intro: "It then waits for a technician of the tier. In a live chat you stay, so that the customer is not left alone.",
      draft: `escalate ${ticket.number}`,
      fields: [
        { name: "tier", label: "To", type: "choice", blank: tiers.length === 1 ? false : undefined, required: true, missing: "Choose a tier.", options: tiers.map(({ id, name }) => ({ value: id, label: name })) },
        { name: "reason", label: "Why", type: "long", rows: "3", required: true, missing: "Say why it is escalated.", help: "Technicians read this. The customer only reads that the ticket was passed on." },
      ],
      action: "Escalate",
      submit: (values) => this.post(ticket, "escalate", values),
    });
  }

  wait(ticket) {
    return askForm({
      title: `Let ${ticket.number} wait`,
      intro: "The clock stands still until the answer or the date comes.",
      draft: `wait ${ticket.number}`,
      fields: [
        { name: "on", label: "Wait for", type: "choice", blank: false, value: "customer", options: [
          { value: "customer", label: "the customer's answer" }, { value: "vendor", label: "a vendor" }, { value: "date", label: "a date" },
        ] },
        { name: "question", label: "Question to the customer", type: "long", required: true, missing: "Write the question to the customer.", when: { on: ["customer"] } },
        { name: "until", label: "Until", type: "moment", required: true, missing: "Choose a date in the future.", when: { on: ["vendor", "date"] } },
        { name: "text", label: "Why, for the history", type: "long", rows: "2", when: { on: ["vendor", "date"] } },
      ],
      action: "Wait",
      submit: async ({ on, question, until, text }) => {
        try {
          return await this.post(ticket, "wait", { on, text: question || text || "", until: asTime(until) });
        } catch (error) {
          if (error.field === "text" && on === "customer") Object.assign(error, { field: "question" });
          throw error;
        }
      },
    });
  }

  resolve(ticket) {
    return askForm({
      title: `Resolve ${ticket.number}`,
      draft: `resolve ${ticket.number}`,
      fields: [{
        name: "resolution", label: "How was it solved?", type: "long", required: true, missing: "Say how it was resolved.", help: "The customer reads this text.",
      }],
      action: "Resolve",
      submit: (values) => this.post(ticket, "resolve", values),
    });
  }

  reopen(ticket) {
    return askForm({
      title: `Re-open ${ticket.number}`,
      draft: `reopen ${ticket.number}`,
      fields: [{ name: "reason", label: "Why, for the history", type: "long", rows: "2" }],
      action: "Re-open",
      submit: (values) => this.post(ticket, "reopen", values),
    });
  }

  cancel(ticket) {
    return askForm({
      title: `Cancel ${ticket.number}`,
      intro: "A cancelled ticket cannot be opened again. The customer is told that it was cancelled, not why.",
      draft: `cancel ${ticket.number}`,
      fields: [{ name: "reason", label: "Why, for the history", type: "long", rows: "2", required: true, missing: "Say why the ticket is cancelled." }],
      action: "Cancel the ticket",
      danger: true,
      submit: (values) => this.post(ticket, "cancel", values),
    });
  }

  /** First which ticket, then a look at it: a merge cannot be undone. */
  async merge(ticket) {
    const example = `${this.settings.desk.prefix}-1024`;
    const into = await askForm({
      title: `Merge ${ticket.number} into another ticket`,
      fields: [{
        name: "into", label: "Number of the ticket that stays", required: true, missing: `Write a ticket's number, such as ${example}.`, help: `Such as ${example}.`,
      }],
      action: "Continue",
      submit: ({ into: written }) => read("/merge", { ticket: ticket.number, into: written }),
    });
    if (into && (await this.mergeInto(ticket, into))) this.open(into.number);
  }

  mergeInto(ticket, into) {
    const other = {
      name: "other_company", type: "confirm", required: true, label: "They belong together although the companies differ",
      missing: "Confirm that the tickets of two companies belong together.",
    };
    return askForm({
      title: `Merge ${ticket.number} into ${into.number}?`,
      intro: [
        h("div", { class: "quoted" },
          h("p", {}, h("strong", {}, into.number), " ", h("bdi", {}, into.subject)),
          h("p", {}, h("bdi", {}, into.requester), ", ", h("bdi", {}, into.company || "no company named"), ` · ${into.status}`)),
        into.other_company && h("p", { class: "warn" }, `Another company: ${ticket.number} is a ticket of `, h("bdi", {}, ticket.header.company || "no named company"), "."),
        h("p", {}, "Its conversations move there, and the customer is told the other number. This cannot be undone."),
      ],
      fields: into.other_company ? [other] : [],
      action: "Merge",
      submit: (confirmed) => this.post(ticket, "merge", { ...confirmed, into: into.number }),
    });
  }

  split(ticket) {
    const conversation = ticket.current;
    const messages = [...conversation.messages.values()].filter((each) => !each.deleted && each.from !== "desk");
    return askForm({
      title: `Split ${ticket.number}`,
      intro: "The chosen messages are copied into a new ticket; the customer is told its number.",
      draft: `split ${ticket.number}`,
      fields: [
        { name: "subject", label: "Subject of the new ticket", required: true, missing: "Write a subject." },
        { name: "messages", label: "Messages that belong to it", type: "messages", required: true, missing: "Choose the messages that belong to the new ticket.", options: messages.map((each) => ({
          value: each.seq, label: [h("bdi", {}, each.name), ": ", h("bdi", {}, each.text.slice(0, 160) || "(files)")],
        })) },
      ],
      action: "Split",
      submit: async (values) => {
        const answer = await this.post(ticket, "split", { ...values, conversation: conversation.id });
        this.toast("The new ticket is in the queue; the history links to it.");
        return answer;
      },
    });
  }

  edit(ticket) {
    const { subject, workaround, type, needed_by } = ticket.header;
    const before = { subject, workaround, type, needed_by: forInput(needed_by) };
    // Only what was changed here is sent: a colleague may have changed the rest meanwhile.
    const changed = (values) => Object.fromEntries(Object.entries(values).filter(([name, value]) => value !== before[name])
      .map(([name, value]) => [name, name === "needed_by" ? asTime(value) : value]));
    return askForm({
      title: `Edit ${ticket.number}`,
      draft: `edit ${ticket.number}`,
      fields: [
        { name: "subject", label: "Subject", required: true, missing: "Write a subject.", value: subject },
        { name: "type", label: "Type", type: "choice", blank: false, value: type, options: this.settings.types },
        { name: "workaround", label: "Workaround, while the fix stays open", type: "long", rows: "3", value: workaround },
        { name: "needed_by", label: "Needed by", type: "moment", value: before.needed_by },
      ],
      action: "Save",
      submit: (values) => this.post(ticket, "edit", changed(values)),
    });
  }

  affected(ticket) {
    return askForm({
      title: `Who else is affected by ${ticket.number}?`,
      intro: this.settings.portal
        ? "In the portal they see its subject, where it stands, the workaround, how it was solved, and what technicians write to the customer. Notes and what the customer writes stay hidden from them."
        : "They are noted here. The desk has no customer portal in which they could see the ticket.",
      draft: `affected ${ticket.number}`,
      fields: [
        { name: "name", label: "Name" },
        { name: "address", label: "E-mail address", type: "email", required: true, missing: "Enter an e-mail address such as dana@example.com." },
      ],
      action: "Add",
      submit: (values) => this.post(ticket, "affected", values),
    });
  }

  async unaffected(ticket, { name, address }) {
    if (await this.send(ticket, "affected", { address, affected: false })) this.toast(`${name} was taken off.`);
  }

  priority(ticket, priority) {
    return this.send(ticket, "edit", { priority });
  }

  async chat(ticket, step) {
    try {
      await change(`/conversations/${encodeURIComponent(ticket.current.id)}/${step}`);
    } catch (error) {
      this.toast(error.message, true);
    }
    await ticket.load();
  }

  editMessage(ticket, conversation, message) {
    return askForm({
      title: "Edit your message",
      draft: `message ${conversation.id} ${message.seq}`,
      fields: [{ name: "text", label: "Text", type: "long", value: message.text, required: true, missing: "Write a text, or delete the message." }],
      action: "Save",
      submit: ({ text }) => {
        if (!ticket.edit(conversation.id, message.seq, text)) throw new Error("Not connected. Try again in a moment.");
      },
    });
  }

  removeMessage(ticket, conversation, message) {
    return askForm({
      title: "Delete your message?",
      intro: "The customer no longer sees it. The record keeps what it said.",
      fields: [],
      action: "Delete",
      danger: true,
      submit: () => {
        if (!ticket.remove(conversation.id, message.seq)) throw new Error("Not connected. Try again in a moment.");
      },
    });
  }

  async logContact() {
    const survey = this.settings.survey.map(({ id, ask, ...rest }) => ({ ...rest, name: id, label: ask }));
    const answer = await askForm({
      title: "Log a call or a request",
      draft: "log",
      fields: [
        { name: "way", label: "How did it come?", type: "choice", blank: false, value: "phone", options: [
          { value: "phone", label: "By phone" }, { value: "direct", label: "Directly to me" },
        ] },
        ...survey.map((field) => ({ ...field, when: field.when || {} })),
      ],
      action: "Open ticket",
      submit: ({ way, ...answers }) => change("/tickets", { way, answers }),
    });
    if (answer?.ticket) this.open(answer.ticket);
  }
}

function forInput(at) {
  if (!at) return "";
  const moment = new Date(at);
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
