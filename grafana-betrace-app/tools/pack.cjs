// A pack of distribution/packs as the pages need it: its name and its rules without their tests. webpack and jest read the files with it.
const yaml = require('js-yaml');

function readPack(text) {
  const [group] = yaml.load(String(text)).groups;
  return { name: group.name, rules: group.rules.map(({ tests: _tests, ...rule }) => rule) };
}

/** What jest asks of a transformer. */
const process = (text) => ({ code: `module.exports = ${JSON.stringify(readPack(text))};` });

module.exports = { readPack, process };
