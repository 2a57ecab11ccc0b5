// Languages: English is listed, and every other one that Grafana offers falls back to it without a fault. The journey `languages` has it in a browser.
import { initPluginTranslations } from '@grafana/i18n';
import fs from 'node:fs';
import path from 'node:path';
import datasource from './datasource/plugin.json';
import { initTranslations } from './i18n';
import app from './plugin.json';

jest.mock('@grafana/i18n', () => ({ initPluginTranslations: jest.fn() }));

const files = (folder: string) => fs.readdirSync(path.join(__dirname, folder)).sort();

describe('languages', () => {
  it('are listed only with all of their texts', () => {
    expect(app.languages).toEqual(files('locales'));
    expect((datasource as { languages?: string[] }).languages ?? ['en-US']).toEqual(files('datasource/locales'));
  });

  it.each(['de-DE', 'fr-FR', 'es-ES', 'ja-JP', 'zh-Hans'])('%s has no texts, which is no fault', async (language) => {
    await initTranslations();
    const [, loaders] = (initPluginTranslations as jest.Mock).mock.calls[0];
    expect(await loaders[0](language)).toEqual({});
    expect(await loaders[0]('en-US')).toHaveProperty('violations');
  });
});
