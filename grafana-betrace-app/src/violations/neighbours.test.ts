// The violations before and after one.
import { neighbours } from './neighbours';

const LIST = ['1', '2', '3'].map((id) => ({ trace_id: id, rule_id: 'r' }));

describe('neighbours', () => {
  it('are the ones before and after', () => expect(neighbours(LIST, '2', 'r')).toEqual({ at: 1, previous: LIST[0], next: LIST[2] }));

  it('are not there at the ends', () => {
    expect(neighbours(LIST, '1', 'r')).toMatchObject({ previous: null, next: LIST[1] });
    expect(neighbours(LIST, '3', 'r')).toMatchObject({ previous: LIST[1], next: null });
  });

  it('are not there for what is not in the list', () => {
    expect(neighbours(LIST, '1', 'other')).toEqual({ at: -1, previous: null, next: null });
    expect(neighbours([], '1', 'r')).toEqual({ at: -1, previous: null, next: null });
  });
});
