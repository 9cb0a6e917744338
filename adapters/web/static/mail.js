// Keeps the list of mails up to date; without it the list page reloads itself.
const EVERY = 3000;
const list = document.getElementById("list");
const news = document.getElementById("news");
let tag = null;

function newest() {
  return list.querySelector(".lines a")?.getAttribute("href") ?? null;
}

function show(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const before = newest();
  const focused = list.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  for (const link of page.querySelectorAll(".lines a")) {
    if (link.getAttribute("href") === location.pathname) link.setAttribute("aria-current", "true");
  }
  list.replaceChildren(...page.body.childNodes);
  for (const link of list.querySelectorAll("a")) {
    if (focused && link.getAttribute("href") === focused) link.focus({ preventScroll: true });
  }
  if (newest() !== before) news.textContent = "A new mail has come in.";
}

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch("/demo/mail/list", {
      headers: tag ? { "If-None-Match": tag } : {},
      cache: "no-store",
    });
    if (answer.status !== 200) return;
    tag = answer.headers.get("ETag");
    show(await answer.text());
  } catch {
    // The desk is restarting; the next round finds it again.
  }
}

// A page of older mails stays as it is.
if (!new URLSearchParams(location.search).has("before")) {
  setInterval(refresh, EVERY);
  document.addEventListener("visibilitychange", refresh);
}
