// Computes the proof of work that a campaign may require: fetches and solves a challenge while the person types.
'use strict';

const PROOF_AGE = 15 * 60_000; // ms; the server accepts a proof for 20 minutes

class Proof {
  /** @param {{challenge?: string, worker?: string}} from URLs; without them no proof is required */
  constructor({ challenge, worker }) {
    Object.assign(this, { challenge, worker });
    if (challenge) this.begin();
  }

  /** Starts a new proof: each proof is valid for one registration. */
  begin() {
    this.begun = Date.now();
    this.solution = this.solve();
    // `ready` handles a failure; this prevents an unhandled rejection before that.
    this.solution.catch(() => {});
  }

  /** Returns the solved challenge for the header, or null if none is required. */
  async ready() {
    if (!this.challenge) return null;
    if (Date.now() - this.begun > PROOF_AGE) this.begin();
    try {
      return await this.solution;
    } catch {
      this.begin();
      return this.solution;
    }
  }

  async solve() {
    const answer = await fetch(this.challenge, { headers: { Accept: 'application/json' } });
    if (!answer.ok) throw new Error(`challenge: ${answer.status}`);
    const set = await answer.json();
    const number = await this.search(set);
    const { algorithm, challenge, salt, signature } = set;
    return btoa(JSON.stringify({ algorithm, challenge, number, salt, signature }));
  }

  search(set) {
    return new Promise((found, failed) => {
      const worker = new Worker(this.worker);
      worker.onmessage = ({ data }) => {
        worker.terminate();
        if (data === null) failed(new Error('no number fits'));
        else found(data);
      };
      worker.onerror = failed;
      worker.postMessage(set);
    });
  }
}
