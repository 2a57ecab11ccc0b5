// A shop of net/http, database/sql and gRPC under otelhttp, otelsql and otelgrpc: each route is a run that
// tests/libraries/record.py asks for. It writes its port, and ends when its input does.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/XSAM/otelsql"
	_ "github.com/lib/pq"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

var (
	db     *sql.DB
	stock  grpc_health_v1.HealthClient
	client = http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport)}
	own    string
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func get(ctx context.Context, url string) {
	request := must(http.NewRequestWithContext(ctx, "GET", url, nil))
	if answer, err := client.Do(request); err == nil {
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
	}
}

func partner(ctx context.Context, path string) { get(ctx, os.Getenv("PARTNER_URL")+path) }

func exec(ctx context.Context, text string, values ...any) {
	_, _ = db.ExecContext(ctx, text, values...)
}

func query(ctx context.Context, text string, values ...any) {
	if rows, err := db.QueryContext(ctx, text, values...); err == nil {
		for rows.Next() {
		}
		_ = rows.Close()
	}
}

func times(count int, work func(int)) {
	for number := range count {
		work(number)
	}
}

func step(ctx context.Context, name string, attributes ...attribute.KeyValue) {
	_, span := otel.Tracer("shop").Start(ctx, name, api.WithAttributes(attributes...))
	span.End()
}

func check(ctx context.Context) { _, _ = stock.Check(ctx, &grpc_health_v1.HealthCheckRequest{}) }

func watchUntil(ctx context.Context, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if stream, err := stock.Watch(ctx, &grpc_health_v1.HealthCheckRequest{}); err == nil {
		for err == nil {
			_, err = stream.Recv()
		}
	}
}

func transaction(ctx context.Context) {
	tx := must(db.BeginTx(ctx, nil))
	_, _ = tx.ExecContext(ctx, "INSERT INTO orders (item) VALUES ($1)", "lamp")
	_ = tx.Commit()
}

var routes = map[string]func(context.Context){
	"right": func(ctx context.Context) {
		query(ctx, "SELECT name FROM items WHERE id = $1", 1)
		partner(ctx, "/ok?item=1")
		check(ctx)
		transaction(ctx)
	},
	"right-16-queries": func(ctx context.Context) {
		times(16, func(n int) { query(ctx, fmt.Sprintf("SELECT name, %d FROM items WHERE id = $1", n), n) })
	},
	"right-retried": func(ctx context.Context) {
		partner(ctx, "/flaky")
		time.Sleep(40 * time.Millisecond)
		partner(ctx, "/flaky")
	},
	"n-plus-one": func(ctx context.Context) {
		query(ctx, "SELECT id FROM items")
		times(31, func(n int) { query(ctx, "SELECT name FROM items WHERE id = $1", n) })
	},
	"rpc-loop":     func(ctx context.Context) { times(21, func(int) { check(ctx) }) },
	"rpc-deadline": func(ctx context.Context) { watchUntil(ctx, 100*time.Millisecond) },
	"single-writes": func(ctx context.Context) {
		times(51, func(int) { exec(ctx, "INSERT INTO orders (item) VALUES ($1)", "lamp") })
	},
	"same-host":   func(ctx context.Context) { times(21, func(int) { partner(ctx, "/ok") }) },
	"not-retried": func(ctx context.Context) { partner(ctx, "/down") },
	"hammer":      func(ctx context.Context) { times(5, func(int) { partner(ctx, "/limited") }) },
	"retry-storm": func(ctx context.Context) {
		times(5, func(int) { partner(ctx, "/down"); time.Sleep(120 * time.Millisecond) })
	},
	"secret-in-url":  func(context.Context) {},
	"secret-in-call": func(ctx context.Context) { partner(ctx, "/ok?api_key=abc") },
	"card-in-url":    func(context.Context) {},
	"plain-http": func(ctx context.Context) {
		get(ctx, strings.Replace(os.Getenv("PARTNER_URL"), "127.0.0.1", "0.0.0.0", 1)+"/ok")
	},
	"drop":              func(ctx context.Context) { exec(ctx, "DROP TABLE IF EXISTS tmpx") },
	"card-in-query":     func(ctx context.Context) { query(ctx, "SELECT 1 WHERE '4111111111111111' = '2'") },
	"password-in-query": func(ctx context.Context) { query(ctx, "SELECT id FROM users WHERE password = 'hunter2'") },
	"security-code": func(ctx context.Context) {
		step(ctx, "payment.authorize")
		exec(ctx, "INSERT INTO cards (cvv) VALUES ($1)", "123")
	},
	"hidden-failure": func(ctx context.Context) { query(ctx, "SELECT id FROM no_such_table") },
	"slow-query":     func(ctx context.Context) { query(ctx, "SELECT pg_sleep(1.1)") },
	"slow-request":   func(context.Context) { time.Sleep(5100 * time.Millisecond) },
	"gave-up": func(ctx context.Context) {
		short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		get(short, own+"/works-on")
		time.Sleep(1500 * time.Millisecond)
	},
	"works-on": func(context.Context) { time.Sleep(1400 * time.Millisecond) },
	"denied-then-read": func(ctx context.Context) {
		step(ctx, "authz.check", attribute.String("authz.decision", "deny"))
		query(ctx, "SELECT name FROM items WHERE id = $1", 1)
	},
	"admin/unchecked": func(context.Context) {},
	"admin/right":     func(ctx context.Context) { step(ctx, "authz.check") },
}

func handlers() http.Handler {
	mux := http.NewServeMux()
	handle := func(name string, run http.HandlerFunc) { mux.Handle("GET /"+name, otelhttp.NewHandler(run, "shop")) }
	for name, run := range routes {
		handle(name, func(_ http.ResponseWriter, r *http.Request) { run(r.Context()) })
	}
	handle("fails", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	handle("large-response", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 11<<20)) })
	return mux
}

func stockService() string {
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	server := grpc.NewServer(grpc.StatsHandler(otelgrpc.NewServerHandler()))
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	go func() { _ = server.Serve(listener) }()
	return listener.Addr().String()
}

func main() {
	ctx := context.Background()
	provider := trace.NewTracerProvider(trace.WithBatcher(must(otlptracehttp.New(ctx))))
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	db = must(otelsql.Open("postgres", os.Getenv("PG_URL")+"?sslmode=disable",
		otelsql.WithAttributes(attribute.String("db.system.name", "postgresql"))))
	db.SetMaxOpenConns(1)
	stock = grpc_health_v1.NewHealthClient(must(grpc.NewClient(stockService(),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithStatsHandler(otelgrpc.NewClientHandler()))))
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	own = "http://" + listener.Addr().String()
	go func() { _ = http.Serve(listener, handlers()) }()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	_, _ = io.ReadAll(os.Stdin)
	_ = provider.Shutdown(ctx)
}
