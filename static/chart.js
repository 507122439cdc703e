// Live totals of one tally. Without this file the page shows the same bars and table as of the time of the request.
'use strict';

const BARS = 20;
const ROW = 44; // px for a bar and the text above it
const ABOVE = 10; // px above the first text
const WORDS = -18; // px from the middle of a bar to the middle of its text

const { tally, registrations, none } = source.dataset;
const rows = new Map([...part('rows').rows].map((row) => [row.dataset.value, row]));
let bars = null;

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
        backgroundColor: getComputedStyle(source).getPropertyValue('--bar').trim(),
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

const follower = new Follower(`?tally=${tally}`, [tally], show);
part('find').addEventListener('input', search);
part('search').hidden = false;
follower.follow();
