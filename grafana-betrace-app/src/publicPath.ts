// Where Grafana serves this plugin from is known only at run time: from the address of module.js. Has to be the first import of module.tsx.
import amdModule from 'amd-module';

if (amdModule?.uri) {
  __webpack_public_path__ = amdModule.uri.slice(0, amdModule.uri.lastIndexOf('/') + 1);
}
