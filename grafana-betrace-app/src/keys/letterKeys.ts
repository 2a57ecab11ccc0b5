// Whether single letters act by themselves or only with Alt, as this browser's user chose. Who speaks to a computer, or touches keys by chance, has to be
// able to choose (WCAG 2.2, 2.1.4). With Alt a key is known by its place too, because Alt makes other characters on some systems.
const STORED = 'betrace.letters-with-alt';

export function lettersNeedAlt(): boolean {
  try {
    return window.localStorage.getItem(STORED) === 'yes';
  } catch {
    return false; // a browser that keeps nothing
  }
}

export function setLettersNeedAlt(isNeeded: boolean): void {
  try {
    if (isNeeded) {
      window.localStorage.setItem(STORED, 'yes');
    } else {
      window.localStorage.removeItem(STORED);
    }
  } catch {
    // it holds for no longer than this page, then
  }
}

const placeOf = (key: string) => (key === '?' ? 'Slash' : `Key${key.toUpperCase()}`);

/** Whether the event is the press of a key of one character. */
export function isLetterPressed(event: KeyboardEvent, key: string): boolean {
  if (!lettersNeedAlt()) {
    return !event.altKey && event.key === key;
  }
  return event.altKey && (event.key === key || event.code === placeOf(key));
}
