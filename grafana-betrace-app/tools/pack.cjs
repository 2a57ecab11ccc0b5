// A pack of distribution/packs as the pages need it: its name and its rules without their tests. What a rule says of conventions goes into its text, as the
// service writes it. webpack and jest read the files with it.
const { createHash } = require('node:crypto');
const fs = require('node:fs');
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

/** Without it jest goes on with what an older version of this file made. */
const getCacheKey = (text) => createHash('sha256').update(fs.readFileSync(__filename)).update(String(text)).digest('hex');

module.exports = { readPack, process, getCacheKey };
