// Elements without markup: text is only ever text, so nothing that was typed can become code.

/** Make an element: "tag.class", attributes (true sets, false leaves out, functions listen), children. */
export function h(what, ...children) {
  const [tag, ...classes] = what.split(".");
  const made = document.createElement(tag);
  if (classes[0]) made.className = classes.join(" ");
  if (children[0]?.constructor === Object) {
    for (const [name, value] of Object.entries(children.shift())) {
      if (typeof value === "function") made[name] = value;
      else if (value != null && value !== false) made.setAttribute(name, value === true ? "" : value);
    }
  }
  made.append(...children.flat().filter(Boolean));
  return made;
}

/** Make what an article's text is made of: a text, or a list that `h` takes. */
export function built(piece) {
  return piece.map ? h(...piece.map(built)) : piece;
}

export function button(what, text, onclick, label) {
  return h(`button.${what}`, { type: "button", onclick, "aria-label": label }, text);
}

const ICONS = {
  close: "M6 6l12 12M18 6L6 18",
  menu: "M5 12h.01M12 12h.01M19 12h.01",
  send: "M4 12l16-8-6 16-3-7z",
  attach: "M20 11l-8.5 8.5a5 5 0 0 1-7-7L13 4a3.5 3.5 0 0 1 5 5l-8.5 8.5a2 2 0 0 1-3-3L14 7",
};

/** Make one of the drawn signs, hidden from screen readers. */
export function icon(name) {
  const [svg, path] = ["svg", "path"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

const LINK = /((?:https?:\/\/|mailto:|tel:)[^\s<>\x22\x27]*[^\s<>\x22\x27.,;:!?)\]}])/i;

/** Return text as nodes, its http, https, mailto and tel addresses as links, and so the desk's number. */
export function linked(text, phone) {
  const link = (href) => h("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, href);
  // No part of a longer number: that is somebody else's.
  const number = phone ? RegExp(`(?<![\\d)][ .-]?|\\+)${phone.replace(/\W/g, "\\$&")}(?![ .-]?\\d)`) : /$^/;
  const called = (part) => part.split(number).flatMap((piece, at) => [at && call(phone), piece]);
  return text.split(LINK).flatMap((part, at) => (at % 2 ? link(part) : called(part)));
}

/** Return what is wrong with a text of more than `most` characters, in the desk's own words. */
export function tooLong(text, most) {
  const { length } = [...text];
  return length > most && `Please shorten this to ${most.toLocaleString("en")} characters; it has ${length.toLocaleString("en")}.`;
}

export function call(phone) {
  return h("a", { href: `tel:${phone.replace(/[x/].*|[^\d+]/g, "")}` }, phone);
}

/** The date, with its year where that is not this year. */
export function sayDay(at) {
  const day = new Date(at).toLocaleDateString("en", { dateStyle: "full" });
  return day.replace(`, ${new Date().getFullYear()}`, "");
}

export function sayTime(at, more) {
  return new Date(at).toLocaleTimeString("en", { hour: "numeric", minute: "2-digit", ...more });
}
