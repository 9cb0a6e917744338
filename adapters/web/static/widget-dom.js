// Elements without markup: text is only ever text, so nothing that was typed can become code.

const SVG = "http://www.w3.org/2000/svg";

/** Make an element. `on` holds listeners; true and false set and leave out an attribute. */
export function h(tag, { on = {}, ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  for (const [name, listener] of Object.entries(on)) made.addEventListener(name, listener);
  made.append(...children.flat().filter((child) => child != null && child !== false));
  return made;
}

const ICONS = {
  close: "M6 6l12 12M18 6L6 18",
  menu: "M5 12h.01M12 12h.01M19 12h.01",
  send: "M4 12l16-8-6 16-3-7z",
  attach: "M20 11l-8.5 8.5a5 5 0 0 1-7-7L13 4a3.5 3.5 0 0 1 5 5l-8.5 8.5a2 2 0 0 1-3-3L14 7",
  file: "M14 3H6v18h12V7zM14 3v4h4",
};

/** Make one of the drawn signs, hidden from screen readers. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

export function button(text, click, attributes = {}) {
  return h("button", { type: "button", on: { click }, ...attributes }, text);
}

const LINK = /(?:https?:\/\/|mailto:|tel:)[^\s<>"'\u0000-\u0020\u007f-\u00a0]+/gi;

/** Return text as nodes, its http, https, mailto and tel addresses as links. */
export function linked(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const address = match[0].replace(/[.,;:!?)\]}]+$/, "");
    nodes.push(text.slice(end, match.index));
    nodes.push(h("a", { href: address, target: "_blank", rel: "noopener noreferrer nofollow" }, address));
    end = match.index + address.length;
  }
  nodes.push(text.slice(end));
  return nodes;
}

export function size(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Return `work` that runs once, soon, however often it is asked for. */
export function soon(work) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    queueMicrotask(() => {
      asked = false;
      work();
    });
  };
}
