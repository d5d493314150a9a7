// Opening and closing groups, the strip over time, zoom and search.

function choose(k) { chosen = k; boxes.forEach((b) => b.g.classList.toggle("chosen", b.kind === "e" && b.k === k)); inspect(); }
function goTo(k) {
  open(of[k]);
  choose(k);
  const box = boxes.find((b) => b.kind === "e" && b.k === k);
  if (box) { scrollTo(box.g); box.g.focus(); }
}
function up() { if (groups[view].parent >= 0) { const from = view; open(groups[view].parent); const box = boxes.find((b) => b.kind === "g" && b.k === from); if (box) { scrollTo(box.g); box.g.focus(); } } }
function crumbs() {
  const nav = byId("crumbs");
  nav.replaceChildren();
  const chain = [];
  for (let g = view; g >= 0; g = groups[g].parent) chain.unshift(g);
  chain.forEach((g, i) => {
    if (i) nav.append(" › ");
    if (g === view) { nav.append(make("span", { "aria-current": "page" }, groups[g].title)); return; }
    const button = make("button", { type: "button" }, groups[g].title);
    button.addEventListener("click", () => { open(g); boxes[0].g.focus(); });
    nav.append(button);
  });
}
function strip() {
  const area = byId("strip"), strips = Object.entries(groups[view].strips);
  area.hidden = !strips.length;
  area.replaceChildren();
  const known = strips.flatMap(([, norms]) => norms).filter((n) => n > 0).map(Math.log10);
  const top = Math.max(...known), bottom = Math.min(...known, top - 1);
  strips.forEach(([name, norms]) => {
    const said = (n) => (n === null ? "none" : number(n)), last = norms.length - 1;
    const ends = `‖∂L/∂${name}‖ after each of ${norms.length} steps, on a logarithmic scale: ${said(norms[0])} after the first, ${said(norms[last])} after the last`;
    const bars = make("div", { role: "img", "aria-label": ends });
    norms.forEach((n, i) => {
      const bar = make("span", { title: `after step ${i + 1}: ‖∂L/∂${name}‖ = ${said(n)}` });
      bar.style.height = n > 0 ? `${6 + (94 * (Math.log10(n) - bottom)) / (top - bottom)}%` : "1px";
      bars.append(bar);
    });
    area.append(make("p", {}, ends), bars);
  });
}
function scale() {
  const svg = byId("graph"), at = groups[view];
  svg.setAttribute("width", (at.width + 8) * zoom);
  svg.setAttribute("height", (at.height + 8) * zoom);
}
function fit() {
  const area = byId("scroll"), at = groups[view];
  zoom = Math.min(1.6, Math.max(0.62, Math.min((area.clientWidth - 22) / (at.width + 8), (area.clientHeight - 22) / (at.height + 8))));
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
