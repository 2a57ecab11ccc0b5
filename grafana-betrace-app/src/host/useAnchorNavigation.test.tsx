// Which clicks on anchors stay in the app, and which are the browser's.
import { fireEvent, screen } from '@testing-library/react';
import { render } from '../test/render';
import { useAnchorNavigation } from './useAnchorNavigation';

function Page({ basename = '' }: { basename?: string }) {
  useAnchorNavigation(basename);
  return (
    <>
      <a href="/rules?q=a">
        <b>inside</b>
      </a>
      <a href="/base/replay">based</a>
      <a href="/v1/rules/export">api</a>
      <a href="/base/v1/rules/export">based api</a>
      <a href="https://example.org/">elsewhere</a>
      <a href="/rules" target="_blank" rel="noreferrer">
        tab
      </a>
      <a href="/rules" download>
        file
      </a>
    </>
  );
}

// jsdom cannot load pages: what is not taken over here is stopped after our listener looked at it
const stop = (event: Event) => event.preventDefault();
beforeEach(() => window.addEventListener('click', stop));
afterEach(() => window.removeEventListener('click', stop));

it('goes to our own pages without a reload', async () => {
  const { location } = render(<Page />);
  fireEvent.click(screen.getByText('inside'));
  expect(location()).toBe('/rules?q=a');
});

it('takes off the base that the router puts before', () => {
  const { location } = render(<Page basename="/base" />);
  fireEvent.click(screen.getByText('based'));
  expect(location()).toBe('/replay');
});

it('leaves the calls of a service below a path to the browser', () => {
  const { location } = render(<Page basename="/base" />);
  fireEvent.click(screen.getByText('based api'));
  expect(location()).toBe('/');
});

it.each(['api', 'elsewhere', 'tab', 'file'])('leaves %s to the browser', (name) => {
  const { location } = render(<Page />);
  fireEvent.click(screen.getByText(name));
  expect(location()).toBe('/');
});

it('leaves clicks with a modifier to the browser', () => {
  const { location } = render(<Page />);
  fireEvent.click(screen.getByText('inside'), { ctrlKey: true });
  expect(location()).toBe('/');
});
