"use strict";
// A plan's steps: the drawing, the source, the step at hand and the memory over time show the same step.
{
  const data = JSON.parse(document.getElementById("data").textContent), { steps } = data;
  const at = (id) => document.getElementById(id);
  const slider = at("slider"), last = steps.length - 1;
  let here = 0, timer = null;

  function element(name, text, attributes = {}) {
    const found = document.createElement(name);
    if (text !== undefined) found.textContent = text;
    for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
    return found;
  }
  function drawn(name, attributes, text) {
    const found = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
    if (text !== undefined) found.textContent = text;
    return found;
  }

  // the source, each line with its step
  const lines = data.source.replace(/\n$/, "").split("\n").map((text) => element("span", text || " "));
  steps.forEach((step, i) => {
    for (let n = step.lines[0]; n <= step.lines[1]; n++) {
      lines[n - 1].dataset.step = i;
      lines[n - 1].addEventListener("click", () => show(i));
    }
  });
  at("source").append(...lines);

  // time of each step above, memory over time below
  const wide = 1000, left = 64, top = 16, bars = 46, gap = 22, tall = 110, column = (wide - left) / steps.length;
  const high = top + bars + gap + tall, most = Math.max(...steps.map((s) => s.share), 1e-9), size = Math.max(data.bytes, 1);
  const strip = drawn("svg", { viewBox: `0 0 ${wide} ${high + 16}`, role: "img", "aria-label": `Time of each step, and ${data.memory}: where each result lies, from the step that writes it to the last that reads it.` });
  const cells = [];
  strip.append(drawn("text", { x: 0, y: top + bars }, "time"), drawn("text", { x: 0, y: top + bars + gap + 10 }, "memory"));
  steps.forEach((step, i) => {
    const h = Math.max((bars * step.share) / most, 1), x = left + i * column;
    strip.append(drawn("rect", { x: x + 1, y: top + bars - h, width: Math.max(column - 2, 1), height: h, class: step.kind }));
    if (column > 26 && step.share >= 0.05) strip.append(drawn("text", { x: x + column / 2, y: top + bars - h - 3, "text-anchor": "middle" }, step.percent));
    step.made.filter((m) => m.offset !== null).forEach((m) => {
      const y = top + bars + gap + (tall * m.offset) / size, until = Math.min(m.until + 1, steps.length);
      const cell = drawn("rect", { x, y, width: Math.max((until - i) * column, 1), height: Math.max((tall * m.bytes) / size, 1.5), class: `cell ${step.kind}` });
      cell.append(drawn("title", {}, `step ${i}: ${m.label} ${m.shape}, ${m.size}`));
      cells.push([i, m.until, cell]);
      strip.append(cell);
    });
    if (column > 16 || i % Math.ceil(16 / column) === 0) strip.append(drawn("text", { x: x + column / 2, y: high + 13, "text-anchor": "middle", class: "faint" }, i));
  });
  const now = drawn("rect", { y: top, height: high - top, width: column, class: "now" });
  strip.append(now);
  steps.forEach((step, i) => {
    const whole = drawn("rect", { x: left + i * column, y: 0, width: column, height: high + 16, class: "column" });
    whole.append(drawn("title", {}, `step ${i}: ${step.title}, ${step.time}`));
    whole.addEventListener("click", () => show(i));
    strip.append(whole);
  });
  at("strip").append(strip);
  at("memory").textContent = `Time of each step; memory over time: ${data.memory}`;

  const boxes = steps.map((_, i) => at(`step${i}`));
  boxes.forEach((box, i) => box && box.addEventListener("click", () => show(i)));

  function panel(step, i) {
    const found = [element("h2", `Step ${i}: ${step.kind}`)];
    found.push(element("p", step.kind === "loop" ? `${step.labels.length} op${step.labels.length > 1 ? "s" : ""} in one loop over ${step.shape}: ${step.labels.join(", ")}` : step.title));
    const bar = element("div", undefined, { class: "bar" }), inner = element("i");
    inner.style.width = `${100 * step.share}%`;
    bar.append(inner);
    found.push(element("p", `${step.time}, ${step.percent} of all steps`, { class: "faint" }), bar);
    const list = element("dl"), reads = element("dd");
    step.reads.forEach((x) => {
      if (typeof x === "number") {
        const button = element("button", `step ${x}`, { type: "button" });
        button.addEventListener("click", () => show(x));
        reads.append(button);
      } else reads.append(element("div", x));
    });
    if (step.reads.length) list.append(element("dt", "reads"), reads);
    found.push(list);
    step.made.forEach((m) => {
      found.push(element("h3", `${m.label} ${m.shape} ${m.dtype}`));
      found.push(element("p", m.values.join("\n"), { class: "values" }));
      const place = m.offset === null ? "in memory of its own" : `${m.size} from byte ${m.offset}`;
      const until = m.until >= steps.length ? "to the end" : m.until === i ? "read by nobody later" : `until step ${m.until}`;
      found.push(element("p", `${place}, ${until}`, { class: "faint" }));
      if (m.off !== null) found.push(element("p", m.off === "the same bits" ? "eager: the same bits" : `eager: differs by ${m.off} of the largest element`, { class: "faint" }));
    });
    if (!step.made.length) found.push(element("p", "writes nothing that another step reads", { class: "faint" }));
    at("step").replaceChildren(...found);
    at("step").scrollTop = 0;
  }
  function within(box, target) { // scrolls only the box
    if (!box || !target) return;
    const a = box.getBoundingClientRect(), b = target.getBoundingClientRect();
    if (b.top < a.top || b.bottom > a.bottom) box.scrollTop += b.top - a.top - (a.height - b.height) / 2;
    if (b.left < a.left || b.right > a.right) box.scrollLeft += b.left - a.left - (a.width - b.width) / 2;
  }
  function show(i) {
    here = Math.max(0, Math.min(last, i));
    const step = steps[here];
    slider.value = here;
    at("place").textContent = `step ${here} of ${last}`;
    lines.forEach((line, n) => line.classList.toggle("here", n + 1 >= step.lines[0] && n + 1 <= step.lines[1]));
    boxes.forEach((box, n) => box && box.classList.toggle("here", n === here));
    now.setAttribute("x", left + here * column);
    cells.forEach(([from, until, cell]) => cell.classList.toggle("lit", from <= here && here <= until));
    panel(step, here);
    const source = document.querySelector(".source");
    const a = source.getBoundingClientRect(), b = lines[step.lines[0] - 1].getBoundingClientRect();
    if (b.top < a.top || b.bottom > a.bottom - 40) source.scrollTop += b.top - a.top - 40;
    within(document.querySelector(".graph"), boxes[here]);
  }
  function play(on) {
    clearInterval(timer);
    timer = on ? setInterval(() => (here < last ? show(here + 1) : play(false)), 900) : null;
    at("play").setAttribute("aria-pressed", on);
    at("play").textContent = on ? "pause" : "play";
  }
  slider.max = last;
  slider.addEventListener("input", () => show(Number(slider.value)));
  at("back").addEventListener("click", () => show(here - 1));
  at("next").addEventListener("click", () => show(here + 1));
  at("play").addEventListener("click", () => { if (timer === null && here === last) show(0); play(timer === null); });
  document.addEventListener("keydown", (event) => {
    if (event.target === slider || event.ctrlKey || event.metaKey || event.altKey) return;
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (move) { event.preventDefault(); show(here + move); }
    if (event.key === "Home" || event.key === "End") { event.preventDefault(); show(event.key === "Home" ? 0 : last); }
    if (event.key === " " && event.target.tagName !== "BUTTON") { event.preventDefault(); play(timer === null); }
  });
  show(0);
}
