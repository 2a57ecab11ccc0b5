// Times in the zone of the user, with the exact one at hand.
import { dateTimeFormat, dateTimeFormatTimeAgo } from '@grafana/data';
import { Tooltip } from '@grafana/ui';
import { useHost } from '../host/context';

export type TimeStyle = 'seconds' | 'milliseconds' | 'ago';

const FORMAT = { seconds: 'YYYY-MM-DD HH:mm:ss', milliseconds: 'YYYY-MM-DD HH:mm:ss.SSS' };

/** A time of the service (RFC 3339, nanoseconds, UTC) in the user's zone. */
export function formatTime(time: string, timeZone: string, style: TimeStyle = 'seconds'): string {
  return style === 'ago' ? dateTimeFormatTimeAgo(time, { timeZone }) : dateTimeFormat(time, { timeZone, format: FORMAT[style] });
}

/** The time in the user's zone; the exact one, with zone and nanoseconds, as a tooltip. */
export function TimeText({ time, style = 'seconds' }: { time: string | null | undefined; style?: TimeStyle }) {
  const timeZone = useHost().timeZone();
  if (!time) {
    return <>–</>;
  }
  return (
    <Tooltip content={time}>
      <time dateTime={time}>{formatTime(time, timeZone, style)}</time>
    </Tooltip>
  );
}
