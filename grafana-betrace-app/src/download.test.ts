// A file is saved once, by a link that is no part of the document, and its address is kept while the browser reads.
import { download } from './download';

describe('a text as a file', () => {
  it('is saved by a link that Grafana does not see, and its address is kept while the browser reads', () => {
    jest.useFakeTimers();
    const revoked: string[] = [];
    const clicked: Array<{ name: string; isInDocument: boolean }> = [];
    const seenByDocument = jest.fn();
    Object.assign(URL, { createObjectURL: () => 'blob:x', revokeObjectURL: (url: string) => revoked.push(url) });
    jest.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function click(this: HTMLAnchorElement) {
      clicked.push({ name: this.download, isInDocument: this.isConnected });
      this.dispatchEvent(new MouseEvent('click', { bubbles: true }));
    });
    document.addEventListener('click', seenByDocument);

    download('rules.yaml', 'application/yaml', 'rules: []');

    expect(clicked).toEqual([{ name: 'rules.yaml', isInDocument: false }]);
    expect(seenByDocument).not.toHaveBeenCalled();
    expect(revoked).toEqual([]);
    jest.runAllTimers();
    expect(revoked).toEqual(['blob:x']);
    document.removeEventListener('click', seenByDocument);
    jest.useRealTimers();
  });
});
