// The chat's window: opens and closes, keeps what is shown in step with the desk, and tells of news.

import { button, call, h, icon, tooLong } from "./widget-dom.js";
import { Dialogue } from "./widget-dialogue.js";
import { Ending } from "./widget-ending.js";
import { Files } from "./widget-files.js";
import { Link, Memory } from "./widget-link.js";
import { Survey } from "./widget-survey.js";
import { Thread } from "./widget-thread.js";

const PHASES = { waiting: "In the queue", live: "Live chat", ticketed: "We will contact you", ended: "Chat ended" };
// The server puts widget.css here.
const STYLE = "@style@";

/** Load what the window needs and return the chat, still closed. */
export async function start(settings) {
  const chat = new Chat(settings);
  await chat.configure();
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  settings.host.shadowRoot.adoptedStyleSheets.push(sheet);
  chat.build();
  return chat;
}

class Chat {
  /**
   * With `computer`, the name of a managed computer or "", the chat is all of its page. `tag` has the page's
   * word for who its visitor is; it is read at each connection, so that a page may renew it.
   */
  constructor({ host, base, desk, memory, computer, tag }) {
    Object.assign(this, { host, computer });
    this.whole = computer != null;
    this.memory = new Memory(memory);
    this.dialogue = new Dialogue();
    this.link = new Link({
      base,
      desk,
      memory: this.memory,
      hello: () => ({ conversation: this.dialogue.id, after: this.dialogue.seq, identity: tag.identity?.slice(0, 9_999) }),
      on: { frame: (frame) => this.took(frame), line: (up) => this.lineChanged(up), outbox: () => this.redraw() },
    });
    this.files = new Files(this.link);
  }

  async configure() {
    const answer = await fetch(this.link.address("config", this.whole ? "&channel=desktop" : ""));
    if (!answer.ok) throw answer;
    this.config = await answer.json();
    this.host.paint(this.config.colour);
    this.memory.set("colour", this.config.colour);
  }

  build() {
    const { name, logo } = this.config;
    this.subtitle = h("p");
    this.menu = h("div.menu", { hidden: true });
    this.more = button("icon", icon("menu"), () => this.showMenu(this.menu.hidden), "More");
    this.banner = h("p.banner", { role: "status" });
    this.maintenance = h("p.planned", { role: "status" });
    this.body = h("div.body");
    this.ending = new Ending(this);
    this.thread = new Thread(this);
    const close = !this.whole && button("icon", icon("close"), () => this.close(), "Close chat");
    const head = h("div.head", logo && h("img", { src: logo, alt: "" }), h("div", h("h2", name), this.subtitle), this.more, close);
    const dialog = { role: "dialog", "aria-modal": "true", "aria-label": name, hidden: true, onkeydown: (event) => this.pressed(event) };
    this.panel = h(`section.panel${this.whole ? ".whole" : ""}`, dialog, head, this.menu, this.banner, this.maintenance, this.body);
    this.host.shadowRoot.append(this.panel);
    document.addEventListener("visibilitychange", () => this.read());
    window.visualViewport?.addEventListener("resize", () => this.fit());
    setInterval(() => this.plan(), 20_000);
    this.link.connect();
  }

  get isOpen() {
    return !this.panel.hidden;
  }

  async open() {
    if (this.isOpen) return;
    const { activeElement } = document;
    this.returnTo = activeElement === document.body || activeElement === this.host ? this.host.launcher : activeElement;
    this.toggle(true);
    this.fit();
    this.draw();
    this.focus();
    this.read();
  }

  close() {
    if (this.whole) return;
    this.showMenu(false);
    this.toggle(false);
    this.returnTo.focus();
  }

  toggle(open) {
    this.panel.hidden = !open;
    this.host.toggleAttribute("open", open);
    this.host.launcher.setAttribute("aria-expanded", open);
  }

  focus() {
    if (this.survey) this.survey.focus();
    else if (this.dialogue.id) this.thread.field.focus();
    if (!this.panel.contains(this.host.shadowRoot.activeElement)) this.more.focus();
  }

  /** On a phone the window ends where the keyboard begins. */
  fit() {
    const { height, offsetTop } = window.visualViewport || {};
    if (!height) return;
    this.host.style.setProperty("--view", `${height}px`);
    this.host.style.setProperty("--view-top", `${offsetTop}px`);
  }

