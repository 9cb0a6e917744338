// The conversation on the screen: the messages, and the field to write in.

import { button, h, icon, linked, sayDay, sayTime } from "./widget-dom.js";
import { Attachments } from "./widget-files.js";

const TYPING_EVERY = 3_000;
const LONGEST_MESSAGE = 20_000;

/** `chat` is the widget; what the customer does goes to it. */
export class Thread {
  constructor(chat) {
    this.chat = chat;
    this.log = h("div", { role: "log", "aria-relevant": "additions", "aria-label": "Messages", tabindex: 0 });
    this.unsent = h("div");
    this.typing = h("p.typing", { role: "status" });
    this.attachments = new Attachments(chat.files, () => this.fit());
    this.scroller = h("div.scroller", this.log, this.unsent, this.typing);
    const files = (work) => (event) => {
      const transfer = event.dataTransfer || event.clipboardData;
      if (![...transfer.types].includes("Files")) return;
      event.preventDefault();
      this.element.classList.toggle("over", event.type === "dragover");
      if (work) this.attach(transfer.files);
    };
    const listeners = { ondragover: files(), ondragleave: files(), ondrop: files(true), onpaste: files(true) };
    this.element = h("div.thread", listeners, this.scroller, chat.ending.element, this.composer());
    this.clear();
  }

  composer() {
    const picker = h("input", { type: "file", multiple: true, hidden: true });
    picker.onchange = () => {
      this.attach(picker.files);
      picker.value = "";
    };
    this.field = h("textarea", {
      rows: 1,
      dir: "auto",
      "aria-label": "Your message",
      oninput: () => this.wrote(),
      onkeydown: (event) => this.pressed(event),
      onblur: () => this.tell(false),
    });
    this.field.value = this.chat.memory.get("draft") || "";
    this.sender = button("icon.send", icon("send"), () => this.send(), "Send");
    this.editing = h("p.typing", { hidden: true }, "Changing your message ", button("link", "Cancel", () => this.edit(null)));
    const attach = button("icon", icon("attach"), () => picker.click(), "Add files");
    return h("div.composer", this.editing, this.attachments.element, h("div.row", attach, this.field, this.sender), picker);
  }

  attach(files) {
    for (const file of files) this.attachments.add(file, this.chat.dialogue.id);
    this.field.focus();
  }

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
    if (!this.edited) this.chat.memory.set("draft", this.field.value);
    this.tell(!!this.field.value.trim());
  }

  write(text) {
    this.field.value = text;
    this.chat.memory.set("draft", text);
    this.fit();
  }

  fit() {
    const { field, attachments, sender } = this;
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight + 2}px`;
    sender.disabled = attachments.busy || !(field.value.trim() || attachments.ready.length);
  }

  tell(on) {
    const now = Date.now();
    clearTimeout(this.stops);
    if (on) this.stops = setTimeout(() => this.tell(false), 2 * TYPING_EVERY);
    if (on ? now - this.told < TYPING_EVERY : !this.told) return;
    this.told = on ? now : 0;
    this.chat.link.whisper({ t: "typing", on });
  }

  send() {
    const text = this.field.value.trim();
    if (this.sender.disabled || this.chat.isTooLong(text, LONGEST_MESSAGE)) return;
    if (this.edited) {
      if (text !== this.edited.text) this.chat.post({ t: "edit", seq: this.edited.seq, text });
      return this.edit(null);
    }
    this.chat.post({ t: "message", text, files: this.attachments.take() });
    this.write("");
    this.tell(false);
    this.field.focus();
    this.toEnd();
  }

  /** Change a message of one's own in the field below; null goes back to writing a new one. */
  edit(message) {
    this.edited = message;
    this.editing.hidden = !message;
    this.field.value = message ? message.text : this.chat.memory.get("draft") || "";
    this.fit();
    this.field.focus();
  }

  toEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  clear() {
    this.drawn = new Map();
    this.log.replaceChildren();
    this.log.setAttribute("aria-live", "off");
  }

  update() {
    const { dialogue, link, ending } = this.chat;
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    let before;
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
    ending.update();
    this.fit();
    if (scrollHeight - scrollTop - clientHeight < 80) this.toEnd();
  }

  draw(message, before) {
    const { seen, delivered } = this.chat.dialogue.state;
    const own = message.from === "customer" && !message.deleted;
    const mark = !own ? "" : message.seq <= seen ? "Seen" : message.seq <= delivered ? "Delivered" : "Sent";
    const known = this.drawn.get(message.seq);
    if (known && known.changed === message.changed) {
      known.mark.textContent = mark;
      return;
    }
    const drawn = { changed: message.changed, mark: h("span", mark) };
    drawn.element = this.bubble(message, own, drawn.mark);
    this.drawn.set(message.seq, drawn);
    if (known) return known.element.replaceWith(drawn.element);
    const fresh = [drawn.element];
    if (message.seq === this.chat.dialogue.gap) {
      fresh.unshift(h("p.day", "Earlier messages are left out here. The transcript has all of them."));
    }
    if (!before || sayDay(before.at) !== sayDay(message.at)) fresh.unshift(h("p.day", sayDay(message.at)));
    if (before) this.drawn.get(before.seq).element.after(...fresh);
    else this.log.prepend(...fresh);
  }

  bubble(message, own, mark) {
    const { from, name, text, at, edited, deleted, files = [] } = message;
    const shown = deleted ? h("p", h("em", "Message deleted")) : text && h("p.text", { dir: "auto" }, linked(text, from === "desk" && this.chat.config.phone));
    const bubble = h("div.bubble", shown, files.map((file) => this.chat.files.show(file)));
    const meta = h("p.meta", own && this.tools(message), h("time", sayTime(at)), edited && h("span", "Edited"), mark);
    return h(`div.message.${from}`, h("p.name", from === "customer" ? "You" : name), bubble, meta);
  }

  tools(message) {
    const remove = ({ target }) => {
      if (target.sure) return this.chat.post({ t: "delete", seq: message.seq });
      target.onblur = () => {
        clearTimeout(target.sure);
        target.sure = null;
        target.textContent = "Delete";
      };
      target.sure = setTimeout(target.onblur, 5_000);
      target.textContent = "Delete for good?";
    };
    const edit = message.text && button("link", "Edit", () => this.edit(message));
    return h("span.tools", edit, button("link", "Delete", remove));
  }

  drawUnsent(frame) {
    const { link } = this.chat;
    const back = () => {
      if (!this.field.value) this.write(frame.text);
      link.drop(frame.id);
    };
    const meta = frame.problem
      ? h("p.meta.error", { role: "alert" }, frame.problem, button("link", "Try again", () => link.again(frame)), button("link", "Take back", back))
      : h("p.meta", "Sending…");
    return h("div.message.customer", h("div.bubble", h("p.text", { dir: "auto" }, frame.text || "Files")), meta);
  }
}
