// Package settings reads what was configured for one data source instance. Secrets stay in Token and are never in an error.
package settings

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/httpclient"
)

// Settings of one instance.
type Settings struct {
	URL       string
	Token     string // empty: BeTrace runs without tokens
	Tenant    string // X-Scope-OrgID; empty: none
	TempoUID  string // of the Tempo data source that trace ids link to; empty: no links
	TempoName string
	Timeout   time.Duration // of one call
	HTTP      httpclient.Options
}

type jsonData struct {
	Tenant    string `json:"tenant"`
	TempoUID  string `json:"tempoDatasourceUid"`
	TempoName string `json:"tempoDatasourceName"`
}

const (
	defaultTimeout = 30 * time.Second
	shortest       = 2 * time.Second
)

// Load reads the settings; the error says which field is wrong.
func Load(ctx context.Context, source backend.DataSourceInstanceSettings) (*Settings, error) {
	var data jsonData
	if len(source.JSONData) > 0 {
		if err := json.Unmarshal(source.JSONData, &data); err != nil {
			return nil, fmt.Errorf("jsonData of the data source cannot be read: %w", err)
		}
	}
	options, err := source.HTTPClientOptions(ctx)
	if err != nil {
		return nil, fmt.Errorf("the HTTP settings of the data source cannot be read: %w", err)
	}
	s := &Settings{URL: source.URL, Token: source.DecryptedSecureJSONData["apiToken"], Tenant: data.Tenant, TempoUID: data.TempoUID,
		TempoName: data.TempoName, Timeout: defaultTimeout, HTTP: options}
	if s.TempoName == "" {
		s.TempoName = "Tempo"
	}
	if options.Timeouts != nil && options.Timeouts.Timeout > 0 {
		s.Timeout = max(options.Timeouts.Timeout, shortest)
	}
	return s, nil
}

// Evaluation is how long BeTrace may evaluate before it answers what is certain: less than the call, so that the answer arrives.
func (s *Settings) Evaluation() time.Duration {
	const longest = time.Minute // of GET /v1/rules/{id}/first-violation; the others take more, but nobody waits for it
	return min(max(s.Timeout-s.Timeout/6, time.Second), longest)
}
