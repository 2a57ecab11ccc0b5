// Three bundles out of one source: the app plugin (dist/), its nested data source (dist/datasource/) and the standalone web app (dist-ui/).
// `--config-name plugin|datasource|ui` builds one of them; `--env production` minifies. What Grafana shares with plugins stays out of the first two.
import fs from 'node:fs';
import path from 'node:path';
import CopyPlugin from 'copy-webpack-plugin';
import HtmlPlugin from 'html-webpack-plugin';
import MiniCssExtractPlugin from 'mini-css-extract-plugin';
import TerserPlugin from 'terser-webpack-plugin';
import { ChunkManifestPlugin } from './tools/chunkManifest.mjs';
import { NoticesPlugin } from './tools/notices.mjs';
import pack from './tools/pack.cjs';

const ROOT = import.meta.dirname;
const SRC = path.join(ROOT, 'src');
const GRAFANA_UI_IMAGES = path.join(ROOT, 'node_modules/@grafana/ui/dist/public/img');
const FONTS = path.join(ROOT, 'node_modules/@fontsource-variable');
const version = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')).version;
// Reproducible builds set SOURCE_DATE_EPOCH (seconds).
const buildDate = new Date(process.env.SOURCE_DATE_EPOCH ? Number(process.env.SOURCE_DATE_EPOCH) * 1000 : Date.now());

const GRAFANA_SHARED = [
  { 'amd-module': 'module' },
  'react',
  'react/jsx-runtime',
  'react/jsx-dev-runtime',
  'react-dom',
  'react-router',
  'rxjs',
  'lodash',
  'moment',
  'i18next',
  '@emotion/css',
  '@emotion/react',
  /^@grafana\/(ui|runtime|data)$/,
];

function base(name, env) {
  const production = Boolean(env.production);
  return {
    name,
    context: SRC,
    mode: production ? 'production' : 'development',
    cache: {
      type: 'filesystem',
      cacheDirectory: path.join(ROOT, '.cache/webpack'),
      name: `${name}-${production ? 'p' : 'd'}`,
      buildDependencies: { config: [import.meta.filename, path.join(ROOT, 'tools/pack.cjs')] },
    },
    performance: { hints: false },
    stats: { preset: 'errors-warnings', timings: true },
    resolve: { extensions: ['.ts', '.tsx', '.mjs', '.js', '.jsx'] },
    module: {
      rules: [
        {
          test: /\.tsx?$/,
          exclude: /node_modules/,
          use: {
            loader: 'swc-loader',
            options: {
              jsc: { target: 'es2020', parser: { syntax: 'typescript', tsx: true }, transform: { react: { runtime: 'automatic' } } },
            },
          },
        },
        // some packages of @grafana/ui import without the extension that strict ES modules need
        { test: /\.m?js$/, resolve: { fullySpecified: false } },
        // the packs that come with BeTrace, to be offered where there are no rules
        { test: /packs\/[\w-]+\.yaml$/, type: 'json', parser: { parse: pack.readPack } },
        { test: /\.(png|svg|woff2?|ttf)$/, type: 'asset/resource', generator: { filename: 'assets/[name].[contenthash:16][ext]' } },
      ],
    },
    optimization: { minimize: production, minimizer: [new TerserPlugin({ minify: TerserPlugin.swcMinify, extractComments: false })] },
  };
}

/**
 * Names in source maps: files of src/ by their path there, as the catalogue's validator looks for them, in the name of the app also
 * for the data source; packages from node_modules on, wherever that lies on the machine that builds.
 */
function nameInSourceMap({ resourcePath }) {
  const at = resourcePath.lastIndexOf('node_modules/');
  return `webpack://betrace-app/${at === -1 ? resourcePath : `./${resourcePath.slice(at)}`}`;
}

/** A plugin that Grafana loads as an AMD module; chunks lie beside module.js and are found from its address. */
function grafanaPlugin(name, env, { source, output, id, keep, copy }) {
  const replace = (text) =>
    text
      .toString()
      .replaceAll('%VERSION%', version)
      .replaceAll('%TODAY%', buildDate.toISOString().slice(0, 10))
      .replaceAll('%PLUGIN_ID%', 'betrace-app');
  const config = base(name, env);
  return {
    ...config,
    devtool: env.production ? 'source-map' : 'eval-source-map',
    entry: { module: source },
    externals: GRAFANA_SHARED,
    output: {
      path: path.join(ROOT, output),
      filename: '[name].js',
      chunkFilename: '[name].[contenthash:16].js',
      library: { type: 'amd' },
      publicPath: `public/plugins/${id}/`,
      uniqueName: id,
      devtoolModuleFilenameTemplate: nameInSourceMap,
      clean: { keep },
    },
    plugins: [
      new ChunkManifestPlugin(path.join(ROOT, '.cache', `${output.replace('/', '-')}.chunks.json`)),
      new NoticesPlugin(),
      new CopyPlugin({ patterns: copy.map((pattern) => (pattern.from.endsWith('.json') ? { ...pattern, transform: replace } : pattern)) }),
    ],
  };
}

