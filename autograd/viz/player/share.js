// Sharing: the picture in view as a file, a link to this view and step, the step as text, a description.

const COPIED = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "opacity", "display", "font-family", "font-size", "font-weight", "font-style", "text-anchor", "transform"];
const shareMenu = byId("share"), framed = window.self !== window.top;

// ---- the picture ---------------------------------------------------------------------------------

// color(srgb 1 0.5 0), as color-mix is computed, is a color to browsers alone.
const inRgb = (text) => text.replace(/color\(srgb ([\d.e-]+) ([\d.e-]+) ([\d.e-]+)[^)]*\)/g, (_, ...rgb) => `rgb(${rgb.slice(0, 3).map((x) => Math.round(255 * x)).join(", ")})`);
const headingShown = () => byId("now").querySelector("h2").textContent;
function pictureInView() {
  const shown = byId("graph"), copy = shown.cloneNode(true), from = shown.querySelectorAll("*");
  copy.querySelectorAll("*").forEach((node, i) => {
    const style = getComputedStyle(from[i]);
    const own = COPIED.filter((name) => !(node.localName !== "text" && /^(font|text)/.test(name)) && !["none", "auto", ""].includes(style.getPropertyValue(name)) || /^(fill|stroke|display)$/.test(name));
    node.setAttribute("style", own.map((name) => `${name}:${inRgb(style.getPropertyValue(name))}`).join(";"));
    ["class", "tabindex", "role", "aria-label"].forEach((name) => node.removeAttribute(name));
  });
  const [x, y, w, h] = copy.getAttribute("viewBox").split(" ").map(Number), pad = 10, head = 30;
  const wide = Math.max(w + 2 * pad, 320), box = [x - pad - (wide - w - 2 * pad) / 2, y - head - pad, wide, h + head + 2 * pad];
  const page = getComputedStyle(byId("stage")), ink = getComputedStyle(document.body);
  const words = draw("text", { x: box[0] + pad, y: y - pad - 4, style: `font:bold 13px ${ink.fontFamily.replaceAll('"', "'")};fill:${ink.color}` }, `${document.title}: ${headingShown()}`);
  [...copy.attributes].forEach(({ name }) => copy.removeAttribute(name));
  Object.entries({ xmlns: SVG, viewBox: box.join(" "), width: box[2], height: box[3], role: "img", "aria-label": description() }).forEach(([name, value]) => copy.setAttribute(name, value));
  copy.prepend(draw("rect", { x: box[0], y: box[1], width: box[2], height: box[3], style: `fill:${inRgb(page.backgroundColor)}` }), words);
  return { text: new XMLSerializer().serializeToString(copy), width: box[2], height: box[3] };
}
function inPixels({ text, width, height }) {
  return new Promise((resolve, reject) => {
    const image = new Image(), canvas = make("canvas", { width: Math.round(2 * width), height: Math.round(2 * height) });
    image.onload = () => { canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height); canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("too large")))); };
    image.onerror = () => reject(new Error("the browser can't draw it"));
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  });
}
function download(blob, ending) {
  const name = `${`${document.title} ${headingShown()}`.normalize("NFC").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 60) || "graph"}.${ending}`;
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  saySo(`Saved as ${name}.${framed ? " If no file came, this frame forbids downloads: open the page by itself." : ""}`);
}

// ---- texts ---------------------------------------------------------------------------------------

