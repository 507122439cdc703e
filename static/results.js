// Live results: draws a tally again when its counts change, when another value is selected, or when something is searched.
// Without this file the page shows the same as of the time of the request, and the form does what the script does here.
'use strict';

const MAX_ROWS = 100;
const MAX_OPTIONS = 400;
const MAX_COLOURS = 8;
const MAX_LEGEND = 12;
const MIN_ZOOM = 0.4; // of a tally on a large screen
const LATEST = 5_000; // ms between two requests for the latest votes
const TURN = 15_000; // ms for which a large screen shows the same tallies
const find = part('find');
const join = (labels) => labels.map((label) => label || noAnswer).join(' · ');

/** A tally of the page. */
class Block {
  constructor(element) {
    const { tally, chart, top, grouped, colours, selected } = element.dataset;
    Object.assign(this, { element, chart, id: tally, top: Number(top), isGrouped: grouped === 'true', colours: JSON.parse(colours), fixed: selected });
    this.picture = element.querySelector('.picture');
    this.selection = element.querySelector('select');
    this.selection?.addEventListener('change', () => this.select(this.selection.value));
    const button = element.querySelector('.select button');
    if (button) button.hidden = true;
    const png = element.querySelector('.png');
    if (!png) return;
    png.hidden = false;
    png.addEventListener('click', () => savePng(this.picture, { heading: this.heading(), note: this.note(), legend: this.legend() }, this.id));
  }

  heading() {
    const heading = this.element.querySelector('h2').textContent;
    return this.selection ? `${heading}: ${this.selection.selectedOptions[0].textContent}` : heading;
  }

  /** Returns the total and the time of the counts. */
  note() {
    const asOf = part('as-of');
    return `${this.element.querySelector('.sum').textContent} · ${asOf.parentElement.firstChild.textContent.trim()} ${asOf.textContent}`;
  }

  /** Returns the values of a share, which its picture does not name: colours and texts. */
  legend() {
    if (this.chart !== 'share') return [];
    const table = this.element.querySelector('.values');
    const rows = [...table.tBodies[0].rows].slice(0, MAX_LEGEND);
    const hidden = table.tBodies[0].rows.length > rows.length ? ['…'] : [];
    const others = table.tFoot.rows[0].hidden ? [] : [table.tFoot.rows[0]];
    const text = (row) => [...row.cells].map((cell) => cell.textContent.trim()).join(' · ');
    return [...rows, ...others].map((row) => ({ colour: row.querySelector('rect')?.getAttribute('class') ?? 'cx', text: text(row) }))
      .concat(hidden.map((text) => ({ colour: 'cx', text })));
  }

  select(value) {
    const address = new URL(location.href);
    address.searchParams.set(this.id, value);
    history.replaceState(null, '', address);
    this.draw();
  }

  /** Returns the value that is shown: the selected one, or on a large screen that of the link, else the highest one. */
  selected(tally) {
    if (this.selection) return this.selection.value;
    return this.fixed ?? this.groups(tally)[0]?.value;
  }

  /** Adds values to select that were counted since the page was opened. */
  addOptions(tally) {
    if (!this.selection) return;
    const known = new Set([...this.selection.options].map(({ value }) => value));
    const groups = this.groups(tally).slice(0, MAX_OPTIONS);
    for (const { value } of groups.filter(({ value }) => !known.has(value))) {
      const next = [...this.selection.options].find((option) => fold(option.value) > fold(value));
      this.selection.add(new Option(value || noAnswer, value), next ?? null);
    }
    if (!known.size && groups.length) this.selection.value = groups[0].value;
    this.selection.parentElement.hidden = !this.selection.length;
  }

  /** Gives the highest values colours that are free, so that a value keeps its colour. */
  addColours(keys) {
    if (this.chart !== 'share' || this.colours.length >= MAX_COLOURS) return;
    const sums = new Map();
    for (const { key, count } of keys) {
      const label = join(key.slice(1));
      sums.set(label, (sums.get(label) ?? 0) + count);
    }
    for (const label of [...this.colours, noAnswer]) sums.delete(label);
    const highest = [...sums].sort(([a, x], [b, y]) => y - x || byText(a, b)).map(([label]) => label);
    this.colours.push(...highest.slice(0, MAX_COLOURS - this.colours.length));
  }

