"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const SHADES = 17, CELL = 9, NAMES = ["a", "b", "b − a"];
const list = document.getElementById("places"), panel = document.getElementById("place");
const boxes = Object.entries(data.boxes).map(([id, places]) => ({ element: document.getElementById(id), places }));

function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "rect"].includes(tag);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function heat(rows, at, name) {
  const width = rows[0].length, high = rows.length, cell = Math.max(CELL, Math.min(26, 120 / Math.max(width, high)));
  const svg = make("svg", {
    width: width * cell, height: high * cell, viewBox: `0 0 ${width * cell} ${high * cell}`,
    role: "img", "aria-label": `map of ${name}`,
  });
  rows.forEach((row, i) => [...row].forEach((digit, j) => {
    const level = digit === "-" ? null : parseInt(digit, 36) - SHADES;
    const box = { x: j * cell, y: i * cell, width: cell, height: cell };
    svg.append(make("rect", { ...box, class: level === null ? "map-odd" : "map-zero" }));
    if (level) svg.append(make("rect", {
      ...box, class: level > 0 ? "map-plus" : "map-minus", "fill-opacity": 0.12 + 0.88 * Math.abs(level) / SHADES,
    }));
  }));
  svg.append(make("rect", { x: at[1] * cell, y: at[0] * cell, width: cell, height: cell, class: "map-mark" }));
  return make("figure", {}, make("figcaption", {}, name), svg);
}

function table(cells, near, name) {
  const head = make("tr", {}, near.vector ? make("th", { scope: "row" }, "index") : make("td"));
  near.columns.forEach((j) => head.append(make("th", { scope: "col" }, String(j))));
  const body = cells.map((row, i) => {
    const line = make("tr", {}, near.vector ? make("td") : make("th", { scope: "row" }, String(near.rows[i])));
    row.forEach((text, j) => {
      const mark = near.rows[i] === near.row && near.columns[j] === near.column;
      line.append(make("td", mark ? { class: "mark" } : {}, text));
    });
    return line;
  });
  const scroll = make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `numbers of ${name}` }, make("table", {}, head, ...body));
  return make("figure", {}, make("figcaption", {}, name), scroll);
}

function choose(k, move) {
  const place = data.places[k];
  [...list.querySelectorAll("button")].forEach((button, j) => {
    if (j === k) button.setAttribute("aria-current", "true"); else button.removeAttribute("aria-current");
    if (j === k && move) button.scrollIntoView({ block: "nearest" });
  });
  for (const box of boxes) box.element.classList.toggle("chosen", box.places.includes(k));
  panel.replaceChildren(
    make("h2", {}, place.label),
    make("p", {}, place.about + "."),
    make("p", { class: "faint" }, `${place.kinds}; relative difference ${place.difference}, allowed ${place.allowed}`),
  );
  if (!place.maps) return;
  if (place.slice) panel.append(make("p", { class: "faint" }, `The slice ${place.slice} of the array, which has the largest difference:`));
  panel.append(make("div", { class: "maps" }, ...place.maps.map((rows, i) => heat(rows, place.at, NAMES[i]))));
  panel.append(make("p", { class: "faint" }, "Orange is positive, blue negative, the frame is the largest difference. Maps of a and b have one scale; a block of a large array shows its number farthest from 0. Around it:"));
  panel.append(make("div", { class: "tables" }, ...["a", "b", "away"].map((part, i) => table(place.near[part], place.near, NAMES[i]))));
}

data.places.forEach((place, k) => {
  const bar = make("span", { class: "bar", "aria-hidden": "true" }, make("i", { style: `width:${100 * place.level}%` }));
  const button = make("button", { type: "button" }, make("span", {}, place.label), bar, make("span", { class: "number" }, place.difference));
  button.className = place.apart ? (k === data.first ? "apart first" : "apart") : "";
  button.addEventListener("click", () => choose(k, false));
  list.append(make("li", {}, button));
});
for (const { element, places } of boxes) {
  const best = places.find((k) => k === data.first) ?? places.find((k) => data.places[k].apart) ?? places[0];
  element.setAttribute("tabindex", "0");
  element.setAttribute("role", "button");
  element.querySelectorAll("title").forEach((title) => title.remove());
  element.addEventListener("click", () => choose(best, true));
  element.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(best, true); }
  });
}
choose(data.first ?? 0, true);
const start = boxes.find((box) => box.places.includes(data.first));
if (start) {
  const stage = document.getElementById("graph"), frame = stage.getBoundingClientRect(), box = start.element.getBoundingClientRect();
  stage.scrollTo(box.left - frame.left - frame.width / 3, box.top - frame.top - frame.height / 3);
}
window.scrollTo(0, 0);
