// Replays that the service keeps, newest first: what was asked, how far it came, what it found.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { useStyles2 } from '@grafana/ui';
import { Link } from 'react-router-dom';
import type { Replay } from '../api/types';
import { DataTable } from '../components/DataTable';
import { formatTime, TimeText } from '../components/TimeText';
import { useHost } from '../host/context';
import { useUrls } from '../routing/useUrls';
import { StatusBadge } from './StatusBadge';
import { evaluatedText, foundText, replayTitle } from './replayWords';

function Row({ replay }: { replay: Replay }) {
  const to = useUrls();
  const zone = useHost().timeZone();
  const { start_time: start, end_time: end } = replay;
  return (
    <tr>
      <td>
        <TimeText time={replay.created_at} />
      </td>
      <td>
        <Link to={to.replay(replay.replay_id)}>{replayTitle(replay.rules)}</Link>
      </td>
      <td>{start && end && t('replays.list.range', '{{start}} to {{end}}', { start: formatTime(start, zone), end: formatTime(end, zone) })}</td>
      <td>
        <StatusBadge status={replay.status} reason={replay.reason} />
        {replay.status === 'running' && t('replays.list.progress', ' {{percent}} %', { percent: Math.floor(replay.progress * 100) })}
      </td>
      <td className="number">{foundText(replay, replay)}</td>
      <td className="number">{evaluatedText(replay)}</td>
      <td>
        <TimeText time={replay.first_violation?.time} />
      </td>
    </tr>
  );
}

export function ReplayList({ replays }: { replays: Replay[] }) {
  const styles = useStyles2(getStyles);
  const columns = [
    { text: t('replays.list.asked', 'Asked') },
    { text: t('replays.list.rules', 'Rules') },
    { text: t('replays.list.over', 'Range') },
    { text: t('replays.list.status', 'State') },
    { text: t('replays.list.violations', 'Violations'), isNumber: true },
    { text: t('replays.list.traces', 'Traces'), isNumber: true },
    { text: t('replays.list.first', 'First violation') },
  ];
  return (
    <DataTable label={t('replays.list.label', 'Earlier replays')} columns={columns} className={styles}>
      {replays.map((replay) => (
        <Row key={replay.replay_id} replay={replay} />
      ))}
    </DataTable>
  );
}

const getStyles = (theme: GrafanaTheme2) =>
  css({
    '& td': { borderBottom: `1px solid ${theme.colors.border.weak}`, whiteSpace: 'nowrap' },
    '& td:nth-child(2)': { whiteSpace: 'normal', minWidth: 160 },
    '& tbody tr:hover': { background: theme.colors.action.hover },
  });
