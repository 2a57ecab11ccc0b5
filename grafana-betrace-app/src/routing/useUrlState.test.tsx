// The URL as view state: read, written, defaults left out, back.
import { screen } from '@testing-library/react';
import { useNavigate } from 'react-router-dom';
import { render } from '../test/render';
import { param, useUrlState } from './useUrlState';

const PARAMETERS = { q: param.text(), tab: param.choice(['list', 'graph'], 'list'), severity: param.list(), enabled: param.flag() };

function Page() {
  const [state, set] = useUrlState(PARAMETERS);
  const navigate = useNavigate();
  return (
    <>
      <output>{JSON.stringify(state)}</output>
      <button onClick={() => set({ tab: 'graph', severity: ['high', 'low'] })}>change</button>
      <button onClick={() => set({ q: 'typed' }, { replace: true })}>type</button>
      <button onClick={() => set({ tab: 'list', severity: [], enabled: null, q: '' })}>reset</button>
      <button onClick={() => navigate(-1)}>back</button>
    </>
  );
}

const state = () => JSON.parse(screen.getByRole('status').textContent ?? '');

it('reads the URL, and defaults where it says nothing or nonsense', () => {
  render(<Page />, { at: '/?tab=nonsense&severity=high&enabled=false&other=1' });
  expect(state()).toEqual({ q: '', tab: 'list', severity: ['high'], enabled: false });
});

it('writes the URL, keeps what it does not know, and goes back', async () => {
  const { user, location } = render(<Page />, { at: '/?other=1&enabled=true' });
  await user.click(screen.getByText('change'));
  expect(location()).toBe('/?other=1&enabled=true&tab=graph&severity=high&severity=low');
  await user.click(screen.getByText('type'));
  expect(state()).toMatchObject({ q: 'typed', tab: 'graph' });
  await user.click(screen.getByText('back'));
  // typing was no step of its own
  expect(location()).toBe('/?other=1&enabled=true');
  expect(state()).toMatchObject({ q: '', tab: 'list' });
});

it('leaves defaults out of the URL', async () => {
  const { user, location } = render(<Page />, { at: '/?tab=graph&severity=high&enabled=true&q=x' });
  await user.click(screen.getByText('reset'));
  expect(location()).toBe('/');
});
