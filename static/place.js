// Type-ahead over a list of places, ignoring case and accents: "bogota" finds "Bogotá". Implements the editable combobox of
// the ARIA Authoring Practices; without this file the browser shows its own list.
'use strict';

const MAX_SHOWN = 6;

class PlaceQuestion {
  constructor(input) {
    this.input = input;
    this.places = [...input.list.options].map(({ value, text }) => ({ name: value, region: text, folded: fold(value) }));
    this.list = document.createElement('ul');
    Object.assign(this.list, { id: `${input.id}-found`, hidden: true, className: 'found' });
    this.list.setAttribute('role', 'listbox');
    this.list.setAttribute('aria-label', input.labels[0].textContent);
    input.removeAttribute('list');
    input.after(this.list);
    const attributes = { role: 'combobox', autocomplete: 'off', 'aria-autocomplete': 'list', 'aria-expanded': 'false', 'aria-controls': this.list.id };
    for (const [name, value] of Object.entries(attributes)) input.setAttribute(name, value);
    input.addEventListener('input', () => this.open());
    input.addEventListener('keydown', (event) => this.press(event));
    input.addEventListener('blur', () => this.close());
  }

  /** Returns first the names that begin with the typed text, then names and regions that contain it. */
  matches() {
    const typed = fold(this.input.value);
    if (!typed) return [];
    const begins = this.places.filter((place) => place.folded.startsWith(typed));
    const has = this.places.filter((place) => !begins.includes(place) && fold(`${place.name} ${place.region}`).includes(typed));
    return [...begins, ...has].slice(0, MAX_SHOWN);
  }

  open() {
    const found = this.matches();
    this.list.replaceChildren(...found.map((place, index) => this.option(place, index)));
    this.list.hidden = found.length === 0;
    this.input.setAttribute('aria-expanded', String(found.length > 0));
    this.mark(null);
  }

  option(place, index) {
    const option = document.createElement('li');
    option.id = `${this.list.id}-${index}`;
    option.setAttribute('role', 'option');
    option.dataset.name = place.name;
    option.append(place.name);
    const region = option.appendChild(document.createElement('small'));
    region.textContent = place.region;
    // Prevents the blur that a click would cause.
    option.addEventListener('pointerdown', (event) => event.preventDefault());
    option.addEventListener('click', () => this.pick(option));
    return option;
  }

  mark(option) {
    this.marked?.removeAttribute('aria-selected');
    this.marked = option;
    option?.setAttribute('aria-selected', 'true');
    option?.scrollIntoView({ block: 'nearest' });
    if (option) this.input.setAttribute('aria-activedescendant', option.id);
    else this.input.removeAttribute('aria-activedescendant');
  }

  press(event) {
    const { firstElementChild: first, lastElementChild: last } = this.list;
    if (event.key === 'ArrowDown' && this.list.hidden) this.open();
    else if (this.list.hidden) return;
    else if (event.key === 'ArrowDown') this.mark(this.marked?.nextElementSibling ?? first);
    else if (event.key === 'ArrowUp') this.mark(this.marked?.previousElementSibling ?? last);
    else if (event.key === 'Enter' && this.marked) this.pick(this.marked);
    else if (event.key === 'Escape') this.close();
    else return;
    event.preventDefault();
  }

  pick(option) {
    this.input.value = option.dataset.name;
    this.input.dispatchEvent(new Event('input', { bubbles: true }));
    this.close();
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute('aria-expanded', 'false');
    this.mark(null);
  }
}

for (const input of document.querySelectorAll('input[list]')) new PlaceQuestion(input);
