// What the pages of totals share: formats, the state of a tally from server-sent differences, and polling every five seconds
// if those events are blocked.
'use strict';

const POLL = 5_000; // ms
const RECONNECT = 30_000; // ms

const source = document.querySelector('[data-api]');
const { api, zone, stale, others: othersLabel, noAnswer } = source.dataset;
const part = (id) => document.getElementById(id);
const isEnglish = document.documentElement.lang === 'en';
const locale = isEnglish ? 'en-GB' : 'es-CO';
const number = new Intl.NumberFormat(locale, { useGrouping: 'always' });
const day = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone: zone });
const clock = new Intl.DateTimeFormat('en-US', { hour: 'numeric', minute: '2-digit', hour12: true, timeZone: zone });
const halves = isEnglish ? { AM: 'a.m.', PM: 'p.m.' } : { AM: 'a. m.', PM: 'p. m.' };
const share = (count, total) => (total ? (100 * count) / total : 0).toFixed(1).replace('.', isEnglish ? '.' : ',') + ' %';

/** Compares texts in the order of the server, by code points of the basic plane. */
const byText = (a, b) => (a < b ? -1 : Number(a > b));

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
    this.groups = new Map((body.groups ?? []).map((group) => [group.key, group]));
    Object.assign(this, { total: body.total, others: body.others, as_of: body.as_of, stale: body.stale });
  }

  apply(change) {
    for (const key of change.removed) this.counts.delete(JSON.stringify(key));
    for (const { key, count } of change.values) this.counts.set(JSON.stringify(key), count);
    for (const group of change.groups ?? []) this.groups.set(group.key, group);
    Object.assign(this, { total: change.total, others: change.others, as_of: change.as_of, stale: change.stale });
  }

  /** Returns the values in the order of the server: highest group first, then highest count, then by text. */
  values() {
    const values = [...this.counts].map(([json, count]) => {
      const key = JSON.parse(json);
      return { group: key.length > 1 ? key[0] : '', value: key.map((part) => part || noAnswer).join(' · '), count };
    });
    const total = ({ group }) => this.groups.get(group)?.total ?? 0;
    return values.sort((a, b) => total(b) - total(a) || byText(a.group, b.group) || b.count - a.count || byText(a.value, b.value));
  }
}

/** Follows tallies while the page is visible. `show(tally, id)` is called for each one that changed. */
class Follower {
  constructor(query, ids, show) {
    Object.assign(this, { query, ids, show, tallies: new Map() });
  }

  follow() {
    const turn = () => (document.hidden ? this.stop() : this.start());
    document.addEventListener('visibilitychange', turn);
    turn();
  }

  start() {
    this.stop();
    this.events = new EventSource(`${api}/events${this.query}`);
    this.events.addEventListener('tally', (event) => this.take(JSON.parse(event.data)));
    this.events.addEventListener('change', (event) => {
      const change = JSON.parse(event.data);
      const tally = this.tallies.get(change.tally);
      tally.apply(change);
      this.show(tally, change.tally);
    });
    this.events.onopen = () => this.stopPolling();
    this.events.onerror = () => this.fallBack();
  }

  take(body) {
    const tally = new Tally(body);
    this.tallies.set(body.tally, tally);
    this.show(tally, body.tally);
  }

  fallBack() {
    // A browser tries to connect more often than this polls, and fails each time: a running timer goes on.
    this.polling ??= setInterval(() => this.poll(), POLL);
    // An error status closes an event source permanently; a lost connection does not.
    if (this.events.readyState === EventSource.CLOSED) {
      clearTimeout(this.later);
      this.later = setTimeout(() => this.start(), RECONNECT);
    }
  }

  async poll() {
    try {
      for (const id of this.ids) {
        const answer = await fetch(`${api}/${id}`, { signal: AbortSignal.timeout(POLL) });
        if (!answer.ok) throw new Error(answer.statusText);
        this.take(await answer.json());
      }
    } catch {
      write(part('stale'), stale);
    }
  }

  stopPolling() {
    clearInterval(this.polling);
    this.polling = undefined;
  }

  stop() {
    this.events?.close();
    this.stopPolling();
    clearTimeout(this.later);
  }
}
