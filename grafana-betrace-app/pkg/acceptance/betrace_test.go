// A real betrace for the tests of this package: a file of generated traces, an ephemeral port, a folder of its own. It is ended by its process handle.
package acceptance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The generated day. A file is settled as a whole, so its answers do not depend on the time of the test.
var (
	end   = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	start = end.Add(-24 * time.Hour)
)

const (
	planted = 30 // violations of each of three rules
	slowDB  = `{"id":"slow-db-no-retry","name":"Slow DB Query Without Retry","severity":"warning","labels":{"team":"db"},"dsl":"trace.has(span.name == \"db.query\" and span.duration > 1s) and not trace.has(span.name == \"retry\")"}`
	pii     = `{"id":"pii-audit","name":"PII needs an audit log","severity":"critical","labels":{"team":"privacy"},"annotations":{"soc2_control":"CC6.1","compliance_framework":"SOC2"},"dsl":"trace.has(span.attributes[\"data.classification\"] == \"PII\") and not trace.has(span.name == \"audit.log\")"}`
	quiet   = `{"id":"quiet","name":"Never violated","severity":"low","dsl":"trace.has(span.name == \"no.such.span\")"}`
)

type service struct {
	url, folder string
	command     *exec.Cmd
}

// built is the file that an environment variable names, or where the build puts it.
func built(t testing.TB, variable, usual, how string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		path = usual
	}
	absolute, err := filepath.Abs(path)
	if _, missing := os.Stat(absolute); err != nil || missing != nil {
		t.Fatalf("%s is not there: %s, or let %s name it", absolute, how, variable)
	}
	return absolute
}

func binary(t testing.TB) string {
	t.Helper()
	return built(t, "BETRACE_BIN", "../../../build/dev/server/betrace", "build betrace")
}

// generate writes a file of traces.
func generate(t testing.TB, folder string) string {
	t.Helper()
	path := filepath.Join(folder, "traces.pb")
	out, err := exec.Command(binary(t), "generate", "--traces", "1000", "--violations", fmt.Sprint(planted), "--end", end.Format(time.RFC3339), "--since", "24h", "--out", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// startService starts `betrace serve` and waits until it listens.
func startService(t testing.TB, arguments ...string) *service {
	t.Helper()
	folder := t.TempDir()
	s := &service{folder: folder}
	s.command = exec.Command(binary(t), append([]string{"serve", "--listen", "127.0.0.1:0", "--db", filepath.Join(folder, "rules.db")}, arguments...)...)
	s.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, err := s.command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.command.Process.Signal(syscall.SIGTERM)
		_ = s.command.Wait()
	})
	found := make(chan string, 1)
	go readLog(bufio.NewScanner(log), found)
	select {
	case s.url = <-found:
	case <-time.After(60 * time.Second):
	}
	if s.url == "" {
		t.Fatal("betrace serve did not start")
	}
	return s
}

func readLog(lines *bufio.Scanner, found chan<- string) {
	listening := regexp.MustCompile(`listening on (http://[0-9.:]+)`)
	for lines.Scan() {
		if match := listening.FindStringSubmatch(lines.Text()); match != nil {
			found <- match[1]
		}
	}
	close(found)
}

func (s *service) post(t testing.TB, path, body, token string) {
	t.Helper()
	request, _ := http.NewRequest(http.MethodPost, s.url+path, strings.NewReader(body))
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		var text bytes.Buffer
		_, _ = text.ReadFrom(response.Body)
		t.Fatalf("%s: %d %s", path, response.StatusCode, text.String())
	}
}

// newToken adds a line to a file of tokens and returns the token.
func newToken(t testing.TB, file, name, role string) string {
	t.Helper()
	out, err := exec.Command(binary(t), "token", "new", "--json", "--name", name, "--role", role, "--file", file).Output()
	if err != nil {
		t.Fatalf("betrace token new: %v", err)
	}
	var made struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(out, &made); err != nil || made.Token == "" {
		t.Fatalf("betrace token new printed %s", out)
	}
	return made.Token
}
