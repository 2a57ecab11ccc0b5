// QueryData: each query of a request on its own, so that a wrong one says so and the others are answered.
package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/frames"
	"github.com/betracehq/betrace/grafana-betrace-app/pkg/query"
)

const queriesAtOnce = 4

// QueryData answers every query of the request, under its RefID.
func (d *Instance) QueryData(ctx context.Context, request *backend.QueryDataRequest) (*backend.QueryDataResponse, error) {
	answers := backend.NewQueryDataResponse()
	fromAlert := isFromAlert(request.Headers)
	var mutex sync.Mutex
	var group sync.WaitGroup
	places := make(chan struct{}, queriesAtOnce)
	for _, one := range request.Queries {
		places <- struct{}{}
		group.Go(func() {
			answer := d.answerSafely(ctx, one, fromAlert)
			mutex.Lock()
			answers.Responses[one.RefID] = answer
			mutex.Unlock()
			<-places
		})
	}
	group.Wait()
	return answers, nil
}

// answerSafely keeps a fault of ours from ending the process of all data sources.
func (d *Instance) answerSafely(ctx context.Context, source backend.DataQuery, fromAlert bool) (answer backend.DataResponse) {
	defer func() {
		if fault := recover(); fault != nil {
			backend.Logger.FromContext(ctx).Error("a query failed", "fault", fault, "stack", string(debug.Stack()))
			answer = backend.ErrDataResponseWithSource(backend.StatusInternal, backend.ErrorSourcePlugin, "The BeTrace plugin failed; Grafana's log says where.")
		}
	}()
	return d.answer(ctx, source, fromAlert)
}

func (d *Instance) answer(ctx context.Context, source backend.DataQuery, fromAlert bool) backend.DataResponse {
	if d.faulty != nil {
		return badQuery(d.faulty)
	}
	q, err := query.Parse(source, fromAlert)
	if err != nil {
		return badQuery(err)
	}
	if q.IsEmptyRange() {
		return backend.DataResponse{Frames: data.Frames{}, Status: backend.StatusOK}
	}
	made, err := d.run(ctx, q, fromAlert)
	var wrong badScope
	if errors.As(err, &wrong) {
		return badQuery(err)
	}
	if err != nil {
		return failed(err)
	}
	return backend.DataResponse{Frames: made, Status: backend.StatusOK}
}

// run gives at least one frame for panels, with the reason where there is nothing, and zero frames for alerts then: that is what NoData is.
func (d *Instance) run(ctx context.Context, q *query.Query, fromAlert bool) (data.Frames, error) {
	rules, err := d.scope(ctx, q, fromAlert)
	if err != nil {
		return nil, err
	}
	if rules.isEmpty() && len(rules.unjudged) == 0 {
		if fromAlert {
			return data.Frames{}, nil
		}
		return data.Frames{frames.Nothing("No enabled rule is meant by this query, so nothing was looked at.")}, nil
	}
	switch q.Type {
	case query.Violations, query.Annotations:
		return d.runViolations(ctx, q, rules)
	case query.FirstViolation:
		return d.runFirst(ctx, q, rules)
	case query.Problems:
		return d.runProblems(ctx, q, rules)
	default:
		return d.runSeries(ctx, q, rules, fromAlert)
	}
}

// isFromAlert: Grafana's alerting sets this header; its case has changed over the years.
func isFromAlert(headers map[string]string) bool {
	for name, value := range headers {
		if (strings.EqualFold(name, "FromAlert") || strings.EqualFold(name, "http_FromAlert")) && strings.EqualFold(value, "true") {
			return true
		}
	}
	return false
}

// executed is what was asked, to be shown in the query inspector and to be repeated with curl.
func executed(call string, question any) string {
	text, err := json.Marshal(question)
	if err != nil {
		return call
	}
	return call + "\n" + string(text)
}
