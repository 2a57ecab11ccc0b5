/* The operations of docs/openapi.yaml: method, a path with sample ids, and the role that it asks for. Runs in Node. */
import fs from 'node:fs';
import path from 'node:path';
import { tool } from '../../../grafana-betrace-app/harness/tools.mjs';
import { ROOT } from './betrace.mjs';

const METHODS = ['get', 'post', 'put', 'delete', 'patch'];
const SAMPLES = { id: 'slow-db.no_retry', trace_id: '0af7651916cd43dd8448eb211c80319c', framework: 'SOC2' };

function sampled(template) {
  return template.replace(/\{(\w+)\}/g, (_, name) => {
    if (!SAMPLES[name]) {
      throw new Error(`docs/openapi.yaml has a path parameter ${name}: give a sample of it here`);
    }
    return SAMPLES[name];
  });
}

/** [{method, template, path, role, id}]. */
export function operations() {
  const document = tool('js-yaml').load(fs.readFileSync(path.join(ROOT, 'docs/openapi.yaml'), 'utf8'));
  return Object.entries(document.paths).flatMap(([template, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({
      method: method.toUpperCase(), template, path: sampled(template), role: item[method]['x-betrace-role'], id: item[method].operationId,
    })));
}
