package settings

import (
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
)

func TestLoad(t *testing.T) {
	s, err := Load(t.Context(), backend.DataSourceInstanceSettings{URL: "http://betrace:8080", JSONData: []byte(`{"tenant":"acme","tempoDatasourceUid":"tempo","timeout":60}`),
		DecryptedSecureJSONData: map[string]string{"apiToken": "t"}})
	if err != nil {
		t.Fatal(err)
	}
	if s.Token != "t" || s.Tenant != "acme" || s.TempoUID != "tempo" || s.TempoName != "Tempo" || s.Timeout != time.Minute {
		t.Errorf("%+v", s)
	}
	if s.Evaluation() >= s.Timeout || s.Evaluation() < 40*time.Second {
		t.Errorf("BeTrace may evaluate for %s of %s", s.Evaluation(), s.Timeout)
	}
}

func TestDefaults(t *testing.T) {
	s, err := Load(t.Context(), backend.DataSourceInstanceSettings{URL: "http://betrace:8080"})
	if err != nil || s.Timeout != 30*time.Second || s.TempoUID != "" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	_, err := Load(t.Context(), backend.DataSourceInstanceSettings{JSONData: []byte(`{"tenant":7}`)})
	if err == nil || !strings.Contains(err.Error(), "jsonData") {
		t.Error(err)
	}
}
