// Where things stand, above the field: the place in the queue, the promise, the end, stars and the transcript.

import { button, h } from "./widget-dom.js";

const SCORES = ["Bad", "Poor", "Fair", "Good", "Very good"];

const say = (at) =>
  new Date(at).toLocaleString([], { weekday: "long", month: "long", day: "numeric", hour: "numeric", minute: "2-digit" });

export class Ending {
  constructor(chat) {
    this.chat = chat;
    this.clear();
  }

  clear() {
    this.asking = this.score = this.rated = this.stays = null;
    this.key = "";
  }

  /** Draw the bar afresh, but only when what it says has changed: focus and typed text stay. */
  update() {
    const { dialogue, thread } = this.chat;
    const { phase, promised, may_wait: mayWait, rating } = dialogue.state;
    const key = JSON.stringify([phase, promised, mayWait, rating, dialogue.place, this.asking, this.score, this.rated, this.stays]);
    if (key === this.key) return;
    const within = thread.bar.contains(thread.bar.getRootNode().activeElement);
    this.key = key;
    const parts = this.asking ? this.question() : this[phase]?.() || [];
    thread.status.replaceChildren(...parts.splice(0, 1));
    thread.bar.replaceChildren(thread.status, ...parts);
    thread.bar.hidden = !thread.status.childNodes.length && !parts.length;
    if (within) (thread.bar.querySelector("button, textarea") || thread.field).focus();
  }

  waiting() {
    const { place } = this.chat.dialogue;
    const text = place ? `You are number ${place} in the queue.` : "You are in the queue.";
    const leave = button("Leave with a ticket", () => this.chat.post({ t: "leave" }), { class: "quiet" });
    return [h("p", {}, text), h("p", { class: "small" }, "You keep your ticket, and we contact you."), leave];
  }

  ticketed() {
    const { promised, may_wait: mayWait, ticket } = this.chat.dialogue.state;
    const words = promised ? `${ticket}: we will contact you by ${say(promised)}.` : `${ticket}: we will contact you.`;
    const parts = [h("p", {}, words)];
    if (mayWait && !this.stays) {
      const stay = () => {
        this.stays = true;
        this.chat.redraw();
      };
      parts.push(h("div", { class: "buttons" }, button("Keep waiting", stay, { class: "quiet" }), button("Leave with a ticket", () => this.chat.post({ t: "leave" }), { class: "quiet" })));
    } else if (!mayWait) parts.push(this.another());
    return parts;
  }

  question() {
    const answer = (solved) => () => {
      this.asking = null;
      this.chat.post({ t: "end", solved });
      this.chat.redraw();
    };
    const stay = () => {
      this.asking = null;
      this.chat.redraw();
    };
    return [
      h("p", {}, "Was this solved?"),
      h("div", { class: "buttons" },
        button("Yes, solved", answer(true), { class: "primary" }),
        button("No, keep the ticket open", answer(false), { class: "quiet" }),
        button("Go on chatting", stay, { class: "link" })),
    ];
  }

  ended() {
    const { rating } = this.chat.dialogue.state;
    const given = this.rated || rating;
    const parts = given ? [h("p", {}, `Thank you. You gave ${given} of 5 stars.`)] : this.stars();
    const saves = ["text", "html"].map((format) => button(format === "text" ? "Text" : "Web page", () => this.transcript(format), { class: "link" }));
    return [...parts, h("p", { class: "small" }, "Save the transcript: ", saves[0], " ", saves[1]), this.another()];
  }

  stars() {
    const pick = (score) => () => {
      this.score = score;
      this.chat.redraw();
    };
    const buttons = SCORES.map((word, at) => {
      const label = `${at + 1} of 5 stars: ${word}`;
      const on = at < (this.score || 0);
      return button(on ? "★" : "☆", pick(at + 1), { class: on ? "star on" : "star", "aria-label": label, "aria-pressed": String(at + 1 === this.score) });
    });
    const parts = [h("p", {}, "How was this chat?"), h("div", { class: "stars", role: "group", "aria-label": "Rating" }, buttons)];
    if (!this.score) return parts;
    const comment = h("textarea", { rows: "2", maxlength: "2000", "aria-label": "Comment on the chat", placeholder: "Anything to add? (optional)" });
    comment.value = this.comment || "";
    comment.addEventListener("input", () => (this.comment = comment.value));
    const send = () => {
      this.chat.post({ t: "rate", score: this.score, comment: comment.value });
      this.rated = this.score;
      this.comment = "";
      this.chat.redraw();
    };
    return [...parts, comment, button("Send rating", send, { class: "primary" })];
  }

  another() {
    return button("New request", () => this.chat.askAnew(), { class: "quiet" });
  }

  transcript(format) {
    const { files, dialogue } = this.chat;
    const name = `${dialogue.state.ticket}.${format === "text" ? "txt" : "html"}`;
    files
      .save("transcript", `&conversation=${dialogue.id}&format=${format}`, name)
      .catch((error) => this.chat.say(error.message, 8_000));
  }

  /** What the menu offers for this conversation. */
  menuItems(item) {
    const { phase } = this.chat.dialogue.state;
    const items = [
      item("Save transcript (text)", () => this.transcript("text")),
      item("Save transcript (web page)", () => this.transcript("html")),
    ];
    if (phase === "waiting" || phase === "live") {
      items.push(item("End chat", () => {
        this.asking = true;
        this.chat.draw();
        this.chat.thread.bar.querySelector("button").focus();
      }));
    } else items.push(item("New request", () => this.chat.askAnew()));
    return items;
  }
}
