// Sliders of a mixture: one moves, the others give way in proportion, the sum stays; the server computes what is signed.
"use strict";

(() => {
  const form = document.getElementById("mixture-form");
  if (!form) return;
  const total = Number(form.dataset.total);
  const replay = {share: document.getElementById("replay"), slider: document.getElementById("replay-slider")};
  const rows = [...form.querySelectorAll("[data-row]")].map((row) => ({
    was: row.querySelector("[type=hidden]"),
    share: row.querySelector("[data-share]"),
    slider: row.querySelector("[data-slider]"),
    lock: row.querySelector("[type=checkbox]"),
    purpose: row.querySelector("select"),
  }));
  const sum = (values) => values.reduce((all, value) => all + value, 0);
  const isReplay = (row) => row.purpose.value === "replay";
  let shares = rows.map((row) => Number(row.share.value));
  let base = shares;

  function scaled(values, whole) {
    const before = sum(values);
    return values.map((value) => (before ? (value / before) * whole : whole / values.length));
  }

  // The same rule as datagen/domain/edits.py: `wanted` maps a row's place to its share, locked rows stay.
  function reweigh(values, wanted) {
    const places = values.map((_, place) => place);
    const moved = places.filter((place) => wanted.has(place) && !rows[place].lock.checked);
    const others = places.filter((place) => !wanted.has(place) && !rows[place].lock.checked);
    const room = sum([...moved, ...others].map((place) => values[place]));
    const asked = moved.map((place) => wanted.get(place));
    const taken = others.length ? Math.min(room, sum(asked)) : room;
    const found = [...values];
    scaled(asked, taken).forEach((value, i) => { found[moved[i]] = value; });
    scaled(others.map((place) => values[place]), room - taken).forEach((value, i) => { found[others[i]] = value; });
    return found;
  }

  function show(source) {
    const put = (input, value) => { if (input !== source) input.value = Math.round(value * 10) / 10; };
    rows.forEach((row, place) => {
      row.was.value = shares[place];
      put(row.share, shares[place]);
      put(row.slider, shares[place]);
    });
    const whole = sum(shares.filter((_, place) => isReplay(rows[place])));
    put(replay.share, whole);
    put(replay.slider, whole);
    form.classList.add("is-stale");
    form.dispatchEvent(new Event("shares-moved"));
  }

  function move(place, value, source) {
    shares = reweigh(base, new Map([[place, Math.max(0, Math.min(total, value))]]));
    show(source);
  }

  function moveReplay(value, source) {
    const places = rows.map((_, place) => place).filter((place) => isReplay(rows[place]));
    const held = sum(places.filter((place) => rows[place].lock.checked).map((place) => base[place]));
    const free = places.filter((place) => !rows[place].lock.checked);
    const wanted = scaled(free.map((place) => base[place]), Math.max(0, value - held));
    shares = reweigh(base, new Map(free.map((place, i) => [place, wanted[i]])));
    show(source);
  }

  // One drag or one typed number starts from the shares before it, so that going back undoes it.
  function listen(input, change) {
    for (const start of ["focus", "pointerdown"]) input.addEventListener(start, () => { base = shares; });
    input.addEventListener("input", () => { if (input.value !== "") change(Number(input.value), input); });
    input.addEventListener("change", () => { base = shares; show(null); });
  }

  // From here on the exact shares travel in the hidden fields; the numbers beside the sliders are rounded to be read.
  rows.forEach((row, place) => {
    row.share.removeAttribute("name");
    row.slider.hidden = false;
    for (const input of [row.slider, row.share]) listen(input, (value, source) => move(place, value, source));
    row.purpose.addEventListener("change", () => show(null));
  });
  replay.share.removeAttribute("name");
  replay.slider.hidden = false;
  for (const input of [replay.slider, replay.share]) listen(input, moveReplay);
  document.getElementById("mixture-try").hidden = true;
  form.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) form.classList.remove("is-stale"); });
})();
