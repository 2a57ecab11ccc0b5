/* What core's template service makes of variables in texts, as far as the data source's links and queries use them: those of a dashboard, the range,
   and what a link knows of its row. `set` says what the page in view has. Runs in the browser. */
let variables = {};

export const set = (next) => {
  variables = next;
};

/** `.a.b["c"]` of a value. */
function follow(value, path) {
  const names = [...path.matchAll(/\.(\w+)|\["([^"]+)"\]/g)].map(([, plain, quoted]) => plain ?? quoted);
  return names.reduce((found, name) => found?.[name], value);
}

function ofRow({ frame, field, rowIndex }, name, path) {
  switch (name) {
    case '__data':
      return follow({ fields: Object.fromEntries(frame.fields.map((one) => [one.name, one.values[rowIndex]])) }, path);
    case '__value':
      return follow({ raw: field.values[rowIndex] }, path);
    case '__field':
      return follow({ name: field.name, labels: field.labels }, path);
    default:
      return undefined;
  }
}

function written(value, format) {
  if (typeof format === 'function') {
    return format(value);
  }
  const text = Array.isArray(value) ? (value.length === 1 ? value[0] : `{${value.join(',')}}`) : String(value);
  return format === 'percentencode' ? encodeURIComponent(text) : text;
}

/** A name that nobody knows stays as it is written. */
export function replace(text, scopedVars = {}, format) {
  return (text ?? '').replace(/\$\{(\w+)([^}:]*)(?::(\w+))?\}|\$(\w+)/g, (whole, name, path, own, bare) => {
    const row = scopedVars.__dataContext?.value;
    const value = (row && name && ofRow(row, name, path)) ?? variables[name ?? bare];
    return value === undefined || value === null ? whole : written(value, own ?? format);
  });
}

export const getVariables = () => Object.keys(variables).filter((name) => !name.startsWith('__')).map((name) => ({ name }));
