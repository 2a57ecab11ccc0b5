/* Grafana's plugin proxy, as far as plugin.json can tell it what to do: the first route whose method and path match decides; a user without its
   action gets 403; what a last segment `*` caught is appended to the route's URL; no route is 404. The order matters and nothing falls through
   a refusal. Also what roles may do: a grant to a basic role holds for the roles above it. Runs in Node, without state. */

export const ROLES = ['Viewer', 'Editor', 'Admin'];

/** The actions of plugin.json that a basic role has. */
export function actionsOf(plugin, role) {
  const below = ROLES.slice(0, ROLES.indexOf(role) + 1);
  const granted = (plugin.roles ?? []).filter((one) => one.grants.some((grant) => below.includes(grant)));
  return new Set(granted.flatMap((one) => one.role.permissions.map((permission) => permission.action)));
}

const segmentsOf = (text) => text.replace(/^\//, '').replace(/\/$/, '').split('/');

/** Each segment as it reads without escapes, which is also how the rest goes on; null where an escape is none: that matches no route. */
function decoded(path) {
  try {
    return segmentsOf(path).map(decodeURIComponent);
  } catch {
    return null;
  }
}

/** What a route's path catches of a request's path: null where it does not match, '' where nothing is forwarded. */
export function caught(pattern, path) {
  const wanted = segmentsOf(pattern);
  if (wanted.some((one) => one !== '*' && /[*:?(]/.test(one))) {
    throw new Error(`route ${pattern}: only plain segments and a whole * are understood here, and should be used`);
  }
  const found = decoded(path);
  const open = wanted.at(-1) === '*';
  if (!found || found.length < wanted.length || (!open && found.length > wanted.length)) {
    return null;
  }
  const head = open ? wanted.slice(0, -1) : wanted;
  if (!head.every((one, at) => one === '*' || one === found[at])) {
    return null;
  }
  return open ? found.slice(head.length).join('/') : '';
}

/* Go's templates write `<no value>` for a setting that is not there, unless the route says `| orEmpty`. */
const SETTING = /\{\{\s*\.(JsonData|SecureJsonData)\.(\w+)\s*(\|\s*orEmpty\s*)?\}\}/g;
const fill = (text, settings) => text.replace(SETTING, (_, kind, name, orEmpty) => settings[kind][name] ?? (orEmpty ? '' : '<no value>'));

const join = (base, rest) => (rest === '' ? base : `${base.replace(/\/$/, '')}/${rest.replace(/^\//, '')}`);

/** What becomes of a call: {status: 200, url, headers, route}, or 403 or 404 alone. settings is {JsonData, SecureJsonData}. */
export function decide(plugin, actions, method, path, settings) {
  for (const route of plugin.routes ?? []) {
    if (route.method && route.method !== '*' && route.method !== method) {
      continue;
    }
    const rest = caught(route.path, path);
    if (rest === null) {
      continue;
    }
    if (route.reqAction && !actions.has(route.reqAction)) {
      return { status: 403, route };
    }
    const headers = Object.fromEntries((route.headers ?? []).map((one) => [one.name, fill(one.content, settings)]));
    return { status: 200, route, url: join(fill(route.url, settings), rest), headers };
  }
  return { status: 404 };
}
