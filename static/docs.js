// Shows the description of the API and lets one try it; nothing is asked of another host.
'use strict';

const docs = document.getElementById('docs');

/** Puts right what Swagger UI 5.35.0 tells assistive technology wrongly, whenever it draws itself anew. */
function mend() {
  for (const title of docs.querySelectorAll('h3.opblock-tag')) title.setAttribute('aria-level', '2');
  for (const title of docs.querySelectorAll('h4')) title.setAttribute('aria-level', '3');
  for (const table of docs.querySelectorAll('table[role=region]')) table.setAttribute('aria-label', table.id);
  docs.querySelector('section.block')?.setAttribute('aria-label', 'About this API');
}

new MutationObserver(mend).observe(docs, { childList: true, subtree: true });
// With deep links it would put links into buttons.
SwaggerUIBundle({ domNode: docs, url: docs.dataset.api, deepLinking: false, validatorUrl: null });
