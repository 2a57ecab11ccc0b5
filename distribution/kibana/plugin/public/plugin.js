/* BeTrace's pages in @PRODUCT@, in the browser: an app of the shell, whose place holds the pages in a frame of the same origin. In a document of their own neither
   the shell's styles reach them, nor theirs the shell. The address of the shell follows that of the frame, so that pages can be linked, kept and gone back to. */
@BUNDLES@.define('plugin/betrace/public', () => {
  function showPages(basePath, { element, history }) {
    const root = basePath.prepend('/api/betrace');
    const place = ({ pathname, search, hash }) => `/${pathname.replace(/^\/+/, '')}${search}${hash}`;
    const frame = document.createElement('iframe');
    const inside = () => {
      const { location } = frame.contentWindow;
      return location.pathname.startsWith(root) ? place({ pathname: location.pathname.slice(root.length), search: location.search, hash: location.hash }) : null;
    };
    const follow = () => {
      const at = inside();
      if (at !== null && at !== place(history.location)) history.replace(at);
    };
    const fit = () => {
      frame.style.height = `${Math.max(window.innerHeight - frame.getBoundingClientRect().top - window.scrollY, 300)}px`;
    };
    frame.title = 'BeTrace';
    frame.style.width = '100%';
    frame.style.border = '0';
    frame.style.display = 'block';
    frame.addEventListener('load', () => {
      fit();
      const theirs = frame.contentWindow.history;
      for (const name of ['pushState', 'replaceState']) {
        const original = theirs[name].bind(theirs);
        theirs[name] = (...given) => {
          original(...given);
          follow();
        };
      }
      frame.contentWindow.addEventListener('popstate', follow);
      follow();
    });
    frame.src = root + place(history.location);
    element.style.width = '100%';
    element.appendChild(frame);
    // the bars of the shell come and go: while it loads it hides the place
    const bars = new ResizeObserver(fit);
    bars.observe(document.body);
    bars.observe(element);
    window.addEventListener('resize', fit);
    const stop = history.listen((location) => {
      const at = inside();
      if (at !== null && at !== place(location)) frame.contentWindow.location.replace(root + place(location));
    });
    return () => {
      stop();
      bars.disconnect();
      window.removeEventListener('resize', fit);
      frame.remove();
    };
  }

  return {
    plugin: () => ({
      setup(core) {
        core.application.register({
          id: 'betrace',
          title: 'BeTrace',
          euiIconType: core.http.basePath.prepend('/api/betrace/logo.svg'),
          category: { id: 'observability', label: 'Observability', euiIconType: 'logoObservability', order: 3000 },
          mount: async (params) => {
            const [{ chrome }] = await core.getStartServices();
            chrome.setBreadcrumbs([{ text: 'BeTrace' }]);
            return showPages(core.http.basePath, params);
          },
        });
      },
      start() {},
      stop() {},
    }),
  };
}, 0);
