// What needs a person: deliveries that failed or are in doubt, and events that could not be worked on.

import { read } from "./api.js";
import { h, icon, ticketLink } from "./dom.js";
import { deliveryWords } from "./timeline.js";
import { short, whole } from "./time.js";

export async function problemsPage(open) {
  const found = await read("/problems");
  const nothing = !found.deliveries.length && !found.set_aside.length;
  return h("div", { class: "problems" },
    h("h1", {}, "Problems"),
    nothing && h("p", { class: "empty" }, "There are none."),
    found.deliveries.length > 0 && h("section", {}, h("h2", {}, "Not delivered"),
      h("p", { class: "intro" }, "Reach these people another way, or check whether it arrived."),
      h("ul", { class: "problem-list" }, found.deliveries.map((each) => deliveryRow(each, open)))),
    found.set_aside.length > 0 && h("section", {}, h("h2", {}, "Set aside"),
      h("p", { class: "intro" }, "These could not be worked on. Nothing was lost: what was sent is kept here."),
      h("ul", { class: "problem-list" }, found.set_aside.map(setAsideRow))));
}

function deliveryRow(delivery, open) {
  return h("li", {}, icon("warn"),
    h("div", {}, h("p", {}, delivery.ticket && [ticketLink(delivery.ticket, open), " · "], deliveryWords(delivery)),
      delivery.error && h("p", { class: "why" }, delivery.error)),
    h("time", { datetime: delivery.at, title: whole(delivery.at) }, short(delivery.at)));
}

function setAsideRow(item) {
  return h("li", {}, icon("warn"),
    h("div", {}, h("p", {}, item.kind), h("p", { class: "why" }, item.reason),
      h("details", {}, h("summary", {}, "What was sent"), h("pre", {}, item.event))),
    h("time", { datetime: item.at, title: whole(item.at) }, short(item.at)));
}
