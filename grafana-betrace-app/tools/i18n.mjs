// Collects the English texts of t() and <Trans> from the code into src/locales/en-US/betrace-app.json, which translators start from; those of the data source,
// which is a plugin of its own with its own namespace, into src/datasource/locales/en-US/betrace-datasource.json.
// `--check` writes nothing and fails when the file is not what the code says, or when one key has two texts.
import fs from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const SRC = path.join(import.meta.dirname, '../src');
const SKIP = /\.test\.tsx?$|\/test\/|\.d\.ts$/;
const DATASOURCE = path.join(SRC, 'datasource') + path.sep;
const BUNDLES = [
  { file: path.join(SRC, 'locales/en-US/betrace-app.json'), holds: (name) => !name.startsWith(DATASOURCE) },
  { file: path.join(DATASOURCE, 'locales/en-US/betrace-datasource.json'), holds: (name) => name.startsWith(DATASOURCE) },
];

let texts = new Map();
const problems = [];

function add(key, text, where) {
  const known = texts.get(key);
  if (known !== undefined && known !== text) {
    problems.push(`${where}: ${key} has two texts: "${known}" and "${text}"`);
  }
  texts.set(key, text);
}

const place = (file, node) => `${path.relative(SRC, file.fileName)}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;

function fromCall(node, file) {
  if (!ts.isIdentifier(node.expression) || node.expression.text !== 't') {
    return;
  }
  const [key, text] = node.arguments;
  if (!key || !text || !ts.isStringLiteralLike(key) || !ts.isStringLiteralLike(text)) {
    problems.push(`${place(file, node)}: t() needs a key and a text that are written out`);
    return;
  }
  add(key.text, text.text, place(file, node));
}

// As react-i18next counts children: elements are <0>, <1>… by their place, {{ name }} stays.
function childrenText(children, file) {
  let index = -1;
  return children
    .map((child) => {
      if (ts.isJsxText(child)) {
        const text = child.text.replace(/\s*\n\s*/g, ' ');
        const trimmed = child === children[0] ? text.trimStart() : text;
        const whole = child === children[children.length - 1] ? trimmed.trimEnd() : trimmed;
        index += whole.trim() === '' && whole.length < 1 ? 0 : 1;
        return whole;
      }
      index += 1;
      if (ts.isJsxExpression(child) && child.expression && ts.isObjectLiteralExpression(child.expression)) {
        return `{{${child.expression.properties[0].name.text}}}`;
      }
      if (ts.isJsxExpression(child) && child.expression && ts.isStringLiteralLike(child.expression)) {
        return child.expression.text;
      }
      if (ts.isJsxElement(child)) {
        return `<${index}>${childrenText(child.children, file)}</${index}>`;
      }
      problems.push(`${place(file, child)}: this child of <Trans> cannot be read here`);
      return '';
    })
    .join('');
}

function fromTrans(node, file) {
  if (node.openingElement.tagName.getText() !== 'Trans') {
    return;
  }
  const attribute = node.openingElement.attributes.properties.find((one) => one.name?.text === 'i18nKey');
  if (!attribute?.initializer || !ts.isStringLiteral(attribute.initializer)) {
    problems.push(`${place(file, node)}: <Trans> needs an i18nKey that is written out`);
    return;
  }
  add(attribute.initializer.text, childrenText(node.children, file), place(file, node));
}

function scan(name) {
  const file = ts.createSourceFile(
    name,
    fs.readFileSync(name, 'utf8'),
    ts.ScriptTarget.Latest,
    true,
    name.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS
  );
  const visit = (node) => {
    if (ts.isCallExpression(node)) {
      fromCall(node, file);
    } else if (ts.isJsxElement(node)) {
      fromTrans(node, file);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
}

function nested() {
  const root = {};
  [...texts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .forEach(([key, text]) => {
      const parts = key.split('.');
      const last = parts.pop();
      const group = parts.reduce((at, part) => {
        if (typeof at[part] === 'string') {
          problems.push(`${key}: ${part} is a text already`);
          return {};
        }
        return (at[part] ??= {});
      }, root);
      if (typeof group[last] === 'object') {
        problems.push(`${key} is a group of texts already`);
      }
      group[last] = text;
    });
  return root;
}

const sources = fs
  .readdirSync(SRC, { recursive: true })
  .map((name) => path.join(SRC, name))
  .filter((name) => /\.tsx?$/.test(name) && !SKIP.test(name))
  .sort();

function collect({ file, holds }) {
  texts = new Map();
  sources.filter(holds).forEach(scan);
  const json = JSON.stringify(nested(), null, 2) + '\n';
  if (!process.argv.includes('--check')) {
    fs.writeFileSync(file, json);
    console.log(`${path.relative(SRC, file)}: ${texts.size} texts`);
  } else if (!fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== json) {
    problems.push(`src/${path.relative(SRC, file)} is not what the code says: npm run i18n`);
  }
}

BUNDLES.forEach(collect);
problems.forEach((problem) => console.error(problem));
process.exitCode = problems.length ? 1 : 0;
