package cli

import (
	"cmp"
	"context"
	"io"
	"time"

	"github.com/spf13/pflag"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/tenancy/watch"
)

// watchOptions are tenant-sync's for going on for ever.
type watchOptions struct {
	On       bool
	Interval time.Duration
	Listen   string
	LogLevel string
	flags    *pflag.FlagSet
}

func (o *watchOptions) add(f *pflag.FlagSet) {
	f.BoolVar(&o.On, "watch", false, "go on for ever, and log what is done")
	f.DurationVar(&o.Interval, "interval", time.Minute, "with --watch: how long to rest between rounds")
	f.StringVar(&o.Listen, "listen", "127.0.0.1:8444", "with --watch: address of /healthz, /readyz and /metrics; empty for none")
	f.StringVar(&o.LogLevel, "log-level", "info", "with --watch: debug, info, warn or error")
	o.flags = f
}

func (o *watchOptions) validate() error {
	if o.On && o.Interval < time.Second {
		return usagef("--interval %s: at least 1s", o.Interval)
	}
	for _, name := range []string{"interval", "listen", "log-level"} {
		if !o.On && o.flags != nil && o.flags.Changed(name) {
			return usagef("--%s goes with --watch", name)
		}
	}
	_, err := jsonLogger(Env{Err: io.Discard}, cmp.Or(o.LogLevel, "info"))
	return err
}

const (
	roundLimit    = 15 * time.Minute
	shutdownGrace = 15 * time.Second
)

// watch syncs until it is told to end, which is no failure.
func (o *tenantSyncOptions) watch(ctx context.Context, env Env) error {
	log, err := jsonLogger(env, o.Watch.LogLevel)
	if err != nil {
		return err
	}
	plan, err := o.planOptions()
	if err != nil {
		return err
	}
	client, err := o.kube.client("")
	if err != nil {
		return err
	}
	v := versionOf(env)
	log.Info("starting", "version", v.Version, "commit", v.Commit, "file", o.File, "server", client.Server, "interval", o.Watch.Interval.String())
	return watch.Run(ctx, watch.Options{
		Config:   func() (*app.TenantSync, error) { return app.LoadTenantSync(o.File) },
		Keystone: func() (*keystone.Session, func(), error) { return keystoneSession(env, o.Cloud) },
		Cluster:  client, Plan: plan, Concurrency: o.Concurrency, Boundary: env.Boundary,
		Interval: o.Watch.Interval, Limit: cmp.Or(o.Timeout, roundLimit), Grace: shutdownGrace,
		Listen: o.Watch.Listen, Log: log,
	})
}
