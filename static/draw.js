// Draws the pictures and tables of the results page as the server does, and saves a picture as PNG.
'use strict';

const SVG = 'http://www.w3.org/2000/svg';
const BAR = 44; // px for a bar and the text above it
const LINE_WIDTH = 340;
const LINE_HEIGHT = 120;
const PNG_SCALE = 2;
const PNG_MARGIN = 16; // px
const PNG_LINE = 22; // px of a line of the legend
const MIN_PNG_WIDTH = 480; // px
const STYLES = ['fill', 'stroke', 'stroke-width', 'font-size', 'font-family', 'font-weight'];

/** Creates an element of SVG. */
function svg(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Creates a small square of a colour. */
const swatch = (colour) => svg('svg', { class: 'swatch', 'aria-hidden': true }, svg('rect', { class: colour, width: '100%', height: '100%' }));

/** Returns a share in percent, with one decimal as on the server. */
const percent = (part, whole) => Math.round((1000 * part) / Math.max(whole, 1)) / 10;

function drawBars(picture, { rows, total }, top) {
  const shown = rows.slice(0, top).map(({ label, count }) => ({ label, count, colour: 'c0' }));
  const rest = total - shown.reduce((sum, { count }) => sum + count, 0);
  if (rest > 0) shown.push({ label: othersLabel, count: rest, colour: 'cx' });
  const highest = Math.max(1, ...shown.map(({ count }) => count));
  picture.setAttribute('height', shown.length * BAR);
  picture.replaceChildren(...shown.map(({ label, count, colour }, place) => svg('svg', { y: place * BAR },
    svg('svg', { width: '78%', height: 24 }, svg('text', { x: 0, y: 18 }, label)),
    svg('text', { x: '100%', y: 18, 'text-anchor': 'end' }, number.format(count)),
    svg('rect', { class: colour, y: 24, width: `${Math.max(1, percent(count, highest))}%`, height: 12, rx: 3 }))));
}

function drawStack(picture, { rows, others, total }, colourOf) {
  const parts = rows.map(({ label, count }) => ({ label, count, colour: colourOf(label) }));
  if (others) parts.push({ label: othersLabel, count: others.count, colour: 'cx' });
  let before = 0;
  picture.replaceChildren(...parts.map(({ label, count, colour }) => {
    const x = percent(before, total);
    before += count;
    const width = percent(before, total) - x;
    const title = svg('title', {}, `${label}: ${share(count, total)}`);
    return svg('rect', { class: colour, x: `${x}%`, width: `${width}%`, y: 1, height: 38 }, title);
  }));
}

function drawLine(picture, { rows }) {
  const highest = Math.max(1, ...rows.map(({ count }) => count));
  const steps = Math.max(1, rows.length - 1);
  const points = rows.map(({ count }, place) => `${(place * LINE_WIDTH) / steps},${LINE_HEIGHT * (1 - count / highest)}`);
  picture.querySelector('polyline').setAttribute('points', points.join(' '));
}

/** Fills a table body. Rows stay for values that stay, so that a focused link keeps the focus. */
function fillRows(body, rows, cells) {
  const known = body.known ?? new Map();
  if (!body.known) body.replaceChildren();
  body.known = known;
  const wanted = new Set(rows.map(({ id }) => id));
  for (const [id, row] of known) {
    if (!wanted.has(id)) known.delete(id) && row.remove();
  }
  rows.forEach((shown, place) => {
    const row = known.get(shown.id) ?? document.createElement('tr');
    if (!row.cells.length) {
      row.append(Object.assign(document.createElement('th'), { scope: 'row' }));
      row.insertCell();
      row.insertCell();
      known.set(shown.id, row);
    }
    cells(row, shown);
    if (body.rows[place] !== row) body.insertBefore(row, body.rows[place] ?? null);
  });
}

/** Copies a picture with the styles that it has on the page, because an image knows no style sheet. Adds its heading, a note and,
 * below it, a legend. */
function standAlone(picture, { heading, note, legend }) {
  const { width, height } = picture.getBoundingClientRect();
  const copy = picture.cloneNode(true);
  const [from, to] = [picture, copy].map((root) => [root, ...root.querySelectorAll('*')]);
  from.forEach((element, place) => {
    const style = getComputedStyle(element);
    for (const name of STYLES) to[place].setAttribute(name, style.getPropertyValue(name));
  });
  const top = 4.5 * PNG_MARGIN;
  for (const [key, value] of Object.entries({ x: PNG_MARGIN, y: top, width, height })) copy.setAttribute(key, value);
  const page = getComputedStyle(document.body);
  const fillOf = (colour) => getComputedStyle(document.documentElement).getPropertyValue(`--${colour}`);
  const text = (x, y, size, content) => svg('text', { x, y, fill: page.color, 'font-size': size, 'font-family': 'sans-serif' }, content);
  const lines = legend.flatMap(({ colour, text: content }, place) => {
    const y = top + height + (place + 1) * PNG_LINE;
    const square = { x: PNG_MARGIN, y: y - 12, width: 14, height: 14, fill: fillOf(colour), stroke: page.color };
    return [svg('rect', square), text(PNG_MARGIN + 22, y, 14, content)];
  });
  const size = { width: Math.max(width, MIN_PNG_WIDTH) + 2 * PNG_MARGIN, height: top + height + (legend.length + 1) * PNG_LINE };
  const background = getComputedStyle(document.documentElement).backgroundColor;
  return svg('svg', { ...size, xmlns: SVG }, svg('rect', { ...size, fill: background }),
    text(PNG_MARGIN, 2 * PNG_MARGIN, 18, heading), text(PNG_MARGIN, 3.4 * PNG_MARGIN, 14, note), copy, ...lines);
}

/** Saves a picture as a file. */
async function savePng(picture, texts, name) {
  const drawing = standAlone(picture, texts);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(drawing))}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = image.width * PNG_SCALE;
  canvas.height = image.height * PNG_SCALE;
  canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
  const file = await new Promise((done) => canvas.toBlob(done, 'image/png'));
  const link = Object.assign(document.createElement('a'), { href: URL.createObjectURL(file), download: `${name}.png` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href));
}