  groups(tally) {
    const groups = [...tally.groups.values()].filter(({ total }) => total > 0);
    return groups.map(({ key, total }) => ({ id: key, label: key, value: key, total }))
      .sort((a, b) => b.total - a.total || byText(a.label, b.label));
  }

  /** Returns what the picture shows. */
  scope(tally) {
    const selected = this.isGrouped ? this.selected(tally) : undefined;
    const keys = [...tally.counts].map(([json, count]) => ({ key: JSON.parse(json), count }));
    const inside = this.isGrouped ? keys.filter(({ key }) => key[0] === selected) : keys;
    const rows = inside.map(({ key, count }) => ({ id: JSON.stringify(key), label: join(this.isGrouped ? key.slice(1) : key), count }));
    rows.sort(this.chart === 'line' ? byValue : (a, b) => b.count - a.count || byText(a.label, b.label));
    const { total = 0, others = null } = (this.isGrouped ? tally.groups.get(selected) : tally) ?? {};
    return { rows, total, others, selected, keys };
  }

  draw(tally = follower.tallies.get(this.id)) {
    if (!tally) return;
    this.addOptions(tally);
    const scope = this.scope(tally);
    this.addColours(scope.keys);
    const colourOf = (label) => {
      const place = this.colours.indexOf(label);
      return place < 0 ? 'cx' : `c${place}`;
    };
    if (this.chart === 'bar') drawBars(this.picture, scope, this.top);
    if (this.chart === 'share') drawStack(this.picture, scope, colourOf);
    if (this.chart === 'line') drawLine(this.picture, scope);
    write(this.element.querySelector('.sum strong'), number.format(scope.total));
    this.element.querySelector('.none').hidden = scope.rows.length > 0;
    const value = this.element.querySelector('.selected .value');
    if (value) write(value, scope.selected || '—');
    this.fillValues(scope, colourOf);
    this.fillGroups(tally, scope, colourOf);
  }

  fillValues(scope, colourOf) {
    const table = this.element.querySelector('.values');
    if (!table) return;
    const wanted = fold(find?.value ?? '');
    const found = this.isGrouped ? scope.rows : scope.rows.filter(({ label }) => fold(label).includes(wanted));
    fillRows(table.tBodies[0], found.slice(0, MAX_ROWS), (row, { label, count }) => {
      if (!row.cells[0].childNodes.length) {
        row.cells[0].append(...(this.chart === 'share' ? [swatch(colourOf(label)), label] : [label]));
      }
      write(row.cells[1], number.format(count));
      write(row.cells[2], share(count, scope.total));
    });
    const others = table.tFoot.rows[0];
    others.hidden = !scope.others;
    const { count = 0, values } = scope.others ?? {};
    write(others.cells[0], values ? `${othersLabel} (${number.format(values)})` : othersLabel);
    write(others.cells[1], number.format(count));
    write(others.cells[2], share(count, scope.total));
    if (!this.isGrouped) this.tell(found.length, wanted);
  }

  fillGroups(tally, { keys }, colourOf) {
    const leaders = new Map();
    for (const { key, count } of keys) {
      const [label, known] = [join(key.slice(1)), leaders.get(key[0])];
      if (!known || count > known.count || (count === known.count && byText(label, known.label) < 0)) leaders.set(key[0], { label, count });
    }
    this.drawMap(tally, leaders, colourOf);
    const table = this.element.querySelector('.groups');
    if (!table) return;
    const wanted = fold(find?.value ?? '');
    const found = this.groups(tally).filter(({ label }) => fold(label).includes(wanted));
    fillRows(table.tBodies[0], found.slice(0, MAX_ROWS), (row, { value, total }) => {
      const address = new URL(location.href);
      address.searchParams.set(this.id, value);
      address.hash = this.element.id;
      const link = row.cells[0].firstChild ?? row.cells[0].appendChild(document.createElement('a'));
      link.href = address;
      write(link, value || noAnswer);
      const leader = leaders.get(value);
      write(row.cells[1], leader ? `${leader.label} ${share(leader.count, total)}` : '');
      write(row.cells[2], number.format(total));
    });
    this.tell(found.length, wanted);
  }

