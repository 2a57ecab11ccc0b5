// Package plugin is the data source as Grafana calls it: one file for each interface of the SDK, one for each kind of query. An instance belongs to one
// configured data source; Grafana makes a new one when its settings change, and calls it from many goroutines.
package plugin

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/httpclient"
	"github.com/grafana/grafana-plugin-sdk-go/backend/instancemgmt"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/betrace"
	"github.com/betracehq/betrace/grafana-betrace-app/pkg/frames"
	"github.com/betracehq/betrace/grafana-betrace-app/pkg/query"
	"github.com/betracehq/betrace/grafana-betrace-app/pkg/settings"
)

// Instance answers for one configured data source.
type Instance struct {
	backend.CallResourceHandler
	settings *settings.Settings
	client   *betrace.Client // nil: faulty says why
	faulty   error           // what is wrong with the settings
	rules    ruleCache
	settle   atomic.Int64 // of the service, in nanoseconds, as its last answer to an alert said; 0: not known
	close    func()
}

var (
	_ backend.QueryDataHandler      = (*Instance)(nil)
	_ backend.CheckHealthHandler    = (*Instance)(nil)
	_ backend.CallResourceHandler   = (*Instance)(nil)
	_ instancemgmt.InstanceDisposer = (*Instance)(nil)
)

// NewInstance is called for each data source and each change of its settings. Settings that are wrong make an instance that says so: an error here would reach
// people as "plugin unavailable".
func NewInstance(ctx context.Context, source backend.DataSourceInstanceSettings) (instancemgmt.Instance, error) {
	instance := &Instance{close: func() {}}
	instance.CallResourceHandler = instance.resources()
	if err := instance.open(ctx, source); err != nil {
		instance.faulty = fmt.Errorf("the data source %q is not set up: %w", source.Name, err)
	}
	return instance, nil
}

func (d *Instance) open(ctx context.Context, source backend.DataSourceInstanceSettings) error {
	loaded, err := settings.Load(ctx, source)
	if err != nil {
		return err
	}
	transport, err := httpclient.New(loaded.HTTP)
	if err != nil {
		return fmt.Errorf("its TLS or HTTP settings are wrong: %w", err)
	}
	client, err := betrace.New(loaded.URL, loaded.Token, loaded.Tenant, transport)
	if err != nil {
		return err
	}
	d.settings, d.client, d.close = loaded, client, transport.CloseIdleConnections
	return nil
}

// Dispose is called when the settings have changed or the data source is gone.
func (d *Instance) Dispose() { d.close() }

// partTime is how long who comes again for the rest waits for what there is.
const partTime = 5 * time.Second

// patience is how long BeTrace may evaluate before it answers what is certain.
func (d *Instance) patience(q *query.Query) time.Duration {
	if q.Part != nil {
		return min(partTime, d.settings.Evaluation())
	}
	return d.settings.Evaluation()
}

// links says where the trace ids of a table lead. Viewers have no Explore, unless an administrator said otherwise: what Grafana tells plugins is the role alone.
func (d *Instance) links(ctx context.Context, rules *scope) frames.Tempo {
	user := backend.PluginConfigFromContext(ctx).User
	if user == nil || user.Role != "Viewer" {
		return frames.Tempo{UID: d.settings.TempoUID, Name: d.settings.TempoName, Stored: rules.dsl == ""}
	}
	return frames.Tempo{InApp: rules.dsl == "", Stored: rules.dsl == ""}
}
