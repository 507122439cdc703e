// Shows errors in the same way as the server's page: a summary on top, and each message beside its field.
'use strict';

class Mistakes {
  constructor(form) {
    this.form = form;
    this.summary = document.getElementById('summary');
    this.trouble = document.getElementById('trouble');
    this.list = document.getElementById('mistakes');
    this.title = document.title.replace(/^Error: /, '');
  }

  /** Returns an error for each required question without an answer. */
  missing() {
    const { missing, consentMissing } = this.form.dataset;
    return [...this.form.querySelectorAll('[data-required]')]
      .filter((question) => !isAnswered(this.form.elements[question.dataset.field]))
      .map(({ dataset: { field } }) => ({ field, message: field === 'consent' ? consentMissing : missing }));
  }

  /** @param {{field: string, message: string}[]} mistakes @param {string} [trouble] error of the whole form */
  show(mistakes, trouble) {
    this.clear();
    this.trouble.textContent = trouble ?? '';
    this.trouble.hidden = !trouble;
    for (const mistake of mistakes) this.add(mistake);
    document.title = 'Error: ' + this.title;
    this.summary.hidden = false;
    this.summary.focus();
    this.summary.scrollIntoView({ block: 'start' });
  }

  add({ field, message }) {
    const item = this.list.appendChild(document.createElement('li'));
    const question = this.form.querySelector(`[data-field="${CSS.escape(field)}"]`);
    if (!question) {
      item.textContent = `${field}: ${message}`;
      return;
    }
    const link = item.appendChild(document.createElement('a'));
    link.href = `#f-${field}`;
    link.textContent = `${question.dataset.name}: ${message}`;
    const error = question.querySelector('.error');
    error.textContent = message;
    error.hidden = false;
    this.form.elements[field].setAttribute('aria-invalid', 'true');
  }

  clear() {
    document.title = this.title;
    this.summary.hidden = true;
    this.list.replaceChildren();
    for (const error of this.form.querySelectorAll('.error')) error.hidden = true;
    for (const control of this.form.querySelectorAll('[aria-invalid]')) control.removeAttribute('aria-invalid');
  }
}

function isAnswered(control) {
  if (control.type === 'checkbox') return control.checked;
  return control.value.trim() !== '';
}
