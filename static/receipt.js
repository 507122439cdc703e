// Shows the button that prints the receipt; without this file people use the browser's menu.
'use strict';

const print = document.getElementById('print');
print.addEventListener('click', () => window.print());
print.hidden = false;
