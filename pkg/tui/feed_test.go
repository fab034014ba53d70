package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/kube"
)

// TestSourcesRecover: a source that fails is started again, later each time, until it has
// something to show; the user can ask for that at once.
func TestSourcesRecover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		got := make(chan any, 100)
		h := newHub(ctx, Options{}, func(msg any) { got <- msg })
		var count atomic.Int32
		tries := func() int { return int(count.Load()) }
		h.start("Cluster", "nodes pods", "lab", func(ctx context.Context, f *feed) error {
			count.Add(1)
			if tries() == 10 {
				f.rows(nil, "")
				<-f.refresh
			}
			return fmt.Errorf("try %d: %w", tries(), kube.ErrUnreachable)
		})
		time.Sleep(firstWait/2 + 1)
		synctest.Wait()
		first := (<-got).(Failed)
		if second := (<-got).(Failed); first.Pane != "nodes" || second.Pane != "pods" || tries() != 1 {
			t.Errorf("%+v, %+v after %d tries", first, second, tries())
		}
		time.Sleep(3 * firstWait)
		synctest.Wait()
		if tries() != 3 {
			t.Errorf("%d tries", tries())
		}
		h.want(Want{What: Refresh, Screen: "Cluster"})
		synctest.Wait()
		if tries() != 4 {
			t.Errorf("%d tries when asked to", tries())
		}
		time.Sleep(10 * longWait)
		synctest.Wait()
		if tries() != 10 {
			t.Errorf("%d tries", tries())
		}
		h.want(Want{What: Refresh, Screen: "Cluster"})
		time.Sleep(firstWait + 1)
		synctest.Wait()
		if tries() != 11 {
			t.Errorf("%d tries soon after a success", tries())
		}
	})
}

// TestRefusedLoginsAreNotRepeated: that would lock the user.
func TestRefusedLoginsAreNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		h := newHub(ctx, Options{}, func(any) {})
		var tries atomic.Int32
		h.start("OpenStack", "servers", "lab", func(context.Context, *feed) error {
			tries.Add(1)
			return fmt.Errorf("log in: %w", keystone.ErrUnauthorized)
		})
		time.Sleep(24 * time.Hour)
		if n := tries.Load(); n != 1 {
			t.Errorf("tried %d times", n)
		}
		h.want(Want{What: Refresh, Screen: "OpenStack"})
		synctest.Wait()
		if n := tries.Load(); n != 2 {
			t.Errorf("tried %d times when asked to", n)
		}
	})
}

func TestExplain(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want string
	}{
		{&kube.Error{Kind: kube.ErrUnreachable, Message: "cannot reach it", Cause: errors.New("x")}, "unreachable since " + sinceMark + ": cannot reach it"},
		{&kube.Error{Kind: kube.ErrForbidden, Message: "alice may not list nodes", Cause: errors.New("x")}, "forbidden: alice may not list nodes"},
		{fmt.Errorf("%w: it says so", keystone.ErrUnauthorized), "not logged in: keystone refused the credentials: it says so (Ctrl-R tries again)"},
		{fmt.Errorf("wait for it: %w", context.DeadlineExceeded), "unreachable since " + sinceMark + ": wait for it: context deadline exceeded"},
		{errors.New("else"), "else"},
	} {
		if got := explain(tc.err); got != tc.want {
			t.Errorf("%q, want %q", got, tc.want)
		}
	}
}

func TestLineWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []Opened
		w := newLineWriter(func(o Opened) { got = append(got, o) })
		fmt.Fprint(w, "one\ntw")
		fmt.Fprint(w, "o\nthree")
		time.Sleep(2 * gather)
		synctest.Wait()
		if len(got) != 1 || strings.Join(got[0].More, "|") != "one|two" {
			t.Errorf("%+v", got)
		}
		fmt.Fprint(w, strings.Repeat("x", 3*longestLine)+"\n"+strings.Repeat("y\n", 10*maxDetail))
		w.flush()
		last := got[len(got)-1].More
		if len(last) != maxDetail+1 || !strings.Contains(last[0], "lines left out") {
			t.Errorf("%d lines, the first is %.40q", len(last), last[0])
		}
	})
}
