// Which span of a trace the names in the URL mean.
import type { TraceSpan } from '../api/types';
import { nameOfEnd, nameOfSpan, selectedOf } from './selection';

const span = (id: string, kind: TraceSpan['kind']): TraceSpan => ({
  span_id: id,
  parent_span_id: null,
  name: id,
  service: '',
  kind,
  status: 'unset',
  status_message: null,
  attributes: {},
  start_unix_nano: '0',
  end_unix_nano: '1',
});
const OWN = '0'.repeat(31) + 'a';
const OTHER = '0'.repeat(31) + 'b';
const SPANS = [span('a1', 'client'), span('a1', 'server'), span('a2', 'internal')];

describe('what is selected', () => {
  it('is the half of a call that was chosen, in any trace', () => {
    expect(selectedOf([nameOfSpan(SPANS[1])], OWN, SPANS)).toEqual({ span: 1, end: '' });
    expect(selectedOf([nameOfSpan(SPANS[1])], OTHER, SPANS)).toEqual({ span: 1, end: '' });
  });

  it('is an end of a link in its own trace alone, though another has a span of that id', () => {
    const names = [nameOfEnd(OTHER, 'a1'), nameOfEnd(OWN, 'a2')];
    expect(selectedOf(names, OWN, SPANS)).toEqual({ span: 2, end: `a2.${OWN}` });
    expect(selectedOf(names, OTHER, SPANS)).toEqual({ span: 0, end: `a1.${OTHER}` });
  });

  it('is nothing where no span has the name', () => {
    expect(selectedOf([], OWN, SPANS)).toEqual({ span: -1, end: '' });
    expect(selectedOf(['a1', 'a3.internal', nameOfEnd(OWN, 'a3')], OWN, SPANS)).toEqual({ span: -1, end: '' });
  });
});
