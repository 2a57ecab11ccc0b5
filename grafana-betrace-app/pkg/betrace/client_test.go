package betrace

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func serve(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	upstream := httptest.NewServer(handler)
	t.Cleanup(upstream.Close)
	client, err := New(upstream.URL, "secret-token", "acme", upstream.Client())
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func answer(status int, media, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", media)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func TestACallSendsTokenAndTenant(t *testing.T) {
	var got *http.Request
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		answer(200, "application/json", `{"rules":[],"cursor":null}`)(w, r)
	})
	if _, err := client.Rules(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got.Header.Get("Authorization") != "Bearer secret-token" || got.Header.Get("X-Scope-OrgID") != "acme" || got.URL.Path != "/v1/rules" {
		t.Errorf("%s %v", got.URL, got.Header)
	}
}

func TestFailuresSayWhatToDoAndNoSecrets(t *testing.T) {
	problem := func(status int, word, detail string) http.HandlerFunc {
		return answer(status, "application/problem+json", `{"type":"urn:betrace:problem:`+word+`","title":"x","status":1,"detail":"`+detail+`"}`)
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		kind    Kind
		says    string
	}{
		"bad token":      {problem(401, "no-token", "The token is not known."), Unauthorized, "betrace token new"},
		"foreign tenant": {problem(403, "tenant", "The token is not for this tenant."), Forbidden, "Set the tenant"},
		"no tenant":      {problem(400, "no-tenant", "Name a tenant."), BadRequest, "Set the tenant"},
		"misdirected":    {problem(421, "misdirected", "This is another service."), Forbidden, "--host"},
		"busy":           {problem(503, "busy", "Too much is waiting."), Busy, "Too much is waiting"},
		"html":           {answer(200, "text/html", "<html>login</html>"), NotBeTrace, "not as BeTrace does"},
		"html 404":       {answer(404, "text/html", "<html>nothing</html>"), NotBeTrace, "not as BeTrace does"},
		"redirect":       {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login?next=secret", 302) }, NotBeTrace, "redirects to /login."},
		"proxy":          {answer(502, "text/html", "Bad Gateway"), Busy, "BeTrace does not run"},
		"cut off":        {answer(200, "application/json", `{"rules":[`), NotBeTrace, "cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := serve(t, c.handler).Rules(t.Context())
			if err == nil || KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) {
				t.Errorf("kind %d: %v", KindOf(err), err)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("a secret is in %q", err)
			}
		})
	}
}

func TestFaultsOfATextAreNamedWithTheirPlace(t *testing.T) {
	client := serve(t, answer(422, "application/problem+json", `{"type":"urn:betrace:problem:rule-invalid","detail":"x","errors":[{"code":"E010","message":"unknown function","line":2,"column":7}]}`))
	_, err := client.Series(t.Context(), &SeriesQuestion{DSL: "zz("})
	if err == nil || err.Error() != "The rule's text does not compile. Line 2, column 7: unknown function (E010)." {
		t.Error(err)
	}
}

func TestARedirectDoesNotTakeTheTokenAlong(t *testing.T) {
	followed := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed = true }))
	defer other.Close()
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	if _, err := client.Rules(t.Context()); err == nil || followed {
		t.Errorf("followed %v: %v", followed, err)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	client := serve(t, answer(200, "application/json", `{"rules":[`+strings.Repeat(" ", 2000)+`]}`))
	client.limit = 1000
	if _, err := client.Rules(t.Context()); KindOf(err) != TooLarge {
		t.Error(err)
	}
}

func TestACancelledCallEndsAtOnce(t *testing.T) {
	arrived, gone := make(chan struct{}), make(chan struct{})
	client := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(gone)
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	_, err := client.Rules(ctx)
	if KindOf(err) != Cancelled || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	<-gone
}

func TestUnreachableNamesTheURL(t *testing.T) {
	client, err := New("http://127.0.0.1:1", "secret-token", "", http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Health(t.Context())
	if KindOf(err) != Unreachable || !strings.Contains(err.Error(), "http://127.0.0.1:1 cannot be reached: connection refused") {
		t.Error(err)
	}
}

func TestURLsThatCannotBeRight(t *testing.T) {
	for _, url := range []string{"", "betrace:8080", "ftp://x", "http://", "http://user:secret@host"} {
		if _, err := New(url, "", "", http.DefaultClient); err == nil || strings.Contains(err.Error(), "user:secret") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestAPathInTheURLIsKept(t *testing.T) {
	path := ""
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.Path
		answer(200, "application/json", `{"status":"HEALTHY","version":"1","metadata":{"source":"tempo"}}`)(w, r)
	}))
	defer upstream.Close()
	client, _ := New(upstream.URL+"/betrace/", "", "", upstream.Client())
	if _, err := client.Health(t.Context()); err != nil || path != "/betrace/v1/health" {
		t.Error(path, err)
	}
}

func TestRulesOfSeveralPages(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("cursor") == "" {
			answer(200, "application/json", `{"rules":[{"id":"a"}],"cursor":"next"}`)(w, r)
			return
		}
		answer(200, "application/json", `{"rules":[{"id":"b"}],"cursor":null}`)(w, r)
	})
	rules, err := client.Rules(t.Context())
	if err != nil || len(rules) != 2 || rules[1].ID != "b" {
		t.Error(rules, err)
	}
}

func TestPointsKeepNull(t *testing.T) {
	client := serve(t, answer(200, "application/json", `{"series":[{"labels":{"rule_id":"a"},"points":[["2026-03-10T11:00:00.000000000Z",0],["2026-03-10T11:01:00Z",null]]}],"reason":null,"coverage":{"complete":true}}`))
	out, err := client.Series(t.Context(), &SeriesQuestion{})
	if err != nil {
		t.Fatal(err)
	}
	points := out.Series[0].Points
	if points[0].Value == nil || *points[0].Value != 0 || points[1].Value != nil || !points[1].Start.Equal(time.Date(2026, 3, 10, 11, 1, 0, 0, time.UTC)) {
		t.Errorf("%+v", points)
	}
}
