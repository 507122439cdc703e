// Shows the description of the API; nothing of it is asked of another host.
'use strict';

const docs = document.getElementById('docs');
SwaggerUIBundle({ domNode: docs, url: docs.dataset.api, deepLinking: true, validatorUrl: null, syntaxHighlight: false });
