// Sends a registration and retries until it is answered. Every attempt has the same key, so it is registered once.
'use strict';

const STALLED = 30_000; // ms without a byte either way: the connection is dead
const FIRST_WAIT = 1_000;
const MAX_WAIT = 30_000;

class Sending {
  /**
   * @param {{address: string, key: string, lang: string, proof: string|null}} to
   * @param {FormData} body
   * @param {{progress: (part: number) => void, waiting: (why: 'offline'|'busy') => void, trying: () => void,
   *          answered: (status: number, answer: object|null) => void}} on
   */
  constructor(to, body, on) {
    Object.assign(this, { to, body, on, tries: 0 });
    this.online = () => this.now();
    addEventListener('online', this.online);
    this.now();
  }

  /** Starts an attempt, unless one is in progress. */
  now() {
    if (this.request) return;
    clearTimeout(this.timer);
    this.tries += 1;
    this.on.trying();
    const request = new XMLHttpRequest(); // fetch does not report upload progress
    this.request = request;
    request.open('POST', this.to.address);
    request.setRequestHeader('Idempotency-Key', this.to.key);
    if (this.to.proof) request.setRequestHeader('Proof-Of-Work', this.to.proof);
    request.setRequestHeader('Accept', 'application/json, application/problem+json');
    request.setRequestHeader('Accept-Language', this.to.lang);
    request.upload.onprogress = (event) => {
      this.watch();
      if (event.lengthComputable) this.on.progress(event.loaded / event.total);
    };
    request.onprogress = () => this.watch();
    request.onloadend = () => this.judge(request);
    this.watch();
    request.send(this.body);
  }

  /** Aborts an attempt that makes no progress. */
  watch() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.request?.abort(), STALLED);
  }

  judge(request) {
    clearTimeout(this.timer);
    this.request = null;
    if (this.isStopped) return;
    const { status } = request;
    const again = status === 0 || status === 408 || status === 429 || status >= 500;
    if (again) {
      this.on.waiting(status === 0 ? 'offline' : 'busy');
      this.timer = setTimeout(() => this.now(), this.pause(request));
    } else {
      this.stop();
      this.on.answered(status, parse(request.responseText));
    }
  }

  /** Returns the delay before the next attempt: exponential with jitter, so that a recovering server is not overloaded. */
  pause(request) {
    const asked = Number(request.getResponseHeader('Retry-After')) * 1_000 || 0;
    const wait = Math.min(MAX_WAIT, FIRST_WAIT * 2 ** Math.min(this.tries - 1, 10));
    return asked + wait * (0.5 + Math.random() / 2);
  }

  stop() {
    this.isStopped = true;
    clearTimeout(this.timer);
    removeEventListener('online', this.online);
    this.request?.abort();
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
