// Keys of a page: when they act, when they are silent, and the dialog that shows them.
import { fireEvent, screen, waitFor } from '@testing-library/react';

import { render } from '../test/render';
import { usePageKeys, type PageKey } from './pageKeys';

const run = jest.fn();

function Part({ keys }: { keys: PageKey[] }) {
  usePageKeys(keys);
  return (
    <>
      <input aria-label="field" />
      <input type="radio" aria-label="choice" />
      <textarea aria-label="text" />
      <div contentEditable role="note" suppressContentEditableWarning>
        words
      </div>
      <div className="monaco-editor">
        <div tabIndex={0} data-testid="editor" />
      </div>
      <button type="button">Here</button>
    </>
  );
}

const KEYS: PageKey[] = [
  { key: 'j', text: 'To the next', run },
  { key: 'x', text: 'Again and again', run, repeats: true },
  { key: 'Enter', shown: 'Enter, Space', text: 'Opens it' },
];

const show = (keys = KEYS) => render(<Part keys={keys} />);
const press = (key: string, on: Element = document.body, more: KeyboardEventInit = {}) => fireEvent.keyDown(on, { key, ...more });

beforeEach(() => {
  run.mockClear();
  window.localStorage.clear();
});

it('acts on its key from anywhere on the page, and takes the key away from others', () => {
  show();
  expect(press('j')).toBe(false);
  press('j', screen.getByRole('button', { name: 'Here' }));
  press('j', screen.getByLabelText('choice'));
  expect(run).toHaveBeenCalledTimes(3);
});

it.each([
  ['in a field', () => screen.getByLabelText('field')],
  ['in a long text', () => screen.getByLabelText('text')],
  ['in a text that can be edited', () => screen.getByRole('note')],
  ['in the editor', () => screen.getByTestId('editor')],
])('is silent %s', (_name, target) => {
  show();
  expect(press('j', target())).toBe(true);
  press('?', target());
  expect(run).not.toHaveBeenCalled();
  expect(screen.queryByRole('dialog')).not.toBeInTheDocument();
});

it.each(['ctrlKey', 'metaKey', 'altKey', 'isComposing'] as const)('is silent with %s', (modifier) => {
  show();
  expect(press('j', document.body, { [modifier]: true })).toBe(true);
  expect(run).not.toHaveBeenCalled();
});

it('leaves other letters, and what is only told, to others', () => {
  show();
  expect(press('J')).toBe(true);
  expect(press('Enter')).toBe(true);
  expect(run).not.toHaveBeenCalled();
});

it('acts once for a key that is held down, unless it says otherwise', () => {
  show();
  press('j', document.body, { repeat: true });
  expect(run).not.toHaveBeenCalled();
  press('x', document.body, { repeat: true });
  expect(run).toHaveBeenCalledTimes(1);
});

it('does nothing once its part of the page is gone', () => {
  const other = jest.fn();
  const { unmount } = show();
  unmount();
  press('j');
  expect(run).not.toHaveBeenCalled();
  render(<Part keys={[{ key: 'j', text: 'Other', run: other }]} />);
  press('j');
  expect(other).toHaveBeenCalledTimes(1);
});

it('shows all keys by ?, keeps other keys silent meanwhile, and gives the focus back after Escape', async () => {
  const { user } = show();
  const here = screen.getByRole('button', { name: 'Here' });
  here.focus();
  await user.keyboard('?');
  const dialog = await screen.findByRole('dialog', { name: 'Keys of this page' });
  expect(dialog).toHaveTextContent('jTo the next');
  expect(dialog).toHaveTextContent('Enter, SpaceOpens it');
  await waitFor(() => expect(dialog).toContainElement(document.activeElement as HTMLElement));
  await user.tab();
  await waitFor(() => expect(dialog).toContainElement(document.activeElement as HTMLElement));
  await user.keyboard('j');
  expect(run).not.toHaveBeenCalled();
  await user.keyboard('{Escape}');
  await waitFor(() => expect(screen.queryByRole('dialog')).not.toBeInTheDocument());
  await waitFor(() => expect(here).toHaveFocus());
});

it('acts only with Alt where somebody chose so, whatever character Alt makes of the key', async () => {
  const { user } = show();
  press('?');
  const dialog = await screen.findByRole('dialog', { name: 'Keys of this page' });
  await user.click(screen.getByRole('checkbox', { name: /only with Alt/ }));
  expect(dialog).toHaveTextContent('Alt+jTo the next');
  expect(dialog).toHaveTextContent('Alt+?Show these keys');
  expect(dialog).not.toHaveTextContent('Alt+Enter');
  await user.keyboard('{Escape}');
  await waitFor(() => expect(screen.queryByRole('dialog')).not.toBeInTheDocument());
  expect(press('j')).toBe(true);
  press('?');
  expect(screen.queryByRole('dialog')).not.toBeInTheDocument();
  expect(run).not.toHaveBeenCalled();
  press('∆', document.body, { altKey: true, code: 'KeyJ' });
  press('j', document.body, { altKey: true, code: 'KeyC' });
  press('j', document.body, { altKey: true, ctrlKey: true });
  expect(run).toHaveBeenCalledTimes(2);
  press('¿', document.body, { altKey: true, shiftKey: true, code: 'Slash' });
  await screen.findByRole('dialog', { name: 'Keys of this page' });
  await user.click(screen.getByRole('checkbox', { name: /only with Alt/ }));
  await user.keyboard('{Escape}');
  await waitFor(() => expect(screen.queryByRole('dialog')).not.toBeInTheDocument());
  press('j');
  expect(run).toHaveBeenCalledTimes(3);
});

it('acts on letters in a browser that keeps nothing', () => {
  jest.spyOn(Storage.prototype, 'getItem').mockImplementation(() => {
    throw new Error('denied');
  });
  show();
  press('j');
  expect(run).toHaveBeenCalledTimes(1);
  jest.restoreAllMocks();
});

it('has no dialog where a page has no keys', () => {
  show([]);
  expect(press('?')).toBe(true);
  expect(screen.queryByRole('dialog')).not.toBeInTheDocument();
});
