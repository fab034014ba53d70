package watch

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/exposition"
	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/kube"
	"github.com/ystackdev/ystack/pkg/tenancy"
)

// Options say what [Run] does.
type Options struct {
	// Config reads the TenantSync; before each round, since it may have changed.
	Config func() (*app.TenantSync, error)
	// Keystone makes a session of what is configured now, and a function that ends its
	// connections. A session is kept until it is of no use any more.
	Keystone func() (*keystone.Session, func(), error)
	Cluster  *kube.Client

	Plan        tenancy.PlanOptions
	Concurrency int
	// Boundary is called before each phase that has changes.
	Boundary func(phase string)

	// Interval is how long it rests after a round, and Limit how long a round may take.
	Interval, Limit time.Duration
	// Grace is how long the changes of a round may go on after the end was asked for.
	Grace time.Duration
	// Listen is where health and metrics are served; empty for nowhere.
	Listen string
	Log    *slog.Logger
}

// Run goes on until the context ends; that is no error. Only what is wrong from the
// beginning is: a TenantSync, credentials or a policy file that cannot be read, an address
// that is taken. Whatever fails later is told, and tried again.
func Run(ctx context.Context, o Options) error {
	w := newWatcher(o)
	defer w.forgetSession()
	var err error
	if w.config, err = o.Config(); err != nil {
		return err
	}
	if _, err := w.session(); err != nil {
		return err
	}
	if o.Plan.PolicyFile != "" {
		if _, err := tenancy.ReadPolicyFile(o.Plan.PolicyFile, o.Plan.PolicyInclude); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop, err := w.server().Start(cancel)
	if err != nil {
		return err
	}
	defer stop()
	w.loop(ctx)
	if err := context.Cause(ctx); errors.Is(err, exposition.ErrServer) {
		return err
	}
	return nil
}

// server is where health and metrics are.
func (w *watcher) server() exposition.Server {
	return exposition.Server{Listen: w.Listen, Health: w.health, Metrics: w.metrics.write, Log: w.Log}
}

// watcher is a run of [Run].
type watcher struct {
	Options
	round func(context.Context, *app.TenantSync) result // as it is, unless a test has its own

	config  *app.TenantSync // the last good one
	metrics *metrics
	health  *exposition.Health

	keystone     *keystone.Session // nil when there is none to go on with
	doneKeystone func()

	badConfig string // why the file is not used, as told
	left      string // what the last round left undone, as told
	last      outcome
	warnings  int // of the API server's, told
}

func newWatcher(o Options) *watcher {
	w := &watcher{Options: o, metrics: newMetrics(), health: &exposition.Health{}}
	w.round = w.follow
	return w
}

// Pauses after a round that failed. The shortest is for a server that restarts; the
// longest keeps an account whose password was changed from being locked in minutes.
const (
	firstRetry = 5 * time.Second
	longRetry  = 5 * time.Minute
)

// loop makes one round after another. There are never two at once.
func (w *watcher) loop(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		w.health.Expect(time.Now(), w.Limit+w.Grace)
		r, took := w.once(ctx)
		if failures++; r.outcome != failed {
			failures = 0
		}
		pause := pauseAfter(w.Interval, failures, refused(r.err), rand.Float64())
		w.tell(r, took, pause)
		w.health.Expect(time.Now(), pause)
		sleep(ctx, pause)
	}
	w.Log.Info("ended")
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// pauseAfter is the interval, give or take a tenth, so that many clusters do not ask one
// Keystone at once. After failures it begins short and doubles, beyond the interval if
// that is short itself; credentials that are refused are not tried again soon.
func pauseAfter(interval time.Duration, failures int, refused bool, random float64) time.Duration {
	pause, most := interval, max(interval, longRetry)
	switch {
	case failures > 0 && refused:
		pause = most
	case failures > 0:
		pause = min(interval, firstRetry)
		for range min(failures-1, 20) {
			pause = min(2*pause, most)
		}
	}
	return time.Duration(float64(pause) * (0.9 + 0.2*random))
}

// refused tells credentials that Keystone does not take.
func refused(err error) bool { return keystone.Refused(err) || errors.Is(err, keystone.ErrMFARequired) }

// current is the TenantSync as it is now, or as it was while it could be read.
func (w *watcher) current() *app.TenantSync {
	config, err := w.Config()
	w.metrics.setConfig(err == nil)
	if err != nil {
		if said := err.Error(); said != w.badConfig {
			w.badConfig = said
			w.Log.Error("the TenantSync cannot be read; the last good one stays in use", "error", said)
		}
		return w.config
	}
	if w.badConfig != "" {
		w.Log.Info("the TenantSync is good again")
	}
	if config.Metadata.Name != w.config.Metadata.Name {
		w.Log.Warn("the TenantSync has another name: what was made under the old one is not touched any more", "name", config.Metadata.Name, "old", w.config.Metadata.Name)
	}
	w.badConfig, w.config = "", config
	return config
}

// session is the one that there is, with its token, or a new one of what clouds.yaml says
// now.
func (w *watcher) session() (*keystone.Session, error) {
	if w.keystone != nil {
		return w.keystone, nil
	}
	session, done, err := w.Keystone()
	if err != nil {
		return nil, err
	}
	w.keystone, w.doneKeystone = session, done
	return session, nil
}

func (w *watcher) forgetSession() {
	if w.keystone != nil {
		w.doneKeystone()
		w.keystone, w.doneKeystone = nil, nil
	}
}
