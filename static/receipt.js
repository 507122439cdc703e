// The button that prints the receipt; without this file the browser's own menu does.
'use strict';

const print = document.getElementById('print');
print.addEventListener('click', () => window.print());
print.hidden = false;
