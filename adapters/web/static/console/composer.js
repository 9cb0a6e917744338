// Where a technician writes: a reply that the customer reads, or a note that stays inside; never mistaken for one another.

import { button, h, icon, iconButton } from "./dom.js";
import { keep, kept } from "./drafts.js";
import { size, upload } from "./files.js";

const TYPING_EVERY = 2_500;
const TYPING_ENDS = 4_000;
const MAX_FILES = 10;

export class Composer {
  constructor({ me, canned, live, toast }) {
    Object.assign(this, { me, canned, live, toast });
    this.ticket = null;
    this.internal = false;
    this.files = [];
    this.typingAt = 0;
    this.build();
  }

  build() {
    this.replyTab = this.tab("Reply", false, "chat");
    this.noteTab = this.tab("Internal note", true, "lock");
    this.hint = h("p", { class: "composer-hint", id: "composer-hint" });
    this.text = h("textarea", { rows: "1", maxlength: "20000", dir: "auto", "aria-describedby": "composer-hint", "aria-controls": "canned", on: {
      keydown: (event) => this.key(event), input: () => this.typed(), paste: (event) => this.paste(event),
    } });
    this.chips = h("ul", { class: "chips" });
    this.choose = h("input", { type: "file", multiple: true, hidden: true, on: { change: () => this.chosen() } });
    this.menu = h("ul", { class: "menu", role: "listbox", id: "canned", "aria-label": "Canned replies", hidden: true });
    this.sendButton = button("Send", () => this.submit(), { class: "primary send" }, icon("send"));
    this.cannedButton = iconButton("canned", "Canned replies", () => this.toggleMenu(), {
      "aria-haspopup": "listbox", "aria-controls": "canned", "aria-expanded": "false",
    });
    this.element = h("section", { class: "composer", "aria-label": "Write" },
      h("div", { class: "tabs", role: "group", "aria-label": "What you write" }, this.replyTab, this.noteTab),
      this.menu,
      h("div", { class: "box" }, this.text, this.chips,
        h("div", { class: "bar" },
          iconButton("clip", "Attach files", () => this.choose.click()), this.choose, this.cannedButton,
          this.hint, this.sendButton)));
    for (const kind of ["dragover", "drop"]) this.element.addEventListener(kind, (event) => this.drag(event));
    this.element.addEventListener("dragleave", () => this.element.classList.remove("dropping"));
  }

  tab(label, internal, picture) {
    return button(label, () => this.mode(internal, true), { class: internal ? "tab note-tab" : "tab reply-tab" }, icon(picture));
  }

  open(ticket) {
    this.keepDraft();
    this.ticket = ticket;
    this.files = [];
    const draft = ticket ? kept(`draft ${ticket.number}`) : null;
    this.text.value = draft?.text || "";
    this.mode(draft?.internal || false);
    this.showChips();
    this.fit();
  }

  /** Follows the ticket's state: who may be answered, and how the answer travels. */
  update() {
    const conversation = this.ticket?.current;
    this.element.hidden = !conversation;
    if (!conversation) return;
    const waiting = conversation.state.phase === "waiting" && !this.internal;
    this.text.disabled = waiting;
    this.sendButton.disabled = waiting;
    const header = this.ticket.header;
    this.text.placeholder = this.internal
      ? "Only staff see this note…"
      : waiting ? "Take the chat to answer." : `Write to ${header.requester}…`;
    this.hint.textContent = this.words(conversation, header, waiting);
    this.hint.classList.toggle("of-keys", !this.internal && conversation.state.phase === "live");
    this.text.setAttribute("aria-label", this.internal ? "Internal note" : "Reply to the customer");
  }

  words(conversation, header, waiting) {
    if (this.internal) return "Never shown to the customer.";
    if (waiting) return "";
    if (conversation.state.phase === "live") return "Enter sends, Shift+Enter starts a new line.";
    return header.email ? `Not in the chat: also goes to ${header.email} by e-mail.` : "The customer has no e-mail address.";
  }

  mode(internal, focus = false) {
    if (internal !== this.internal && this.files.length) {
      this.files = [];
      this.showChips();
      this.toast("Attach the files again: notes keep theirs apart.");
    }
    this.internal = internal;
    this.element.classList.toggle("writes-note", internal);
    this.replyTab.setAttribute("aria-pressed", String(!internal));
    this.noteTab.setAttribute("aria-pressed", String(internal));
    this.sendButton.lastChild.textContent = internal ? "Add note" : "Send";
    this.update();
    if (focus) this.text.focus();
  }

