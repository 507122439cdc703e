// Live totals: server-sent events, or polling every five seconds if those are blocked. Without this file the page shows the
// same bars and table as of the time of the request.
'use strict';

const BARS = 20;
const ROW = 44; // px for a bar and the text above it
const ABOVE = 10; // px above the first text
const WORDS = -18; // px from the middle of a bar to the middle of its text
const POLL = 5_000; // ms
const RECONNECT = 30_000; // ms

const section = document.getElementById('chart');
const { api, tally, zone, stale, registrations, none, others: othersLabel, noAnswer } = section.dataset;
const part = (id) => document.getElementById(id);
const isEnglish = document.documentElement.lang === 'en';
const locale = isEnglish ? 'en-GB' : 'es-CO';
const number = new Intl.NumberFormat(locale, { useGrouping: 'always' });
const day = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone: zone });
const clock = new Intl.DateTimeFormat('en-US', { hour: 'numeric', minute: '2-digit', hour12: true, timeZone: zone });
const halves = isEnglish ? { AM: 'a.m.', PM: 'p.m.' } : { AM: 'a. m.', PM: 'p. m.' };
const rows = new Map([...part('rows').rows].map((row) => [row.dataset.value, row]));
const share = (count, total) => (total ? (100 * count) / total : 0).toFixed(1).replace('.', isEnglish ? '.' : ',') + ' %';
let bars = null;

/** Formats a time like the page of the server: `21 de noviembre de 2026, 4:05 p. m.` */
function moment(at) {
  const { hour, minute, dayPeriod } = Object.fromEntries(clock.formatToParts(at).map(({ type, value }) => [type, value]));
  return `${day.format(at)}, ${hour}:${minute} ${halves[dayPeriod]}`;
}

/** Writes only changed texts, because a table of a thousand rows is updated twice a second. */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The last state of the tally, from which differences start. Keys are JSON texts of lists. */
class Tally {
  constructor(body) {
    this.counts = new Map(body.values.map(({ key, count }) => [JSON.stringify(key), count]));
    this.groups = new Map((body.groups ?? []).map(({ key, total }) => [key, total]));
    Object.assign(this, { total: body.total, others: body.others, as_of: body.as_of, stale: body.stale });
  }

  apply(change) {
    for (const key of change.removed) this.counts.delete(JSON.stringify(key));
    for (const { key, count } of change.values) this.counts.set(JSON.stringify(key), count);
    for (const { key, total } of change.groups ?? []) this.groups.set(key, total);
    Object.assign(this, { total: change.total, others: change.others, as_of: change.as_of, stale: change.stale });
  }

  /** Returns the values in the order of the server: highest group first, then highest count, then by text. */
  values() {
    const byText = (a, b) => (a < b ? -1 : Number(a > b));
    const values = [...this.counts].map(([json, count]) => {
      const key = JSON.parse(json);
      return { group: key.length > 1 ? key[0] : '', value: key.map((part) => part || noAnswer).join(' · '), count };
    });
    const total = ({ group }) => this.groups.get(group) ?? 0;
    return values.sort((a, b) => total(b) - total(a) || byText(a.group, b.group) || b.count - a.count || byText(a.value, b.value));
  }
}

function show(chart) {
  const values = chart.values();
  write(part('total'), number.format(chart.total));
  write(part('as-of'), moment(new Date(chart.as_of)));
  write(part('stale'), chart.stale ? stale : '');
  part('empty').hidden = values.length > 0;
  showRows(values, chart.total);
  showOthers(chart);
  showBars(values.slice(0, BARS));
}

function showOthers({ others, total }) {
  const row = part('others');
  row.hidden = !others;
  if (!others) return;
  write(row.cells[0], others.values ? `${othersLabel} (${number.format(others.values)})` : othersLabel);
  write(row.cells[1], number.format(others.count));
  write(row.cells[2], share(others.count, total));
}

function showRows(values, total) {
  const known = new Set(values.map(({ value }) => value));
  for (const [value, row] of rows) {
    if (!known.has(value)) rows.delete(value) && row.remove();
  }
  values.forEach(({ value, count }, place) => {
    const row = rows.get(value) ?? newRow(value);
    write(row.cells[1], number.format(count));
    write(row.cells[2], share(count, total));
    if (part('rows').rows[place] !== row) part('rows').insertBefore(row, part('rows').rows[place] ?? null);
  });
  search();
}

function newRow(value) {
  const row = document.createElement('tr');
  const name = row.appendChild(document.createElement('th'));
  name.scope = 'row';
  name.textContent = value;
  row.insertCell();
  row.insertCell();
  rows.set(value, row);
  return row;
}

