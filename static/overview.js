// Loads the overview anew while one of its counts is old.
'use strict';

const RELOAD_DELAY = 5_000; // ms

setInterval(() => {
  if (!document.hidden) location.reload();
}, RELOAD_DELAY);
