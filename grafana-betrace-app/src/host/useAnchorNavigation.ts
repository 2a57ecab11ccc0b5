// Grafana turns clicks on its own plain anchors into navigation without a reload; @grafana/ui's buttons with href rely on it. The same, for the standalone app.
import { useEffect } from 'react';
import { useNavigate } from 'react-router-dom';

function inApp(event: MouseEvent, basename: string): string | null {
  const anchor = event.target instanceof Element ? event.target.closest('a[href]') : null;
  const plain = !event.defaultPrevented && event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!(anchor instanceof HTMLAnchorElement) || !plain || (anchor.target && anchor.target !== '_self') || anchor.hasAttribute('download')) {
    return null;
  }
  const { origin, pathname, search, hash } = new URL(anchor.href);
  const inside = pathname.startsWith(basename) ? pathname.slice(basename.length) : null;
  return origin === window.location.origin && inside !== null && !/^\/(v1\/|health$|ready$|metrics$)/.test(inside)
    ? inside + search + hash
    : null;
}

export function useAnchorNavigation(basename: string) {
  const navigate = useNavigate();
  useEffect(() => {
    const listen = (event: MouseEvent) => {
      const to = inApp(event, basename);
      if (to !== null) {
        event.preventDefault();
        navigate(to);
      }
    };
    document.addEventListener('click', listen);
    return () => document.removeEventListener('click', listen);
  }, [navigate, basename]);
}
