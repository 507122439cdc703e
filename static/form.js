// Enhances the registration form: smaller photo, progress, automatic retries. Without this file, or if a browser cannot run
// it, the browser submits the same form with the same key.
'use strict';

const form = document.getElementById('form');
const part = (id) => document.getElementById(id);
const words = form.dataset;
const mistakes = new Mistakes(form);
const draft = new Draft(form);
const proof = new Proof(words);
const photoQuestion = form.querySelector('.preview')?.closest('.question');
const photo = photoQuestion && new PhotoQuestion(photoQuestion, chooseAgain);
let sending = null;
let isBusy = false;
let isSlow = false; // a smaller photo is being sent
let proofs = 3; // how many more proofs are computed for a form
let wantsReview = false; // staff decide about the number

function say(text) {
  if (part('status').textContent !== text) part('status').textContent = text;
}

/** Locks the questions during submission, so that the submitted values stay visible. */
function lock(isLocked) {
  isBusy = isLocked;
  part('questions').disabled = isLocked;
  part('sending').hidden = !isLocked;
  if (isLocked) part('sending').focus();
}

function facts() {
  const body = new FormData(form);
  body.delete('_key');
  if (wantsReview) body.set('_review', 'true');
  const file = photo && body.get(photo.input.name);
  if (file && file.size === 0) body.delete(photo.input.name);
  return body;
}

async function send() {
  mistakes.clear();
  say(photo ? words.photo : words.sending);
  isBusy = true;
  if (photo && !await photo.ready) {
    isBusy = false;
    chooseAgain();
    return;
  }
  const missing = mistakes.missing();
  if (missing.length > 0) {
    isBusy = false;
    say('');
    mistakes.show(missing);
    return;
  }
  const body = facts();
  const key = form.elements._key.value;
  const shown = form.elements._at.value;
  draft.keep({ key, shown, sending: true, photo: await Draft.pack(photo?.input.files[0]) });
  lock(true);
  const to = { address: words.api, key, lang: document.documentElement.lang, proof: await proven() };
  // The user has returned to the form meanwhile.
  if (!isBusy) return;
  sending = new Sending(to, body, { trying, progress, waiting, smaller, answered });
}

/** Says that the chosen photo cannot be read; everything else stays. */
function chooseAgain() {
  say('');
  mistakes.show([{ field: photoQuestion.dataset.field, message: words.photoUnreadable }]);
  photo.ready = Promise.resolve(true);
}

/** Waits for the proof of work, if one is required; without it the server answers with an error. */
async function proven() {
  if (words.proving) say(words.proving);
  return proof.ready().catch(() => null);
}

function trying() {
  say(isSlow ? words.slow : words.sending);
  part('again').hidden = true;
  part('progress').removeAttribute('value');
}

function progress(share) {
  // The last part of the bar is the wait for the answer.
  part('progress').value = share * 95;
}

/** Puts a smaller photo into what is sent. Returns null if there is none. */
async function smaller(body) {
  if (!(await photo?.shrink())) return null;
  const [file] = photo.input.files;
  draft.keep({ photo: await Draft.pack(file) });
  body.set(photo.input.name, file);
  return body;
}

function waiting(why) {
  isSlow ||= why === 'slow';
  say(words[why]);
  part('again').hidden = false;
  part('progress').value = 0;
}

function answered(status, answer) {
  if (status < 300 && answer?.receipt) {
    part('progress').value = 100;
    say(words.done);
    draft.clear();
    const [path, query] = words.receipt.split('?');
    // Replace the form in the history, so that nobody goes back and sends it again.
    location.replace(path + encodeURIComponent(answer.receipt) + (query ? `?${query}` : ''));
    return;
  }
  // The proof has expired: compute another one, with the same key.
  if (answer?.type === 'urn:jornada:problem:proof-of-work' && proofs > 0) {
    proofs -= 1;
    proof.begin();
    send().catch(() => lock(false));
    return;
  }
  if (words.challenge) proof.begin();
  form.elements._comentario.value = '';
  if (answer?.type === 'urn:jornada:problem:old-form') draft.keep({ shown: undefined });
  lock(false);
  say('');
  // After a conflict the key belongs to another registration: a reload creates a new key.
  if (status === 409) {
    draft.clear();
    if (words.voteStored) {
      form.elements._key.value = newKey();
      answer.detail = words.voteStored;
    }
  } else draft.keep({ sending: false, photo: undefined });
  const isTaken = answer?.type === 'urn:jornada:problem:already-registered';
  if (part('review')) part('review').hidden = !isTaken;
  const errors = Array.isArray(answer?.errors) ? answer.errors : [];
  mistakes.show(errors, errors.length > 0 ? '' : answer?.detail ?? words.failed);
}

/** Returns a new idempotency key; `randomUUID` exists in secure contexts alone. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Resumes after a reload or a discarded page. */
function resume() {
  draft.restore();
  if (!draft.kept.sending) return;
  const kept = draft.photo();
  if (kept) photo?.put(kept);
  if (photo && !kept) {
    draft.keep({ sending: false });
    say(words.photoLost);
  } else {
    form.requestSubmit();
  }
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (isBusy) return;
  wantsReview = event.submitter?.name === '_review';
  send().catch(() => {
    lock(false);
    form.submit();
  });
});
form.addEventListener('input', () => draft.keep());
part('again').addEventListener('click', () => sending?.now());
part('edit').addEventListener('click', () => {
  sending?.stop();
  draft.keep({ sending: false, photo: undefined });
  lock(false);
  say('');
});
if (!part('summary').hidden) part('summary').focus();
resume();
