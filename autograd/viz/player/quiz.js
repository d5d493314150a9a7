// For teaching: hidden numbers, a quiz about gradients, and a worksheet to print. The address carries
// the mode: #quiz, #worksheet, #hide=values, #hide=gradients, #hide=all.

const teaching = (() => {
  const { small } = data.reasons;
  const TOLERANCE = 0.01, MOST = 24;
  const root = events.findIndex((e) => e.root), rootName = root >= 0 && events[root].sign ? nameOf(root) : "L";
  const hidden = new Set(), known = new Set(); // what is hidden: "values", "gradients"; nodes that were revealed
  let quiz = null, sheet = false;

  // ---- exercises: gradients that a person can compute -----------------------------------------------------

  const finite = (x) => typeof x === "number" && Number.isFinite(x);
  const single = (k) => isNumber(k) && events[k].gradient && finite(events[k].gradient.number) && !events[k].gradient.noise;
  const byHand = (k) => arrivals[k].length > 0 && arrivals[k].every(({ place }) => finite(place.in) && finite(place.local) && finite(place.out));
  // A result without a name has the letter that it has in its user's formula.
  const named = (k) => events[k].kind !== "op" || events[k].sign;
  const letter = (k) => (named(k) ? nameOf(k) : arrivals[k][0].place.called || nameOf(k));
  const symbol = (k, index = "") => `∂${rootName}/∂${letter(k)}${index}`;
  const meant = (k) => (named(k) ? "" : `${letter(k)} is the result of ${nameOf(k)}, in the dashed box.`);
  function exercises() {
    const found = [];
    for (let k = count - 1; k >= 0; k--) {
      if (events[k].root || !events[k].tracked) continue;
      if (single(k) && byHand(k)) found.push({ k, answer: events[k].gradient.number, index: "" });
      else if (small[k] && small[k][1] && arrivals[k].length && arrivals[k].every(({ user, place }) => formula(place.tex) && (small[user] || isNumber(user)))) {
        const g = small[k][1], at = g.findIndex((x) => x !== 0), i = at < 0 ? 0 : at;
        if (g.every(finite)) found.push({ k, answer: g[i], index: indexOf(k, i) });
      }
    }
    return found.slice(0, MOST);
  }
  function indexOf(k, i) {
    const at = [];
    for (const n of [...events[k].value.shape].reverse()) { at.unshift(i % n); i = Math.floor(i / n); }
    return `[${at.join(", ")}]`;
  }
  // A number as people write it: −0.25, 1/3, 2e-3, 0,5.
  function parsed(text) {
    const parts = text.trim().replace(/−/g, "-").replace(",", ".").split("/").map((t) => (t.trim() === "" ? NaN : Number(t)));
    return parts.length === 1 ? parts[0] : parts.length === 2 ? parts[0] / parts[1] : NaN;
  }
  const near = (x, answer) => (answer === 0 ? x === 0 : Math.abs(x - answer) <= TOLERANCE * Math.abs(answer));
  const signed = (x) => (String(number(x)).startsWith("−") ? `(${number(x)})` : number(x));

  // What is known at a node: its users, their operands, and the gradients that have come to them.
  function given({ k }) {
    return arrivals[k].filter((a, i, all) => all.findIndex((b) => b.user === a.user) === i).map(({ user }) => {
      const event = events[user], box = make("div", { class: "term" });
      box.append(formula(event.tex, `${event.sign ? event.title : "y"} = `) || make("p", {}, withOp(user)));
      const list = make("dl", {});
      (event.inputs || []).forEach((place) => { if (place.from !== undefined && place.called && !(events[place.from].kind === "constant" && isNumber(place.from) && !events[place.from].title)) list.append(make("dt", {}, place.called), make("dd", {}, written(place.from, 0))); });
      list.append(make("dt", {}, event.sign ? event.title : "y"), make("dd", {}, written(user, 0)));
      list.append(make("dt", {}, `∂${rootName}/∂${event.sign ? event.title : "y"}`), make("dd", {}, event.root ? "1" : written(user, 1)));
      box.append(list);
      return box;
    });
  }
  function written(k, which) {
    const event = events[k];
    if (small[k] && small[k][which]) return grid(event.value.shape, small[k][which]);
    const d = which ? event.gradient : event.value;
    return d ? brief(d) : "none";
  }
  function grid(shape, flat) {
    const width = shape[shape.length - 1], rows = [];
    for (let i = 0; i < flat.length; i += width) rows.push(make("tr", {}, ...flat.slice(i, i + width).map((x) => make("td", {}, number(x)))));
    return make("table", { class: "grid" }, ...rows);
  }
  const formulasOf = ({ k }) => arrivals[k].map(({ place, user }) => make("div", {}, formula(place.tex, `${arrivals[k].length > 1 ? `from ${headingOf(user)}: ` : ""}`) || ""));
  // The step that gives the answer: incoming × local, and the sum of these.
  function solution({ k, answer, index }) {
    const box = make("div", { class: "term" });
    if (!byHand(k)) { box.append(...formulasOf({ k }), make("p", { class: "sum" }, `${symbol(k, index)} = ${number(answer)}, of`), written(k, 1)); return box; }
    arrivals[k].forEach(({ place, user }) => box.append(formula(place.tex, `from ${headingOf(user)}: `) || "", make("p", { class: "sum" }, `incoming × local = ${signed(place.in)} × ${signed(place.local)} = ${number(place.out)}`)));
    if (arrivals[k].length > 1) box.append(make("p", { class: "sum warm" }, `${arrivals[k].map(({ place }) => signed(place.out)).join(" + ")} = ${number(answer)}`));
    return box;
  }

  // ---- the quiz -----------------------------------------------------------------------------------------------

  const panel = make("section", { id: "quiz", "aria-label": "quiz", hidden: "" });
  document.querySelector("aside").prepend(panel);
  panel.addEventListener("keydown", (e) => { if (e.key === "Escape") end(); else if (e.key.startsWith("Arrow") || !e.target.matches("button")) e.stopPropagation(); });

  function begin() {
    const list = exercises();
    known.clear();
    hide("gradients");
    quiz = { list, at: 0, right: 0, helped: 0, skipped: 0, tries: 0, hinted: false, done: false };
    if (timer) stop();
    to(steps.length, true);
    ask();
  }
  function end() {
    quiz = null;
    panel.hidden = true;
    hide("nothing");
    byId("teach").querySelector("button").focus();
  }
  const now = () => quiz && quiz.list[quiz.at];
  function ask() {
    const item = now();
    panel.hidden = false;
    if (!item) { summary(); return; }
    if (of[item.k] !== view) open(of[item.k]);
    const input = make("input", { type: "text", id: "answer", inputmode: "text", autocomplete: "off", "aria-describedby": "tolerance" });
    const done = make("button", { type: "button" }, "check"); // no form: a notebook's frame submits none
    const form = make("div", { class: "row", id: "entry" }, make("label", { for: "answer" }, `${symbol(item.k, item.index)} =`), input, done);
    input.addEventListener("keydown", (e) => { if (e.key === "Enter") { e.preventDefault(); check(input.value); } });
    done.addEventListener("click", () => check(input.value));
    const hint = make("button", { type: "button" }, "hint"), skip = make("button", { type: "button" }, "skip"), leave = make("button", { type: "button" }, "end");
    hint.addEventListener("click", () => { quiz.hinted = true; feedback("hint", "What comes back is", ...formulasOf(item)); input.focus(); });
    skip.addEventListener("click", () => { quiz.skipped += 1; reveal(false, "Skipped."); });
    leave.addEventListener("click", end);
    panel.replaceChildren(make("h2", {}, `What is ${symbol(item.k, item.index)}?`), make("p", { class: "faint" }, `question ${quiz.at + 1} of ${quiz.list.length} · ${quiz.right} right`),
      meant(item.k) ? make("p", {}, meant(item.k)) : "", ...given(item), form, make("p", { id: "tolerance", class: "faint" }, "Right within 1 %; a zero must be 0. 1/3 and 2e-3 will do."),
      make("div", { id: "feedback", role: "status" }), make("p", { class: "row" }, hint, skip, leave));
    show();
    input.focus({ preventScroll: true });
    const box = boxes.find((b) => b.kind === "e" && b.k === item.k);
    if (box) scrollTo(box.g);
    if (isNarrow()) panel.scrollIntoView({ block: "start" });
  }
  function feedback(kind, text, ...more) { byId("feedback").replaceChildren(make("p", { class: kind }, make("b", {}, text)), ...more); }
  function check(text) {
    const item = now(), x = parsed(text);
    if (Number.isNaN(x)) { feedback("wrong", "Enter a number, such as −0.25 or 1/3."); return; }
    quiz.tries += 1;
    if (near(x, item.answer)) {
      if (quiz.tries === 1 && !quiz.hinted) quiz.right += 1; else quiz.helped += 1;
      reveal(true, quiz.tries === 1 ? "Right." : `Right, at try ${quiz.tries}.`);
      return;
    }
    const sum = byHand(item.k) && arrivals[item.k].length > 1, one = sum && arrivals[item.k].some(({ place }) => near(x, place.out));
    const why = near(-x, item.answer) && item.answer !== 0 ? "The size is right, the sign is not." : one ? `That is one of ${arrivals[item.k].length} contributions; they add up.` : "Incoming gradient × local derivative.";
    feedback("wrong", "Not yet. ", make("p", {}, why));
    byId("answer").select();
  }
  function reveal(right, text) {
    const item = now(), last = quiz.at + 1 === quiz.list.length;
    known.add(item.k);
    show();
    const next = make("button", { type: "button", id: "further" }, last ? "result" : "next question");
    next.addEventListener("click", () => { quiz.at += 1; quiz.tries = 0; quiz.hinted = false; ask(); });
    panel.querySelectorAll("#entry, #tolerance, p.row").forEach((e) => e.remove());
    const leave = make("button", { type: "button" }, "end");
    leave.addEventListener("click", end);
    panel.append(make("p", { class: "row" }, next, leave));
    feedback(right ? "right" : "faint", `${text} ${symbol(item.k, item.index)} = ${number(item.answer)}`, solution(item));
    next.focus({ preventScroll: true });
  }
  function summary() {
    const { list, right, helped, skipped } = quiz, again = make("button", { type: "button" }, "again"), leave = make("button", { type: "button" }, "end");
    again.addEventListener("click", begin);
    leave.addEventListener("click", end);
    panel.replaceChildren(make("h2", {}, list.length ? `${right} of ${list.length} right at once` : "Nothing to ask here"),
      make("p", {}, list.length ? `${helped} after a hint or another try, ${skipped} skipped.` : "Questions are about single numbers and small arrays; this graph has neither."), make("p", { class: "row" }, ...(list.length ? [again] : []), leave));
    show();
    leave.focus();
  }

  // ---- hidden numbers -----------------------------------------------------------------------------------------

  function hide(what) {
    hidden.clear();
    known.clear();
    ({ values: ["values"], gradients: ["gradients"], all: ["values", "gradients"] }[what] || []).forEach((x) => hidden.add(x));
    const menu = byId("hide");
    menu.value = what;
    show();
  }
  const computed = (k) => events[k].kind === "op"; // the values of leaves and constants are given
  function veil() {
    document.body.classList.toggle("quizzing", Boolean(quiz));
    document.body.classList.toggle("hiding", hidden.size > 0);
    const item = now();
    document.body.classList.toggle("secret", hidden.has("gradients"));
    boxes.forEach((box) => {
      const { g, texts, kind, k } = box;
      g.classList.toggle("asked", Boolean(item) && kind === "e" && k === item.k);
      g.classList.toggle("veiled", false); // remove() would write even where nothing changes
      if (!hidden.size || (kind === "e" && known.has(k))) return;
      const value = hidden.has("values") && (kind === "g" || computed(k)) && !/^(constant|not yet)/.test(texts[1].textContent);
      const gradient = hidden.has("gradients") && !(kind === "e" && events[k].root) && /∂.*\d|∂.*[∞N≈]/.test(texts[2].textContent);
      if (value) texts[1].textContent = "?";
      if (gradient) { texts[2].textContent = "∂ ?"; g.querySelector("rect").style.fill = ""; g.classList.remove("odd"); }
      if (!value && !gradient) return;
      for (const key of [1, 2, "fill", "odd", "label"]) delete box.was[key]; // to be written again by the next show()
      if (kind === "e" && !quiz) g.classList.add("veiled");
      g.setAttribute("aria-label", `${[...texts.map((t) => t.textContent).filter(Boolean)].join(" ")}${kind === "e" && !quiz ? ", hidden; Enter reveals it" : ""}`);
    });
    if (hidden.size) veilNow();
    byId("strip").classList.toggle("veil", hidden.has("gradients"));
  }
  // The panel of the current step: its numbers, not its words and formulas.
  function veilNow() {
    const backward = finished || position() === 0 ? null : steps[position() - 1] >= count;
    if (backward === null ? false : !hidden.has(backward ? "gradients" : "values")) return;
    const area = byId("now");
    area.querySelectorAll(".sum, dd").forEach((e) => { e.textContent = blanked(e.textContent); });
    if (hidden.has("values")) { area.querySelectorAll("h2").forEach((e) => { e.textContent = e.textContent.replace(/= .*/, "= ?"); }); [...area.querySelectorAll(".formula")].slice(1).forEach((e) => { if (!backward) e.remove(); }); }
  }
  const blanked = (text) => text.replace(/−?(\d[\d.]*(e−?\d+)?|∞|NaN)/g, "?");
  // The panel of the selected node, without what is hidden; true if its reason would tell too much.
  function veilNode(area, k) {
    if (!hidden.size || known.has(k)) return false;
    const gradients = hidden.has("gradients") && events[k].gradient && !events[k].root, values = hidden.has("values") && computed(k);
    let after = false;
    [...area.children].forEach((e) => {
      if (e.matches("p.warm")) { after = true; if (gradients) e.textContent = blanked(e.textContent); return; }
      if (e.matches("dl") && (after ? gradients : values)) [...e.querySelectorAll("dd")].slice(1).forEach((dd) => { dd.textContent = "?"; });
      if (e.matches(".maps") && (gradients || values)) e.remove();
    });
    if (!quiz && (gradients || values)) {
      const button = make("button", { type: "button" }, "reveal");
      button.addEventListener("click", () => { known.add(k); show(); });
      area.append(make("p", { class: "row" }, button));
    }
    return Boolean(gradients || values);
  }
  const svg = byId("graph");
  function uncover(e) {
    if (!hidden.size || quiz || (e.type === "keydown" && e.key !== "Enter")) return;
    const box = boxes.find((b) => b.g === e.target.closest(".box"));
    if (box && box.kind === "e") { known.add(box.k); show(); }
  }
  svg.addEventListener("click", uncover);
  svg.addEventListener("keydown", uncover, true);

  // ---- the worksheet --------------------------------------------------------------------------------------------

  const page = make("section", { id: "worksheet", role: "main", "aria-label": "worksheet" });
  document.body.append(page);
  function fillSheet() {
    const before = [...hidden], drawn = [...known], lone = exercises();
    hidden.add("gradients");
    known.clear();
    const wasQuiz = quiz;
    quiz = null;
    show();
    const picture = svg.cloneNode(true);
    picture.removeAttribute("id");
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", "the graph, without its gradients");
    picture.querySelectorAll(".box").forEach((g) => { ["tabindex", "role", "aria-label"].forEach((a) => g.removeAttribute(a)); g.setAttribute("class", g.getAttribute("class").replace(/active|chosen|veiled|onpath|stops/g, "")); });
    const asked = new Map(lone.map(({ k }, i) => [k, i + 1]));
    [...picture.querySelectorAll(".box")].forEach((g, i) => {
      const { kind, k } = boxes[i], blank = g.querySelector(".grad");
      g.querySelector("rect").style.fill = "";
      if (blank && blank.textContent && !(kind === "e" && events[k].root)) blank.textContent = `${kind === "e" && asked.has(k) ? `(${asked.get(k)}) ` : ""}∂ ____`;
    });
    hidden.clear();
    before.forEach((x) => hidden.add(x));
    drawn.forEach((k) => known.add(k));
    quiz = wasQuiz;
    show();
    const tasks = make("ol", {}), answers = make("ol", {});
    lone.forEach((item) => {
      const blank = () => make("span", { class: "blank" }, " ");
      const lines = byHand(item.k) ? arrivals[item.k].map(({ user }) => make("p", { class: "blanks" }, `from ${headingOf(user)}: `, blank(), " × ", blank(), " = ", blank())) : [make("p", { class: "blanks" }, blank())];
      tasks.append(make("li", {}, make("b", {}, `${symbol(item.k, item.index)} = `), named(item.k) ? "" : `${letter(item.k)} is the result of ${nameOf(item.k)}. `, byHand(item.k) && arrivals[item.k].length === 1 ? "" : blank(), ...formulasOf(item), ...lines));
      answers.append(make("li", {}, `${symbol(item.k, item.index)} = ${number(item.answer)}`));
    });
    const back = make("button", { type: "button" }, "back to the graph"), print = make("button", { type: "button" }, "print");
    back.addEventListener("click", () => worksheet(false));
    print.addEventListener("click", () => window.print());
    page.replaceChildren(make("p", { class: "row screen" }, back, print), make("h1", {}, document.querySelector("h1").textContent), make("p", {}, `Name: `, make("span", { class: "blank" }, " ")),
      picture, make("p", {}, `Each contribution is incoming gradient × local derivative. ȳ is ∂${rootName}/∂y, the gradient of the op's result y. The numbers in brackets are those of the tasks.`), tasks, make("section", { class: "answers" }, make("h2", {}, "Answers"), answers));
  }
  function worksheet(on) {
    sheet = on;
    if (on) fillSheet();
    document.body.classList.toggle("sheet", on);
    show();
    if (on) page.querySelector("button").focus();
  }
  window.addEventListener("beforeprint", () => { if (!sheet) fillSheet(); });

  // ---- the menu, and the address --------------------------------------------------------------------------------

  const menu = make("div", { id: "teach" });
  const ask1 = make("button", { type: "button", "aria-keyshortcuts": "q" }, "quiz"), ask2 = make("button", { type: "button" }, "worksheet");
  const choice = make("select", { id: "hide", "aria-label": "hidden numbers" }, ...[["nothing", "show all numbers"], ["values", "hide values"], ["gradients", "hide gradients"], ["all", "hide both"]].map(([value, text]) => make("option", { value }, text)));
  ask1.addEventListener("click", begin);
  ask2.addEventListener("click", () => worksheet(true));
  choice.addEventListener("change", () => hide(choice.value));
  menu.append(ask1, ask2, choice);
  if (isNarrow()) byId("legend").before(menu); else byId("search").before(menu);
  document.addEventListener("keydown", (e) => {
    if (e.key !== "q" || e.ctrlKey || e.metaKey || e.altKey || quiz || sheet || e.target.matches("input:not(#slider), select, textarea, dialog *")) return;
    e.preventDefault();
    begin();
  });
  const what = () => (hidden.size === 2 ? "all" : [...hidden][0]);
  // What the address adds to view and step.
  const mode = () => (sheet ? "&worksheet" : quiz ? "&quiz" : hidden.size ? `&hide=${what()}` : "");
  function follow(address) {
    const parts = address.slice(1).split("&"), hiding = parts.find((p) => p.startsWith("hide="));
    if (parts.includes("quiz")) { if (!quiz) begin(); } else if (parts.includes("worksheet")) { if (!sheet) worksheet(true); } else if (hiding && hiding.slice(5) !== what()) hide(hiding.slice(5));
  }
  return { veil, veilNode, mode, follow };
})();
