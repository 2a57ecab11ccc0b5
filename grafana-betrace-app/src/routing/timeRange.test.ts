// Ranges of the URL as the service and the time picker read them.
import { dateTime } from '@grafana/data';
import { makeTimeRange, parseMoment, serviceTime, urlMoment } from './timeRange';

it('leaves what the service knows as it is, so that equal questions are equal', () => {
  expect(serviceTime('now-24h')).toBe('now-24h');
  expect(serviceTime('now')).toBe('now');
});

it('makes absolute what only Grafana knows', () => {
  expect(serviceTime('now/d')).toMatch(/T00:00:00\.000Z$/);
  expect(serviceTime('now/d', true)).toMatch(/T23:59:59\.999Z$/);
  expect(serviceTime('now-1w')).toMatch(/^\d{4}-\d\d-\d\dT/);
});

it('reads epoch milliseconds and ISO', () => {
  expect(serviceTime('1795187158000')).toBe(new Date(1795187158000).toISOString());
  expect(serviceTime('2026-11-20T12:00:00Z')).toBe('2026-11-20T12:00:00.000Z');
});

it('hands on what cannot be read, for the service to refuse', () => {
  expect(parseMoment('yesterday-ish')).toBeNull();
  expect(serviceTime('yesterday-ish')).toBe('yesterday-ish');
});

it('makes a range for the picker that says again what the URL said', () => {
  const { raw } = makeTimeRange('now-6h', '2026-11-20T12:00:00.000Z');
  expect(urlMoment(raw.from)).toBe('now-6h');
  expect(urlMoment(raw.to)).toBe('2026-11-20T12:00:00.000Z');
  expect(dateTime(makeTimeRange('rubbish', 'now').from).isValid()).toBe(true);
});
