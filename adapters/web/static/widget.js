// The chat's launcher: one tag on any page,
//   <script src="https://desk.example.com/widget.js" data-desk="KEY" async></script>
// It draws a button in a shadow root and loads the chat itself when somebody wants it.
(() => {
  const script = document.currentScript;
  if (!script || customElements.get("chat-desk")) return;

  // The server fills these in: the version of the chat, and its hash.
  const DIGEST = "@digest@";
  const INTEGRITY = "@integrity@";

  const { desk = "desk", label = "Chat with us", colour, side } = script.dataset;
  const base = new URL(".", script.src).href;
  const memory = `chatdesk.${desk}.`;

  const remembered = (name) => {
    try {
      return localStorage.getItem(memory + name);
    } catch {
      return null; // storage is blocked: the chat works, it only forgets
    }
  };

  const STYLE = `
    :host { all: initial; position: fixed; z-index: 2147483000; right: 20px; bottom: 20px;
      bottom: max(20px, env(safe-area-inset-bottom)); color-scheme: light dark;
      --accent: #1f5fbf; --on-accent: #fff; }
    :host([side=left]) { right: auto; left: 20px; }
    .launcher { all: unset; box-sizing: border-box; display: grid; place-items: center; width: 56px;
      height: 56px; border-radius: 50%; cursor: pointer; color: var(--on-accent); background: var(--accent);
      box-shadow: 0 2px 6px rgb(0 0 0 / .2), 0 8px 24px rgb(0 0 0 / .18); transition: transform .15s; }
    .launcher:hover { transform: translateY(-2px); }
    .launcher:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px;
      box-shadow: 0 0 0 3px Canvas; }
    .launcher[aria-busy=true] { opacity: .7; }
    svg { width: 26px; height: 26px; fill: none; stroke: currentColor; stroke-width: 2;
      stroke-linecap: round; stroke-linejoin: round; }
    .badge { position: absolute; top: -4px; right: -4px; min-width: 20px; padding: 0 5px; height: 20px;
      box-sizing: border-box; border-radius: 10px; background: #b3261e; color: #fff;
      font: 600 12px/20px system-ui, sans-serif; text-align: center; }
    .badge:empty, .problem:empty { display: none; }
    .problem { position: absolute; right: 0; bottom: 68px; width: 230px; padding: 12px 14px; margin: 0;
      border-radius: 12px; background: Canvas; color: CanvasText; border: 1px solid GrayText;
      font: 14px/1.45 system-ui, sans-serif; }
    :host([side=left]) .problem { right: auto; left: 0; }
    @media (prefers-reduced-motion: reduce) { .launcher { transition: none; } }
    @media print { :host { display: none; } }`;

  const element = (parent, tag, attributes, space) => {
    const made = space ? document.createElementNS(space, tag) : document.createElement(tag);
    for (const name in attributes) made.setAttribute(name, attributes[name]);
    return parent.appendChild(made);
  };

  class ChatDesk extends HTMLElement {
    constructor() {
      super();
      const root = this.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
      this.launcher = element(root, "button", {
        class: "launcher", type: "button", part: "launcher",
        "aria-label": label, "aria-haspopup": "dialog", "aria-expanded": "false",
      });
      const space = "http://www.w3.org/2000/svg";
      const icon = element(this.launcher, "svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, space);
      element(icon, "path", { d: "M21 12a8 8 0 0 1-8 8H3l2.4-3.6A8 8 0 1 1 21 12ZM9 12h.01M13 12h.01M17 12h.01" }, space);
      this.badge = element(this.launcher, "span", { class: "badge" });
      this.problem = element(root, "p", { class: "problem", role: "alert" });
      this.launcher.addEventListener("click", () => this.toggle());
    }

    connectedCallback() {
      if (side) this.setAttribute("side", side);
      this.paint(remembered("colour") || colour);
    }

    /** Use #rrggbb as the accent, with black or white on it, whichever reads better. */
    paint(accent) {
      if (!/^#[0-9a-f]{6}$/i.test(accent || "")) return;
      const [r, g, b] = [1, 3, 5].map((at) => {
        const part = parseInt(accent.slice(at, at + 2), 16) / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      const light = 0.2126 * r + 0.7152 * g + 0.0722 * b;
      this.style.setProperty("--accent", accent);
      this.style.setProperty("--on-accent", light > 0.179 ? "#000" : "#fff");
    }

    load() {
      this.loading ||= this.fetchChat().catch((error) => {
        this.loading = null;
        throw error;
      });
      return this.loading;
    }

    async fetchChat() {
      const href = `${base}widget/chat/${DIGEST}.js`;
      element(document.head, "link", { rel: "modulepreload", href, integrity: INTEGRITY, crossorigin: "" });
      const { start } = await import(href);
      return start({ host: this, base, desk, memory });
    }

    async toggle() {
      const chat = this.chat;
      return chat && chat.isOpen ? chat.close() : this.open();
    }

    async open() {
      this.problem.textContent = "";
      this.launcher.setAttribute("aria-busy", "true");
      try {
        this.chat = await this.load();
        await this.chat.open();
      } catch {
        this.problem.textContent = "The chat could not be loaded. Please check your connection and try again.";
      } finally {
        this.launcher.removeAttribute("aria-busy");
      }
    }
  }

  customElements.define("chat-desk", ChatDesk);
  const chatDesk = document.createElement("chat-desk");

  const openByHash = () => location.hash === "#chatdesk" && chatDesk.open();
  const begin = () => {
    document.body.append(chatDesk);
    openByHash();
    // An open chat goes on while the window is closed: its answers show on the launcher.
    const idle = window.requestIdleCallback || ((work) => setTimeout(work, 500));
    if (remembered("active")) idle(() => chatDesk.load().then((chat) => (chatDesk.chat = chat), () => {}));
  };
  if (document.body) begin();
  else addEventListener("DOMContentLoaded", begin);
  addEventListener("hashchange", openByHash);
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-chatdesk-open]")) return;
    event.preventDefault();
    chatDesk.open();
  });
})();
