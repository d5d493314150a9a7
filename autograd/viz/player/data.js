// The content of the page, and short names for its parts.

const data = JSON.parse(document.getElementById("data").textContent);
const { events, users, groups, layouts, of, formulas, signs } = data;
const count = events.length;
const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

// Time: event k runs forward at time k, and backward at time backAt(k).
const backAt = (k) => 2 * count - 1 - k;
const passes = (k) => events[k].kind === "op" && events[k].gradient !== undefined;
