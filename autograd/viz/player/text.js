// Numbers, names, elements and formulas as the page writes them.

function number(x, digits = 4) {
  if (typeof x === "string") return { inf: "∞", "-inf": "−∞" }[x] || "NaN";
  if (x === 0) return "0";
  const size = Math.abs(x);
  const text = size >= 1e5 || size < 1e-4 ? x.toExponential(Math.max(digits - 2, 1)) : String(+x.toPrecision(digits));
  return text.replace("e-", "e−").replace(/^-/, "−").replace("e+", "e");
}
const shape = (d) => (d.shape.length ? d.shape.join("×") : "");
const brief = (d) => {
  if (!d) return "several results";
  if (d.number !== undefined) return number(d.number);
  return `${shape(d)}${d.rms === undefined ? "" : `  rms ${number(d.rms, 2)}`}`;
};
const isNumber = (k) => events[k].value && events[k].value.number !== undefined;
const nought = (d) => (d.noise ? "≈ 0" : number(sizeOf(d), 3));
// A number as text, with all its digits for those who look closer.
const exact = (x, digits) => make("data", { value: x, title: typeof x === "number" ? number(x, 6) : "" }, number(x, digits));
const exactly = (d) => (d && typeof sizeOf(d) === "number" && d.shape ? make("data", { value: sizeOf(d), title: number(sizeOf(d), 6) }, brief(d)) : brief(d));
const sizeOf = (d) => (d && d.number !== undefined ? d.number : d && d.rms !== undefined ? d.rms : d && d.shape.includes(0) ? 0 : "nan");
const path = (g) => { const names = []; for (; g > 0; g = groups[g].parent) names.unshift(groups[g].title); return names.join(" › "); };
const nameOf = (k) => {
  const event = events[k];
  if (event.title) return event.title;
  if (event.kind !== "op") return event.value && event.value.number !== undefined ? number(event.value.number) : event.kind;
  return event.op;
};

const headingOf = (k) => nameOf(k) + (events[k].sign ? ` = ${events[k].sign}` : "");
const withOp = (k) => {
  const { op, sign, title } = events[k], shown = sign || title;
  return headingOf(k) + (op && ![op, signs[op]].includes(shown) ? ` (${op})` : "");
};

const called = (place) => {
  const event = events[place.from], name = nameOf(place.from);
  if (place.called === name) return name;
  if (event.kind === "constant" && !event.title && isNumber(place.from)) return "a constant";
  if (event.kind !== "op" || event.sign) return `${place.called}, ${name}`;
  return `${place.called}, the result of ${name}`;
};

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, x] of Object.entries(attributes)) key === "class" ? (node.className = x) : node.setAttribute(key, x);
  node.append(...children.filter((c) => c !== null && c !== undefined));
  return node;
}
function draw(tag, attributes = {}, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, x] of Object.entries(attributes)) node.setAttribute(key, x);
  if (text !== undefined) node.textContent = text;
  return node;
}
function formula(i, ...before) {
  const line = make("div", { class: "formula" }, ...before);
  if (i === undefined || i < 0) return null;
  const parsed = new DOMParser().parseFromString(formulas[i], "application/xml");
  if (parsed.querySelector("parsererror")) return null;
  const math = document.importNode(parsed.documentElement, true);
  [...math.querySelectorAll("mi, mtext")].filter((mi) => mi.textContent.length > 1).forEach(spaced);
  line.append(math);
  return line;
}
// A thin space between a name, or its power, and an operand beside it: tanh a, not tanha.
function spaced(name) {
  const inside = (at) => at.parentElement.localName === "msup" || at.parentElement.localName === "msub" || (at.parentElement.localName === "mrow" && at.parentElement.children.length === 1);
  const operand = (at) => at && !["mo", "mspace"].includes(at.localName) && !(at.firstElementChild && at.firstElementChild.localName === "mo");
  const space = () => { const s = document.createElementNS("http://www.w3.org/1998/Math/MathML", "mspace"); s.setAttribute("width", "0.2em"); return s; };
  let at = name;
  while (inside(at)) at = at.parentElement;
  if (at.parentElement.localName !== "mrow") return;
  if (operand(at.nextElementSibling)) at.after(space());
  if (operand(at.previousElementSibling)) at.before(space());
}
