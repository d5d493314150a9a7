// Moving through time by buttons, keys and play; the address, where #g3s17 is group 3 after 17 steps.

const PAUSE = 900; // milliseconds from step to step, at speed 1
let speed = 1, scrubbing = false;

function to(n, overall = false) {
  finished = overall;
  n = Math.min(Math.max(n, 0), steps.length);
  time = overall ? 2 * count : n === 0 ? 0 : steps[n - 1] + 1;
  const where = whereabouts();
  if (where === view) show();
  else travel(where);
}
// The next view grows out of the box that it was, or shrinks into it.
function travel(where) {
  const from = view, inwards = within(where, from);
  open(where, false, true);
  if (still.matches || scrubbing) return;
  const box = inwards ? null : boxes.find((b) => b.kind === "g" && within(from, b.k));
  const at = box ? layoutOf(view).boxes[boxes.indexOf(box)] : null, svg = byId("graph");
  svg.style.transformOrigin = at ? `${(100 * at[0]) / layoutOf(view).width}% ${(100 * at[1]) / layoutOf(view).height}%` : "50% 50%";
  svg.animate([{ opacity: 0.2, transform: `scale(${inwards ? 0.85 : 1.12})` }, { opacity: 1, transform: "none" }], { duration: Math.min(220, (0.4 * PAUSE) / speed), easing: "ease-out" });
}
function sign(icon, word) {
  byId("play").replaceChildren(icon, make("span", { class: "word" }, ` ${word}`));
  byId("play").setAttribute("aria-label", word);
}
function stop() { clearInterval(timer); timer = null; sign("▶", "play"); }
function beat() { timer = setInterval(() => { to(position() + 1); if (position() >= steps.length) stop(); }, PAUSE / speed); }
function play() {
  if (timer) { stop(); return; }
  if (position() >= steps.length) to(startOf(view));
  sign("‖", "pause");
  beat();
}
// Play starts at the beginning, or where the group that was opened by hand does.
function startOf(g) {
  const first = g && g === pinned ? timeline.findIndex((step) => within(step.view, g)) : 0;
  return Math.max(first, 0);
}
byId("slider").addEventListener("input", (e) => { scrubbing = true; to(+e.target.value); scrubbing = false; });
byId("first").addEventListener("click", () => to(0));
byId("back").addEventListener("click", () => to(position() - 1));
byId("next").addEventListener("click", () => to(position() + 1));
byId("last").addEventListener("click", () => to(steps.length));
byId("play").addEventListener("click", play);
byId("return").addEventListener("click", () => { comeBack(); focusActive(); });
byId("depth").addEventListener("change", (e) => redepth(+e.target.value));
byId("speed").addEventListener("change", (e) => {
  speed = +e.target.value;
  if (timer) { clearInterval(timer); beat(); }
});
// To where a repetition's result, or on the way back its gradient, is known.
function toRepetition(q) {
  const back = finished || (current() || {}).back, inside = (step) => within(step.g === undefined ? step.view : step.g, q) && step.back === Boolean(back);
  if (!timeline.some(inside)) pin(q);
  const steps = timeline.map((step, i) => [step, i + 1]).filter(([step]) => inside(step));
  if (steps.length) to(back ? steps[0][1] : steps[steps.length - 1][1]);
}
// Another depth, at the same time: as much has happened as before.
function redepth(to) {
  deepen(to);
  if (time > 0 && !finished) time = (steps[Math.max(position() - 1, 0)] ?? 0) + 1;
  open(finished ? 0 : whereabouts(), false, true);
}
function focusActive() { const box = boxes.find((b) => b.active) || boxes[0]; if (box) box.g.focus(); }
function faster(by) {
  const menu = byId("speed");
  menu.selectedIndex = Math.min(Math.max(menu.selectedIndex + by, 0), menu.options.length - 1);
  menu.dispatchEvent(new Event("change"));
}
document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  if (e.target === query) { if (e.key === "Escape") { query.value = ""; hits.hidden = true; query.blur(); } return; }
  const own = e.target.matches("input[type=range]:not(#slider)") ? /^(Arrow|Page|Home|End)/ : /./; // keys of other controls
  if (e.target.matches("select, textarea, input:not(#slider)") && own.test(e.key)) return;
  const keys = {
    ArrowRight: () => to(position() + 1), ArrowLeft: () => to(position() - 1), Home: () => to(0), End: () => to(steps.length),
    PageDown: () => to(chapter(1)), PageUp: () => to(chapter(-1)), "]": () => redepth(depth + 1), "[": () => redepth(depth - 1),
    ">": () => faster(1), "<": () => faster(-1), p: () => { comeBack(); focusActive(); }, Escape: up, Backspace: up, "/": () => query.focus(),
  };
  if (e.key === " " && (e.target.tagName !== "BUTTON")) play();
  else if (Object.hasOwn(keys, e.key)) keys[e.key]();
  else return;
  e.preventDefault();
});
window.addEventListener("resize", () => { if (narrow !== isNarrow()) open(view); else if (!zoomed) fit(); });

// ---- the address: #g3s17 is group 3 after 17 steps; d2 the depth, p5 what was opened by hand, u40 the
// update of a training; #n12 is node 12, lit.

function note() {
  const n = finished ? steps.length : position(), hand = pinned && pinned !== view ? `p${pinned}` : "";
  const text = `#g${view}s${n}${depth !== ordinary ? `d${depth}` : ""}${hand}${update < 0 ? "" : `u${stepAt(update)}`}${teaching.mode()}`;
  if (location.hash !== text) try { history.replaceState(null, "", text); } catch { /* a sandboxed frame has no address */ }
}
function followed(address = location.hash) {
  const [where] = address.split("&"); // then the mode: &quiz
  const at = /^#g(\d+)s(\d+)(?:d(\d+))?(?:p(\d+))?(?:u(\d+))?$/.exec(where), node = /^#n(\d+)(?:u(\d+))?$/.exec(where);
  const then = (at && at[5]) || (node && node[2]);
  if (then && update >= 0) goToUpdate(nearest(+then));
  else if (then) wanted = +then;
  if (node && +node[1] < count) { lightUp(+node[1]); return true; }
  if (!at || +at[1] >= groups.length || +(at[4] || 0) >= groups.length) return false;
  const [group, n, deep, hand] = at.slice(1, 5).map((x) => (x === undefined ? undefined : +x));
  deepen(deep || ordinary);
  pin(hand ?? repetition(group));
  finished = false;
  time = n > 0 && steps.length ? steps[Math.min(n, steps.length) - 1] + 1 : 0;
  open(group, false, true);
  return true;
}
