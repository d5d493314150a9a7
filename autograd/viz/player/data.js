// The content of the page, and short names for its parts.

const data = JSON.parse(document.getElementById("data").textContent);
const { events, users, groups, layouts, of, formulas, signs } = data;
const count = events.length;

// What the page's file leaves out because it is usual (compact.py).
if (data.compact) {
  const digest = (x) => (typeof x === "number" ? { shape: [], dtype: "float64", number: x } : x);
  const sized = (d) => { const x = d && (d.number ?? d.rms); return typeof x === "number" ? Number(x.toPrecision(6)) : x; };
  for (const event of events) {
    event.kind ??= "op";
    event.tracked ??= event.kind !== "constant";
    event.value = digest(event.value);
    if (event.gradient !== undefined) event.gradient = digest(event.gradient);
    for (const place of event.inputs || [])
      if (place.tex !== undefined && place.out !== undefined) { place.in ??= sized(event.gradient); place.sum ??= place.out; }
  }
  for (const { paths } of layouts) for (const path of paths) for (let i = 2; i < path.length; i++) path[i] += path[i - 2];
}

const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

// Time: event k runs forward at time k, and backward at time backAt(k).
const backAt = (k) => 2 * count - 1 - k;
const passes = (k) => events[k].kind === "op" && (events[k].gradient !== undefined || (events[k].inputs || []).some((place) => place.out !== undefined));
