// Solves a challenge in a worker, so that the page stays responsive. Implements SHA-256 (FIPS 180-4), because crypto.subtle is
// not available on plain HTTP and is slower for such short messages.
'use strict';

const K = new Uint32Array(64);
const START = new Uint32Array(8);

/** First 32 bits of the fractional parts of the square and cube roots of the first primes. */
for (let number = 2, count = 0; count < 64; number += 1) {
  let isPrime = true;
  for (let factor = 2; factor * factor <= number; factor += 1) if (number % factor === 0) isPrime = false;
  if (!isPrime) continue;
  if (count < 8) START[count] = (number ** (1 / 2)) * 2 ** 32;
  K[count] = (number ** (1 / 3)) * 2 ** 32;
  count += 1;
}

const right = (word, bits) => (word >>> bits) | (word << (32 - bits));
const words = new Uint32Array(64);

function round(state) {
  for (let i = 16; i < 64; i += 1) {
    const [a, b] = [words[i - 15], words[i - 2]];
    const first = right(a, 7) ^ right(a, 18) ^ (a >>> 3);
    const second = right(b, 17) ^ right(b, 19) ^ (b >>> 10);
    words[i] = (words[i - 16] + first + words[i - 7] + second) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i += 1) {
    const one = (h + (right(e, 6) ^ right(e, 11) ^ right(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + words[i]) | 0;
    const two = ((right(a, 2) ^ right(a, 13) ^ right(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  const added = [a, b, c, d, e, f, g, h];
  for (let i = 0; i < 8; i += 1) state[i] += added[i];
}

/** Returns the digest of an ASCII text in hexadecimal digits. */
function digest(text) {
  const length = text.length;
  const blocks = Math.ceil((length + 9) / 64);
  const state = START.slice();
  for (let block = 0; block < blocks; block += 1) {
    words.fill(0, 0, 16);
    for (let place = 0; place < 64; place += 1) {
      const at = block * 64 + place;
      const byte = at < length ? text.charCodeAt(at) : at === length ? 0x80 : 0;
      words[place >> 2] |= byte << (24 - 8 * (place & 3));
    }
    if (block === blocks - 1) words[15] = length * 8;
    round(state);
  }
  return Array.from(state, (word) => word.toString(16).padStart(8, '0')).join('');
}

onmessage = ({ data: { challenge, salt, maxnumber } }) => {
  for (let number = 0; number <= maxnumber; number += 1) {
    if (digest(salt + number) === challenge) {
      postMessage(number);
      return;
    }
  }
  postMessage(null);
};
