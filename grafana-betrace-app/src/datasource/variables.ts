// What a dashboard variable of type "Query" does with this data source.
import { CustomVariableSupport, type DataQueryRequest, type DataQueryResponse } from '@grafana/data';
import { from, map, type Observable } from 'rxjs';
import type { BetraceDataSource } from './datasource';
import { lazyComponent } from './lazy';
import type { BetraceOptions, BetraceQuery, VariableQuery } from './types';

export class BetraceVariables extends CustomVariableSupport<BetraceDataSource, VariableQuery, BetraceQuery, BetraceOptions> {
  editor = lazyComponent(() => import('./components/VariableQueryEditor'));

  constructor(private readonly source: BetraceDataSource) {
    super();
  }

  query(request: DataQueryRequest<VariableQuery>): Observable<DataQueryResponse> {
    return from(this.source.metricFindQuery(request.targets[0] ?? { refId: 'Variable', kind: 'rules' })).pipe(map((data) => ({ data })));
  }
}
