// The transport: one function makes every call. It limits the size of answers and follows no redirect, so the token
// stays where it was meant to go. A cancelled context ends a call at once.
package betrace

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// MaxAnswerBytes is the most that one answer may have: a series of 200,000 points takes 12 MB.
const MaxAnswerBytes = 64 << 20

// Client asks one BeTrace.
type Client struct {
	base   *url.URL
	http   *http.Client
	token  string
	tenant string
	limit  int64
}

// New makes a client. The token and the tenant may be empty. An error says what is wrong with the URL.
func New(rawURL, token, tenant string, client *http.Client) (*Client, error) {
	base, err := url.Parse(strings.TrimSpace(rawURL))
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return nil, fmt.Errorf("the URL of BeTrace has to look like http://betrace:8080, but is %q", rawURL)
	}
	if base.User != nil {
		return nil, fmt.Errorf("the URL of BeTrace holds a user or password; use the token instead")
	}
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{base: base, http: &own, token: token, tenant: tenant, limit: MaxAnswerBytes}, nil
}

func (c *Client) where() string { return c.base.Scheme + "://" + c.base.Host + c.base.Path }

// call sends body as JSON (nil: none) and decodes a 200 or any of the other statuses into out.
func (c *Client) call(ctx context.Context, method, path string, query url.Values, body, out any, also ...int) error {
	request, err := c.request(ctx, method, path, query, body)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return c.transportError(ctx, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, c.limit+1))
	if err != nil {
		return c.transportError(ctx, err)
	}
	if int64(len(text)) > c.limit {
		return &Error{Kind: TooLarge, Status: response.StatusCode,
			Text: fmt.Sprintf("The answer of BeTrace is larger than %d MiB. Ask for fewer rules, a shorter range or a longer step.", c.limit>>20)}
	}
	if !isWanted(response.StatusCode, also) {
		return c.answerError(response, text)
	}
	return c.decode(response, text, out)
}

func isWanted(status int, also []int) bool {
	for _, other := range also {
		if status == other {
			return true
		}
	}
	return status == http.StatusOK
}

func (c *Client) request(ctx context.Context, method, path string, query url.Values, body any) (*http.Request, error) {
	target := c.base.JoinPath(path)
	target.RawQuery = query.Encode()
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, target.String(), reader)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.tenant != "" {
		request.Header.Set("X-Scope-OrgID", c.tenant)
	}
	return request, nil
}

func (c *Client) decode(response *http.Response, text []byte, out any) error {
	media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if media != "application/json" {
		return c.notBeTrace(response.StatusCode, media)
	}
	if err := json.Unmarshal(text, out); err != nil {
		return &Error{Kind: NotBeTrace, Status: response.StatusCode, cause: err,
			Text: fmt.Sprintf("The answer of %s is cut off or not what BeTrace answers: %s. Are BeTrace and this plugin of about the same age?", c.where(), err)}
	}
	return nil
}

// DurationText is a duration as BeTrace reads it: whole seconds.
func DurationText(d time.Duration) string { return fmt.Sprintf("%ds", int64(d/time.Second)) }
