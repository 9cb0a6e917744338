// Telephone numbers in what people wrote: each becomes a link that dials this number and no other.

import { h } from "./dom.js";

// An extension is for people to read: dialled with the number it would reach somebody else.
const EXTENSION = String.raw`(?<![a-z])(?:x|ext(?:ension|\.)?|#)\s*\d+`;
const DIGITS = String.raw`(?:\(\d+\)|\d)`;
const NUMBERS = new RegExp(`${EXTENSION}|\\+?${DIGITS}(?:[ .\\u00a0\\u2011\\u2013-]*${DIGITS})*`, "gi");
const FEWEST_DIGITS = 5;

/** Text in which every telephone number is a link. */
export function withPhones(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(NUMBERS)) {
    const dialled = dial(match[0]);
    if (!dialled) continue;
    parts.push(document.createTextNode(text.slice(end, match.index)), h("a", { href: `tel:${dialled}` }, match[0]));
    end = match.index + match[0].length;
  }
  parts.push(document.createTextNode(text.slice(end)));
  return parts;
}

/** "+44 (0)20 7946 0018" is dialled without the zero in brackets. */
function dial(found) {
  if (!/^[+(\d]/.test(found)) return "";
  const digits = (found.startsWith("+") ? found.replace("(0)", "") : found).replace(/[^\d+]/g, "");
  return digits.replace("+", "").length < FEWEST_DIGITS ? "" : digits;
}
