package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/hook"
	"github.com/ystackdev/ystack/pkg/pipeline"
)

type pipelineServe struct {
	env      Env
	site     string
	listen   string
	logLevel string
	timeout  time.Duration
	serve    hook.Options
	kube     *kubeFlags
}

func newPipelineServe(env Env) *cobra.Command {
	o := &pipelineServe{env: env}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the pipeline for what is pushed to the code registry",
		Long: `Receives the push hooks of the Site file's code registry (POST ` + hook.PathHook + `), runs the
pipeline for each push that a route of spec.code.routes fits, and reports commit statuses:
one for each target and one overall.

A delivery is on disk before it is answered with 202, and the same delivery runs once. One
run at a time goes to an application and environment. After a stop or a crash, the next
start goes on with what was not over, and looks for pushes that were missed meanwhile.
` + hook.PathHealthz + `, ` + hook.PathReadyz + ` and ` + hook.PathMetrics + ` are served beside. SIGTERM lets what runs finish, within
--shutdown-grace, and ends. The connection is plain HTTP: put a proxy that speaks TLS before it.`,
		Example: examples(
			"kubectl ystack pipeline serve --listen :8080 --url https://ystack.example/hook",
			"kubectl ystack pipeline serve --site lab.yaml --supersede --workers 4",
		),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	o.kube = addKubeFlags(cmd)
	addSiteFlag(cmd, &o.site)
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "address to listen on")
	f.StringVar(&o.serve.URL, "url", "", "where the code registry delivers to, as in `hook install`: to have missed deliveries sent again (GitHub)")
	f.BoolVar(&o.serve.Supersede, "supersede", false, "of several pushes to a branch that wait, run the newest only")
	f.IntVar(&o.serve.Workers, "workers", 2, "how many runs go on at a time")
	f.Int64Var(&o.serve.MaxBody, "max-payload", 25<<20, "longest payload in bytes")
	f.IntVar(&o.serve.Keep, "keep", 10000, "how many deliveries that are over are remembered at least")
	f.DurationVar(&o.serve.Grace, "shutdown-grace", 5*time.Minute, "how long runs may take after SIGTERM")
	f.DurationVar(&o.timeout, "timeout", time.Hour, "give up a run after this time (0: no limit)")
	f.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	return cmd
}

// hookDir is where deliveries are recorded.
func hookDir(env Env) string { return filepath.Join(env.stateDir(), "hook") }

func (o *pipelineServe) run(ctx context.Context) error {
	log, err := jsonLogger(o.env, o.logLevel)
	if err != nil {
		return err
	}
	site, err := loadCodeSite(o.env, o.site)
	if err != nil {
		return err
	}
	environments, err := site.environments()
	if err != nil {
		return err
	}
	o.serve.Dir, o.serve.Routes, o.serve.Secret = hookDir(o.env), site.routes, site.secret
	o.serve.Now, o.serve.Log = time.Now, log
	if o.serve.Registry = site.registry(o.env); o.serve.Registry == nil {
		log.Warn("spec.code has no token: no commit status is reported, and only public repositories can be read")
	}
	server, err := hook.NewServer(o.serve)
	if err != nil {
		return err
	}
	defer server.Close()
	for _, e := range environments { // nothing is asked of the clusters yet
		if _, err := o.kube.client(e.Spec.Kubernetes.Context); err != nil {
			return fmt.Errorf("%s: %w", e.Path, err)
		}
	}
	checkouts, err := hook.OpenCheckouts(filepath.Join(o.env.cacheDir(), "hook"), site.Spec.Code.URL, site.token)
	if err != nil {
		return err
	}
	server.Handle(&pushRunner{env: o.env, log: log, site: site, checkouts: checkouts, kube: o.kube, timeout: o.timeout})
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	log.Info("starting", "version", o.env.Version, "commit", o.env.Commit, "code", site.Spec.Code.URL, "routes", len(site.routes))
	return server.Serve(ctx, listener)
}

// pushRunner runs the pipeline for pushes.
type pushRunner struct {
	env       Env
	log       *slog.Logger
	site      *codeSite
	checkouts *hook.Checkouts
	kube      *kubeFlags
	timeout   time.Duration
}

// Choose tells which of several pushes is the newest.
func (p *pushRunner) Choose(ctx context.Context, waiting []hook.Work) (int, error) {
	return p.checkouts.Choose(ctx, waiting)
}

// Run checks the push out and brings the application to its targets.
func (p *pushRunner) Run(ctx context.Context, w hook.Work, report func(hook.Target)) hook.Result {
	if r, settled := p.checkouts.Settle(ctx, w); settled {
		return r
	}
	dir, remove, err := p.checkouts.Checkout(ctx, w.Repository, w.After)
	if err != nil {
		return hook.Result{State: hook.Queued, Message: err.Error()}
	}
	defer remove()
	// The checkout is gone when people read what is said of it.
	relative := strings.NewReplacer(dir+string(filepath.Separator), "", dir, ".")
	if dir, err = hook.Below(dir, w.Directory); err != nil {
		return hook.Result{State: hook.Failed, Message: err.Error()}
	}
	ctx, cancel := withTimeout(ctx, p.timeout)
	defer cancel()
	o := &pipelineRunOptions{Dir: dir, Site: p.site.Path, kube: p.kube}
	if w.Site != "" {
		o.Site = p.site.Relative(w.Site)
	}
	r, err := o.load(ctx, p.env)
	if err != nil {
		t := hook.Target{Name: deploy.Container, State: hook.Failed, Message: relative.Replace(err.Error())}
		report(t)
		return hook.Result{State: hook.Failed, Message: t.Name + ": " + t.Message}
	}
	res := p.carryOut(ctx, w, r, report)
	result := hook.Result{State: hook.Succeeded}
	for i, out := range res.Outcomes {
		t := hook.Target{Name: out.Target, State: hook.Succeeded, Run: res.Run, Message: "up to date"}
		switch {
		case out.Err != nil:
			t.State, t.Message = hook.Failed, relative.Replace(out.Err.Error())
			result = hook.Result{State: hook.Failed, Message: t.Name + ": " + t.Message}
		case !out.UpToDate:
			t.Message = r.app.Metadata.Name + " runs in " + r.where(i)
		}
		report(t)
		if result.State == hook.Succeeded {
			result.Message = t.Message
		}
	}
	return result
}

// carryOut is `pipeline run`, told to the log.
func (p *pushRunner) carryOut(ctx context.Context, w hook.Work, r *running, report func(hook.Target)) pipeline.Result {
	log := p.log.With("delivery", w.Delivery)
	running := func(run string) {
		for _, kind := range r.kinds {
			report(hook.Target{Name: kind, State: hook.Running, Run: run})
		}
	}
	running("")
	res, err := pipeline.Do(ctx, r.targets, pipeline.Options{
		Store: openStore(p.env),
		Report: func(e pipeline.Event) {
			if e.Type == pipeline.RunStarted || e.Type == pipeline.RunResumed {
				running(e.Run)
			}
			log.Debug("run", "run", e.Run, "event", string(e.Type), "target", e.Target, "step", e.Step, "message", e.Message)
		},
		Waiting:  func(run string) { log.Info("waits for another run of the application", "run", run) },
		Boundary: p.env.Boundary,
	})
	pushRecord(ctx, p.env, r.site, func(text string) { log.Warn(text, "run", res.Run) }, res)
	if err != nil && len(res.Outcomes) == 0 { // it came to nothing at all
		for _, kind := range r.kinds {
			res.Outcomes = append(res.Outcomes, pipeline.Outcome{Target: kind, Err: err})
		}
	}
	return res
}
