// Shows the progress of a report, about twice a second. Without this file the page reloads itself every two seconds.
'use strict';

const POLL_DELAY = 400; // ms between an answer and the next request
const RETRY_DELAY = 2_000; // ms after a failed request
const ANNOUNCE_EVERY = 25; // percent between two announcements of a screen reader

const job = document.getElementById('job');
const part = (id) => document.getElementById(id);
const site = document.title.slice(document.title.lastIndexOf(' · '));
let announced = 0;

function show({ state, rows, of, words }) {
  part('words').textContent = words;
  document.title = words + site;
  const bar = part('bar');
  bar.max = Math.max(of ?? 1, 1);
  bar.value = Math.min(rows, bar.max);
  const quarter = of ? Math.floor((100 * rows) / of / ANNOUNCE_EVERY) : 0;
  const isLive = state === 'waiting' || state === 'running';
  if (isLive && quarter <= announced) return isLive;
  announced = quarter;
  part('told').textContent = words;
  if (!isLive) end(state);
  return isLive;
}

/** Shows the end of the job. Moves the focus if it was on the removed element. */
function end(state) {
  const hadFocus = job.contains(document.activeElement);
  job.remove();
  part('ready').hidden = state !== 'done';
  if (hadFocus) (state === 'done' ? part('ready').firstElementChild : part('main')).focus();
}

async function poll() {
  let wait = POLL_DELAY;
  try {
    const answer = await fetch(job.dataset.progress, { headers: { Accept: 'application/json' } });
    // Logged out, or the job no longer exists: the reloaded page shows the reason.
    if (answer.status >= 400 && answer.status < 500) return location.reload();
    if (!answer.ok) throw new Error(answer.statusText);
    if (!show(await answer.json())) return;
  } catch {
    wait = RETRY_DELAY;
  }
  setTimeout(poll, wait);
}

poll();
