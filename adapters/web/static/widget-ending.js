// Where things stand, above the field: the place in the queue, the promise, the end, and the stars.

import { button, h, sayDay, sayTime } from "./widget-dom.js";

const SCORES = ["Bad", "Poor", "Fair", "Good", "Very good"];

export class Ending {
  constructor(chat) {
    this.chat = chat;
    this.element = h("div.bar");
    this.status = h("p", { role: "status" });
    this.comment = h("textarea", { rows: 2, maxlength: 2000, "aria-label": "Comment on the chat", placeholder: "Anything to add? (optional)" });
  }

  clear() {
    this.asking = this.score = this.stays = this.drawn = null;
  }

  /** Draw the bar afresh, but only when what it says has changed: focus and typed text stay. */
  update() {
    const { state, place } = this.chat.dialogue;
    const drawn = [state.phase, state.promised, state.may_wait, state.rating, place, this.asking, this.score, this.stays].join();
    if (drawn === this.drawn) return;
    const { element } = this;
    const within = element.contains(element.getRootNode().activeElement);
    this.drawn = drawn;
    const [words, ...parts] = this.asking ? this.question() : this[state.phase]?.(state, place) || [];
    if (this.status.textContent !== words) this.status.textContent = words || "";
    element.replaceChildren(this.status, ...parts);
    element.hidden = !words;
    if (within) this.focus();
  }

  focus() {
    (this.element.querySelector("button") || this.chat.thread.field).focus();
  }

  /** A button that changes what is shown here. */
  choice(what, text, work, label) {
    const click = () => {
      work();
      this.chat.draw();
    };
    return button(what, text, click, label);
  }

  waiting(state, place) {
    return [place ? `You are number ${place} in the queue.` : "You are in the queue.", this.leaving()];
  }

  ticketed({ ticket, promised, may_wait: mayWait }) {
    const words = promised ? `${ticket}. Next contact: ${sayDay(promised)}, ${sayTime(promised, { timeZoneName: "short" })}.` : `${ticket}. We will contact you.`;
    if (!mayWait) return [words, this.another()];
    if (this.stays) return [words, this.leaving()];
    return [words, this.choice("quiet", "Keep waiting", () => (this.stays = true)), this.leaving()];
  }

  leaving() {
    return button("quiet", "Leave with a ticket", () => this.chat.link.post({ t: "leave" }));
  }

  question() {
    const answer = (what, text, solved) =>
      this.choice(what, text, () => {
        this.asking = null;
        if (solved != null) this.chat.link.post({ t: "end", solved });
      });
    return [
      "Was this solved?",
      answer("primary", "Yes, solved", true),
      answer("quiet", "No, keep the ticket open", false),
      answer("link", "Go on chatting"),
    ];
  }

  ended({ rating }) {
    if (rating) return [`Thank you. You gave ${rating} of 5 stars.`, this.another()];
    const stars = SCORES.map((word, at) => {
      const score = at + 1;
      const star = this.choice("star", score <= this.score ? "★" : "☆", () => (this.score = score), `${score} of 5 stars: ${word}`);
      star.setAttribute("aria-pressed", score === this.score);
      return star;
    });
    const send = () => this.chat.link.post({ t: "rate", score: this.score, comment: this.comment.value });
    const more = this.score ? [this.comment, button("primary", "Send rating", send)] : [];
    return ["How was this chat?", h("div", { role: "group", "aria-label": "Rating" }, stars), ...more, this.another()];
  }

  another() {
    return button("quiet", "New request", () => this.chat.askAnew());
  }

  save(format, ending) {
    const { files, dialogue } = this.chat;
    const failed = (text) => this.chat.say(text, 8_000);
    files.save("transcript", `&conversation=${dialogue.id}&format=${format}`, dialogue.state.ticket + ending, failed);
  }

  /** What the menu offers for this conversation. */
  menu() {
    const open = /waiting|live/.test(this.chat.dialogue.state.phase);
    const end = () => {
      this.asking = true;
      this.chat.draw();
      this.focus();
    };
    return {
      "Save transcript (text)": () => this.save("text", ".txt"),
      "Save transcript (web page)": () => this.save("html", ".html"),
      ...(open ? { "End chat": end } : { "New request": () => this.chat.askAnew() }),
    };
  }
}
