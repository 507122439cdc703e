// Saves the form's values, and an unfinished submission, until the tab is closed or nothing was changed for half an hour, as on
// a shared computer: phones discard a page while the camera is open, and people reload a page that seems to hang.
'use strict';

const MAX_PHOTO = 2_500_000; // bytes; sessionStorage takes about 5 million characters

const LIFETIME = 30 * 60_000; // ms

class Draft {
  constructor(form) {
    this.form = form;
    this.name = 'draft ' + form.dataset.api;
    try {
      this.kept = JSON.parse(sessionStorage.getItem(this.name)) ?? {};
    } catch {
      this.kept = {};
    }
    this.forget();
    setInterval(() => this.forget(), 60_000);
  }

  /** Forgets what is too old. */
  forget() {
    if (this.kept.at === undefined || Date.now() - this.kept.at < LIFETIME) return;
    this.clear();
  }

  /** Returns the controls whose values are saved: all except files and the form's own hidden fields. */
  controls() {
    return [...this.form.elements].filter((control) => control.name && !['file', 'hidden'].includes(control.type) && !control.name.startsWith('_'));
  }

  restore() {
    for (const control of this.controls()) {
      const value = this.kept.values?.[control.name];
      if (value === undefined) continue;
      if (control.type === 'checkbox') control.checked ||= value;
      else control.value ||= value;
    }
    if (this.kept.key) this.form.elements._key.value = this.kept.key;
    if (this.kept.shown) this.form.elements._at.value = this.kept.shown;
  }

  /** Saves the current values, and further facts: `key`, `sending`, `photo` (a data URL). */
  keep(facts = {}) {
    const value = (control) => (control.type === 'checkbox' ? control.checked : control.value);
    const values = Object.fromEntries(this.controls().map((control) => [control.name, value(control)]));
    Object.assign(this.kept, facts, { values, at: Date.now() });
    try {
      sessionStorage.setItem(this.name, JSON.stringify(this.kept));
    } catch {
      if (this.kept.photo) this.keep({ photo: undefined }); // storage full: the photo must be chosen again
    }
  }

  clear() {
    this.kept = {};
    try {
      sessionStorage.removeItem(this.name);
    } catch {
      // Storage is disabled, so nothing is stored.
    }
  }

  /** Returns the saved photo as a file, or null. */
  photo() {
    const [head, data] = this.kept.photo?.split(',') ?? [];
    if (!data) return null;
    const bytes = Uint8Array.from(atob(data), (byte) => byte.charCodeAt(0));
    return new File([bytes], 'foto.jpg', { type: head.slice(5, head.indexOf(';')) });
  }

  /** Returns a photo as a data URL for saving, or undefined if it is too large. */
  static async pack(photo) {
    if (!photo || photo.size > MAX_PHOTO) return undefined;
    const reader = new FileReader();
    await new Promise((done) => { reader.onloadend = done; reader.readAsDataURL(photo); });
    return reader.result ?? undefined;
  }
}
