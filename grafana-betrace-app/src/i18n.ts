// Where texts come from.
import { initPluginTranslations } from '@grafana/i18n';
import { PLUGIN_ID } from './constants';

/**
 * Texts stand in the code in English; locales/ has them for translators, and `npm run i18n` writes it. There are no others
 * yet: in another language nothing is loaded, and the texts of the code are shown.
 */
export const initTranslations = () =>
  initPluginTranslations(PLUGIN_ID, [async (language) => (language === 'en-US' ? import('./locales/en-US/betrace-app.json') : {})]);

/**
 * For values of texts that come from outside (names, paths, reasons): i18next writes `/` and quotes as HTML entities unless it is told not to, and React escapes
 * what it shows anyway. `t('key', 'of {{name}}', { ...PLAIN, name })`; never for HTML that is set as it is.
 */
export const PLAIN = { interpolation: { escapeValue: false } };
