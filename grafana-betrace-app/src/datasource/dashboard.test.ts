// The dashboard that comes with the plugin: what is not known must not look like a good number. Grafana gives a null the colour of the lowest threshold.
import { createTheme, FieldType, getDisplayProcessor, ThresholdsMode, type FieldConfig } from '@grafana/data';
import dashboard from '../dashboards/violations.json';

const stat = dashboard.panels.find(({ type }) => type === 'stat');
const defaults = (stat?.fieldConfig?.defaults ?? {}) as FieldConfig;

function shown(value: number | null) {
  const thresholds = { mode: ThresholdsMode.Absolute, steps: (defaults.thresholds?.steps ?? []).map((step) => ({ ...step, value: step.value ?? -Infinity })) };
  const field = { name: 'violations', type: FieldType.number, config: { ...defaults, thresholds }, values: [value] };
  const theme = createTheme();
  const { text, color } = getDisplayProcessor({ field, theme })(value);
  const name = ['green', 'red', 'dark-orange'].find((one) => theme.visualization.getColorByName(one) === color);
  return { text, name };
}

it('shows zero in green, violations in red, and what is not known in neither', () => {
  expect(shown(0)).toEqual({ text: '0', name: 'green' });
  expect(shown(1)).toEqual({ text: '1', name: 'red' });
  expect(shown(null)).toEqual({ text: 'not known', name: 'dark-orange' });
});
