// What a user may do. The same names are in plugin.json: roles grant them, includes and routes ask for them.

export const ACTIONS = {
  readRules: 'betrace-app.rules:read',
  writeRules: 'betrace-app.rules:write',
  /** on and off; also opens replays of a rule, and imports: plugin.json says why */
  operateRules: 'betrace-app.rules:operate',
  readViolations: 'betrace-app.violations:read',
  readReplays: 'betrace-app.replays:read',
  writeReplays: 'betrace-app.replays:write',
  readCompliance: 'betrace-app.compliance:read',
} as const;

export type Action = (typeof ACTIONS)[keyof typeof ACTIONS];
