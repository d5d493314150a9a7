// What the panel says of a group: its module, how much is in it, and its result.

let chosenGroup = null;

function chooseGroup(g) {
  chosen = null;
  chosenGroup = g;
  boxes.forEach((b) => b.g.classList.toggle("chosen", b.kind === "g" && b.k === g));
  inspect();
}
function inspectGroup(panel, now) {
  const group = groups[chosenGroup], [where, kind] = moduleOf(group);
  const list = make("dl", {}), fact = (name, text) => list.append(make("dt", {}, name), make("dd", {}, text));
  panel.append(make("h2", {}, group.title), make("p", { class: "faint" }, path(group.parent) || "the whole graph"));
  if (kind) fact("module", where ? `${kind} at ${where}` : kind);
  if (group.repeat) fact(`${group.repeat.noun}s`, thousands(group.repeat.of.length));
  fact("ops", thousands(group.ops));
  if (group.parameters) fact("parameters", thousands(group.parameters));
  panel.append(list);
  if (group.out < 0) return;
  const result = headingOf(group.out);
  panel.append(make("p", {}, group.repeat ? "the result of the last: " : "its result: ", make("b", {}, result)));
  describe(panel, group.out, now);
  teaching.veilNode(panel, group.out);
}
function moduleOf(group) {
  const parts = (group.module || "").split(": ");
  return parts.length > 1 ? parts : ["", parts[0]];
}
const thousands = (n) => n.toLocaleString("en");
