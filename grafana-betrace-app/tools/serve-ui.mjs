// Serves dist-ui/ on loopback and passes everything else on to a running service, for work on the pages without rebuilding the service:
//   betrace serve --traces traces.jsonl &   npm run dev:ui &   npm run serve:ui
// BETRACE_URL (default http://127.0.0.1:8080) is the service, PORT (default 8081; 0 is any) where it listens.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

const DIST = path.join(import.meta.dirname, '../dist-ui');
const API = /^\/(v1\/|health$|ready$|metrics$)/;
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.ttf': 'font/ttf',
  '.woff2': 'font/woff2',
  '.map': 'application/json',
};
export const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'";

function passOn(upstream, req, res) {
  const { origin: _origin, ...headers } = req.headers;
  const options = { method: req.method, headers: { ...headers, host: upstream.host } };
  const forward = http.request(new URL(req.url, upstream), options, (answer) => {
    res.writeHead(answer.statusCode, answer.headers);
    answer.pipe(res);
  });
  forward.on('error', (error) => {
    res.writeHead(502, { 'content-type': 'application/problem+json' });
    res.end(JSON.stringify({ type: 'about:blank', title: 'The service does not answer', status: 502, detail: String(error.message) }));
  });
  res.on('close', () => forward.destroy());
  req.pipe(forward);
}

// A path that is no file is a page of the app: index.html, which reads the path.
function fileFor(pathname) {
  const file = path.join(DIST, path.normalize(decodeURIComponent(pathname)));
  const inside = file.startsWith(DIST + path.sep) && fs.existsSync(file) && fs.statSync(file).isFile();
  return inside ? file : path.extname(pathname) && pathname.startsWith('/assets/') ? null : path.join(DIST, 'index.html');
}

export function serve(upstreamUrl, port) {
  const upstream = new URL(upstreamUrl);
  const server = http.createServer((req, res) => {
    const { pathname } = new URL(req.url, 'http://x');
    if (API.test(pathname)) {
      return passOn(upstream, req, res);
    }
    const file = fileFor(pathname);
    if (!file) {
      return res.writeHead(404).end();
    }
    res.writeHead(200, {
      'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream',
      'content-security-policy': CSP,
      'x-content-type-options': 'nosniff',
    });
    return fs.createReadStream(file).pipe(res);
  });
  return new Promise((resolve) =>
    server.listen(port, '127.0.0.1', () => resolve({ server, url: `http://127.0.0.1:${server.address().port}` }))
  );
}

if (process.argv[1] === import.meta.filename) {
  const { url } = await serve(process.env.BETRACE_URL ?? 'http://127.0.0.1:8080', Number(process.env.PORT ?? 8081));
  console.log(`${url} (service: ${process.env.BETRACE_URL ?? 'http://127.0.0.1:8080'})`);
}
