// The range of a page, bound to the URL. A click on refresh asks again; nothing refreshes by itself.
import { dateTime, type TimeRange as Range } from '@grafana/data';
import { t } from '@grafana/i18n';
import { RefreshPicker, TimeRangePicker } from '@grafana/ui';
import { useHost } from '../host/context';
import { urlMoment, type UrlTimeRange } from '../routing/timeRange';

interface Props {
  value: UrlTimeRange;
  onRefresh?: () => void;
  loading?: boolean;
}

function shift({ range, set }: UrlTimeRange, direction: 1 | -1) {
  const half = ((range.to.valueOf() - range.from.valueOf()) / 2) * direction;
  set(dateTime(range.from.valueOf() + half).toISOString(), dateTime(range.to.valueOf() + half).toISOString());
}

function zoomOut({ range, set }: UrlTimeRange) {
  const half = (range.to.valueOf() - range.from.valueOf()) / 2;
  set(dateTime(range.from.valueOf() - half).toISOString(), dateTime(range.to.valueOf() + half).toISOString());
}

export function TimeRange({ value, onRefresh, loading = false }: Props) {
  const timeZone = useHost().timeZone();
  const change = (range: Range) => value.set(urlMoment(range.raw.from), urlMoment(range.raw.to));
  return (
    <>
      <TimeRangePicker
        value={value.range}
        timeZone={timeZone}
        onChange={change}
        onChangeTimeZone={() => undefined}
        onMoveBackward={() => shift(value, -1)}
        onMoveForward={() => shift(value, 1)}
        onZoom={() => zoomOut(value)}
      />
      {onRefresh && (
        <RefreshPicker
          value=""
          intervals={[]}
          onIntervalChanged={() => undefined}
          onRefresh={onRefresh}
          isLoading={loading}
          noIntervalPicker
          tooltip={t('range.refresh', 'Ask again')}
        />
      )}
    </>
  );
}
