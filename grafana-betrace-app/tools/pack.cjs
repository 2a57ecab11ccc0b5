// A pack of distribution/packs as the pages need it: its name and its rules without their tests. What a rule says of conventions goes into its text, as the
// service writes it. webpack and jest read the files with it.
const yaml = require('js-yaml');

function ruleOf({ tests: _tests, semconv, ...rule }) {
  const said = semconv === 'stable' ? semconv : JSON.stringify(semconv);
  return semconv ? { ...rule, dsl: `@semconv(${said})\n${rule.dsl}` } : rule;
}

function readPack(text) {
  const [group] = yaml.load(String(text)).groups;
  return { name: group.name, rules: group.rules.map(ruleOf) };
}

/** What jest asks of a transformer. */
const process = (text) => ({ code: `module.exports = ${JSON.stringify(readPack(text))};` });

module.exports = { readPack, process };