  pressed(event) {
    event.stopPropagation(); // the page's own shortcuts are not meant
    if (event.key === "Escape") {
      if (this.menu.hidden) return this.close();
      this.showMenu(false);
      this.more.focus();
    }
    if (event.key !== "Tab") return;
    const stops = [...this.panel.querySelectorAll("a, button, input, select, summary, textarea, [tabindex]")].filter((stop) => !stop.disabled && stop.offsetParent);
    const [last, first] = [stops.pop(), stops[0]];
    const active = this.host.shadowRoot.activeElement;
    if (active !== (event.shiftKey ? first : last)) return;
    event.preventDefault();
    (event.shiftKey ? last : first).focus();
  }

  took(frame) {
    const { dialogue } = this;
    if (frame.t === "ready" || frame.t === "news") this.news(frame);
    else if (frame.t === "place") dialogue.place = frame.place;
    else if (frame.t === "typing") this.typing(frame.on && frame.name);
    else if (frame.t === "error") this.refused(frame);
    else if (frame.t === "ack" && this.finding) this.found();
    this.redraw();
  }

  news(frame) {
    if (frame.known) this.introduce(frame);
    if (frame.another) {
      this.begin();
      this.thread.write("");
      return this.link.forget();
    }
    const { conversation } = frame;
    const moved = conversation && conversation !== this.dialogue.id;
    if (moved) this.begin(conversation);
    if (!conversation) return;
    const fresh = this.dialogue.take(frame);
    this.memory.set("active", this.dialogue.state.phase === "ended" ? null : 1);
    this.receipt();
    if (moved || !fresh.some(({ from }) => from === "agent")) return;
    this.typing("");
    this.chime();
  }

  /** Ask again when the page tells something else of its visitor; what was typed stays. */
  introduce({ known, who }) {
    if (!this.asked && JSON.stringify(who) !== JSON.stringify(this.who)) this.survey = null;
    Object.assign(this, { known, who });
  }

  /** A conversation is there: of before, or just begun, here or in another tab. */
  begin(id) {
    const { asked } = this;
    this.dialogue = new Dialogue(id);
    this.thread.clear();
    this.ending.clear();
    this.asked = this.survey = this.anew = this.finding = null;
    if (asked) {
      this.memory.set("survey", null);
      this.memory.set("line", id);
      this.say("");
    }
  }

  typing(name) {
    clearTimeout(this.typingEnds);
    this.dialogue.typist = name;
    if (name) this.typingEnds = setTimeout(() => this.took({ t: "typing" }), 8_000);
  }

  refused({ id, code, message, fields }) {
    const frame = this.link.outbox.find((other) => other.id === id);
    if (this.link.outdated) this.say("This page is out of date. Please reload it.");
    else if (!id && code === "too_many") this.say(message);
    if (!frame?.problem || frame.t === "message") return;
    this.link.drop(id);
    this.ending.asking = null;
    if (id !== this.asked) return this.say(message, 8_000);
    this.asked = null;
    this.survey?.refused(message, fields);
  }

  lineChanged(up) {
    clearTimeout(this.later);
    if (up) {
      if (this.lost) this.say("Back online.", 3_000);
      this.lost = false;
      return;
    }
    const lose = () => {
      this.lost = true;
      this.say("Connection lost. Reconnecting…", 0, this.byPhone());
    };
    this.later = setTimeout(lose, 400);
  }

  say(text, within, more = []) {
    clearTimeout(this.saying);
    this.banner.replaceChildren(text, ...more);
    if (within) this.saying = setTimeout(() => this.say(""), within);
  }

  /** Say so when a text is longer than the desk takes. */
  isTooLong(text, most) {
    const problem = tooLong(text, most);
    if (problem) this.say(problem, 8_000);
    return problem;
  }

  /** Send something that is about this conversation, whatever another tab shows meanwhile. */
  post(frame) {
    this.link.post({ ...frame, conversation: this.dialogue.id });
  }

  /** Ask the questions again, for another matter; the old conversation stays where it is. */
  async askAnew() {
    await this.configure().catch(() => {});
    this.showQuestions(true);
  }

  showQuestions(on) {
    this.anew = on;
    this.survey = null;
    this.draw();
    this.focus();
  }

  /** Ask for a ticket of before, or of another browser, instead of the questions. */
  find(on) {
    this.finding = on;
    this.showQuestions(this.anew);
  }

  finder() {
    const { config, link } = this;
    const send = (answers) => (this.asked = link.post({ t: answers.code ? "join" : "find", ...answers }));
    const back = button("quiet", "Back", () => this.find());
    return new Survey({ config: { ...config, ...config.finding }, known: {}, memory: new Map(), send, back });
  }

