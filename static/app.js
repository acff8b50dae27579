// Says when the server is silent, tells screen readers what changed, closes menus.
"use strict";

function connection(isLost) {
  const note = document.getElementById("connection");
  if (note) note.hidden = !isLost;
}

document.addEventListener("htmx:sendError", () => connection(true));
document.addEventListener("htmx:timeout", () => connection(true));
document.addEventListener("htmx:responseError", (event) => connection(event.detail.xhr.status >= 500));
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) connection(false);
});

// What changed is said once: the text of [data-announce] goes to a status line that is never swapped.
document.addEventListener("htmx:afterSwap", () => {
  const source = document.querySelector("[data-announce]");
  const line = document.getElementById("announcer");
  if (source && line && line.textContent !== source.dataset.announce) line.textContent = source.dataset.announce;
});

// A menu closes by Escape and by a click elsewhere.
document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (open) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
