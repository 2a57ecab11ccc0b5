// Readers who leave, behind Grafana: its proxies are Go's ReverseProxy, which closes its request when the browser leaves, and a query of a panel is
// cancelled through the plugin. In both cases a real BeTrace sees that and stops asking its Tempo.
package acceptance

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
)

const leavePatience = 30 * time.Second

// hangingTempo answers no search and no read, and counts who waits for one.
type hangingTempo struct {
	url     string
	waiting atomic.Int64
}

func newHangingTempo(t *testing.T) *hangingTempo {
	t.Helper()
	h := &hangingTempo{}
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/status") || strings.HasPrefix(r.URL.Path, "/status") || r.URL.Path == "/ready" {
			http.NotFound(w, r)
			return
		}
		h.waiting.Add(1)
		defer h.waiting.Add(-1)
		select {
		case <-r.Context().Done():
		case <-ended:
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(ended) })
	h.url = server.URL
	return h
}

func (h *hangingTempo) waitUntil(t *testing.T, isAsked bool, what string) {
	t.Helper()
	for deadline := time.Now().Add(leavePatience); (h.waiting.Load() > 0) != isAsked; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: %d questions wait for Tempo", what, h.waiting.Load())
		}
	}
}

// leaves asks until Tempo is asked, cancels, and waits until Tempo is asked no more.
func leaves(t *testing.T, tempo *hangingTempo, ask func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	answered := make(chan error, 1)
	go func() { answered <- ask(ctx) }()
	tempo.waitUntil(t, true, "asked")
	time.Sleep(100 * time.Millisecond)
	select {
	case err := <-answered:
		t.Fatalf("answered while Tempo hangs: %v", err)
	default:
	}
	cancel()
	if err := <-answered; err == nil {
		t.Error("an answer to a reader who left")
	}
	tempo.waitUntil(t, false, "left")
}

func leaveTests(t *testing.T) {
	tempo := newHangingTempo(t)
	server := startService(t, "--tempo", tempo.url, "--tempo-timeout", "10m")
	server.post(t, "/v1/rules", slowDB, "")
	target, err := url.Parse(server.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }})
	defer proxy.Close()
	for _, path := range []string{"/v1/traces/00000000000000000000000000000001/verdicts", "/v1/rules/slow-db-no-retry/first-violation?start=now-1h",
		"/v1/violations?start=now-1h", "/v1/violations/series?start=now-2h"} {
		t.Run(strings.SplitN(path, "?", 2)[0], func(t *testing.T) {
			leaves(t, tempo, func(ctx context.Context) error {
				request, _ := http.NewRequestWithContext(ctx, http.MethodGet, proxy.URL+path, nil)
				response, err := http.DefaultClient.Do(request)
				if err == nil {
					response.Body.Close()
				}
				return err
			})
		})
	}
	t.Run("query", func(t *testing.T) {
		leaves(t, tempo, func(ctx context.Context) error {
			_, err := host.Query(ctx, &backend.QueryDataRequest{PluginContext: of(server.url, ""), Headers: map[string]string{}, Queries: []backend.DataQuery{{RefID: "A",
				QueryType: "count", JSON: []byte(`{"queryType":"count","instant":true}`), TimeRange: backend.TimeRange{From: time.Now().Add(-2 * time.Hour), To: time.Now()},
				Interval: time.Minute, MaxDataPoints: 500}}})
			return err
		})
	})
}
