// Moving through time by buttons, keys and play; the address, where #g3s17 is group 3 after 17 steps.

function to(n, overall = false) {
  finished = overall;
  n = Math.min(Math.max(n, 0), steps.length);
  time = n === 0 ? 0 : steps[n - 1] + 1;
  show();
}
function stop() { clearInterval(timer); timer = null; byId("play").textContent = "▶ play"; byId("play").setAttribute("aria-label", "play"); }
function play() {
  if (timer) { stop(); return; }
  if (position() >= steps.length) to(0);
  byId("play").textContent = "⏸ pause";
  byId("play").setAttribute("aria-label", "pause");
  timer = setInterval(() => { to(position() + 1); if (position() >= steps.length) stop(); }, 900);
}
byId("slider").addEventListener("input", (e) => to(+e.target.value));
byId("first").addEventListener("click", () => to(0));
byId("back").addEventListener("click", () => to(position() - 1));
byId("next").addEventListener("click", () => to(position() + 1));
byId("last").addEventListener("click", () => to(steps.length));
byId("play").addEventListener("click", play);
byId("fit").addEventListener("click", () => { zoomed = false; fit(); });
function magnify(factor) {
  zoomed = true;
  zoom = Math.min(Math.max(zoom * factor, 0.2), 3);
  scale();
}
byId("larger").addEventListener("click", () => magnify(1.25));
byId("smaller").addEventListener("click", () => magnify(1 / 1.25));
const area = byId("scroll");
area.addEventListener("wheel", (e) => { // a pinch on a touchpad is a wheel with the control key
  if (!e.ctrlKey && !e.metaKey) return;
  e.preventDefault();
  const { left, top } = area.getBoundingClientRect(), before = zoom;
  magnify(Math.exp(-e.deltaY / 300));
  const moved = zoom / before - 1;
  area.scrollBy((area.scrollLeft + e.clientX - left) * moved, (area.scrollTop + e.clientY - top) * moved);
}, { passive: false });
area.addEventListener("pointermove", (e) => { // drag the background; touch scrolls by itself
  if (e.pointerType === "mouse" && e.buttons === 1 && !e.target.closest(".box")) area.scrollBy(-e.movementX, -e.movementY);
});
document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  if (e.target === query) { if (e.key === "Escape") { query.value = ""; hits.hidden = true; query.blur(); } return; }
  const inSlider = e.target.id === "slider";
  const move = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
  if (move) to(position() + move);
  else if (e.key === "Home") to(0);
  else if (e.key === "End") to(steps.length);
  else if (e.key === " " && (e.target.tagName !== "BUTTON" || inSlider)) play();
  else if (e.key === "Escape" || e.key === "Backspace") up();
  else if (e.key === "/") query.focus();
  else return;
  e.preventDefault();
});
window.addEventListener("resize", () => { if (narrow !== isNarrow()) open(view); else if (!zoomed) fit(); });

// ---- the address: #g3s17u40 is group 3 after 17 steps, at update 40; #n12 is node 12, lit ---------------------------------------------------

function note() {
  const text = `#g${view}s${position()}${update < 0 ? "" : `u${stepAt(update)}`}`;
  if (location.hash !== text) try { history.replaceState(null, "", text); } catch { /* a sandboxed frame has no address */ }
}
function followed(address = location.hash) {
  const at = /^#g(\d+)s(\d+)(?:u(\d+))?$/.exec(address), node = /^#n(\d+)(?:u(\d+))?$/.exec(address);
  const then = (at && at[3]) || (node && node[2]);
  if (then && update >= 0) goToUpdate(nearest(+then));
  else if (then) wanted = +then;
  if (node && +node[1] < count) { lightUp(+node[1]); return true; }
  if (!at || +at[1] >= groups.length) return false;
  open(+at[1]);
  to(+at[2]);
  return true;
}
