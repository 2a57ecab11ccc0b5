/* What Grafana itself keeps that pages may use: annotations of the organisation and silences of its Alertmanager, for the time of a run. Answers, refusals and
   rights are those of Grafana 12 and 13, as far as such a page can tell. Runs in Node. */
import { randomUUID } from 'node:crypto';

const READER = ['annotations:read', 'alert.instances:read', 'alert.silences:read'];
const WRITER = ['annotations:create', 'annotations:write', 'annotations:delete', 'alert.instances:create', 'alert.instances:write', 'alert.silences:create', 'alert.silences:write'];

/** What Grafana's fixed roles give to its basic ones. */
export function keptActionsOf(role) {
  const granted = { Viewer: READER, Editor: [...READER, ...WRITER], Admin: [...READER, ...WRITER] };
  return granted[role] ?? [];
}

const SILENCES = '/api/alertmanager/grafana/api/v2';
const DEFAULT_LIMIT = 100;

const answer = (status, body) => ({ status, body });

const refusal = (actions) => answer(403, {
  accessErrorId: 'ACE0000000000', title: 'Access denied',
  message: `You'll need additional permissions to perform this action. Permissions needed: ${actions.length > 1 ? 'any of ' : ''}${actions.join(', ')}`,
});

/** The annotations and silences of one organisation. */
export class Kept {
  annotations = [];
  silences = [];
  lastId = 0;

  /** All tags that are asked for; the newest first. */
  findAnnotations({ query }) {
    const wanted = query.getAll('tags');
    const limit = Number(query.get('limit')) || DEFAULT_LIMIT;
    const isAlert = query.get('type') === 'alert';
    const found = isAlert ? [] : this.annotations.filter(({ tags }) => wanted.every((tag) => tags.includes(tag)));
    return answer(200, found.toSorted((a, b) => b.time - a.time || b.id - a.id).slice(0, limit));
  }

  addAnnotation({ body: { text = '', tags = [], time }, login }) {
    if (text === '') {
      return answer(400, { message: 'Failed to save annotation' });
    }
    const now = Date.now();
    const id = ++this.lastId;
    this.annotations.push({ id, alertId: 0, alertName: '', dashboardId: 0, dashboardUID: null, panelId: 0, userId: 1, userName: login, newState: '', prevState: '', created: now, updated: now, time: time ?? now, timeEnd: time ?? now, text, tags, login, email: `${login}@localhost`, avatarUrl: '', data: {} });
    return answer(200, { id, message: 'Annotation added' });
  }

  deleteAnnotation({ id }) {
    const rest = this.annotations.filter((one) => String(one.id) !== id);
    if (rest.length === this.annotations.length) {
      return answer(404, { message: 'Could not find annotation to update' });
    }
    this.annotations = rest;
    return answer(200, { message: 'Annotation deleted' });
  }

  findSilences() {
    const now = Date.now();
    const stateOf = ({ startsAt, endsAt }) => (Date.parse(endsAt) <= now ? 'expired' : Date.parse(startsAt) > now ? 'pending' : 'active');
    return answer(200, this.silences.map((one) => ({ ...one, status: { state: stateOf(one) } })));
  }

  addSilence({ body }) {
    const missing = ['matchers', 'startsAt', 'endsAt', 'createdBy', 'comment'].find((name) => !body[name]?.length);
    if (missing) {
      return answer(400, { message: `silence failed validation: validation failure list:\n${missing} in body is required` });
    }
    if (body.id) {
      return answer(404, { message: 'silence not found' });
    }
    if (Date.parse(body.endsAt) <= Date.now()) {
      return answer(400, { message: 'unable to save silence: end time can\'t be in the past' });
    }
    const id = randomUUID();
    const matchers = body.matchers.map(({ name, value, isRegex, isEqual = true }) => ({ isEqual, isRegex, name, value }));
    this.silences.push({ ...body, id, matchers, updatedAt: new Date().toISOString() });
    return answer(202, { silenceID: id });
  }

  /** It stays in the list, and is over. */
  endSilence({ id }) {
    const silence = this.silences.find((one) => one.id === id);
    if (!silence) {
      return answer(404, { message: 'silence not found' });
    }
    silence.endsAt = new Date().toISOString();
    return answer(200, { message: 'silence deleted' });
  }

  routes = [
    ['GET', /^\/api\/annotations$/, ['annotations:read'], 'findAnnotations'],
    ['POST', /^\/api\/annotations$/, ['annotations:create'], 'addAnnotation'],
    ['DELETE', /^\/api\/annotations\/(\d+)$/, ['annotations:delete'], 'deleteAnnotation'],
    ['GET', new RegExp(`^${SILENCES}/silences$`), ['alert.instances:read', 'alert.silences:read'], 'findSilences'],
    ['POST', new RegExp(`^${SILENCES}/silences$`), ['alert.instances:create', 'alert.silences:create'], 'addSilence'],
    ['DELETE', new RegExp(`^${SILENCES}/silence/([^/]+)$`), ['alert.instances:write', 'alert.silences:write'], 'endSilence'],
  ];

  /** {status, body}; null for another address. `user` is {role, login}. */
  answer(method, { pathname, searchParams }, body, { role, login }) {
    const route = this.routes.find(([wanted, path]) => wanted === method && path.test(pathname));
    if (!route) {
      return null;
    }
    const [, path, actions, run] = route;
    if (!actions.some((action) => keptActionsOf(role).includes(action))) {
      return refusal(actions);
    }
    return this[run]({ query: searchParams, body, id: path.exec(pathname)[1], login });
  }
}
