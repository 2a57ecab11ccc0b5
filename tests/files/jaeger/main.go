// Writes traces as Jaeger's query service answers with them, out of its own memory store.
//
//	jaeger FOLDER
//
// Standard input has one document of OTLP JSON a line. FOLDER gets ID.json for each trace, which is what the UI downloads
// (API v2), ID.v3.json (API v3), and all.json, the answer to a search.
package main

import (
	"bufio"
	"context"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/gorilla/mux"
	"github.com/jaegertracing/jaeger/cmd/query/app"
	"github.com/jaegertracing/jaeger/cmd/query/app/apiv3"
	"github.com/jaegertracing/jaeger/cmd/query/app/querysvc"
	"github.com/jaegertracing/jaeger/pkg/jtracer"
	"github.com/jaegertracing/jaeger/pkg/tenancy"
	"github.com/jaegertracing/jaeger/plugin/storage/memory"
	translator "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/translator/jaeger"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/zap"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// fill writes the spans of standard input into the store. It returns the ids of their traces.
func fill(store *memory.Store) map[string]bool {
	ids := map[string]bool{}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(lines.Bytes())
		must(err)
		batches, err := translator.ProtoFromTraces(traces)
		must(err)
		for _, batch := range batches {
			for _, span := range batch.Spans {
				if span.Process == nil {
					span.Process = batch.Process
				}
				ids[span.TraceID.String()] = true
				must(store.WriteSpan(context.Background(), span))
			}
		}
	}
	must(lines.Err())
	return ids
}

// service answers as jaeger-query does, at both versions of its API.
func service(store *memory.Store) *mux.Router {
	queries := querysvc.NewQueryService(store, store, querysvc.QueryServiceOptions{})
	router := app.NewRouter()
	tenants := &tenancy.Manager{}
	app.NewAPIHandler(queries, tenants).RegisterRoutes(router)
	gateway := &apiv3.HTTPGateway{QueryService: queries, TenancyMgr: tenants, Logger: zap.NewNop(), Tracer: jtracer.NoOp().OTEL}
	gateway.RegisterRoutes(router)
	return router
}

func main() {
	store := memory.NewStore()
	ids := fill(store)
	router := service(store)
	save := func(path, name string) {
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, httptest.NewRequest("GET", path, nil))
		if answer.Code != 200 {
			log.Fatalf("%s: %d %s", path, answer.Code, answer.Body)
		}
		must(os.WriteFile(filepath.Join(os.Args[1], name), answer.Body.Bytes(), 0o600))
	}
	for id := range ids {
		save("/api/traces/"+id+"?prettyPrint=true", id+".json")
		save("/api/v3/traces/"+id, id+".v3.json")
	}
	save("/api/traces?service=shop&limit=20&lookback=custom&start=0&end=4000000000000000", "all.json")
}