// MathML as one line: a fraction is a/b, and what its bar or its place held together gets brackets.
function linear(node) {
  if (node.nodeType !== 1) return node.textContent;
  const kids = [...node.children].map(linear), whole = (text) => (/^[^\s+−·*/=]*$/u.test(text) ? text : `(${text})`);
  const raised = { "⊤": "ᵀ", T: "ᵀ", 2: "²", 3: "³", "−1": "⁻¹" };
  switch (node.localName) {
    case "mfrac": return `${whole(kids[0])} / ${whole(kids[1])}`;
    case "msup": return whole(kids[0]) + (raised[kids[1]] || `^${whole(kids[1])}`);
    case "msub": return `${kids[0]}_${whole(kids[1])}`;
    case "msubsup": return `${kids[0]}_${whole(kids[1])}^${whole(kids[2])}`;
    case "msqrt": return `√(${kids.join("")})`;
    case "mover": return /^[¯ˉ‾_―\u0304\u0305]$/.test(kids[1]) ? `${kids[0]}\u0304` : kids.join("");
    case "munder": return `${kids[0]}_${whole(kids[1])}`;
    case "mtable": return kids.join("; ");
    case "mtr": return kids.join(" ");
    case "mspace": return " ";
    case "mo": return /^[=+−·×≤≥<>≈-]$/.test(node.textContent) ? ` ${node.textContent.replace("-", "−")} ` : node.textContent;
    default: return node.children.length ? kids.join("") : node.textContent;
  }
}
function textOf(node) {
  if (node.nodeType === 3) return node.textContent;
  if (node.localName === "math") return linear(node);
  if (node.nodeType !== 1 || ["BUTTON", "SELECT", "INPUT"].includes(node.tagName) || node.hidden) return "";
  const text = [...node.childNodes].map(textOf).join("");
  return /^(P|DIV|H\d|DT|DD|LI|SECTION)$/.test(node.tagName) ? `\n${text}\n` : text;
}
const stepAsText = () => `${document.title}\n${textOf(byId("now"))}`.replace(/[ \u00a0]+/g, " ").replace(/ *\n[\s]*/g, "\n").replace(/\(\s+/g, "(").trim();
function description() {
  const kinds = boxes.map((box) => (box.kind === "g" ? "group" : events[box.k].kind)), many = (n, noun) => (n ? [`${n} ${noun}${n > 1 ? "s" : ""}`] : []);
  const counted = [["group", "group"], ["op", "op"], ["leaf", "leaf"], ["constant", "constant"]].flatMap(([kind, noun]) => many(kinds.filter((k) => k === kind).length, noun)).join(", ").replace("leafs", "leaves");
  const result = events.findIndex((e) => e.root), end = result < 0 ? count - 1 : result;
  const where = path(view), heading = headingShown();
  return `Graph of ${document.title}${where ? `, ${where}` : ""}: ${counted}. ${nameOf(end)} is ${brief(events[end].value)}. ${finished ? "All values and gradients are shown." : `Step ${byId("count").textContent}. ${heading}.`}`;
}

// ---- the clipboard -------------------------------------------------------------------------------

async function copyText(text, what) {
  try { await navigator.clipboard.writeText(text); } catch {
    const field = make("textarea", { "aria-label": what, readonly: "", rows: 4 });
    field.value = text;
    byId("shared").replaceChildren(field);
    field.focus();
    field.select();
    let done = false;
    try { done = document.execCommand("copy"); } catch { /* forbidden too */ }
    if (!done) { byId("shared").prepend(`This frame has no clipboard. Copy the ${what} from here: `); return; }
    shareMenu.querySelector("summary").focus();
  }
  saySo(`Copied the ${what}.`);
}
function saySo(text) { byId("shared").textContent = text; }

const shares = {
  "picture as SVG": () => download(new Blob([pictureInView().text], { type: "image/svg+xml" }), "svg"),
  "picture as PNG": () => inPixels(pictureInView()).then((blob) => download(blob, "png"), (error) => saySo(`No picture: ${error.message}.`)),
  "link to this step": () => (/^about:/.test(location.protocol) ? saySo("This page is inside a frame, and has no address. A saved page has: play(loss).save(\"page.html\").") : copyText(location.href, "link")),
  "this step as text": () => copyText(stepAsText(), "step"),
  description: () => copyText(description(), "description"),
};
Object.entries(shares).forEach(([text, act]) => {
  const button = make("button", { type: "button" }, text.startsWith("picture") ? `save ${text}` : `copy ${text}`);
  button.addEventListener("click", act);
  byId("ways").append(button);
});
shareMenu.addEventListener("toggle", () => { if (!shareMenu.open) saySo(""); });
shareMenu.addEventListener("keydown", (e) => {
  if (!shareMenu.open) return;
  e.stopPropagation(); // its keys are not the page's
  if (e.key === "Escape") { shareMenu.open = false; shareMenu.querySelector("summary").focus(); e.preventDefault(); }
});
document.addEventListener("pointerdown", (e) => { if (!shareMenu.contains(e.target)) shareMenu.open = false; });
