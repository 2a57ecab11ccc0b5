// Times in tests are UTC whatever zone the machine is in.
process.env.TZ = 'UTC';

// Packages that ship only ES modules: jest has to transform them.
const esModules = [
  '@grafana/schema',
  '@wojtekmaj',
  'd3',
  'd3-[a-z-]+',
  'delaunator',
  'get-user-locale',
  'internmap',
  'marked',
  'memoize',
  'mimic-function',
  'ol',
  'react-calendar',
  'react-colorful',
  'robust-predicates',
  'rxjs',
  'uuid',
];

const swc = [
  '@swc/jest',
  {
    sourceMaps: 'inline',
    jsc: { target: 'es2022', parser: { syntax: 'typescript', tsx: true }, transform: { react: { runtime: 'automatic' } } },
  },
];

module.exports = {
  testEnvironment: 'jest-environment-jsdom',
  // harness/ and tests/ drive browsers and have their own runners
  roots: ['<rootDir>/src'],
  setupFilesAfterEnv: ['<rootDir>/src/test/setup.ts'],
  moduleNameMapper: {
    '\\.(css|svg)$': 'identity-obj-proxy',
    'react-inlinesvg': '<rootDir>/src/test/inlineSvg.tsx',
  },
  transform: { '^.+\\.m?[jt]sx?$': swc, 'packs/[\\w-]+\\.yaml$': '<rootDir>/tools/pack.cjs' },
  transformIgnorePatterns: [`node_modules/(?!(.*/)?(${esModules.join('|')})/)`],
  cacheDirectory: '<rootDir>/.cache/jest',
  testTimeout: 30000,
};
