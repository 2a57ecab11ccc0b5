// On a phone: what is tapped is 44 px high and wide, and the picker of a range shows it. Links within a sentence are as high as it.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';

const TAPPED = 44;

/** Of a box that changes no layout; it reaches what others draw, too. */
export const touchStyles = (theme: GrafanaTheme2) =>
  css({
    display: 'contents',
    [theme.breakpoints.down('sm')]: {
      '& button:not([data-toggle], [data-fine]), & nav a, & a[class*="button"], & header > a, & li > a': { minHeight: TAPPED, minWidth: TAPPED },
      '& nav a, & header > a, & a[class*="button"], & li > a': { display: 'inline-flex', alignItems: 'center' },
      '& [data-testid="input-wrapper"]': { height: TAPPED, '& input': { minHeight: TAPPED } },
      '& [role="radiogroup"]': { flexWrap: 'wrap', height: 'auto', maxWidth: '100%', '& label': { minHeight: TAPPED, display: 'inline-flex', alignItems: 'center' } },
      '& label:has(input[type="checkbox"])': { minHeight: TAPPED, alignContent: 'center' },
      '& input[role="combobox"]': { minHeight: TAPPED },
      '& div:has(> input[role="switch"])': { margin: '14px 6px' },
      '& input[role="switch"] + label': { position: 'relative', overflow: 'visible', '&::before': { content: '""', position: 'absolute', inset: '-16px -8px' } },
      // Grafana's own style leaves the icon alone.
      '& [aria-controls="TimePickerContent"]': { height: 'auto' },
      '& [aria-controls="TimePickerContent"] > div': { display: 'block', whiteSpace: 'normal', '& > span': { whiteSpace: 'normal' } },
    },
  });
