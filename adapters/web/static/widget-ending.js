// Where things stand, above the field: the place in the queue, the promise, the end, and the stars.

import { button, h, sayDay, sayTime } from "./widget-dom.js";

const LONGEST_COMMENT = 2_000;
const OPEN = /waiting|live/;
const SCORES = ["Bad", "Poor", "Fair", "Good", "Very good"];

export class Ending {
  constructor(chat) {
    this.chat = chat;
    this.element = h("div.bar", { tabindex: -1 });
    this.status = h("p", { role: "status" });
    this.comment = h("textarea", { rows: 2, dir: "auto", "aria-label": "Comment on the chat", placeholder: "Anything to add? (optional)" });
  }

  clear() {
    this.asking = this.score = this.stays = this.drawn = null;
    this.comment.value = "";
  }

  /** Draw the bar afresh, but only when what it says has changed: focus and typed text stay. */
  update() {
    const { state, place, answered } = this.chat.dialogue;
    if (OPEN.test(state.phase)) this.score = this.stays = this.comment.value = "";
    else this.asking = null;
    const when = this.when(state);
    const drawn = [state.phase, when, state.may_wait, state.rating, place, answered, this.asking, this.score, this.stays].join();
    if (drawn === this.drawn) return;
    const { element } = this;
    const within = element.contains(element.getRootNode().activeElement);
    this.drawn = drawn;
    const [words, ...parts] = this[this.asking || state.phase]?.(state, place) || [];
    if (this.status.textContent !== words) this.status.textContent = words || "";
    element.replaceChildren(this.status, ...parts);
    element.hidden = !words;
    if (within) this.focus();
  }

  focus() {
    const { element } = this;
    const first = element.querySelector("[aria-pressed=true]") || element.querySelector("button") || element;
    (element.hidden ? this.chat.thread.field : first).focus();
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

  /** What was promised, in words, as long as it lies ahead. */
  when({ promised, earliest }) {
    if (!(Date.parse(promised) > Date.now())) return "";
    return `${sayDay(promised)}, ${earliest ? "from" : "before"} ${sayTime(promised, { timeZoneName: "short" })}`;
  }

  ticketed(state) {
    const { ticket, may_wait: mayWait } = state;
    if (this.chat.dialogue.answered) return [];
    const when = this.when(state);
    if (mayWait && this.stays) {
      const otherwise = when ? `on ${when}` : "as soon as possible";
      return [`You are still waiting here. Otherwise we contact you ${otherwise}.`, this.leaving()];
    }
    const words = when ? `${ticket}. Next contact: ${when}.` : `${ticket}. We will contact you.`;
    if (!mayWait) return [words, this.another()];
    return [words, this.choice("quiet", "Keep waiting", () => (this.stays = true)), this.leaving()];
  }

  leaving() {
    return button("quiet", "Leave with a ticket", () => this.chat.link.post({ t: "leave" }));
  }

  question() {
    const answer = (what, text, solved) =>
      this.choice(what, text, () => {
        this.asking = solved == null ? null : "over";
        if (solved != null) this.chat.link.post({ t: "end", solved });
      });
    return [
      "Was this solved?",
      answer("primary", "Yes, solved", true),
      answer("quiet", "No, keep the ticket open", false),
      answer("link", "Go on chatting"),
    ];
  }

  /** Until the desk has ended the chat: the focus stays here, for the stars. */
  over() {
    return ["Ending the chat…"];
  }

  ended({ rating }) {
    if (rating) return [`Thank you. You gave ${rating} of 5 stars.`, this.another()];
    const stars = SCORES.map((word, at) => {
      const score = at + 1;
      const star = this.choice("star", score <= this.score ? "★" : "☆", () => (this.score = score), `${score} of 5 stars: ${word}`);
      star.setAttribute("aria-pressed", score === this.score);
      return star;
    });
    const send = () => {
      const comment = this.comment.value;
      if (!this.chat.isTooLong(comment, LONGEST_COMMENT)) this.chat.link.post({ t: "rate", score: this.score, comment });
    };
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
    const open = OPEN.test(this.chat.dialogue.state.phase);
    const end = () => {
      this.asking = "question";
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
