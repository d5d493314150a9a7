// What the page shows of an array, as digest.py has it: statistics, a heat map, a histogram.

const rounded = (x) => (Number.isFinite(x) ? Number(x.toPrecision(6)) : Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf");

function digestOf({ shape, data }, dtype) {
  const MAP = 12, FACETS = 4, LEVELS = 17, BINS = 16, found = { shape, dtype };
  const total = (xs, f) => xs.reduce((sum, x) => sum + (Number.isNaN(x) ? 0 : f(x)), 0);
  const most = (xs) => xs.reduce((m, x) => Math.max(m, Number.isNaN(x) ? 0 : Math.abs(x)), 0);
  if (!data.length) return found;
  if (data.length === 1) return { ...found, number: Number.isFinite(data[0]) ? data[0] : rounded(data[0]) };
  const fine = data.filter(Number.isFinite);
  if (fine.length < data.length) found.odd = data.length - fine.length;
  if (!fine.length) return found;
  const scale = most(fine) || 1, low = fine.reduce((a, b) => Math.min(a, b)), high = fine.reduce((a, b) => Math.max(a, b));
  Object.assign(found, {
    low: rounded(low), high: rounded(high),
    mean: rounded((total(fine, (x) => x / scale) / fine.length) * scale),
    rms: rounded(Math.sqrt(total(fine, (x) => (x / scale) ** 2) / fine.length) * scale),
  });

  // Matrices of the last two axes; of many the largest; blocks of elements as their mean, or the largest.
  const axes = shape.length > 2 ? shape.filter((n) => n > 1) : shape;
  const n = axes[axes.length - 1], m = axes.length > 1 ? axes[axes.length - 2] : 1, each = m * n;
  let matrices = Array.from({ length: data.length / each }, (_, i) => Array.from(data.subarray(i * each, (i + 1) * each), (x) => (Number.isFinite(x) ? x : NaN)));
  if (axes.length > 2) {
    const sizes = matrices.map((a) => total(a, (x) => (x / scale) ** 2));
    const chosen = [...sizes.keys()].sort((i, j) => sizes[j] - sizes[i] || i - j).slice(0, FACETS).sort((i, j) => i - j);
    matrices = chosen.map((i) => matrices[i]);
    found.facets = chosen.map((i) => axes.slice(0, -2).reduceRight((at, k) => { const j = i % k; i = (i - j) / k; return [j, ...at]; }, []));
  }
  let width = n;
  if (Math.max(m, n) > MAP) {
    const rows = Math.min(m, MAP), columns = Math.min(n, MAP), start = (k, of, parts) => Math.floor((k * of) / parts);
    width = columns;
    const blocks = matrices.map((a) => Array.from({ length: rows * columns }, (_, b) => {
      const i = Math.floor(b / columns), j = b % columns, part = [];
      for (let r = start(i, m, rows); r < start(i + 1, m, rows); r++) part.push(...a.slice(r * n + start(j, n, columns), r * n + start(j + 1, n, columns)));
      return part;
    }));
    const mean = (part) => part.reduce((a, b) => a + b, 0) / part.length;
    const extreme = (part) => { const least = Math.min(...part), top = Math.max(...part); return Math.abs(least) > Math.abs(top) ? least : top; };
    const all = blocks.flat(), kept = all.reduce((sum, part) => { const x = mean(part) / scale; return sum + (Number.isNaN(x) ? 0 : x * x * part.length); }, 0);
    found.by = kept >= 0.5 * all.reduce((sum, part) => sum + total(part, (x) => (x / scale) ** 2), 0) ? "mean" : "largest";
    matrices = blocks.map((a) => a.map(found.by === "mean" ? mean : extreme));
  }
  const rows = matrices.flatMap((a) => Array.from({ length: a.length / width }, (_, i) => a.slice(i * width, (i + 1) * width)));
  const top = most(rows.flat()) || 1;
  found.map = rows.map((row) => row.map((x) => (Number.isNaN(x) ? "-" : (np.rint((x / top) * LEVELS) + LEVELS).toString(36))).join(""));
  if (data.length > MAP) {
    const counts = new Float64Array(BINS);
    fine.forEach((x) => { counts[high > low ? Math.min(Math.floor((x - low) * (BINS / (high - low))), BINS - 1) : BINS / 2]++; });
    const highest = Math.max(...counts);
    found.bins = Array.from(counts, (c) => np.rint(c * (35 / highest)).toString(36)).join("");
  }
  return found;
}

// An array as one number: its value, or its root mean square.
function sizeOfArray(a) {
  if (typeof a === "number") return rounded(a);
  const { data } = a;
  return data.length === 1 ? rounded(data[0]) : data.length ? rounded(Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length)) : 0;
}
