// What jsdom lacks and the pages and @grafana/ui use.
import '@testing-library/jest-dom';
import { configure } from '@testing-library/react';
import { TextDecoder, TextEncoder } from 'util';

// Asking jsdom what is visible takes most of the time of getByRole, and says little without style sheets; machines that run this are busy.
// And a busy machine takes longer than the usual second to draw a page.
configure({ defaultHidden: true, asyncUtilTimeout: 15000 });

// Matching every rule of every style sheet against every element is most of the work of a test here, and jsdom lays nothing out: inline styles only.
window.getComputedStyle = ((element: HTMLElement) => element.style) as typeof window.getComputedStyle;

Object.assign(global, { TextDecoder, TextEncoder });

Object.defineProperty(window, 'matchMedia', {
  writable: true,
  value: (query: string) => ({
    matches: false,
    media: query,
    onchange: null,
    addListener: () => undefined,
    removeListener: () => undefined,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
    dispatchEvent: () => false,
  }),
});

class Observer {
  observe() {}
  unobserve() {}
  disconnect() {}
  takeRecords() {
    return [];
  }
}
Object.assign(global, { ResizeObserver: Observer, IntersectionObserver: Observer });

// Comboboxes measure their options: eight pixels a character.
HTMLCanvasElement.prototype.getContext = (() => ({ measureText: (text: string) => ({ width: 8 * text.length }) })) as never;

// i18next advertises its maker on every start
const info = console.info;
console.info = (...words: unknown[]) => (String(words[0]).includes('i18next') ? undefined : info(...words));
