// Parses every LogQL expression of the dashboards with Grafana's own grammar: check_logql.mjs FOLDER GRAMMAR
// Prints one line for each mistake, and ends with exit code 1 if there is one.
// GRAMMAR is the folder with @grafana/lezer-logql in its node_modules.
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const [folder, grammar] = process.argv.slice(2);
const { parser } = createRequire(resolve(grammar, 'here.js'))('@grafana/lezer-logql');

// Replaces Grafana's variables, as Grafana does before it sends the expression to Loki.
const filled = (expr) => expr.replace(/\$__\w+/g, '5m').replace(/\$\w+/g, 'x');

function mistakes(expr) {
  const found = [];
  parser.parse(expr).iterate({
    enter(node) {
      if (node.type.isError) found.push(`${expr.slice(0, node.from)} <here> ${expr.slice(node.from)}`);
    },
  });
  return found;
}

const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
const targets = files.flatMap((name) => {
  const { panels } = JSON.parse(readFileSync(join(folder, name), 'utf8'));
  return panels.flatMap((panel) => panel.targets ?? []).filter((target) => target.datasource.type === 'loki');
});
const wrong = targets.flatMap((target) => mistakes(filled(target.expr)));
// Check the check: a parser that accepted everything would detect nothing.
if (mistakes('{service="jornada" |= ').length === 0) wrong.push('the parser accepts invalid LogQL');
wrong.forEach((line) => console.error(line));
console.log(`${targets.length} LogQL expressions, ${wrong.length} mistakes`);
process.exit(wrong.length || targets.length === 0 ? 1 : 0);