function search() {
  const wanted = fold(part('find').value);
  let found = 0;
  for (const [value, row] of rows) {
    row.hidden = !fold(value).includes(wanted);
    if (!row.hidden) found += 1;
  }
  write(part('none'), rows.size > 0 && found === 0 ? none : '');
}

function showBars(top) {
  part('bars')?.remove(); // the static bars of the page
  if (!window.Chart || top.length === 0) return;
  part('canvas').hidden = false;
  part('canvas').style.height = `${top.length * ROW + ABOVE}px`;
  const isFirst = !bars;
  bars ??= newBars();
  bars.data.labels = top.map(({ value }) => value);
  bars.data.datasets[0].data = top.map(({ count }) => count);
  bars.update(isFirst ? 'none' : undefined);
}

/** Creates the chart with the same look as the static bars: text above each bar, so that both fit on a narrow screen. */
function newBars() {
  const color = getComputedStyle(document.body).color;
  const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
  Chart.defaults.font = { family: getComputedStyle(document.body).fontFamily, size: 15 };
  return new Chart(part('canvas').firstElementChild, {
    type: 'bar',
    data: {
      datasets: [{
        label: registrations,
        data: [],
        backgroundColor: getComputedStyle(section).getPropertyValue('--bar').trim(),
        borderRadius: 3,
        barThickness: 12,
        minBarLength: 3,
      }],
    },
    options: {
      indexAxis: 'y',
      locale,
      animation: isStill ? false : { duration: 400 },
      maintainAspectRatio: false,
      layout: { padding: { top: ABOVE } },
      plugins: { legend: { display: false } },
      scales: {
        x: { display: false, beginAtZero: true, bounds: 'data' },
        y: {
          grid: { display: false, tickLength: 0 },
          border: { display: false },
          ticks: { color, autoSkip: false, mirror: true, padding: 0, labelOffset: WORDS, callback: shortLabel },
        },
      },
    },
    plugins: [{ id: 'numbers', afterDatasetsDraw: (chart) => drawNumbers(chart, color) }],
  });
}

function shortLabel(_, index) {
  const label = String(this.getLabelForValue(index));
  const limit = this.chart.width - 70; // px
  const { ctx } = this.chart;
  ctx.font = Chart.helpers.toFont(Chart.defaults.font).string;
  const fits = (text) => ctx.measureText(text).width <= limit;
  if (fits(label)) return label;
  let length = label.length - 1;
  while (length > 1 && !fits(`${label.slice(0, length)}…`)) length -= 1;
  return `${label.slice(0, length)}…`;
}

function drawNumbers(chart, color) {
  const { ctx, data, chartArea } = chart;
  Object.assign(ctx, { fillStyle: color, textAlign: 'right', textBaseline: 'middle' });
  ctx.font = Chart.helpers.toFont(Chart.defaults.font).string;
  chart.getDatasetMeta(0).data.forEach(({ y }, place) => {
    ctx.fillText(number.format(data.datasets[0].data[place]), chartArea.right, y + WORDS);
  });
}

/** Follows the totals while the page is visible. */
class Follower {
  start() {
    this.stop();
    this.events = new EventSource(`${api}/events?tally=${tally}`);
    this.events.addEventListener('tally', (event) => this.take(new Tally(JSON.parse(event.data))));
    this.events.addEventListener('change', (event) => {
      this.tally.apply(JSON.parse(event.data));
      show(this.tally);
    });
    this.events.onopen = () => clearInterval(this.polling);
    this.events.onerror = () => this.fallBack();
  }

  take(tally) {
    this.tally = tally;
    show(tally);
  }

  fallBack() {
    clearInterval(this.polling);
    this.polling = setInterval(() => this.poll(), POLL);
    // An error status closes an event source permanently; a lost connection does not.
    if (this.events.readyState === EventSource.CLOSED) {
      clearTimeout(this.later);
      this.later = setTimeout(() => this.start(), RECONNECT);
    }
  }

  async poll() {
    try {
      const answer = await fetch(`${api}/${tally}`);
      if (!answer.ok) throw new Error(answer.statusText);
      this.take(new Tally(await answer.json()));
    } catch {
      write(part('stale'), stale);
    }
  }

  stop() {
    this.events?.close();
    clearInterval(this.polling);
    clearTimeout(this.later);
  }
}

const follower = new Follower();
const follow = () => (document.hidden ? follower.stop() : follower.start());
document.addEventListener('visibilitychange', follow);
part('find').addEventListener('input', search);
part('search').hidden = false;
follow();