  key(event) {
    if (!this.menu.hidden && this.menuKey(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.submit();
    } else if (event.key === "Escape") this.text.blur();
  }

  typed() {
    this.fit();
    const found = /^\/(\S*)$/.exec(this.text.value);
    if (found && !this.internal) this.showMenu(found[1]);
    else this.closeMenu();
    this.keepDraft();
    clearTimeout(this.typingTimer);
    this.typingTimer = setTimeout(() => this.signal(false), TYPING_ENDS);
    if (this.text.value.trim() && Date.now() - this.typingAt > TYPING_EVERY) this.signal(true);
  }

  signal(on) {
    if (!on && !this.typingAt) return;
    this.typingAt = on ? Date.now() : 0;
    const conversation = this.ticket?.current;
    if (conversation) this.live.send({ t: "typing", conversation: conversation.id, on, internal: this.internal });
  }

  submit() {
    const text = this.text.value.trim();
    const busy = this.files.some((file) => !file.id);
    if (this.text.disabled || !this.ticket?.current) return;
    if (busy) {
      this.toast("Wait until the files are there.");
      return;
    }
    if (!text && !this.files.length) return;
    clearTimeout(this.typingTimer);
    this.signal(false);
    this.ticket.say(text, this.internal, this.files.map(({ id, name, type, size: bytes }) => ({ id, name, type, size: bytes })));
    this.text.value = "";
    this.files = [];
    this.closeMenu();
    this.showChips();
    this.keepDraft();
    this.fit();
  }

  fit() {
    this.text.style.height = "auto";
    this.text.style.height = `${Math.min(this.text.scrollHeight + 2, 260)}px`;
  }

  // Canned replies

  toggleMenu() {
    if (this.menu.hidden) this.showMenu("");
    else this.closeMenu();
    this.text.focus();
  }

  closeMenu() {
    this.menu.hidden = true;
    this.cannedButton.setAttribute("aria-expanded", "false");
    this.text.removeAttribute("aria-activedescendant");
  }

  showMenu(wanted) {
    const found = this.canned.filter(({ title, text }) => `${title} ${text}`.toLowerCase().includes(wanted.toLowerCase()));
    this.menu.replaceChildren(...found.map((reply, at) => h("li", {
      role: "option", id: `canned-${at}`, "aria-selected": "false", on: { mousedown: (event) => { event.preventDefault(); this.insert(reply); } },
    }, h("strong", { dir: "auto" }, reply.title), h("span", { dir: "auto" }, this.filled(reply.text)))));
    if (!found.length) this.menu.append(h("li", { class: "nothing", role: "option", "aria-disabled": "true" }, "No canned reply fits."));
    this.menu.hidden = false;
    this.cannedButton.setAttribute("aria-expanded", "true");
    this.pick(0);
  }

  get options() {
    return [...this.menu.querySelectorAll("[role=option]:not([aria-disabled])")];
  }

  pick(place) {
    const { options } = this;
    this.picked = options.length ? (place + options.length) % options.length : -1;
    options.forEach((option, at) => option.setAttribute("aria-selected", String(at === this.picked)));
    const picked = options[this.picked];
    picked?.scrollIntoView({ block: "nearest" });
    if (picked) this.text.setAttribute("aria-activedescendant", picked.id);
    else this.text.removeAttribute("aria-activedescendant");
  }

  menuKey(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps) this.pick(this.picked + steps[event.key]);
    else if (event.key === "Escape") this.closeMenu();
    else if ((event.key === "Enter" || event.key === "Tab") && this.picked >= 0) {
      this.options[this.picked].dispatchEvent(new MouseEvent("mousedown", { cancelable: true }));
    } else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  insert(reply) {
    const typed = this.text.value.startsWith("/") ? "" : this.text.value;
    this.text.value = `${typed}${typed && !typed.endsWith("\n") ? "\n" : ""}${this.filled(reply.text)}`;
    this.closeMenu();
    this.text.focus();
    this.typed();
  }

  filled(text) {
    const header = this.ticket?.header;
    const values = {
      name: header?.requester.split(/\s+/)[0], full_name: header?.requester, company: header?.company,
      number: header?.number, agent: this.me.name,
    };
    return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole).trim();
  }

  // Files

  chosen() {
    this.add([...this.choose.files]);
    this.choose.value = "";
  }

  paste(event) {
    const files = [...event.clipboardData.files];
    if (!files.length) return;
    event.preventDefault();
    this.add(files);
  }

  drag(event) {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    this.element.classList.toggle("dropping", event.type === "dragover");
    if (event.type === "drop") this.add([...event.dataTransfer.files]);
  }

  add(files) {
    const conversation = this.ticket?.current;
    if (!conversation || this.text.disabled) return;
    const room = MAX_FILES - this.files.length;
    if (files.length > room) this.toast(`A message takes at most ${MAX_FILES} files.`);
    for (const file of files.slice(0, room)) this.upload(file, conversation);
    this.text.focus();
  }

  async upload(file, conversation) {
    const chip = { name: file.name || "picture.png", size: file.size, type: file.type, done: 0 };
    this.files.push(chip);
    this.showChips();
    try {
      const kept = await upload(file, conversation.id, this.internal, (done) => {
        chip.done = done;
        this.showChips();
      });
      Object.assign(chip, kept);
    } catch (error) {
      this.files = this.files.filter((each) => each !== chip);
      this.toast(`${chip.name}: ${error.message}`, true);
    }
    this.showChips();
  }

  showChips() {
    this.chips.replaceChildren(...this.files.map((chip) => h("li", { class: chip.id ? "chip" : "chip loading" },
      icon("file"), h("span", { class: "file-name", dir: "auto" }, chip.name),
      h("span", { class: "size" }, chip.id ? size(chip.size) : `${Math.round(chip.done * 100)} %`),
      iconButton("close", `Remove ${chip.name}`, () => {
        this.files = this.files.filter((each) => each !== chip);
        this.showChips();
      }))));
  }

  keepDraft() {
    if (!this.ticket) return;
    keep(`draft ${this.ticket.number}`, this.text.value ? { text: this.text.value, internal: this.internal } : null);
  }
}