  /** Colours each department by its highest value, or by its count if the tally has one field. */
  drawMap(tally, leaders, colourOf) {
    const map = this.element.querySelector('.map');
    if (!map) return;
    const highest = Math.max(1, ...[...leaders.values()].map(({ count }) => count));
    for (const area of map.querySelectorAll('path')) {
      const { area: name } = area.dataset;
      const leader = leaders.get(name);
      const total = tally.groups.get(name)?.total ?? 0;
      const shade = `m${Math.ceil((5 * (leader?.count ?? 0)) / highest)}`;
      area.setAttribute('class', leader && this.isGrouped ? colourOf(leader.label) : shade);
      const detail = leader && (this.isGrouped ? `${leader.label} ${share(leader.count, total)}` : number.format(leader.count));
      write(area.querySelector('title'), detail ? `${name}: ${detail}` : name);
    }
    const legend = this.element.querySelector('.legend span');
    if (!legend) return;
    const places = new Map();
    for (const { label } of leaders.values()) places.set(label, (places.get(label) ?? 0) + 1);
    const sorted = [...places].sort(([a, x], [b, y]) => y - x || byText(a, b));
    legend.replaceChildren(...sorted.flatMap(([label, count]) => [swatch(colourOf(label)), `${label} (${count}) `]));
  }

  /** Tells whether a search has no result, and how many values the table leaves out. */
  tell(found, wanted) {
    const nothing = this.element.querySelector('.nothing');
    if (!nothing) return;
    write(nothing, wanted && !found ? nothing.dataset.none : '');
    const more = this.element.querySelector('.more');
    more.hidden = found <= MAX_ROWS;
    write(more.querySelector('span'), number.format(Math.max(0, found - MAX_ROWS)));
    const folded = this.element.querySelector('details');
    if (folded && wanted && found) folded.open = true;
  }
}

/** Compares by value, numbers as numbers. */
function byValue(a, b) {
  const [x, y] = [a, b].map(({ label }) => (/^-?\d+$/.test(label) ? Number(label) : NaN));
  if (Number.isNaN(x) && Number.isNaN(y)) return byText(a.label, b.label);
  return Number.isNaN(x) - Number.isNaN(y) || x - y;
}

const blocks = new Map([...document.querySelectorAll('.tally[data-chart]')].map((element) => [element.dataset.tally, new Block(element)]));
const follower = new Follower('', [...blocks.keys()], (tally, id) => {
  if (id === source.dataset.main) {
    write(part('total'), number.format(tally.total));
    write(part('as-of'), moment(new Date(tally.as_of)));
    write(part('stale'), tally.stale ? stale : '');
  }
  blocks.get(id)?.draw(tally);
  if (source.classList.contains('screen')) requestAnimationFrame(fit);
});
/** Shows what comes in now, also when nothing does: the line moves on with time. */
async function showLatest() {
  if (document.hidden) return;
  try {
    const answer = await fetch(source.dataset.latest);
    if (!answer.ok) return;
    const drawn = new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById('now');
    drawn.querySelector('details').open = part('now').querySelector('details').open;
    part('now').replaceChildren(...drawn.childNodes);
    if (source.classList.contains('screen')) fit();
  } catch {
    // The next one may arrive.
  }
}

if (source.dataset.latest) setInterval(showLatest, LATEST);
/** Makes the tallies that a large screen shows as small as it takes to see all of them. */
function fit() {
  for (const block of document.querySelectorAll('.blocks > .tally:not([hidden])')) {
    block.style.zoom = '';
    for (let zoom = 1; zoom > MIN_ZOOM;) {
      const { top, bottom } = block.getBoundingClientRect();
      const room = innerHeight - top;
      if (bottom - top <= room) break;
      zoom = Math.max(MIN_ZOOM, 0.98 * zoom * Math.max(0.5, room / (bottom - top)));
      block.style.zoom = zoom;
    }
  }
}

/** Shows as many tallies side by side as there are columns, in turn, because nobody scrolls a large screen. */
function turnPages() {
  const shown = [...document.querySelectorAll('.blocks > .tally')];
  let first = 0;
  const turn = () => {
    shown.forEach((block) => { block.hidden = false; });
    const columns = getComputedStyle(document.querySelector('.blocks')).gridTemplateColumns.split(' ').length;
    if (first >= shown.length) first = 0;
    shown.forEach((block, place) => { block.hidden = place < first || place >= first + columns; });
    first += columns;
    fit();
  };
  turn();
  addEventListener('resize', fit);
  setInterval(turn, TURN);
}

if (source.classList.contains('screen')) turnPages();
find?.addEventListener('input', () => blocks.forEach((block) => block.draw()));
follower.follow();
