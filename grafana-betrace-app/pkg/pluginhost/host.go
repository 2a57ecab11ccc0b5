// Package pluginhost starts a built gpx_* executable as Grafana does (magic cookie, protocol 2, mutual TLS, gRPC) and asks it. For tests and for the browser harness: the data source
// itself does not use it. The child dies with its parent, however that ends.
package pluginhost

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/grpcplugin"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

// Host is a running child.
type Host struct {
	Data        pluginv2.DataClient
	Diagnostics pluginv2.DiagnosticsClient
	Resource    pluginv2.ResourceClient
	child       *goplugin.Client
}

type connector struct {
	goplugin.NetRPCUnsupportedPlugin
	make func(*grpc.ClientConn) any
}

func (connector) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error { return nil }
func (c connector) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return c.make(conn), nil
}

// Start runs the executable and shakes hands. log gets what the child says; nil: nobody.
func Start(executable string, log io.Writer) (*Host, error) {
	if log == nil {
		log = io.Discard
	}
	command := exec.Command(executable)
	command.Env = []string{"GF_VERSION=12.4.10", "GF_INSTANCE_ENABLE=1"}
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	child := goplugin.NewClient(&goplugin.ClientConfig{
		Cmd: command, AutoMTLS: true, StartTimeout: 60 * time.Second, AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: log}),
		HandshakeConfig: goplugin.HandshakeConfig{ProtocolVersion: grpcplugin.ProtocolVersion,
			MagicCookieKey: grpcplugin.MagicCookieKey, MagicCookieValue: grpcplugin.MagicCookieValue},
		VersionedPlugins: map[int]goplugin.PluginSet{grpcplugin.ProtocolVersion: {
			"data":        connector{make: func(c *grpc.ClientConn) any { return pluginv2.NewDataClient(c) }},
			"diagnostics": connector{make: func(c *grpc.ClientConn) any { return pluginv2.NewDiagnosticsClient(c) }},
			"resource":    connector{make: func(c *grpc.ClientConn) any { return pluginv2.NewResourceClient(c) }}}},
	})
	host := &Host{child: child}
	if err := host.connect(); err != nil {
		child.Kill()
		return nil, fmt.Errorf("%s did not start as a plugin: %w", executable, err)
	}
	return host, nil
}

// connect starts the child from a thread that lives as long as the process: Pdeathsig is tied to the thread.
func (h *Host) connect() error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		protocol, err := h.child.Client()
		if err == nil {
			err = h.dispense(protocol)
		}
		done <- err
		select {}
	}()
	return <-done
}

func (h *Host) dispense(protocol goplugin.ClientProtocol) error {
	for name, take := range map[string]func(any){
		"data":        func(v any) { h.Data, _ = v.(pluginv2.DataClient) },
		"diagnostics": func(v any) { h.Diagnostics, _ = v.(pluginv2.DiagnosticsClient) },
		"resource":    func(v any) { h.Resource, _ = v.(pluginv2.ResourceClient) },
	} {
		client, err := protocol.Dispense(name)
		if err != nil {
			return err
		}
		take(client)
	}
	return nil
}

// Stop ends the child.
func (h *Host) Stop() { h.child.Kill() }

// Exited says whether the child has ended.
func (h *Host) Exited() bool { return h.child.Exited() }

// Context is what Grafana sends along with every call for one configured data source. Other settings are another data source: the plugin keeps an instance by id and by the time
// of the last change.
func Context(url string, jsonData string, secrets map[string]string) backend.PluginContext {
	hash := fnv.New32a()
	_, _ = fmt.Fprint(hash, url, "|", jsonData, "|", secrets)
	return backend.PluginContext{OrgID: 1, PluginID: "betrace-datasource", User: &backend.User{Login: "admin", Role: "Admin"},
		DataSourceInstanceSettings: &backend.DataSourceInstanceSettings{ID: int64(hash.Sum32()), UID: "betrace", Type: "betrace-datasource", Name: "BeTrace", URL: url,
			Updated: time.Unix(1, 0), JSONData: []byte(jsonData), DecryptedSecureJSONData: secrets}}
}

// Query asks the child.
func (h *Host) Query(ctx context.Context, request *backend.QueryDataRequest) (*backend.QueryDataResponse, error) {
	answer, err := h.Data.QueryData(ctx, backend.ToProto().QueryDataRequest(request))
	if err != nil {
		return nil, err
	}
	return backend.FromProto().QueryDataResponse(answer)
}

// Health asks the child.
func (h *Host) Health(ctx context.Context, of backend.PluginContext) (*pluginv2.CheckHealthResponse, error) {
	return h.Diagnostics.CheckHealth(ctx, &pluginv2.CheckHealthRequest{PluginContext: backend.ToProto().PluginContext(of)})
}

// Call asks for a resource and returns its status, media type and body.
func (h *Host) Call(ctx context.Context, of backend.PluginContext, method, path, url string, body []byte) (status int, media string, text []byte, err error) {
	stream, err := h.Resource.CallResource(ctx, &pluginv2.CallResourceRequest{PluginContext: backend.ToProto().PluginContext(of), Path: path, Url: url, Method: method, Body: body})
	if err != nil {
		return 0, "", nil, err
	}
	for first := true; ; first = false {
		part, err := stream.Recv()
		if err == io.EOF {
			return status, media, text, nil
		}
		if err != nil {
			return 0, "", nil, err
		}
		if first {
			status = int(part.Code)
			if values := part.Headers["Content-Type"]; values != nil && len(values.Values) > 0 {
				media = values.Values[0]
			}
		}
		text = append(text, part.Body...)
	}
}
