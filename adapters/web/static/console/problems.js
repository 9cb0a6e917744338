// What needs a person: deliveries that failed or are in doubt, and events that could not be worked on.

import { change, read } from "./api.js";
import { button, h, icon, ticketLink } from "./dom.js";
import { deliveryWords } from "./timeline.js";
import { short, whole } from "./time.js";

export async function problemsPage(open, toast, again) {
  const found = await read("/problems");
  const nothing = !found.deliveries.length && !found.set_aside.length;
  return h("div", { class: "problems" },
    h("h1", {}, "Problems"),
    nothing && h("p", { class: "empty" }, "There are none."),
    found.deliveries.length > 0 && h("section", {}, h("h2", {}, "Not delivered"),
      h("p", { class: "intro" }, "Reach these people another way, or check whether it arrived."),
      h("ul", { class: "problem-list" }, found.deliveries.map((each) => deliveryRow(each, open, () => sendAgain(each, toast, again))))),
    found.set_aside.length > 0 && h("section", {}, h("h2", {}, "Set aside"),
      h("p", { class: "intro" }, "These could not be worked on. Nothing was lost: what was sent is kept here."),
      h("ul", { class: "problem-list" }, found.set_aside.map(setAsideRow))));
}

async function sendAgain(delivery, toast, again) {
  try {
    await change(`/deliveries/${encodeURIComponent(delivery.id)}/retry`);
    toast("It is sent again.");
  } catch (error) {
    toast(error.message, true);
  }
  again();
}

function deliveryRow(delivery, open, retry) {
  return h("li", {}, icon("warn"),
    h("div", {}, h("p", {}, delivery.ticket && [ticketLink(delivery.ticket, open), " · "], deliveryWords(delivery)),
      delivery.error && h("p", { class: "why" }, delivery.error),
      button(delivery.status === "unknown" ? "Send again; it may arrive twice" : "Send again", retry, { class: "small again" })),
    h("time", { datetime: delivery.at, title: whole(delivery.at) }, short(delivery.at)));
}

function setAsideRow(item) {
  return h("li", {}, icon("warn"),
    h("div", {}, h("p", {}, item.kind), h("p", { class: "why" }, item.reason),
      h("details", {}, h("summary", {}, "What was sent"), h("pre", {}, item.event))),
    h("time", { datetime: item.at, title: whole(item.at) }, short(item.at)));
}
