// Shows the interactive API documentation. Sends no requests to other hosts.
'use strict';

const docs = document.getElementById('docs');

/** Corrects accessibility attributes of Swagger UI 5.35.0 after each rendering. */
function fixAttributes() {
  for (const title of docs.querySelectorAll('h3.opblock-tag')) title.setAttribute('aria-level', '2');
  for (const title of docs.querySelectorAll('h4')) title.setAttribute('aria-level', '3');
  for (const table of docs.querySelectorAll('table[role=region]')) table.setAttribute('aria-label', table.id);
  docs.querySelector('section.block')?.setAttribute('aria-label', 'About this API');
}

new MutationObserver(fixAttributes).observe(docs, { childList: true, subtree: true });
// Deep links would put links into buttons.
SwaggerUIBundle({ domNode: docs, url: docs.dataset.api, deepLinking: false, validatorUrl: null });
