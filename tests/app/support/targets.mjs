/* The places that the same pages live in: the built plugin in a host page with Grafana's packages, and the standalone app which betrace serves.
   A target says how to address a page and a service, and how a user, a theme and a betrace are chosen. Runs in Node. */
import fs from 'node:fs';
import path from 'node:path';
import { buildHost } from '../../../grafana-betrace-app/harness/build-host.mjs';
import { startHost } from '../../../grafana-betrace-app/harness/server.mjs';
import { APP } from '../../../grafana-betrace-app/harness/tools.mjs';
import { deadPort } from './world.mjs';

const ID = 'betrace-app';
/** The folder with dist/ and dist-ui/: another than the app's own keeps a run apart from somebody's build. */
const BUILD = process.env.BETRACE_APP_BUILD || APP;

class HostTarget {
  constructor(name) {
    this.name = name;
    this.dist = path.join(BUILD, 'dist');
    this.roles = true;
  }

  /** Options of every betrace of this target. */
  get options() {
    return [];
  }

  async start(services) {
    const built = await buildHost(this.name);
    const upstreams = Object.fromEntries(Object.entries(services).map(([name, one]) => [name, one.url]));
    upstreams.gone = `http://127.0.0.1:${await deadPort()}`;
    this.upstreams = upstreams;
    this.host = await startHost({ built, dist: this.dist, upstreams });
  }

  /** One more betrace to choose, or another in its place. */
  use(name, service) {
    this.upstreams[name] = service.url;
  }

  async prepare(context, { theme, role = 'Admin', upstream = 'main', language = 'en-US' }) {
    await context.addCookies(Object.entries({ theme, role, upstream, language }).map(([name, value]) => ({ name, value, url: this.host.url })));
  }

  address(inside) {
    return inside === '/config' ? `${this.host.url}/plugins/${ID}` : `${this.host.url}/a/${ID}${inside}`;
  }

  inside(url) {
    const { pathname, search } = new URL(url);
    return pathname === `/plugins/${ID}` ? `/config${search}` : pathname.replace(`/a/${ID}`, '') + search;
  }

  async stop() {
    await this.host?.close();
  }
}

class StandaloneTarget {
  constructor() {
    this.name = 'standalone';
    this.dist = path.join(BUILD, 'dist-ui');
    this.roles = false;
  }

  get options() {
    return ['--ui', this.dist];
  }

  async start(services) {
    if (!fs.existsSync(path.join(this.dist, 'index.html'))) {
      throw new Error(`${this.dist} holds no index.html: npm run build`);
    }
    this.services = services;
  }

  async prepare() {}

  address(inside, { upstream = 'main' } = {}) {
    return this.services[upstream].url + inside;
  }

  inside(url) {
    const { pathname, search } = new URL(url);
    return pathname + search;
  }

  use(name, service) {
    this.services[name] = service;
  }

  async stop() {}
}

export const TARGETS = { host12: () => new HostTarget('host12'), host13: () => new HostTarget('host13'), standalone: () => new StandaloneTarget() };
