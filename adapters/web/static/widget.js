// The chat's launcher: one tag on any page,
//   <script src="https://desk.example.com/widget.js" data-desk="KEY" async></script>
// It draws a button in a shadow root and loads the chat itself when somebody wants it.
(() => {
  const script = document.currentScript;
  if (!script || customElements.get("chat-desk")) return;

  // The server fills these in: the version of the chat, and its hash.
  const DIGEST = "@digest@";
  const INTEGRITY = "@integrity@";

  const { desk = "desk", label = "Chat with us", colour, computer } = script.dataset;
  const base = new URL(".", script.src).href;
  const memory = `chatdesk.${desk}.`;

  const remembered = (name) => {
    try {
      return JSON.parse(localStorage.getItem(memory + name));
    } catch {
      return null; // storage is blocked: the chat works, it only forgets
    }
  };

  const STYLE = `
    :host { all: initial; position: fixed; z-index: 2147483000; right: 20px;
      bottom: max(20px, env(safe-area-inset-bottom)); color-scheme: light dark;
      font: 15px/1.5 system-ui, sans-serif; --accent: #1f5fbf; --on-accent: #fff; }
    .launcher { all: unset; display: grid; place-items: center; width: 56px; height: 56px;
      border-radius: 50%; cursor: pointer; color: var(--on-accent); background: var(--accent);
      box-shadow: 0 4px 20px rgb(0 0 0 / .3); }
    .launcher:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
    [aria-busy] { opacity: .7; }
    svg { width: 26px; height: 26px; fill: none; stroke: currentColor; stroke-width: 2;
      stroke-linecap: round; stroke-linejoin: round; }
    .badge { position: absolute; top: -4px; right: -4px; padding: 0 7px; border-radius: 10px;
      background: #b3261e; color: #fff; font: 600 12px/20px system-ui; }
    .problem { position: absolute; right: 0; bottom: 68px; width: 230px; padding: 12px 14px; margin: 0;
      border-radius: 12px; background: Canvas; color: CanvasText; border: 1px solid; }
    :empty:is(.badge, .problem) { display: none; }
    @media print { :host { display: none; } }`;

  const element = (parent, tag, attributes, space = "http://www.w3.org/1999/xhtml") => {
    const made = document.createElementNS(space, tag);
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
        class: "launcher", "aria-label": label, "aria-haspopup": "dialog", "aria-expanded": "false",
      });
      const space = "http://www.w3.org/2000/svg";
      const icon = element(this.launcher, "svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, space);
      element(icon, "path", { d: "M21 12a8 8 0 0 1-8 8H3l2.4-3.6A8 8 0 1 1 21 12ZM9 12h.01M13 12h.01M17 12h.01" }, space);
      this.badge = element(this.launcher, "span", { class: "badge" });
      this.problem = element(root, "p", { class: "problem", role: "alert" });
      this.launcher.onclick = () => (this.chat?.isOpen ? this.chat.close() : this.open());
    }

    connectedCallback() {
      this.paint(remembered("colour") || colour);
    }

    /** Use #rrggbb as the accent, with black or white on it, whichever reads better. */
    paint(accent) {
      if (!/^#[0-9a-f]{6}$/i.test(accent)) return;
      const [r, g, b] = [1, 3, 5].map((at) => (parseInt(accent.slice(at, at + 2), 16) / 255) ** 2.2);
      this.style.setProperty("--accent", accent);
      this.style.setProperty("--on-accent", 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#000" : "#fff");
    }

    /** Load the chat, once; the hash makes sure that it is the one this launcher belongs to. */
    async load() {
      const href = `${base}widget/chat/${DIGEST}.js`;
      if (!this.link) {
        this.link = element(document.head, "link", { rel: "modulepreload", integrity: INTEGRITY, crossorigin: "", href });
      }
      const { start } = await import(href);
      return (this.starting ||= start({ host: this, base, desk, memory, computer, tag: script.dataset }).then(
        (chat) => (this.chat = chat),
        (error) => {
          this.starting = null;
          throw error;
        },
      ));
    }

    async open() {
      this.problem.textContent = "";
      this.launcher.setAttribute("aria-busy", "true");
      try {
        await (await this.load()).open();
      } catch {
        this.problem.textContent = "The chat could not be loaded. Please try again.";
      }
      this.launcher.removeAttribute("aria-busy");
    }
  }

  customElements.define("chat-desk", ChatDesk);
  const chatDesk = document.createElement("chat-desk");

  // A managed computer's icon, which names the computer or "", has opened a page for the chat alone.
  const openByAddress = () => (computer != null || location.hash === "#chatdesk") && chatDesk.open();
  const begin = () => {
    document.body.append(chatDesk);
    openByAddress();
    // An open chat goes on while the window is closed: its answers show on the launcher.
    if (remembered("active")) (window.requestIdleCallback || setTimeout)(() => chatDesk.load().catch(() => {}));
  };
  if (document.body) begin();
  else addEventListener("DOMContentLoaded", begin);
  addEventListener("hashchange", openByAddress);
  addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-chatdesk-open]")) return;
    event.preventDefault();
    chatDesk.open();
  });
})();
