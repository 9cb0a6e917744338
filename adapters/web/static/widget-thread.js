// The conversation on the screen: messages, the line that says where things stand, and the field to write in.

import { button, h, icon, linked } from "./widget-dom.js";
import { Attachments } from "./widget-files.js";

const TYPING_EVERY = 3_000;
const MAX_TEXT = 20_000;

const time = (at) => new Date(at).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
const day = (at) => new Date(at).toLocaleDateString([], { weekday: "long", month: "long", day: "numeric" });

/** `chat` is the widget; what the customer does goes to it. */
export class Thread {
  constructor(chat) {
    this.chat = chat;
    this.drawn = new Map();
    this.log = h("div", { class: "log", role: "log", "aria-live": "off", "aria-relevant": "additions", "aria-label": "Messages", tabindex: "0" });
    this.unsent = h("div", { class: "unsent", role: "group", "aria-label": "Not sent yet" });
    this.typing = h("p", { class: "typing", role: "status" });
    this.bar = h("div", { class: "bar" });
    this.status = h("div", { role: "status" });
    this.attachments = new Attachments(chat.files, () => this.fit());
    this.scroller = h("div", { class: "scroller" }, this.log, this.unsent, this.typing);
    this.element = h("div", { class: "thread" }, this.scroller, this.bar, this.composer());
    this.element.addEventListener("dragover", (event) => this.dragged(event, true));
    this.element.addEventListener("dragleave", (event) => this.dragged(event, false));
    this.element.addEventListener("drop", (event) => this.dropped(event));
  }

  composer() {
    this.picker = h("input", { type: "file", multiple: true, hidden: true, on: { change: () => this.picked() } });
    this.field = h("textarea", {
      rows: "1", maxlength: MAX_TEXT, "aria-label": "Your message",
      on: {
        input: () => this.wrote(),
        keydown: (event) => this.pressed(event),
        paste: (event) => this.pasted(event),
        blur: () => this.tell(false),
      },
    });
    this.field.value = this.chat.memory.get("draft") || "";
    const attach = button(icon("attach"), () => this.picker.click(), { class: "icon", "aria-label": "Add files" });
    this.sendButton = h("button", { type: "submit", class: "icon send", "aria-label": "Send" }, icon("send"));
    this.editing = h("p", { class: "editing", hidden: true }, "Changing your message ", button("Cancel", () => this.edit(null), { class: "link" }));
    const submit = (event) => {
      event.preventDefault();
      this.send();
    };
    const row = h("div", { class: "row" }, attach, this.field, this.sendButton);
    return h("form", { class: "composer", on: { submit } }, this.editing, this.attachments.element, row, this.picker);
  }

  focus() {
    this.fit();
    this.field.focus();
  }

  // Writing

