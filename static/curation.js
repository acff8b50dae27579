// Keys for people who look at many samples: a accept, x reject, j/k next and previous, s ticks, ? the list of keys.
"use strict";

const TYPING = "input:not([type=checkbox]), textarea, select, [contenteditable]";

// In a list, j and k walk over its cards; on a sample's page they follow the links to its neighbours.
function walk(step) {
  const cards = [...document.querySelectorAll("[data-card]")];
  const place = cards.indexOf(document.activeElement);
  const next = cards[place < 0 ? (step > 0 ? 0 : cards.length - 1) : place + step];
  if (!next) return;
  next.focus({ preventScroll: true });
  next.closest("article").scrollIntoView({ block: "center" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.closest(TYPING)) return;
  const named = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (event.key === "?") {
    const keys = document.getElementById("keys");
    keys.open = !keys.open;
  } else if (named) {
    named.click();
  } else if (event.key === "j" || event.key === "k") {
    walk(event.key === "j" ? 1 : -1);
  } else if (event.key === "s" && document.activeElement.matches("[data-card]")) {
    document.activeElement.closest("article").querySelector("[data-tick]")?.click();
  } else {
    return;
  }
  event.preventDefault();
});
