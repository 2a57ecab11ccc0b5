// The list of rules, kept for a few seconds: the twenty panels of a dashboard ask for it at once. Alerts always ask anew.
package plugin

import (
	"context"
	"sync"
	"time"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/betrace"
)

const rulesKept = 5 * time.Second

type ruleCache struct {
	mutex sync.Mutex
	rules []betrace.Rule
	until time.Time
}

// list returns all rules by id. Nobody may change them.
func (c *ruleCache) list(ctx context.Context, client *betrace.Client, fresh bool) ([]betrace.Rule, error) {
	c.mutex.Lock()
	rules, isGood := c.rules, time.Now().Before(c.until)
	c.mutex.Unlock()
	if isGood && !fresh {
		return rules, nil
	}
	rules, err := client.Rules(ctx)
	if err != nil {
		return nil, err
	}
	c.mutex.Lock()
	c.rules, c.until = rules, time.Now().Add(rulesKept)
	c.mutex.Unlock()
	return rules, nil
}
