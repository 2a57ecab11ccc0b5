// Icons are fetched from the host; in tests an empty svg stands for them.
import { forwardRef, type Ref } from 'react';

const InlineSvg = forwardRef(({ title, className }: { title?: string; className?: string }, ref: Ref<SVGSVGElement>) => (
  <svg ref={ref} className={className}>
    {title && <title>{title}</title>}
  </svg>
));
InlineSvg.displayName = 'InlineSvg';

export default InlineSvg;
