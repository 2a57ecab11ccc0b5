// The form and the text are one thing: what is changed in either is in the other.
import { act, screen, waitFor } from '@testing-library/react';
import { useEffect, useState } from 'react';
import { problem } from '../test/host';
import { render } from '../test/render';
import { ShapeForm } from './ShapeForm';

const word = (name: string) => ({ name, class: 'clause' });
const LANGUAGE = {
  name: 'BeTraceDSL',
  words: ['when', 'always', 'never', 'child of'].map(word),
  values: {},
  units: [],
  reserved: ['if'],
  tokens: [],
  comments: { line: ['#'], block: ['/*', '*/'] },
  brackets: [],
  limits: {},
};

let typeText: (dsl: string) => void;
function Both({ first, disabled }: { first: string; disabled: boolean }) {
  const [dsl, setDsl] = useState(first);
  useEffect(() => {
    typeText = setDsl;
  }, []);
  return (
    <>
      <ShapeForm dsl={dsl} onChange={setDsl} disabled={disabled} />
      <output aria-label="text">{dsl}</output>
    </>
  );
}

const NAMES = { items: [{ label: 'GET /cart' }, { label: 'audit.log' }] };
const show = (first = '', { names = NAMES as unknown, disabled = false } = {}) =>
  render(<Both first={first} disabled={disabled} />, { handlers: { 'GET /v1/dsl/language': LANGUAGE, 'POST /v1/dsl/complete': names } });
const text = () => screen.getByLabelText('text').textContent;
const ready = () => waitFor(() => expect(screen.getByLabelText('Shape of the rule')).toBeEnabled());

it('writes the text when all fields are filled in, with quotes where they are needed', async () => {
  const { user } = show();
  await ready();
  await user.type(screen.getByLabelText('Where there is'), 'GET /cart');
  expect(text()).toBe('');
  expect(screen.getByText('The text is written when all fields are filled in.')).toBeInTheDocument();
  await user.type(screen.getByLabelText('there must be'), 'never');
  expect(text()).toBe('when { "GET /cart" } always { "never" }');
  expect(screen.getByText('Every trace that has “GET /cart” must also have “never”.')).toBeInTheDocument();
});

it('is filled by a text of a shape, and follows it', async () => {
  const { user } = show('when { a as x } always { "b c" after x within 5s }');
  await ready();
  expect(screen.getByLabelText('After every')).toHaveValue('a');
  expect(screen.getByLabelText('there must be')).toHaveValue('b c');
  await user.type(screen.getByLabelText('Within'), '00ms', { initialSelectionStart: 1, initialSelectionEnd: 2 });
  expect(text()).toBe('when { a as it } always { "b c" after it within 500ms }');
  act(() => typeText('never { other }'));
  expect(screen.getByLabelText('There must never be')).toHaveValue('other');
});

it('says what is wrong with a field, and leaves the text alone meanwhile', async () => {
  const { user } = show('count(retry) > 3');
  await ready();
  await user.type(screen.getByLabelText('At most'), 'x');
  expect(screen.getByText('A whole number, such as 3')).toBeInTheDocument();
  expect(text()).toBe('count(retry) > 3');
});

it('says that the text is freer', async () => {
  show('when { a.where(k == 1) } always { b }');
  await ready();
  expect(screen.getByText(/The text is freer than this form/)).toBeInTheDocument();
  expect(screen.queryByLabelText('Where there is')).not.toBeInTheDocument();
  expect(text()).toBe('when { a.where(k == 1) } always { b }');
});

it('offers names that the source has', async () => {
  const { container } = show();
  await ready();
  await waitFor(() => expect([...container.querySelectorAll('option')].map((one) => one.value)).toEqual(['GET /cart', 'audit.log']));
  expect(screen.getByLabelText('Where there is')).toHaveAttribute('list', container.querySelector('datalist')!.id);
});

it('works without names, and changes nothing for who may not', async () => {
  const { unmount } = show('never { a }', { names: problem(503, 'busy', 'later') });
  await ready();
  expect(screen.getByLabelText('There must never be')).toBeEnabled();
  unmount();
  show('never { a }', { disabled: true });
  await waitFor(() => expect(screen.getByLabelText('There must never be')).toHaveValue('a'));
  expect(screen.getByLabelText('There must never be')).toBeDisabled();
});
