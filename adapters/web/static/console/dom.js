// Elements are built here and nowhere else: text becomes text nodes, so nothing from outside is ever markup.

const SAFE_LINK = /\b(?:https?:\/\/|mailto:|tel:)[^\s<>"'`]+/gi;
const TRAILING = ".,;:!?)]}»”’";
const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  lock: "M7 11V8a5 5 0 0 1 10 0v3m-11 0h12v9H6z",
  clip: "M20 11l-8.5 8.5a5 5 0 0 1-7-7L13 4a3.4 3.4 0 0 1 5 5l-8.400 8.400a1.700 1.700 0 0 1-2.500-2.500L15 7",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm0 4v5l3.500 2",
  mail: "M3 6h18v12H3zm0 1 9 7 9-7",
  warn: "M12 4 2.500 20h19zM12 10v5m0 2.200v.3",
  chat: "M5 4h14a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-7l-5 4v-4H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2z",
  phone: "M6 3h3l2 5-2.500 1.500a11 11 0 0 0 6 6L16 13l5 2v3a3 3 0 0 1-3 3A15 15 0 0 1 3 6a3 3 0 0 1 3-3z",
  back: "M15 5l-7 7 7 7",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zm5 12 5 5",
  bell: "M6 17V11a6 6 0 0 1 12 0v6l1.500 2h-15zM10 21h4",
  pencil: "M4 20l1-5L16 4l4 4L9 19z",
  bin: "M5 7h14M9 7V4h6v3m-8 0 1 13h8l1-13",
  file: "M6 3h8l5 5v13H6zM14 3v5h5",
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  person: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4 21c0-4 3.500-6.500 8-6.500s8 2.500 8 6.500",
  canned: "M4 6h16M4 12h10M4 18h7m6-5-2 4h4l-2 4",
  send: "M4 12 20 4l-5 16-4-6z",
  filter: "M4 5h16l-6 8v6l-4-2v-4z",
  select: "M4 4h16v16H4zM8 12l3 3 5-6",
  info: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm0 8v5m0-8v.3",
};

/** Makes an element. Attributes: class, data (an object), on (listeners), anything else as it is; false leaves out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...flat(children));
  return element;
}

function flat(children) {
  return children.flat(3).filter((child) => child !== null && child !== undefined && child !== false);
}

export function replace(parent, ...children) {
  parent.replaceChildren(...flat(children));
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

export function button(label, listener, attributes = {}, ...inside) {
  return h("button", { type: "button", on: { click: listener }, ...attributes }, ...inside, label);
}

export function iconButton(name, label, listener, attributes = {}) {
  const given = { type: "button", class: "icon-button", "aria-label": label, title: label, ...attributes };
  return h("button", { ...given, on: { click: listener } }, icon(name));
}

/** Text in pieces, of which every second is marked. */
export function marked(pieces) {
  return pieces.map((piece, at) => (at % 2 ? h("mark", {}, piece) : piece));
}

/** Text with its links made clickable; only http, https, mailto and tel are links. */
export function linked(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(SAFE_LINK)) {
    const address = withoutTrailing(match[0]);
    if (!isSafeLink(address)) continue;
    parts.push(document.createTextNode(text.slice(end, match.index)));
    parts.push(h("a", { href: address, target: "_blank", rel: "noopener noreferrer nofollow" }, address));
    end = match.index + address.length;
  }
  parts.push(document.createTextNode(text.slice(end)));
  return parts;
}

/** An address without the marks that end the sentence around it, however many somebody typed. */
function withoutTrailing(address) {
  let end = address.length;
  while (end && TRAILING.includes(address[end - 1])) end -= 1;
  return address.slice(0, end);
}

function isSafeLink(address) {
  try {
    return ["http:", "https:", "mailto:", "tel:"].includes(new URL(address).protocol);
  } catch {
    return false;
  }
}

/** Text in which ticket numbers of this desk open the ticket. */
export function withTickets(text, prefix, open) {
  const parts = [];
  let end = 0;
  const numbers = new RegExp(`\\b${prefix.replace(/[^A-Za-z0-9]/g, "\\$&")}-\\d{1,15}\\b`, "g");
  for (const match of text.matchAll(numbers)) {
    parts.push(document.createTextNode(text.slice(end, match.index)), ticketLink(match[0], open));
    end = match.index + match[0].length;
  }
  parts.push(document.createTextNode(text.slice(end)));
  return parts;
}

export function ticketLink(number, open) {
  const listener = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(number);
  };
  return h("a", { href: `/console/tickets/${encodeURIComponent(number)}`, on: { click: listener } }, number);
}

/** Brings a parent's children to the items' order, keeping every element whose content has not changed. */
export function reconcile(parent, known, items) {
  const wanted = new Set(items.map((item) => item.key));
  for (const [key, entry] of known) {
    if (!wanted.has(key)) {
      entry.element.remove();
      known.delete(key);
    }
  }
  let place = parent.firstChild;
  for (const item of items) {
    let entry = known.get(item.key);
    if (!entry || entry.signature !== item.signature) {
      const element = item.build();
      if (entry) {
        if (entry.element === place) place = entry.element.nextSibling;
        entry.element.remove();
      }
      entry = { element, signature: item.signature };
      known.set(item.key, entry);
    }
    if (entry.element === place) place = place.nextSibling;
    else parent.insertBefore(entry.element, place);
  }
}

/** Beginning with the time: the desk finds ids again fastest when they are near one another. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Date.now().toString(36) + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
