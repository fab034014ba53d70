package kubernetes

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/kube"
)

// TestClusterFailures: every cause is found, and long before the time is over.
func TestClusterFailures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		change  func(r *Release)
		setup   string // manifests applied by somebody else beforehand
		limit   time.Duration
		cause   Cause
		detail  []string
		log     string
		timeout bool
	}{
		{
			name: "image not found", limit: time.Minute, cause: CauseImage,
			change: func(r *Release) { r.Image = labImage + "@sha256:" + strings.Repeat("0", 64) },
			detail: []string{"not found"},
		},
		{
			name: "registry down", limit: time.Minute, cause: CauseImage,
			change: func(r *Release) { r.Image = "127.0.0.1:1/x@sha256:" + strings.Repeat("0", 64) },
			detail: []string{"connection refused"},
		},
		{
			name: "crash", limit: time.Minute, cause: CauseCrash, log: "cannot open the database",
			change: func(r *Release) { r.Spec.Env["MODE"] = "crash" },
			detail: []string{"container hello crashes", "exit code 3"},
		},
		{
			name: "crash without a readiness probe", limit: time.Minute, cause: CauseCrash, log: "cannot open the database",
			change: func(r *Release) { r.Spec.Env["MODE"], r.Health = "crash", nil },
			detail: []string{"container hello crashes", "exit code 3"},
		},
		{
			name: "ends by itself", limit: time.Minute, cause: CauseCrash, log: "done",
			change: func(r *Release) { r.Spec.Env["MODE"] = "end" },
			detail: []string{"ends by itself with exit code 0"},
		},
		{
			name: "never ready", limit: 20 * time.Second, cause: CauseNotReady, timeout: true, log: "warming up",
			change: func(r *Release) { r.Spec.Env["MODE"] = "sleep" },
			detail: []string{"0 of 1 new replicas ready", "Readiness probe failed", "connection refused"},
		},
		{
			name: "unschedulable", limit: time.Minute, cause: CauseUnschedulable,
			change: func(r *Release) {
				r.Spec.Resources = &app.Resources{Requests: map[string]string{"cpu": "1000"}}
			},
			detail: []string{"Insufficient cpu"},
		},
		{
			name: "quota", limit: time.Minute, cause: CauseQuota,
			setup:  "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: none}\nspec: {hard: {pods: \"0\"}}\n",
			detail: []string{"exceeded quota: none"},
		},
		{
			name: "limit range", limit: time.Minute, cause: CauseAdmission,
			setup: "apiVersion: v1\nkind: LimitRange\nmetadata: {name: small}\nspec: {limits: [{type: Container, max: {memory: 10Mi}}]}\n",
			change: func(r *Release) {
				r.Spec.Resources = &app.Resources{Limits: map[string]string{"memory": "20Mi"}}
			},
			detail: []string{"maximum memory usage per Container is 10Mi"},
		},
		{
			name: "pod security", limit: time.Minute, cause: CauseAdmission,
			setup:  "restricted",
			detail: []string{"violates PodSecurity"},
		},
		{
			name: "out of memory", limit: time.Minute, cause: CauseCrash,
			change: func(r *Release) {
				r.Spec.Env["MODE"] = "oom"
				r.Spec.Resources = &app.Resources{Limits: map[string]string{"memory": "8Mi"}}
			},
			detail: []string{"OOMKilled"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			l := newLab(t)
			r := l.release(t)
			if test.change != nil {
				test.change(&r)
			}
			switch {
			case test.setup == "restricted":
				l.kubectl(t, "", "label", "namespace", l.namespace, "pod-security.kubernetes.io/enforce=restricted")
			case test.setup != "":
				l.kubectl(t, test.setup, "apply", "-f", "-")
				time.Sleep(time.Second) // the quota's first count
			}
			start := time.Now()
			failure := l.failure(t, r, test.limit)
			if failure.Cause != test.cause || errors.Is(failure, context.DeadlineExceeded) != test.timeout {
				t.Errorf("cause %q, timeout %t: %v", failure.Cause, errors.Is(failure, context.DeadlineExceeded), failure)
			}
			for _, part := range test.detail {
				if !strings.Contains(failure.Detail, part) {
					t.Errorf("detail %q lacks %q", failure.Detail, part)
				}
			}
			if !strings.Contains(strings.Join(failure.LogTail, "\n"), test.log) {
				t.Errorf("log %q lacks %q", failure.LogTail, test.log)
			}
			t.Logf("after %.1fs: %v", time.Since(start).Seconds(), failure)
		})
	}
}

func TestClusterInterference(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		do    []string
		cause Cause
	}{
		{"deleted", []string{"delete", "deployment/hello"}, CauseDeleted},
		{"paused", []string{"rollout", "pause", "deployment/hello"}, CausePaused},
		{"superseded", []string{"set", "env", "deployment/hello", "A=B"}, CauseSuperseded},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLab(t)
			r := l.release(t)
			r.Spec.Env["MODE"] = "sleep"
			result := l.apply(t, r)
			go func() {
				time.Sleep(time.Second)
				l.kubectl(t, "", test.do...)
			}()
			err := l.wait(t, result, time.Minute)
			var failure *RolloutError
			if !errors.As(err, &failure) || failure.Cause != test.cause {
				t.Errorf("got %v, want cause %s", err, test.cause)
			}
		})
	}
}

