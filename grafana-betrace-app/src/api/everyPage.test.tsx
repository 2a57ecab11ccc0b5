// One page after the other, to the end or to the first failure.
import { screen, waitFor } from '@testing-library/react';
import { problem, type Handler, type StubRequest } from '../test/host';
import { rule } from '../test/fixtures';
import { render } from '../test/render';
import { useAllRules } from './rules';

const PAGES = 3;
/** Pages of one rule each: `0`, `1`, `2`. */
const numbered = ({ query }: StubRequest) => {
  const at = Number(query.get('cursor') ?? 0);
  return { rules: [rule({ id: String(at) })], cursor: at + 1 < PAGES ? String(at + 1) : null };
};
const failsAt = (cursor: string | null) => (request: StubRequest) =>
  request.query.get('cursor') === cursor ? problem(503, 'busy', 'too many requests') : numbered(request);

function Shown() {
  const { data, hasNextPage, error, refetch } = useAllRules();
  const ids = data?.pages.flatMap((page) => page.rules.map(({ id }) => id)) ?? [];
  return (
    <button onClick={() => void refetch()}>
      {ids.join(' ')} {hasNextPage && 'more'} {error ? 'failed' : ''}
    </button>
  );
}

const show = (handler: Handler) => render(<Shown />, { handlers: { 'GET /v1/rules': handler } });
const shows = (text: string) => waitFor(() => expect(screen.getByRole('button')).toHaveTextContent(new RegExp(`^${text}$`)));

it('asks for each page once, with the cursor of the one before', async () => {
  const { host } = show(numbered);
  await shows('0 1 2');
  expect(host.requests.map(({ query }) => query.get('cursor'))).toEqual([null, '1', '2']);
});

it('ends where a page fails, says that more is missing, and asking again has them all', async () => {
  const { host, user } = show(failsAt('1'));
  await shows('0 more failed');
  expect(host.requests).toHaveLength(2);
  host.handlers['GET /v1/rules'] = numbered;
  await user.click(screen.getByRole('button'));
  await shows('0 1 2');
});

it('ends where asking again fails, and keeps what it had', async () => {
  const { host, user } = show(failsAt('1'));
  await shows('0 more failed');
  host.handlers['GET /v1/rules'] = failsAt(null);
  await user.click(screen.getByRole('button'));
  await waitFor(() => expect(host.requests).toHaveLength(3));
  await new Promise((done) => setTimeout(done, 50));
  await shows('0 more failed');
  expect(host.requests.map(({ query }) => query.get('cursor'))).toEqual([null, '1', null]);
});
