/* Answers as Explore and panels draw them: frames go through the field overrides of @grafana/data; tables, numbers and their links are the
   components that core's panels are made of. Of a graph there is the legend alone. Runs in the browser. */
import * as React from 'react';
import { applyFieldOverrides, cacheFieldDisplayNames, FieldColorModeId, getDisplayValueAlignmentFactors, getFieldDisplayName, getFieldDisplayValues, Registry } from '@grafana/data';
import { BigValue, DataLinksContextMenu, useTheme2, VizRepeater } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { replace } from './templates.js';

const STANDARD = ['unit', 'decimals', 'noValue', 'thresholds', 'mappings', 'color', 'links', 'min', 'max', 'displayName'];
const CUSTOM = ['width', 'align', 'cellOptions', 'wrapText'];
const take = { process: (value) => value, shouldApply: () => true };
/* Core registers what the options of a field are; the table panel turns `hidden` of older dashboards into what it is called now. */
const OPTIONS = new Registry(() => [
  ...STANDARD.map((name) => ({ id: name, path: name, name, ...take })),
  ...CUSTOM.map((name) => ({ id: `custom.${name}`, path: name, name, isCustom: true, ...take })),
  { id: 'custom.hidden', path: 'hideFrom', name: 'hidden', isCustom: true, ...take, process: (value) => ({ viz: value }) },
]);
const FALLBACK = { defaults: { color: { mode: FieldColorModeId.Thresholds } }, overrides: [] };

function overridden(frames, fieldConfig, theme) {
  const shown = applyFieldOverrides({ data: frames, fieldConfig: fieldConfig ?? FALLBACK, fieldConfigRegistry: OPTIONS, replaceVariables: replace, theme, timeZone: 'utc' });
  cacheFieldDisplayNames(shown);
  return shown;
}

/** The width of what is drawn into, once it is known. */
function Measured({ height, children }) {
  const [width, setWidth] = React.useState(0);
  const box = React.useRef(null);
  React.useEffect(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(Math.floor(entry.contentRect.width)));
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  return <div ref={box} style={{ height, minWidth: 0 }}>{width > 0 && children(width)}</div>;
}

export function TableView({ frames, height, fieldConfig, options = {} }) {
  const theme = useTheme2();
  const shown = React.useMemo(() => overridden(frames, fieldConfig, theme), [frames, fieldConfig, theme]);
  return (
    <Measured height={height}>
      {(width) => shown.length > 0 && <TableNG data={shown[0]} width={width} height={height} cellHeight={options.cellHeight} noHeader={options.showHeader === false} structureRev={1} />}
    </Measured>
  );
}

function Stat({ value: { display, hasLinks, getLinks }, options, ...place }) {
  const theme = useTheme2();
  const { colorMode, graphMode, justifyMode, textMode, text, wideLayout } = options;
  const draw = ({ openMenu, targetClassName } = {}) => (
    <BigValue {...{ ...place, theme, colorMode, graphMode, justifyMode, textMode, text, wideLayout, value: display, onClick: openMenu, className: targetClassName }} />
  );
  return hasLinks ? <DataLinksContextMenu links={getLinks}>{draw}</DataLinksContextMenu> : draw();
}

function StatView({ frames, height, fieldConfig, options }) {
  const theme = useTheme2();
  const values = React.useMemo(() => {
    const data = overridden(frames, fieldConfig, theme);
    return getFieldDisplayValues({ fieldConfig, reduceOptions: options.reduceOptions, replaceVariables: replace, theme, data, timeZone: 'utc' });
  }, [frames, fieldConfig, options, theme]);
  return (
    <Measured height={height}>
      {(width) => (
        <VizRepeater
          {...{ width, height, source: values, renderCounter: 0, autoGrid: true, itemSpacing: 3, orientation: options.orientation, getValues: () => values }}
          getAlignmentFactors={getDisplayValueAlignmentFactors}
          renderValue={({ value, width: wide, height: high, count, alignmentFactors, orientation }) => (
            <Stat {...{ value, options, width: wide, height: high, count, alignmentFactors, parentOrientation: orientation }} />
          )}
        />
      )}
    </Measured>
  );
}

function Legend({ frames }) {
  const names = frames.flatMap((frame) => frame.fields.filter(({ type }) => type === 'number').map((field) => getFieldDisplayName(field, frame, frames)));
  return <ul>{names.map((name) => <li key={name}>{name}</li>)}</ul>;
}

const VIEWS = { table: TableView, stat: StatView, timeseries: Legend };

/** A panel with its title; what its answer says of itself stands below the title, where Grafana has a mark with a tooltip. */
export function Panel({ panel: { title, type, fieldConfig, options }, answer, height }) {
  const theme = useTheme2();
  const View = VIEWS[type];
  const frames = answer?.data ?? [];
  const notices = [...new Set(frames.flatMap((frame) => frame.meta?.notices ?? []).map(({ text }) => text))];
  const failures = (answer?.errors ?? []).map(({ message }) => message);
  return (
    <section aria-label={title} data-state={answer?.state ?? 'Loading'} style={{ height: '100%', padding: 8, boxSizing: 'border-box', overflow: 'hidden', background: theme.colors.background.primary, border: `1px solid ${theme.colors.border.weak}` }}>
      <h2 style={{ ...theme.typography.h6, margin: 0 }}>{title}</h2>
      {notices.map((text) => <p key={text} role="note" style={{ margin: 0 }}>{text}</p>)}
      {failures.map((text) => <p key={text} role="alert" style={{ margin: 0 }}>{text}</p>)}
      <div data-view="">{frames.length > 0 ? <View {...{ frames, fieldConfig, options, height: height - 50 }} /> : answer && <p>No data</p>}</div>
    </section>
  );
}
