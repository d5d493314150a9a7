// Opening and closing groups, zoom and search.

function choose(k) { chosen = k; chosenGroup = null; boxes.forEach((b) => b.g.classList.toggle("chosen", b.kind === "e" && b.k === k)); inspect(); }
function goTo(k) {
  open(of[k]);
  choose(k);
  const box = boxes.find((b) => b.kind === "e" && b.k === k);
  if (box) { scrollTo(box.g); box.g.focus(); }
}
function up() {
  let from = view;
  if (groups[from].parent < 0) return;
  if (groups[groups[from].parent].repeat) from = groups[from].parent;
  open(groups[from].parent);
  const box = boxes.find((b) => b.kind === "g" && b.k === from);
  if (box) { scrollTo(box.g); box.g.focus(); }
}
function crumbs() {
  const nav = byId("crumbs");
  nav.replaceChildren();
  const chain = [];
  for (let g = view; g >= 0; g = groups[g].parent) if (!groups[g].repeat) chain.unshift(g);
  chain.forEach((g, i) => {
    if (i) nav.append(" › ");
    if (g === view) { nav.append(make("span", { "aria-current": "page" }, groups[g].title)); return; }
    const button = make("button", { type: "button" }, groups[g].title);
    button.addEventListener("click", () => { open(g); boxes[0].g.focus(); });
    nav.append(button);
  });
}
function scale() {
  const svg = byId("graph"), at = layoutOf(view);
  svg.setAttribute("width", (at.width + 8) * zoom);
  svg.setAttribute("height", (at.height + 8) * zoom);
}
// Text of 12 pixels stays above 11: what is larger than the window scrolls.
function fit() {
  const area = byId("scroll"), at = layoutOf(view);
  const [besides, above] = isNarrow() ? [10, 10] : [22, 54]; // the padding of #scroll
  const [x, y] = [(area.clientWidth - besides) / (at.width + 8), (area.clientHeight - above) / (at.height + 8)];
  zoom = isNarrow() ? Math.min(1.25, Math.max(0.92, x)) : Math.min(1.6, Math.max(0.92, Math.min(x, y)));
  scale();
}

const query = byId("query"), hits = byId("hits");
query.addEventListener("input", () => {
  const word = query.value.trim().toLowerCase();
  hits.replaceChildren();
  hits.hidden = !word;
  if (!word) return;
  const found = [];
  groups.forEach((g, i) => { if (i && g.title.toLowerCase().includes(word)) found.push([`${g.title} — group`, () => open(i)]); });
  events.forEach((e, k) => { if (nameOf(k).toLowerCase().includes(word) || (e.op || "").includes(word)) found.push([`${nameOf(k)}${e.op && e.op !== nameOf(k) ? ` (${e.op})` : ""} — ${path(of[k]) || "the whole graph"}`, () => goTo(k)]); });
  found.slice(0, 40).forEach(([text, act]) => {
    const button = make("button", { type: "button" }, text);
    button.addEventListener("click", () => { hits.hidden = true; query.value = ""; act(); });
    hits.append(make("li", {}, button));
  });
  if (!found.length) hits.append(make("li", { class: "faint" }, "no match"));
});
byId("search").addEventListener("submit", (e) => { e.preventDefault(); const first = hits.querySelector("button"); if (first) first.click(); });
