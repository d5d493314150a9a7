// Repeated blocks: which repetition is shown, and the strip of all of them.

const BARS = 200;
const repeatOf = (g) => (groups[g].parent >= 0 && groups[groups[g].parent].repeat ? groups[g].parent : null);

function strip() {
  const area = byId("strip"), mine = repeatOf(view);
  const shown = mine === null ? groups[view].groups.filter((g) => groups[g].repeat) : [mine];
  area.replaceChildren();
  if (mine !== null) area.append(selector(mine));
  for (const g of shown) for (const name of Object.keys(groups[g].strips)) area.append(...barsOf(g, name, mine === g));
  area.hidden = !area.children.length;
}

// Of how many repetitions the page shows which one.
function selector(g) {
  const all = groups[g].repeat.of, at = all.indexOf(view);
  const show = (n) => { open(all[Math.min(Math.max(n, 0), all.length - 1)], true); };
  const button = (text, label, n) => {
    const made = make("button", { type: "button", "aria-label": label }, text);
    made.disabled = n < 0 || n >= all.length;
    made.addEventListener("click", () => { show(n); const same = byId("strip").querySelector(`[aria-label="${label}"]`); (same.disabled ? byId("which") : same).focus(); });
    return made;
  };
  const range = make("input", { type: "range", id: "which", min: 0, max: all.length - 1, value: at, "aria-label": "which repetition is shown", "aria-valuetext": groups[view].title });
  range.addEventListener("input", () => { show(+range.value); byId("which").focus(); });
  range.addEventListener("keydown", (e) => { if (/^(Arrow|Page|Home|End)/.test(e.key)) e.stopPropagation(); });
  return make("div", { class: "selector" }, button("‹", "previous repetition", at - 1), range, button("›", "next repetition", at + 1),
    make("output", { for: "which" }, groups[view].title));
}

// A bar for each repetition, or for several if there are many: from their smallest to their largest.
function barsOf(g, name, marked) {
  const all = groups[g].repeat.of, norms = groups[g].strips[name], last = norms.length - 1;
  const said = (n) => (n === null ? "none" : number(n));
  const known = norms.filter((n) => n > 0).map(Math.log10);
  const top = Math.max(...known), bottom = Math.min(...known, top - 1);
  const high = (n) => (n > 0 ? 6 + (94 * (Math.log10(n) - bottom)) / (top - bottom) : 2);
  const ends = `‖∂L/∂${name}‖ after each of ${norms.length} steps, on a logarithmic scale: ${said(norms[0])} after the first, ${said(norms[last])} after the last`;
  const bars = make("div", { class: "bars", role: "img", "aria-label": ends });
  const count = Math.min(norms.length, BARS), at = all.indexOf(view);
  for (let i = 0; i < count; i++) {
    const from = Math.floor((i * norms.length) / count), to = Math.floor(((i + 1) * norms.length) / count);
    const own = norms.slice(from, to), numbers = own.filter((n) => n !== null);
    const most = numbers.length ? Math.max(...numbers) : null, least = numbers.length ? Math.min(...numbers) : null;
    const when = to - from > 1 ? `after steps ${from + 1} to ${to}: ‖∂L/∂${name}‖ = ${said(least)} … ${said(most)}` : `after step ${to}: ‖∂L/∂${name}‖ = ${said(most)}`;
    const bar = make("span", { title: when, class: marked && from <= at && at < to ? "shown" : "" });
    bar.style.height = `${high(most)}%`;
    if (least < most) bar.style.setProperty("--least", `${(100 * high(least)) / high(most)}%`);
    bar.addEventListener("click", () => open(all[from], true));
    bars.append(bar);
  }
  return [make("p", {}, ends), bars];
}
