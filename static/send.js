// Sends a registration and retries until it is answered. Every attempt has the same key, so it is registered once.
'use strict';

const STALLED = 30_000; // ms without a byte either way: the connection is dead
const FIRST_WAIT = 1_000;
const MAX_WAIT = 30_000;

class Sending {
  /**
   * @param {{address: string, key: string, lang: string, proof: string|null}} to
   * @param {FormData} body
   * @param {{progress: (part: number) => void, waiting: (why: 'offline'|'busy'|'slow') => void, trying: () => void,
   *          smaller: (body: FormData) => Promise<FormData|null>, answered: (status: number, answer: object|null) => void}} on
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
    request.upload.onload = () => { this.isSent = true; };
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
    // A whole body without an answer may be registered. Then its content must stay the same.
    if (this.isSent && (status === 0 || status >= 500)) this.isFixed = true;
    this.isSent = false;
    if (status === 408 && !this.isFixed) {
      this.shrink();
      return;
    }
    const again = status === 0 || status === 408 || status === 429 || status >= 500;
    if (again) {
      this.on.waiting(status === 0 ? 'offline' : 'busy');
      this.timer = setTimeout(() => this.now(), this.pause(request));
    } else {
      this.stop();
      this.on.answered(status, parse(request.responseText));
    }
  }

  /** Sends less after the line was too slow, if that can be done. */
  async shrink() {
    const smaller = await this.on.smaller(this.body).catch(() => null);
    if (this.isStopped) return;
    if (smaller) this.body = smaller;
    this.on.waiting(smaller ? 'slow' : 'busy');
    this.timer = setTimeout(() => this.now(), smaller ? FIRST_WAIT : MAX_WAIT);
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
