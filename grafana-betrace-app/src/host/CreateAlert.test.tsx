// The button to a new alert: there where Grafana exposes the component for it and our data source is set up, and what the component is given.
import { config, hasPermission, setPluginComponentHook } from '@grafana/runtime';
import { screen } from '@testing-library/react';

import pluginJson from '../plugin.json';
import { render } from '../test/render';
import { CREATE_ALERT, CreateAlert } from './CreateAlert';

jest.mock('@grafana/runtime', () => ({ ...jest.requireActual('@grafana/runtime'), hasPermission: jest.fn() }));

const given = jest.fn();

function Dialog({ panel, onDismiss }: { panel: unknown; onDismiss(): void }) {
  given(panel);
  return <button onClick={onDismiss}>Dismiss</button>;
}

const show = () => render(<CreateAlert rule={{ id: 'slow-db', name: 'Slow database' }} />);

/** As Grafana: a component that it does not have is null. */
function expose(...ids: string[]) {
  setPluginComponentHook(((id: string) => ({ isLoading: false, component: ids.includes(id) ? Dialog : null })) as never);
}

beforeEach(() => {
  given.mockClear();
  jest.mocked(hasPermission).mockImplementation((action) => action === 'alert.rule:create');
  config.datasources = { mine: { type: 'betrace-datasource', uid: 'b1' } } as never;
});

it('gives the count of the rule to the dialog of Grafana, and goes away with it', async () => {
  expose(CREATE_ALERT);
  const { user } = show();
  await user.click(screen.getByRole('button', { name: 'Create an alert' }));
  expect(given).toHaveBeenCalledWith({
    title: 'Violations of Slow database',
    targets: [{ refId: 'A', queryType: 'count', instant: true, ruleIds: ['slow-db'] }],
    datasource: { type: 'betrace-datasource', uid: 'b1' },
  });
  await user.click(screen.getByRole('button', { name: 'Dismiss' }));
  expect(screen.queryByRole('button', { name: 'Dismiss' })).not.toBeInTheDocument();
});

it('is not there in a Grafana that exposes no such component, as 12.3', () => {
  expose();
  show();
  expect(screen.queryByRole('button')).not.toBeInTheDocument();
});

it('is not there without our data source', () => {
  expose(CREATE_ALERT);
  config.datasources = { other: { type: 'tempo', uid: 't' } } as never;
  show();
  expect(screen.queryByRole('button')).not.toBeInTheDocument();
});

it('is not there for who may create no alert', () => {
  expose(CREATE_ALERT);
  jest.mocked(hasPermission).mockReturnValue(false);
  show();
  expect(screen.queryByRole('button')).not.toBeInTheDocument();
});

it('is named in plugin.json', () => expect(pluginJson.dependencies.extensions.exposedComponents).toEqual([CREATE_ALERT]));
