/* The modules that Grafana shares with plugins, under the names that plugins ask for. One instance of each: what the plugin imports and what
   the host page uses are the same objects. System.set copies a module's exports at the moment of the call, so publish() comes last, after
   every setter of @grafana/runtime. Runs in the browser. */
import * as React from 'react';
import * as jsxRuntime from 'react/jsx-runtime';
import * as jsxDevRuntime from 'react/jsx-dev-runtime';
import * as ReactDOM from 'react-dom';
import * as emotionCss from '@emotion/css';
import * as emotionReact from '@emotion/react';
import * as rxjs from 'rxjs';
import * as rxjsOperators from 'rxjs/operators';
import lodash from 'lodash';
import moment from 'moment';
import * as i18next from 'i18next';
import * as grafanaData from '@grafana/data';
import * as grafanaRuntime from '@grafana/runtime';
import * as grafanaUi from '@grafana/ui';
import * as routerV5 from 'host:router-v5';
import * as routerCompat from 'host:router-compat';

const onlyDefault = (value) => ({ ...value, default: value, __useDefault: true });

const shared = {
  react: React,
  'react/jsx-runtime': jsxRuntime,
  'react/jsx-dev-runtime': jsxDevRuntime,
  'react-dom': ReactDOM,
  '@emotion/css': emotionCss,
  '@emotion/react': emotionReact,
  rxjs,
  'rxjs/operators': rxjsOperators,
  lodash: onlyDefault(lodash),
  moment: { default: moment, __useDefault: true },
  i18next,
  '@grafana/data': grafanaData,
  '@grafana/runtime': grafanaRuntime,
  '@grafana/ui': grafanaUi,
  'react-router': routerCompat,
  'react-router-dom': routerV5,
};

/** Makes System know the shared names. */
export function publish() {
  const system = window.System;
  const resolve = system.constructor.prototype.resolve;
  system.constructor.prototype.resolve = function (id, parent) {
    return Object.hasOwn(shared, id) ? `package:${id}` : resolve.call(this, id, parent);
  };
  for (const [name, module] of Object.entries(shared)) {
    system.set(`package:${name}`, module);
  }
}
