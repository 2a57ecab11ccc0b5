// The budgets, held by `npm run size` after `npm run build`:
//   plugin      module.js and everything that Grafana fetches until the first page stands, each page in turn   300 KB gzip
//   standalone  index.html, its scripts and styles, and the chunks of the first page, each page in turn       2.5 MB gzip
// Which chunks a page needs is what webpack knows; tools/chunkManifest.mjs writes it while building. What a page fetches later (Monaco, when an editor is shown) is not of the first load.
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';

const ROOT = path.join(import.meta.dirname, '..');
const BUDGETS = { dist: 300_000, 'dist-ui': 2_500_000 };

/* A list that lacks a page would hold any budget. */
const PAGES = fs.readdirSync(path.join(ROOT, 'src/pages')).sort();

const gzip = (file) => zlib.gzipSync(fs.readFileSync(file), { level: 9 }).length;

let failed = false;
for (const [folder, budget] of Object.entries(BUDGETS)) {
  const manifest = path.join(ROOT, '.cache', `${folder}.chunks.json`);
  if (!fs.existsSync(manifest)) {
    console.error(`${manifest} is not there: npm run build`);
    process.exit(2);
  }
  const { first, pages } = JSON.parse(fs.readFileSync(manifest, 'utf8'));
  const missing = PAGES.filter((page) => !pages[page]?.length);
  if (first.length === 0 || missing.length > 0) {
    console.error(`${manifest} does not say what ${missing.join(', ') || 'the first load'} takes: tools/chunkManifest.mjs reads webpack wrongly`);
    process.exit(2);
  }
  const sum = (files) => files.reduce((total, file) => total + gzip(path.join(ROOT, folder, file)), 0);
  const start = sum(first);
  console.log(`${folder}: first ${start} bytes gzip (${first.length} files), budget ${budget} with a page`);
  for (const [page, files] of Object.entries(pages)) {
    const total = start + sum(files.filter((file) => !first.includes(file)));
    const over = total > budget;
    failed ||= over;
    console.log(`  ${over ? 'OVER ' : ''}${page.padEnd(16)} ${total}`);
  }
}
process.exitCode = failed ? 1 : 0;
