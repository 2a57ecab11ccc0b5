// Grafana's page frame around a page of ours: what its breadcrumbs are made of.
import type { NavModelItem } from '@grafana/data';
import { config } from '@grafana/runtime';
import { render } from '@testing-library/react';
import { MemoryRouter } from 'react-router-dom';
import { createGrafanaHost } from './grafana';

let mockNav: NavModelItem | undefined;
jest.mock('@grafana/runtime', () => ({
  ...jest.requireActual('@grafana/runtime'),
  PluginPage: ({ pageNav }: { pageNav?: NavModelItem }) => {
    mockNav = pageNav;
    return null;
  },
}));

const { PageFrame } = createGrafanaHost({});

function navOf(at: string, parent?: { text: string; url: string }): NavModelItem | undefined {
  render(
    <MemoryRouter initialEntries={[at]}>
      <PageFrame title="Page" parent={parent}>
        {null}
      </PageFrame>
    </MemoryRouter>
  );
  return mockNav;
}

afterEach(() => {
  config.appSubUrl = '';
});

// Grafana leaves out a crumb that has the address of the one after it. `plugin.json` has the same address for the page.
it('says the address of the page, without its query', () => {
  expect(navOf('/a/betrace-app/rules?limit=10')).toMatchObject({ text: 'Page', url: '/a/betrace-app/rules' });
});

it('says addresses as the navigation has them, below a sub path', () => {
  config.appSubUrl = '/grafana';
  expect(navOf('/a/betrace-app/rules/x', { text: 'Rules', url: '/a/betrace-app/rules' })).toMatchObject({
    url: '/grafana/a/betrace-app/rules/x',
    parentItem: { text: 'Rules', url: '/grafana/a/betrace-app/rules' },
  });
});