const plugin = (env) =>
  grafanaPlugin('plugin', env, {
    source: './module.tsx',
    output: 'dist',
    id: 'betrace-app',
    keep: /^datasource\/|go_plugin_build_manifest/,
    copy: [
      { from: 'plugin.json', to: '.' },
      { from: 'img', to: 'img' },
      { from: 'locales', to: 'locales' },
      { from: 'dashboards', to: 'dashboards', noErrorOnMissing: true },
      { from: 'README.md', to: '.' }, // what the catalogue shows
      { from: '../CHANGELOG.md', to: '.' },
      { from: '../../docs/images/*.png', to: 'img/screenshots/[name][ext]' },
      { from: '../../LICENSE', to: 'LICENSE', toType: 'file' },
    ],
  });

const datasource = (env) =>
  grafanaPlugin('datasource', env, {
    source: './datasource/module.ts',
    output: 'dist/datasource',
    id: 'betrace-datasource',
    keep: /gpx_/,
    copy: [
      { from: 'datasource/plugin.json', to: '.' },
      { from: 'datasource/img', to: 'img' },
    ],
  });

/** The same pages without Grafana. Nothing is fetched from elsewhere: fonts and icons are copied to the places where @grafana/ui looks for them. */
function standalone(env) {
  const config = base('ui', env);
  config.module.rules.push({ test: /\.css$/, use: [MiniCssExtractPlugin.loader, 'css-loader'] });
  const font = (file, to) => ({ from: path.join(FONTS, file), to: `public/fonts/${to}` });
  const inter = 'inter/files/inter-latin-wght';
  return {
    ...config,
    devtool: env.production ? false : 'source-map',
    entry: { main: './standalone.tsx' },
    // Monaco without its eighty languages and their workers: the editor knows one language here, ours.
    resolve: { ...config.resolve, alias: { 'monaco-editor$': 'monaco-editor/esm/vs/editor/edcore.main.js' } },
    output: {
      path: path.join(ROOT, 'dist-ui'),
      filename: 'assets/[name].[contenthash:16].js',
      chunkFilename: 'assets/[name].[contenthash:16].js',
      publicPath: 'auto',
      uniqueName: 'betrace-ui',
      clean: true,
    },
    optimization: { ...config.optimization, splitChunks: { chunks: 'all', maxInitialRequests: 6 } },
    plugins: [
      new HtmlPlugin({
        template: path.join(SRC, 'standalone.html'),
        base: '/',
        scriptLoading: 'defer',
        favicon: path.join(SRC, 'img/logo.svg'),
      }),
      new ChunkManifestPlugin(path.join(ROOT, '.cache/dist-ui.chunks.json')),
      new NoticesPlugin([path.join(ROOT, 'node_modules/@grafana/ui'), path.join(FONTS, 'inter'), path.join(FONTS, 'roboto-mono')]),
      new MiniCssExtractPlugin({ filename: 'assets/[name].[contenthash:16].css', chunkFilename: 'assets/[name].[contenthash:16].css' }),
      new CopyPlugin({
        patterns: [
          { from: GRAFANA_UI_IMAGES, to: 'public/build/img' },
          { from: 'icons/unicons', to: 'public/build/img/icons/unicons' },
          font(`${inter}-normal.woff2`, 'inter/Inter-Regular.woff2'),
          font(`${inter}-normal.woff2`, 'inter/Inter-Medium.woff2'),
          font(`${inter}-italic.woff2`, 'inter/Inter-Italic.woff2'),
          font(`${inter}-italic.woff2`, 'inter/Inter-MediumItalic.woff2'),
          font(
            'roboto-mono/files/roboto-mono-latin-wght-normal.woff2',
            'roboto/L0xTDF4xlVMF-BfR8bXMIhJHg45mwgGEFl0_3vrtSM1J-gEPT5Ese6hmHSh0mQ.woff2'
          ),
          { from: path.join(FONTS, 'inter/LICENSE'), to: 'public/fonts/inter/LICENSE', toType: 'file' },
          { from: path.join(FONTS, 'roboto-mono/LICENSE'), to: 'public/fonts/roboto/LICENSE', toType: 'file' },
        ],
      }),
    ],
  };
}

export default (env = {}) => {
  const hasDatasource = fs.existsSync(path.join(SRC, 'datasource/module.ts'));
  return [plugin(env), ...(hasDatasource ? [datasource(env)] : []), standalone(env)];
};
