// Colors of numbers: minus, zero and plus, as the style sheet has them in light and dark.

let palette = {};
const CLASSES = ["--minus", "--plus", "--third", "--fourth", "--fifth", "--sixth"];
function readColors() {
  const style = getComputedStyle(document.documentElement), pen = document.createElement("canvas").getContext("2d");
  const rgb = (name) => {
    pen.fillStyle = style.getPropertyValue(name).trim();
    return [1, 3, 5].map((i) => parseInt(pen.fillStyle.slice(i, i + 2), 16));
  };
  palette = { minus: rgb("--minus"), zero: rgb("--zero"), plus: rgb("--plus"), ink: style.getPropertyValue("--ink"), faint: style.getPropertyValue("--faint"), panel: style.getPropertyValue("--panel"), line: style.getPropertyValue("--line"), accent: style.getPropertyValue("--accent"), classes: CLASSES.map(rgb) };
}
const css = (c) => `rgb(${c.join(",")})`;
const mixed = (a, b, t) => a.map((x, i) => Math.round(x + (b[i] - x) * t));
// The color of a number between -1 and 1.
const shaded = (t) => mixed(palette.zero, t < 0 ? palette.minus : palette.plus, Math.min(Math.abs(t), 1));

// An image of n × n numbers, the first row at the bottom.
function picture(canvas, n, color) {
  if (canvas.width !== n) { canvas.width = n; canvas.height = n; }
  const pen = canvas.getContext("2d"), image = pen.createImageData(n, n);
  for (let i = 0; i < n * n; i++) {
    const at = ((n - 1 - Math.floor(i / n)) * n + (i % n)) * 4, [r, g, b] = color(i);
    image.data[at] = r; image.data[at + 1] = g; image.data[at + 2] = b; image.data[at + 3] = 255;
  }
  pen.putImageData(image, 0, 0);
}
// A canvas with as many pixels as the screen has, and a pen in CSS pixels.
function sharp(canvas) {
  const { width, height } = canvas.getBoundingClientRect(), by = window.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(width * by));
  canvas.height = Math.max(1, Math.round(height * by));
  const pen = canvas.getContext("2d");
  pen.scale(by, by);
  return { pen, width, height };
}
