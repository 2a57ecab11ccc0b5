// gohost is the slice of Grafana's HTTP API that a data source's frontend needs, in front of the real gpx_* executable:
//
//	POST /api/ds/query · GET /api/datasources/uid/{uid}/health · ANY /api/datasources/uid/{uid}/resources/…
//
// Usage: gohost GPX-EXECUTABLE ADDRESS. ADDRESS is host:port; port 0 takes a free one. It prints "listening http://host:port" when it serves, and ends, with the
// executable, on SIGTERM, SIGINT, or when its standard input is a pipe that is closed (so that it never outlives
// the one who started it with one).
// Environment: BETRACE_URL, BETRACE_TOKEN (none), BETRACE_TENANT (none), TEMPO_UID (tempo).
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/pluginhost"
)

const mostBodyBytes = 4 << 20

type server struct {
	host   *pluginhost.Host
	source backend.PluginContext
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gohost:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 3 {
		return fmt.Errorf("usage: gohost GPX-EXECUTABLE ADDRESS")
	}
	host, err := pluginhost.Start(os.Args[1], os.Stderr)
	if err != nil {
		return err
	}
	defer host.Stop()
	listener, err := net.Listen("tcp", os.Args[2])
	if err != nil {
		return err
	}
	s := &server{host: host, source: source()}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/ds/query", s.query)
	mux.HandleFunc("GET /api/datasources/uid/{uid}/health", s.health)
	mux.HandleFunc("/api/datasources/uid/{uid}/resources/{path...}", s.resource)
	failed := make(chan error, 1)
	go func() { failed <- http.Serve(listener, mux) }()
	fmt.Println("listening http://" + listener.Addr().String())
	select {
	case err := <-failed:
		return err
	case <-ended():
		return nil
	}
}

func source() backend.PluginContext {
	tempo := os.Getenv("TEMPO_UID")
	if tempo == "" {
		tempo = "tempo"
	}
	data, _ := json.Marshal(map[string]string{"tempoDatasourceUid": tempo, "tenant": os.Getenv("BETRACE_TENANT")})
	secrets := map[string]string{}
	if token := os.Getenv("BETRACE_TOKEN"); token != "" {
		secrets["apiToken"] = token
	}
	return pluginhost.Context(os.Getenv("BETRACE_URL"), string(data), secrets)
}

func ended() <-chan struct{} {
	done := make(chan struct{}, 2)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-signals
		done <- struct{}{}
	}()
	if info, err := os.Stdin.Stat(); err == nil && info.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0 {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			done <- struct{}{}
		}()
	}
	return done
}

func (s *server) query(w http.ResponseWriter, r *http.Request) {
	var body struct {
		From, To string
		Queries  []json.RawMessage
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, mostBodyBytes)).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	request := &backend.QueryDataRequest{PluginContext: s.source, Headers: map[string]string{}}
	if from := r.Header.Get("FromAlert"); from != "" {
		request.Headers["FromAlert"] = from
	}
	times := backend.TimeRange{From: milliseconds(body.From), To: milliseconds(body.To)}
	for _, raw := range body.Queries {
		var q struct {
			RefID, QueryType          string
			IntervalMs, MaxDataPoints int64
		}
		if err := json.Unmarshal(raw, &q); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		request.Queries = append(request.Queries, backend.DataQuery{RefID: q.RefID, QueryType: q.QueryType, JSON: raw, MaxDataPoints: q.MaxDataPoints,
			Interval: time.Duration(q.IntervalMs) * time.Millisecond, TimeRange: times})
	}
	answer, err := s.host.Query(r.Context(), request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	respond(w, statusOf(answer), answer)
}

// statusOf: as Grafana does, 207 where a query failed.
func statusOf(answer *backend.QueryDataResponse) int {
	for _, one := range answer.Responses {
		if one.Error != nil {
			return http.StatusMultiStatus
		}
	}
	return http.StatusOK
}

func milliseconds(text string) time.Time {
	n, _ := strconv.ParseInt(text, 10, 64)
	return time.UnixMilli(n)
}

func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (s *server) health(w http.ResponseWriter, r *http.Request) {
	health, err := s.host.Health(r.Context(), s.source)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	status := http.StatusOK
	if health.Status.String() != "OK" {
		status = http.StatusBadRequest
	}
	respond(w, status, map[string]any{"status": health.Status.String(), "message": health.Message})
}

func (s *server) resource(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBodyBytes))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	path := r.PathValue("path")
	url := path
	if r.URL.RawQuery != "" {
		url += "?" + r.URL.RawQuery
	}
	status, media, text, err := s.host.Call(r.Context(), s.source, r.Method, path, url, body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", media)
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
