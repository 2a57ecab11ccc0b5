// What can go wrong on the way to BeTrace, in words that say what to do. An Error never holds a token.
package betrace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"os"
	"strings"
)

// Kind of failure; the caller decides by it what status to answer.
type Kind int

const (
	Unreachable  Kind = iota // nothing answers at the URL, or TLS fails
	TimedOut                 // no answer in time
	Cancelled                // the one who asked gave up
	NotBeTrace               // something answers that is not BeTrace
	Unauthorized             // 401
	Forbidden                // 403 of role, tenant or origin; 421
	BadRequest               // the question is wrong: 400, 404, 409, 422
	Busy                     // 429, 503
	Failed                   // any other answer
	TooLarge                 // the answer is larger than the client reads
)

// Error is a failed call. Error() is one or two sentences for people.
type Error struct {
	Kind   Kind
	Status int // of the HTTP answer; 0: there was none
	Text   string
	cause  error
}

func (e *Error) Error() string { return e.Text }
func (e *Error) Unwrap() error { return e.cause }

// KindOf says the kind of an error of this package; Failed for all others.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Failed
}

type problem struct {
	Type   string `json:"type"`
	Detail string `json:"detail"`
	Errors []struct {
		Field   string `json:"field"`
		Code    string `json:"code"`
		Message string `json:"message"`
		Line    int    `json:"line"`
		Column  int    `json:"column"`
	} `json:"errors"`
}

// transportError puts what net/http says into words.
func (c *Client) transportError(ctx context.Context, err error) *Error {
	var dns *net.DNSError
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return &Error{Kind: Cancelled, Text: "The query was cancelled.", cause: context.Canceled}
	case errors.Is(err, context.DeadlineExceeded), os.IsTimeout(err):
		return &Error{Kind: TimedOut, cause: err,
			Text: fmt.Sprintf("BeTrace at %s did not answer in time. Raise the timeout of the data source, or ask for a shorter range.", c.where())}
	case errors.As(err, &dns):
		return &Error{Kind: Unreachable, cause: err,
			Text: fmt.Sprintf("The name %s cannot be resolved. Correct the URL of the data source (%s).", dns.Name, c.where())}
	}
	return &Error{Kind: Unreachable, cause: err,
		Text: fmt.Sprintf("BeTrace at %s cannot be reached: %s. Check that `betrace serve` runs there and that Grafana may connect to it.", c.where(), lastCause(err))}
}

// lastCause leaves out the URL and the addresses that wrapping errors repeat.
func lastCause(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

// answerError makes an error of an answer that is not what was asked for.
func (c *Client) answerError(response *http.Response, body []byte) *Error {
	status := response.StatusCode
	kind := kindOfStatus(status)
	media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if media != "application/problem+json" {
		if status >= 300 && status < 400 {
			return &Error{Kind: NotBeTrace, Status: status,
				Text: fmt.Sprintf("%s redirects to %s. The URL of the data source has to be that of `betrace serve` itself.", c.where(), withoutQuery(response.Header.Get("Location")))}
		}
		if kind == Busy || status == http.StatusBadGateway || status == http.StatusGatewayTimeout {
			return &Error{Kind: Busy, Status: status, Text: fmt.Sprintf("A proxy before BeTrace (%s) answers %d: BeTrace does not run, or is overloaded.", c.where(), status)}
		}
		return c.notBeTrace(status, media)
	}
	var p problem
	if err := json.Unmarshal(body, &p); err != nil {
		return c.notBeTrace(status, media)
	}
	return &Error{Kind: kind, Status: status, Text: sentence(kind, &p)}
}

func (c *Client) notBeTrace(status int, media string) *Error {
	what := "something without a content type"
	if media != "" {
		what = media
	}
	return &Error{Kind: NotBeTrace, Status: status,
		Text: fmt.Sprintf("%s answers, but not as BeTrace does (status %d, %s). The URL of the data source has to be that of `betrace serve`, as in http://betrace:8080.", c.where(), status, what)}
}

func kindOfStatus(status int) Kind {
	switch status {
	case http.StatusUnauthorized:
		return Unauthorized
	case http.StatusForbidden, http.StatusMisdirectedRequest:
		return Forbidden
	case http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
		return BadRequest
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return Busy
	}
	return Failed
}

const mostFaultsShown = 5

func sentence(kind Kind, p *problem) string {
	text := p.Detail
	if strings.HasSuffix(p.Type, ":rule-invalid") {
		text = "The rule's text does not compile."
	}
	for i, fault := range p.Errors {
		if i == mostFaultsShown {
			text += fmt.Sprintf(" And %d more.", len(p.Errors)-i)
			break
		}
		if fault.Code != "" {
			text += fmt.Sprintf(" Line %d, column %d: %s (%s).", fault.Line, fault.Column, strings.TrimSuffix(fault.Message, "."), fault.Code)
		}
	}
	switch {
	case kind == Unauthorized:
		text += " Put a token of BeTrace into the data source; `betrace token new --name grafana --role viewer` makes one."
	case strings.HasSuffix(p.Type, ":misdirected"):
		text += " Start BeTrace with --host and the name that stands in the URL of the data source."
	case strings.HasSuffix(p.Type, ":no-tenant"), strings.HasSuffix(p.Type, ":tenant"):
		text += " Set the tenant in the data source."
	}
	return strings.TrimSpace(text)
}

func withoutQuery(location string) string {
	before, _, _ := strings.Cut(location, "?")
	return before
}
