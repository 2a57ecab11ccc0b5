// A pack of distribution/packs as the pages need it: its name and its rules without their tests. What a rule says of conventions goes into its text, as the
// service writes it. webpack and jest read the files with it.
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const yaml = require('js-yaml');

const quoted = (text) => '`' + text.replace(/\s+/g, ' ').trim() + '`';
const says = (text, word) => new RegExp(`(?<!\\w)${word.replaceAll('.', '\\.')}(?!\\w)`).test(text);

/** The names that a text says, and those that they say. */
function namesIn(text, names) {
  const said = new Set();
  const look = (one) =>
    Object.keys(names).forEach((word) => {
      if (!said.has(word) && says(one, word)) {
        said.add(word);
        look(names[word]);
      }
    });
  look(text);
  return Object.keys(names).filter((word) => said.has(word));
}

/** What the file says for this text: annotations, a line each. */
function saidFor(dsl, { semconv, aliases = {}, names = {} }) {
  const used = namesIn(dsl, names);
  const all = [dsl, ...used.map((word) => names[word])].join('\n');
  return [
    ...(semconv ? [`@semconv(${semconv === 'stable' ? semconv : JSON.stringify(semconv)})`] : []),
    ...Object.keys(aliases).filter((key) => says(all, key)).map((key) => `@alias(${[key, ...[aliases[key]].flat()].join(', ')})`),
    ...used.map((word) => `@name(${word} = ${quoted(names[word])})`),
  ]
    .map((line) => line + '\n')
    .join('');
}

function readPack(text) {
  const { groups, aliases, names } = yaml.load(String(text));
  const [group] = groups;
  const ruleOf = ({ tests: _tests, semconv, ...rule }) => ({ ...rule, dsl: saidFor(rule.dsl, { semconv, aliases, names }) + rule.dsl });
  return { name: group.name, rules: group.rules.map(ruleOf) };
}

/** What jest asks of a transformer. */
const process = (text) => ({ code: `module.exports = ${JSON.stringify(readPack(text))};` });

/** Without it jest goes on with what an older version of this file made. */
const getCacheKey = (text) => createHash('sha256').update(fs.readFileSync(__filename)).update(String(text)).digest('hex');

module.exports = { readPack, process, getCacheKey };
