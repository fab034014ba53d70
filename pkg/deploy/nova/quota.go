package nova

import (
	"context"
	"fmt"
	"strings"
)

// checkQuota refuses servers that there is no room for. For a while there are the old
// and the new ones.
func (t *Target) checkQuota(ctx context.Context, f flavor, more int) error {
	if more <= 0 {
		return nil
	}
	var out struct {
		Limits struct{ Absolute map[string]int }
	}
	if err := t.cloud.get(ctx, compute, "/limits", &out); err != nil {
		return err
	}
	var short []string
	for _, q := range []struct {
		what, most, used string
		each             int
	}{
		{"instances", "maxTotalInstances", "totalInstancesUsed", 1},
		{"cores", "maxTotalCores", "totalCoresUsed", f.VCPUs},
		{"MiB of ram", "maxTotalRAMSize", "totalRAMUsed", f.RAM},
	} {
		most, limited := out.Limits.Absolute[q.most]
		if used := out.Limits.Absolute[q.used]; limited && most >= 0 && used+more*q.each > most {
			short = append(short, fmt.Sprintf("%d of %d %s are used and %d more are needed", used, most, q.what, more*q.each))
		}
	}
	if len(short) == 0 {
		return nil
	}
	hint := "ask for a larger quota, or delete servers that nobody needs"
	if t.spec.Strategy != "rebuild" {
		hint += "; strategy rebuild needs no room beside the servers that run"
	}
	return fmt.Errorf("the quota of the project does not suffice for %d servers of flavor %s more: %s; %s", more, f.Name, strings.Join(short, ", "), hint)
}
