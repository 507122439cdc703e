// Keeps what was typed, and a sending that was not finished, while the tab lives: phones throw a page away
// while the camera is open, and people reload a page that seems to hang.
'use strict';

const LARGEST_PHOTO = 2_500_000; // bytes; sessionStorage takes about 5 million characters

class Draft {
  constructor(form) {
    this.form = form;
    this.name = 'draft ' + form.dataset.api;
    try {
      this.kept = JSON.parse(sessionStorage.getItem(this.name)) ?? {};
    } catch {
      this.kept = {};
    }
  }

  /** The controls whose values are kept: all but files and what the form carries of its own. */
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

  /** Keeps what is typed now, and further facts: `key`, `sending`, `photo` (a data URL). */
  keep(facts = {}) {
    const value = (control) => (control.type === 'checkbox' ? control.checked : control.value);
    const values = Object.fromEntries(this.controls().map((control) => [control.name, value(control)]));
    Object.assign(this.kept, facts, { values });
    try {
      sessionStorage.setItem(this.name, JSON.stringify(this.kept));
    } catch {
      if (this.kept.photo) this.keep({ photo: undefined }); // no room: the photo must be chosen again
    }
  }

  clear() {
    this.kept = {};
    try {
      sessionStorage.removeItem(this.name);
    } catch {
      // Storage is forbidden here, so there is nothing in it.
    }
  }

  /** The kept photo as a file, or nothing. */
  photo() {
    const [head, data] = this.kept.photo?.split(',') ?? [];
    if (!data) return null;
    const bytes = Uint8Array.from(atob(data), (byte) => byte.charCodeAt(0));
    return new File([bytes], 'foto.jpg', { type: head.slice(5, head.indexOf(';')) });
  }

  /** A photo in the form in which it can be kept, or nothing when it is too large. */
  static async pack(photo) {
    if (!photo || photo.size > LARGEST_PHOTO) return undefined;
    const reader = new FileReader();
    await new Promise((done) => { reader.onloadend = done; reader.readAsDataURL(photo); });
    return reader.result ?? undefined;
  }
}
