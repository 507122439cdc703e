// Adds the votes that arrive to the list, every two seconds, until it is paused. Without this file the list has a link that
// loads it anew.
'use strict';

const POLL_DELAY = 2_000; // ms between an answer and the next request
const RUNS_FOR = 600_000; // ms after which an unattended page pauses by itself
const PAGE = 100;
const MAX_ROWS = 200;

const list = document.getElementById('votes');
const pause = document.getElementById('pause');
const state = document.getElementById('live-state');
const { api, page, zone } = list.dataset;
const fields = list.dataset.fields.split(' ');
const labels = [...list.closest('table').tHead.rows[0].cells].map((cell) => cell.textContent);
const parts = { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' };
// Swedish writes times as the page does: 2026-11-21 16:05:07.
const clock = new Intl.DateTimeFormat('sv-SE', { ...parts, timeZone: zone });
let tail = list.dataset.tail;
let stopAt = Date.now() + RUNS_FOR;
let isPaused = false;
let timer = null;
let turn = 0; // number of the poll loop, so that an earlier one ends

function show(name) {
  if (state.textContent !== state.dataset[name]) state.textContent = state.dataset[name];
}

function row({ id, received_at: at, answers, door, instance }) {
  const row = document.createElement('tr');
  row.dataset.id = id;
  const head = document.createElement('th');
  head.scope = 'row';
  const link = document.createElement('a');
  const [path, query] = page.split('?');
  link.href = path + id + (query ? `?${query}` : '');
  const time = document.createElement('time');
  time.dateTime = at;
  time.textContent = clock.format(new Date(at));
  link.append(time);
  head.append(link);
  row.append(head);
  [...fields.map((name) => answers[name] ?? ''), door, instance ?? ''].forEach((text, place) => {
    const cell = row.insertCell();
    cell.dataset.label = labels[place + 1];
    cell.textContent = text;
  });
  return row;
}

const received = (row) => Date.parse(row.querySelector('time').dateTime);

/** Adds the votes that are not in the list yet in their order, and removes the oldest rows beyond the bound. Votes below the
 * list are those of the next page. */
function add(votes) {
  const known = new Set([...list.rows].map(({ dataset }) => dataset.id));
  const fresh = votes.filter(({ id }) => !known.has(id));
  const isLastPage = document.querySelector('.pages') === null;
  for (const vote of fresh.reverse()) {
    const at = Date.parse(vote.received_at);
    const older = [...list.rows].find((other) => received(other) <= at);
    if (older || isLastPage) list.insertBefore(row(vote), older ?? null);
  }
  if (list.rows.length > 0) document.getElementById('nothing')?.remove();
  while (list.rows.length > MAX_ROWS) list.deleteRow(-1);
}

async function read(before) {
  const answer = await fetch(`${api}${api.includes('?') ? '&' : '?'}limit=${PAGE}&after=${tail}${before}`, { headers: { Accept: 'application/json' } });
  // Logged out: the reloaded page says so.
  if (answer.status === 401) location.reload();
  if (!answer.ok) throw new Error(answer.statusText);
  return answer.json();
}

/** Reads the votes that arrived, newest first: also what is left of a burst beyond one page, as far as the list has room. */
async function readNew() {
  const known = new Set([...list.rows].map(({ dataset }) => dataset.id));
  const first = await read('');
  const votes = [...first.votes];
  let page = first;
  while (page.next && votes.length < MAX_ROWS && page.votes.length === PAGE && !page.votes.some(({ id }) => known.has(id))) {
    page = await read(`&before=${page.next}`);
    votes.push(...page.votes);
  }
  return { votes, next: first.tail };
}

async function poll(mine) {
  timer = null;
  if (!document.hidden) {
    try {
      const { votes, next } = await readNew();
      if (mine !== turn) return;
      add(votes);
      tail = next;
      show('live');
    } catch {
      if (mine !== turn) return;
      show('failed');
    }
  }
  if (Date.now() > stopAt) return toggle();
  timer = setTimeout(poll, POLL_DELAY, mine);
}

function toggle() {
  isPaused = !isPaused;
  pause.textContent = isPaused ? pause.dataset.resume : pause.dataset.pause;
  show(isPaused ? 'paused' : 'live');
  clearTimeout(timer);
  turn += 1;
  stopAt = Date.now() + RUNS_FOR;
  if (!isPaused) poll(turn);
}

pause.hidden = false;
pause.addEventListener('click', toggle);
poll(turn);
