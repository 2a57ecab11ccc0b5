// The data source's process, as Grafana starts it: hands the instance factory to the SDK and serves until Grafana ends it.
package main

import (
	"os"

	"github.com/grafana/grafana-plugin-sdk-go/backend/datasource"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/plugin"
)

func main() {
	if err := datasource.Manage("betrace-datasource", plugin.NewInstance, datasource.ManageOpts{}); err != nil {
		log.DefaultLogger.Error("the data source ended", "error", err)
		os.Exit(1)
	}
}