// TestClusterTimeoutWithCause: a deadline that its owner calls by another name is
// a deadline all the same, and brings the cause of the delay.
func TestClusterTimeoutWithCause(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	r := l.release(t)
	r.Spec.Env["MODE"] = "sleep"
	result := l.apply(t, r)
	enough := errors.New("enough")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Second, enough)
	defer cancel()
	err := l.Wait(ctx, result.Workloads, nil)
	var failure *RolloutError
	if !errors.As(err, &failure) || failure.Cause != CauseNotReady || !errors.Is(err, enough) {
		t.Error(err)
	}
}

func TestClusterCancel(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	r := l.release(t)
	r.Spec.Env["MODE"] = "sleep"
	result := l.apply(t, r)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Second, cancel)
	err := l.Wait(ctx, result.Workloads, nil)
	if !errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	t.Log(err)
}

func TestClusterRefusals(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	r := l.release(t)

	t.Run("missing namespace", func(t *testing.T) {
		r := r
		r.Spec.Namespace = "ystack-no-such"
		d := &Deployer{Client: labClient(t, "", clientcmd.ConfigOverrides{})}
		_, err := d.Plan(t.Context(), r)
		if !errors.Is(err, kube.ErrNamespaceNotFound) || !strings.Contains(err.Error(), "kubectl create namespace ystack-no-such") {
			t.Error(err)
		}
		t.Log(err)
	})
	t.Run("not deployed", func(t *testing.T) {
		_, err := l.Current(t.Context(), l.namespace, "hello")
		if !errors.Is(err, deploy.ErrNotDeployed) {
			t.Error(err)
		}
		t.Log(err)
	})
	t.Run("forbidden", func(t *testing.T) {
		// May look, and may make Deployments, but not Services.
		l.kubectl(t, "", "create", "-n", l.namespace, "role", "some", "--verb=get,list,watch,create,patch", "--resource=deployments.apps")
		l.kubectl(t, "", "create", "-n", l.namespace, "role", "look", "--verb=get,list", "--resource=services")
		for _, role := range []string{"some", "look"} {
			l.kubectl(t, "", "create", "-n", l.namespace, "rolebinding", role, "--role="+role, "--user=jane")
		}
		jane := &Deployer{Client: labClient(t, l.namespace, clientcmd.ConfigOverrides{AuthInfo: clientcmdapi.AuthInfo{Impersonate: "jane"}})}
		deadline := time.Now().Add(10 * time.Second)
		for {
			_, err := jane.Plan(t.Context(), r)
			if errors.Is(err, kube.ErrForbidden) && strings.Contains(err.Error(), `user "jane" may not`) && strings.Contains(err.Error(), `services in namespace "`+l.namespace+`"`) &&
				!strings.Contains(err.Error(), "may not get") {
				t.Log(err)
				break
			}
			if time.Now().After(deadline) { // the authorizer may take a moment to see the roles
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if out := l.kubectl(t, "", "get", "deployments,services", "-o", "name"); out != "" {
			t.Errorf("written: %s", out)
		}
		// Without ports she may, but sees no pods.
		r := r
		r.Spec.Ports = nil
		both := &lab{Deployer: jane, namespace: l.namespace}
		result := both.apply(t, r)
		noted := false
		err := jane.Wait(t.Context(), result.Workloads, func(s Status) { noted = noted || strings.Contains(s.Note, "may not see pods") })
		if err != nil || !noted {
			t.Errorf("wait without seeing pods: %v, noted %t", err, noted)
		}
		l.kubectl(t, "", "delete", "deployment/hello")
	})
	t.Run("foreign object", func(t *testing.T) {
		l.kubectl(t, "", "create", "-n", l.namespace, "deployment", "hello", "--image=other")
		before := l.kubectl(t, "", "get", "deployment/hello", "-o", "jsonpath={.metadata.generation} {.spec}")
		_, err := l.Plan(t.Context(), r)
		if !errors.Is(err, ErrForeignObject) || !strings.Contains(err.Error(), "deployment.apps/hello") || !strings.Contains(err.Error(), "kubectl-create") {
			t.Error(err)
		}
		t.Log(err)
		if after := l.kubectl(t, "", "get", "deployment/hello", "-o", "jsonpath={.metadata.generation} {.spec}"); after != before {
			t.Errorf("changed from %s to %s", before, after)
		}
	})
	t.Run("foreign object that appears after the plan", func(t *testing.T) {
		r := r
		r.App = "late"
		plan, err := l.Plan(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		l.kubectl(t, "", "create", "-n", l.namespace, "deployment", "late", "--image=other")
		_, err = l.Apply(t.Context(), plan, DryRunNone)
		if !errors.Is(err, ErrForeignObject) {
			t.Error(err)
		}
	})
}
