// Colors of gradients: by size, and for single numbers by sign.

let logs; // of the sizes on the page, in order; the result's own ∂ = 1 says nothing
function heats(gradients) {
  logs = Float64Array.from(gradients.map((g) => Math.log10(Math.abs(sizeOf(g)))).filter(Number.isFinite)).sort();
}
heats(events.filter((e) => e.gradient && !e.root && !e.gradient.noise).map((e) => e.gradient));
const share = (q) => logs[Math.round(q * (logs.length - 1))];

// From 0 to 1: where a size stands between the smallest and the largest of the page, half by its
// logarithm and half by its rank, so that neither one extreme nor many equals take all shades.
function degree(size) {
  const x = Math.log10(Math.abs(size)), low = share(0.05), spread = share(0.95) - low;
  if (!logs.length || !(spread > 1e-3)) return 0.5;
  const below = (test) => { let a = 0, b = logs.length; while (a < b) { const m = (a + b) >> 1; if (test(logs[m])) a = m + 1; else b = m; } return a; };
  const rank = (below((y) => y < x - 1e-9) + below((y) => y <= x + 1e-9)) / 2 / logs.length;
  const place = Math.min(Math.max((x - low) / spread, 0), 1);
  return 0.5 + Math.min(spread / 0.5, 1) * ((rank + place) / 2 - 0.5);
}

const hue = (sign) => `var(${sign > 0 ? "--plus" : sign < 0 ? "--minus" : "--warm"})`;
// At most --heat of the color, so that text in --ink stays readable on it.
const shade = (t, sign) => `color-mix(in srgb, ${hue(sign)} calc(6% + var(--heat) * ${t.toFixed(2)}), var(--panel))`;
function heat(size, single) {
  if (typeof size === "string") return "var(--odd)";
  return size ? shade(degree(size), single ? Math.sign(size) : 0) : "var(--zero)";
}
// A gradient as boxes and arrows write it: a single number with its sign.
const signed = (size, single) => (single && size > 0 ? "+" : "") + number(size, 3);
