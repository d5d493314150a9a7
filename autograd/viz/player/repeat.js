// Repeated blocks: which repetition is shown, and strips of all of them.

const BARS = 200;
const repeatOf = (g) => (groups[g].parent >= 0 && groups[groups[g].parent].repeat ? groups[g].parent : null);

function strip() {
  const area = byId("strip"), mine = repeatOf(view);
  const shown = mine === null ? groups[view].groups.filter((g) => groups[g].repeat) : [mine];
  area.replaceChildren();
  if (mine !== null) area.append(selector(mine));
  for (const g of shown)
    for (const name of Object.keys(groups[g].strips))
      area.append(make("div", { class: "strips" }, slopes(g, name), magnitudes(g, name)));
  area.hidden = !area.children.length;
}

// Of how many repetitions the page shows which one.
function selector(g) {
  const all = groups[g].repeat.of, at = all.indexOf(view);
  const show = (n) => open(all[Math.min(Math.max(n, 0), all.length - 1)], true);
  const button = (text, label, n) => {
    const made = make("button", { type: "button", "aria-label": label }, text);
    made.disabled = n < 0 || n >= all.length;
    made.addEventListener("click", () => {
      show(n);
      const same = byId("strip").querySelector(`[aria-label="${label}"]`);
      (same.disabled ? byId("which") : same).focus();
    });
    return made;
  };
  const range = make("input", { type: "range", id: "which", min: 0, max: all.length - 1, value: at, "aria-label": "which repetition is shown", "aria-valuetext": groups[view].title });
  range.addEventListener("input", () => { show(+range.value); byId("which").focus(); });
  range.addEventListener("keydown", (e) => { if (/^(Arrow|Page|Home|End)/.test(e.key)) e.stopPropagation(); });
  return make("div", { class: "selector" }, button("‹", "previous repetition", at - 1), range, button("›", "next repetition", at + 1),
    make("output", { for: "which" }, `${at + 1} of ${all.length}`));
}

const nounOf = (g) => { const name = groups[g].title.split(" × ")[0]; return ["step", "layer"].includes(name) ? name : "block"; };

// The norm of the gradient with respect to a state, on a logarithmic scale.
function slopes(g, name) {
  const norms = groups[g].strips[name], known = norms.filter((n) => n > 0).map(Math.log10);
  const top = most(known), bottom = Math.min(least(known), top - 1);
  const high = (n) => (n > 0 ? 6 + (94 * (Math.log10(n) - bottom)) / (top - bottom) : 2);
  return bars(g, norms, `‖∂L/∂${name}‖`, "gradient", "log scale", high);
}
// The root mean square of a state, from zero.
function magnitudes(g, name) {
  const sizes = groups[g].states[name].map((k) => (events[k].value ? absolute(sizeOf(events[k].value)) : null));
  const top = most(sizes.filter((n) => typeof n === "number")) || 1;
  return bars(g, sizes, `rms of ${name}`, "magnitude", "from zero", (n) => (typeof n === "number" ? Math.max((100 * n) / top, 2) : 2));
}
const absolute = (n) => (typeof n === "number" ? Math.abs(n) : n);
const most = (numbers) => numbers.reduce((a, b) => Math.max(a, b), -Infinity);
const least = (numbers) => numbers.reduce((a, b) => Math.min(a, b), Infinity);

// A bar for each repetition, or for several if there are many: from their smallest to their largest.
function bars(g, sizes, what, kind, how, high) {
  const all = groups[g].repeat.of, noun = nounOf(g), last = sizes.length - 1;
  const said = (n) => (n === null ? "none" : number(n));
  const ends = `${what} after each of ${sizes.length} ${noun}s, ${how}: ${said(sizes[0])} after the first, ${said(sizes[last])} after the last`;
  const row = make("div", { class: `bars ${kind}`, role: "img", "aria-label": ends });
  const count = Math.min(sizes.length, BARS), at = all.indexOf(view);
  for (let i = 0; i < count; i++) {
    const from = Math.floor((i * sizes.length) / count), to = Math.floor(((i + 1) * sizes.length) / count);
    const own = sizes.slice(from, to), odd = own.find((n) => typeof n === "string");
    const known = own.filter((n) => typeof n === "number");
    const large = odd ?? (known.length ? most(known) : null), small = known.length ? least(known) : large;
    const bar = make("span", { title: to - from > 1 ? `after ${noun}s ${from + 1} to ${to}: ${what} = ${said(small)} … ${said(large)}` : `after ${noun} ${to}: ${what} = ${said(large)}`,
      class: [from <= at && at < to ? "shown" : "", odd === undefined ? "" : "odd"].join(" ").trim() });
    bar.style.height = `${odd === undefined ? high(large) : 100}%`;
    if (to - from > 1 && odd === undefined && known.length) bar.style.setProperty("--least", `${(100 * high(small)) / high(large)}%`);
    bar.addEventListener("click", () => open(all[from], true));
    row.append(bar);
  }
  return make("div", {}, make("p", {}, ends), row);
}
