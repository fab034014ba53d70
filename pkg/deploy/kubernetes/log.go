package kubernetes

import (
	"context"
	"net/url"
	"strings"
	"time"
)

const (
	logLines   = "20"
	logBytes   = "16384"
	logTimeout = 5 * time.Second
)

// withLog adds the last lines of the container's log to a failure, if there is
// a container to ask. The caller's time may be over, so it gets its own.
func (d *Deployer) withLog(ctx context.Context, v verdict) error {
	if t := v.trouble; t != nil && t.hasLog {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logTimeout)
		defer cancel()
		v.failure.LogTail = d.logTail(ctx, t.pod, t.container, t.previous)
		if len(v.failure.LogTail) == 0 && t.previous {
			v.failure.LogTail = d.logTail(ctx, t.pod, t.container, false)
		}
	}
	return v.failure
}

// logTail is empty also if there is no log to be had: the failure is what
// matters, and the log only explains it.
func (d *Deployer) logTail(ctx context.Context, p *pod, container string, previous bool) []string {
	query := url.Values{"tailLines": {logLines}, "limitBytes": {logBytes}}
	if container != "" {
		query.Set("container", container)
	}
	if previous {
		query.Set("previous", "true")
	}
	body, err := d.Client.Get(ctx, "/api/v1/namespaces/"+p.Namespace+"/pods/"+p.Name+"/log", query, "")
	text := strings.TrimRight(string(body), "\n")
	if err != nil || text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
