// Errors as Grafana counts them: what the user wrote or BeTrace said is "downstream", and only our own faults are the plugin's.
package plugin

import (
	"net/http"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/betrace"
)

func badQuery(err error) backend.DataResponse {
	return backend.ErrDataResponseWithSource(backend.StatusBadRequest, backend.ErrorSourceDownstream, err.Error())
}

func statusOf(err error) backend.Status {
	switch betrace.KindOf(err) {
	case betrace.BadRequest, betrace.TooLarge:
		return backend.StatusBadRequest
	case betrace.Unauthorized:
		return backend.StatusUnauthorized
	case betrace.Forbidden:
		return backend.StatusForbidden
	case betrace.TimedOut:
		return backend.StatusTimeout
	case betrace.Busy:
		return backend.StatusTooManyRequests
	case betrace.Cancelled:
		return backend.Status(499)
	default:
		return backend.StatusBadGateway
	}
}

// failed answers a call of BeTrace that went wrong. The cause stays wrapped, so that a cancelled query is still seen as one.
func failed(err error) backend.DataResponse {
	return backend.DataResponse{Error: backend.DownstreamError(err), ErrorSource: backend.ErrorSourceDownstream, Status: statusOf(err)}
}

// resourceStatus is what an editor in the browser gets. 401 would log people out of Grafana, so faults of the token are 502.
func resourceStatus(err error) int {
	switch status := statusOf(err); status {
	case backend.StatusBadRequest, backend.StatusTooManyRequests:
		return int(status)
	case backend.StatusTimeout:
		return http.StatusGatewayTimeout
	default:
		return http.StatusBadGateway
	}
}
