// How far a report is, twice a second. Without this file the page loads itself again every two seconds.
'use strict';

const EVERY = 400; // ms between an answer and the next question
const AWAY = 2_000; // ms after a question without an answer
const TELL_EVERY = 25; // percent between two announcements: a screen reader shall not talk all the time

const job = document.getElementById('job');
const part = (id) => document.getElementById(id);
const site = document.title.slice(document.title.lastIndexOf(' · '));
let told = 0;

function show({ state, rows, of, words }) {
  part('words').textContent = words;
  document.title = words + site;
  const bar = part('bar');
  bar.max = Math.max(of ?? 1, 1);
  bar.value = Math.min(rows, bar.max);
  const quarter = of ? Math.floor((100 * rows) / of / TELL_EVERY) : 0;
  const isLive = state === 'waiting' || state === 'running';
  if (isLive && quarter <= told) return isLive;
  told = quarter;
  part('told').textContent = words;
  if (!isLive) end(state);
  return isLive;
}

/** Whoever had the focus on what goes finds it where it goes on. */
function end(state) {
  const hadFocus = job.contains(document.activeElement);
  job.remove();
  part('ready').hidden = state !== 'done';
  if (hadFocus) (state === 'done' ? part('ready').firstElementChild : part('main')).focus();
}

async function look() {
  let wait = EVERY;
  try {
    const answer = await fetch(job.dataset.progress, { headers: { Accept: 'application/json' } });
    // Logged out, or the job is gone: the page says what it is.
    if (answer.status >= 400 && answer.status < 500) return location.reload();
    if (!answer.ok) throw new Error(answer.statusText);
    if (!show(await answer.json())) return;
  } catch {
    wait = AWAY;
  }
  setTimeout(look, wait);
}

look();
