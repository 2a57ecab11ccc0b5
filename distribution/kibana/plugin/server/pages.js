/* The built pages (pages/), as files of this server below /api/betrace/: the same that `betrace serve --ui` gives out. A path that is no file is a page of the app,
   which is index.html. There the base path of the request and what the shell has to say are filled in. No script stands in it. */
'use strict';
const fs = require('fs');
const path = require('path');

const TYPES = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.png': 'image/png',
  '.woff2': 'font/woff2', '.ttf': 'font/ttf', '.json': 'application/json', '.txt': 'text/plain; charset=utf-8',
};
/** As of `betrace serve --ui`, but for who may frame it: the shell. A Kibana puts its own policy in the place of this. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; " +
  "worker-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'self'";
const escaped = (text) => text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);

/** Every file below a folder, by its path there: {'assets/main.js': Buffer}. No other file is ever given out. */
exports.readPages = (folder) => {
  const files = new Map();
  const read = (under) => fs.readdirSync(path.join(folder, under), { withFileTypes: true }).forEach((entry) => {
    const name = under ? `${under}/${entry.name}` : entry.name;
    if (entry.isDirectory()) read(name);
    else files.set(name, fs.readFileSync(path.join(folder, name)));
  });
  read('');
  return files;
};

function index(files, base, shell) {
  const head = `<base href="${escaped(base)}/"><meta name="betrace-shell" content="${escaped(JSON.stringify(shell))}">`;
  return Buffer.from(files.get('index.html').toString('utf8').replace('<base href="/">', () => head));
}

/** {status, headers, body} for a path below /api/betrace/. `shell` is what src/host/shell.ts reads. */
exports.page = (files, wanted, base, shell) => {
  const file = wanted !== 'index.html' && files.get(wanted);
  const extension = file ? path.posix.extname(wanted) : '.html';
  if (!file && /^(assets|public|v1)(\/|$)/.test(wanted)) {
    return null;
  }
  return {
    status: 200,
    body: file || index(files, base, shell),
    headers: {
      'content-type': TYPES[extension] || 'application/octet-stream',
      'cache-control': file && /\.[0-9a-f]{16}\./.test(wanted) ? 'private, max-age=31536000, immutable' : 'no-cache',
      'content-security-policy': POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    },
  };
};