  /** Nobody is told whether there is such a ticket, before its code was entered. */
  found() {
    const { survey } = this;
    survey.busy();
    survey.rows[2].control.focus();
    if (!survey.answers.code) this.say("If this is the ticket's address, a code is on its way to it.");
  }

  receipt() {
    const { dialogue } = this;
    const seen = this.visible ? dialogue.seq : 0;
    if (dialogue.seq > dialogue.delivered || seen > dialogue.seen) {
      this.link.whisper({ t: "receipt", delivered: dialogue.seq, seen });
    }
    dialogue.delivered = dialogue.seq;
    dialogue.seen = Math.max(dialogue.seen, seen);
  }

  get visible() {
    return this.isOpen && !document.hidden && !this.survey;
  }

  read() {
    if (this.dialogue.id) this.receipt();
    this.redraw();
  }

  badge() {
    const { unread } = this.dialogue;
    const { badge, launcher } = this.host;
    badge.textContent = unread || "";
    launcher.title = unread ? `${unread} unread` : "";
    const title = document.title.replace(/^\(\d+\) /, "");
    const wanted = unread ? `(${unread}) ${title}` : title;
    if (document.title !== wanted) document.title = wanted;
  }

  chime() {
    if (!this.memory.get("sound") || this.visible) return;
    const audio = (this.audio ||= new AudioContext());
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    volume.gain.value = 0.05;
    tone.connect(volume).connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + 0.15);
  }

  redraw() {
    clearTimeout(this.drawing);
    this.drawing = setTimeout(() => this.draw());
  }

  draw() {
    this.badge();
    if (!this.isOpen) return;
    const { id, state } = this.dialogue;
    const asks = !id || this.anew;
    const { hours } = this.config;
    const stands = this.dialogue.answered && state.phase === "ticketed" ? "" : ` · ${PHASES[state.phase]}`;
    this.plan();
    this.subtitle.textContent = asks ? hours && `Open ${hours}` : state.ticket + stands;
    const shown = !this.known ? this.connecting() : asks ? this.questions().element : this.thread.element;
    const moved = shown !== this.body.firstChild;
    if (moved) this.body.replaceChildren(shown);
    if (this.known && !asks) this.thread.update();
    if (moved) this.focus(); // at once: a Tab pressed while nothing has the focus would leave the window
  }

  /** Say of maintenance what is said at this moment; moments are written so that texts sort by time. */
  plan() {
    const now = new Date().toJSON();
    const said = (this.config.maintenance || []).filter(({ from, until }) => from <= now && now < until);
    const words = said.map(({ text }) => text).join(" ");
    if (this.maintenance.textContent === words) return;
    this.maintenance.textContent = words;
    this.redraw(); // the messages may have less room
  }

  connecting() {
    return (this.room ||= h("div.room", h("p", "Connecting…"), h("p", this.byPhone())));
  }

  /** What helps whoever is stuck [R10]. */
  byPhone() {
    const { phone } = this.config;
    return phone ? [" You can also call ", call(phone), "."] : [];
  }

  questions() {
    if (this.survey) return this.survey;
    if (this.finding) return (this.survey = this.finder());
    const { known, memory, link, computer } = this;
    const config = { ...this.config, ...this.who };
    const back = [
      this.anew && button("quiet", `Back to ${this.dialogue.state.ticket}`, () => this.showQuestions(false)),
      !config.refusal && button("link", "I have a ticket already", () => this.find({})),
    ];
    const send = (answers) => (this.asked = link.post({ t: "start", answers, computer }));
    this.survey = new Survey({ config, known, memory, send, back, computer });
    // A survey on its way when the page was left goes on being sent.
    this.asked = link.outbox.find((frame) => frame.t === "start")?.id;
    if (this.asked) this.survey.busy(true);
    return this.survey;
  }

  showMenu(on) {
    this.menu.hidden = !on;
    this.more.setAttribute("aria-expanded", on);
    const sound = this.memory.get("sound");
    const items = {
      [sound ? "Sound off" : "Sound on"]: () => this.memory.set("sound", sound ? null : 1),
      ...(this.dialogue.id && !this.survey ? this.ending.menu() : {}),
    };
    const item = ([text, work]) =>
      button("item", text, () => {
        this.showMenu(false);
        work();
      });
    this.menu.replaceChildren(...Object.entries(items).map(item));
  }
}