  pressed(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.send();
    } else if (event.key === "Escape" && this.edited) {
      event.stopPropagation();
      this.edit(null);
    }
  }

  wrote() {
    this.fit();
    if (!this.edited) this.chat.memory.set("draft", this.field.value || null);
    this.tell(!!this.field.value.trim());
  }

  fit() {
    const { field } = this;
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight + 2, 140)}px`;
    this.sendButton.disabled = this.attachments.busy || !(field.value.trim() || this.attachments.ready);
  }

  tell(on) {
    const now = Date.now();
    clearTimeout(this.stops);
    if (on) this.stops = setTimeout(() => this.tell(false), 2 * TYPING_EVERY);
    if (on ? now - (this.told || 0) < TYPING_EVERY : !this.told) return;
    this.told = on ? now : 0;
    this.chat.link.whisper({ t: "typing", on });
  }

  send() {
    const text = this.field.value.trim();
    if (this.attachments.busy) return;
    if (this.edited) {
      if (text && text !== this.edited.text) this.chat.post({ t: "edit", seq: this.edited.seq, text });
      return this.edit(null);
    }
    const files = this.attachments.take();
    if (!text && !files.length) return;
    this.chat.post({ t: "message", text, files });
    this.write("");
    this.tell(false);
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  write(text) {
    this.field.value = text;
    if (!this.edited) this.chat.memory.set("draft", text || null);
    this.fit();
  }

  /** Change a message of one's own in the field below; null goes back to writing a new one. */
  edit(message) {
    this.edited = message;
    this.editing.hidden = !message;
    this.field.value = message ? message.text : this.chat.memory.get("draft") || "";
    this.focus();
  }

  // Files

  picked() {
    this.attachments.add(this.picker.files, this.chat.dialogue.id);
    this.picker.value = "";
    this.field.focus();
  }

  pasted(event) {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    this.attachments.add(event.clipboardData.files, this.chat.dialogue.id);
  }

  dragged(event, over) {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    this.element.classList.toggle("over", over);
  }

  dropped(event) {
    this.dragged(event, false);
    if (event.dataTransfer.files.length) this.attachments.add(event.dataTransfer.files, this.chat.dialogue.id);
  }

  // Showing

  clear() {
    this.drawn.clear();
    this.log.replaceChildren();
    this.log.setAttribute("aria-live", "off");
    this.attachments.items.slice().forEach((item) => this.attachments.remove(item));
  }

  update() {
    const { dialogue, link } = this.chat;
    const { scroller } = this;
    const atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
    let before = null;
    for (const message of dialogue.messages.values()) {
      this.draw(message, before);
      before = message;
    }
    // What was said before is read at leisure; only what comes from now on is announced.
    setTimeout(() => this.log.setAttribute("aria-live", "polite"), 100);
    this.unsent.replaceChildren(...dialogue.pending(link).map((frame) => this.drawUnsent(frame)));
    this.typing.textContent = dialogue.typist ? `${dialogue.typist} is typing…` : "";
    const { phase, ticket } = dialogue.state;
    this.field.placeholder = phase === "ended" ? `Write here to open ${ticket} again` : "Write a message";
    this.fit();
    if (atEnd) scroller.scrollTop = scroller.scrollHeight;
  }

  draw(message, before) {
    const { state } = this.chat.dialogue;
    const own = message.from === "customer";
    const mark = !own || message.deleted ? "" : message.seq <= state.seen ? "Seen" : message.seq <= state.delivered ? "Delivered" : "Sent";
    const known = this.drawn.get(message.seq);
    if (known && known.changed === message.changed) {
      known.mark.textContent = mark;
      return;
    }
    const drawn = { changed: message.changed, mark: h("span", { class: "sent" }, mark) };
    drawn.element = this.bubble(message, own, drawn);
    this.drawn.set(message.seq, drawn);
    if (known) return known.element.replaceWith(drawn.element);
    const previous = before && this.drawn.get(before.seq).element;
    const parts = [drawn.element];
    if (!before || day(before.at) !== day(message.at)) parts.unshift(h("p", { class: "day" }, day(message.at)));
    if (previous) previous.after(...parts);
    else this.log.prepend(...parts);
  }

  bubble(message, own, drawn) {
    const meta = h("p", { class: "meta" }, h("time", { datetime: message.at }, time(message.at)));
    if (message.edited) meta.append(h("span", {}, "Edited"));
    if (own) meta.append(drawn.mark);
    const bubble = h("div", { class: "bubble" });
    if (message.deleted) bubble.append(h("p", { class: "gone" }, "Message deleted"));
    else if (message.text) bubble.append(h("p", { class: "text" }, linked(message.text)));
    bubble.append(...(message.files || []).map((file) => this.chat.files.show(file)));
    if (own && !message.deleted) meta.append(this.tools(message));
    const name = h("p", { class: own ? "name hidden" : "name" }, own ? "You" : message.name);
    return h("div", { class: `message ${message.from}`, "data-seq": message.seq }, name, bubble, meta);
  }

  tools(message) {
    const remove = (event) => {
      const { target } = event;
      if (target.dataset.sure) return this.chat.post({ t: "delete", seq: message.seq });
      target.dataset.sure = "1";
      target.textContent = "Delete for good?";
    };
    const edit = message.text && button("Edit", () => this.edit(message), { class: "link" });
    return h("span", { class: "tools" }, edit || null, button("Delete", remove, { class: "link" }));
  }

  drawUnsent(frame) {
    const { link } = this.chat;
    const meta = h("p", { class: "meta" });
    const bubble = h("div", { class: "bubble" }, h("p", { class: "text" }, frame.text || "Files"));
    if (frame.problem) {
      meta.append(h("span", { class: "error", role: "alert" }, frame.problem.message));
      const discard = () => {
        if (!this.field.value) this.write(frame.text);
        link.drop(frame.id);
      };
      meta.append(button("Try again", () => link.again(frame.id), { class: "link" }), button("Take back", discard, { class: "link" }));
    } else meta.append("Sending…");
    return h("div", { class: "message customer" }, bubble, meta);
  }
}
