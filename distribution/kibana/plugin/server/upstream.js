/* Asks BeTrace for one page's call. What comes back is BeTrace's answer, or a problem document (RFC 9457) that says in plain words why there is none. The browser
   gives no header of its own but those of PASSED_ON: who asks, the tenant and the token are the server's. */
'use strict';
const fs = require('fs');
const http = require('http');
const https = require('https');

const PASSED_ON = ['accept', 'content-type', 'if-match', 'betrace-timeout'];
const PASSED_BACK = ['content-type', 'content-disposition', 'etag', 'retry-after', 'location'];
/** Of an answer. A page of violations is far smaller; a report as a file may be large. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** An answer that this server gives in BeTrace's place. */
function problem(status, type, title, detail) {
  const body = Buffer.from(JSON.stringify({ type: `urn:betrace:problem:${type}`, title, status, detail }));
  return { status, headers: { 'content-type': 'application/problem+json' }, body };
}

const REASONS = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name could not be looked up',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  ECONNRESET: 'it closed the connection',
};

/** 502: no answer, or one that is none. `settings` names the address and the setting that is to be changed. */
function unreachable(settings, reason) {
  const { host } = new URL(settings.url);
  return problem(502, 'unreachable', 'BeTrace does not answer',
    `${settings.product} asked BeTrace at ${host}: ${reason}. See that betrace serve runs there, and that betrace.url in ${settings.file} is its address.`);
}

function chosen(headers, names) {
  return Object.fromEntries(names.filter((name) => headers[name] !== undefined).map((name) => [name, headers[name]]));
}

/** A header holds ASCII alone; other names are percent-encoded. */
const headerText = (text) => (/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) ? text : encodeURIComponent(text));

function headersOf(settings, call) {
  const token = settings.tokenFile ? fs.readFileSync(settings.tokenFile, 'utf8').trim() : settings.token;
  return {
    ...chosen(call.headers, PASSED_ON),
    ...(token ? { authorization: `Bearer ${token}` } : {}),
    ...(call.user ? { 'x-grafana-user': headerText(call.user) } : {}),
    ...(call.tenant ? { 'x-scope-orgid': call.tenant } : {}),
    ...(call.body ? { 'content-length': String(call.body.length) } : {}),
  };
}

function optionsOf(settings, call) {
  const url = new URL(settings.url);
  return {
    protocol: url.protocol,
    hostname: url.hostname.replace(/^\[|\]$/g, ''), // of an IPv6 address
    port: url.port || undefined,
    method: call.method,
    path: url.pathname.replace(/\/$/, '') + call.path,
    headers: headersOf(settings, call),
    ...(settings.ca ? { ca: fs.readFileSync(settings.ca) } : {}),
  };
}

/** BeTrace's own words go on, but for a token that it does not take: 401 would log people out of the server that this runs in. */
function answerOf(settings, answer, body) {
  const status = answer.statusCode;
  if (status === 401) {
    return problem(502, 'token-refused', 'BeTrace refuses the token',
      `BeTrace does not take the token of ${settings.product}. Who looks after ${settings.product} has to see to betrace.token or betrace.tokenFile in ${settings.file}.`);
  }
  if (status < 200 || (status >= 300 && status < 400)) {
    return unreachable(settings, `what answered is no BeTrace (status ${status})`);
  }
  return { status, headers: chosen(answer.headers, PASSED_BACK), body };
}

/**
 * settings: {url, token, tokenFile, ca, timeoutMs, product, file}; call: {method, path, headers, body, user, tenant, aborted$}.
 * Resolves to {status, headers, body}, and never rejects.
 */
exports.ask = (settings, call) =>
  new Promise((resolve) => {
    let options;
    try {
      options = optionsOf(settings, call);
    } catch (error) {
      resolve(problem(502, 'settings', 'BeTrace cannot be asked', `${settings.product} cannot read a file that betrace.tokenFile or betrace.ca names (${error.code || 'bad setting'}).`));
      return;
    }
    const request = (options.protocol === 'https:' ? https : http).request(options);
    const left = call.aborted$ && call.aborted$.subscribe(() => request.destroy());
    const timer = setTimeout(() => finish(problem(504, 'timeout', 'BeTrace took too long',
      `BeTrace did not answer within ${settings.timeoutMs / 1000} s. Ask for a shorter range, or raise betrace.timeout in ${settings.file}.`)), settings.timeoutMs);
    const finish = (answer) => {
      clearTimeout(timer);
      if (left) left.unsubscribe();
      resolve(answer);
      request.destroy();
    };
    const failed = (error) => finish(unreachable(settings, REASONS[error.code] || (/CERT|SELF_SIGNED|ALTNAME/.test(error.code || '') ? 'its certificate is not trusted (betrace.ca names authorities)' : 'the connection failed')));
    request.on('error', failed);
    request.on('response', (answer) => {
      const parts = [];
      let length = 0;
      answer.on('data', (part) => {
        length += part.length;
        parts.push(part);
        if (length > MAX_ANSWER_BYTES) finish(problem(502, 'too-large', 'BeTrace answered too much', `The answer has more than ${MAX_ANSWER_BYTES >> 20} MiB. Ask for a shorter range.`));
      });
      answer.on('error', failed);
      answer.on('end', () => finish(answerOf(settings, answer, Buffer.concat(parts))));
    });
    request.end(call.body);
  });
exports.problem = problem;
