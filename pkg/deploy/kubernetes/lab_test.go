package kubernetes

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/kube"
)

const (
	labBase  = "127.0.0.1:15000/docker/library/busybox:1.35"
	labImage = "127.0.0.1:15000/ystack-test/probe"
)

// behaviour is the program in the test image: what it does is up to MODE.
const behaviour = `
case "$MODE" in
crash) echo "line one"; echo "cannot open the database"; exit 3;;
end) echo done; exit 0;;
oom) exec tail -c 100000000 /dev/zero;;
sleep) echo "warming up"; exec sleep 100000;;
esac
mkdir -p /tmp/www && echo "hello from $GREETING" > /tmp/www/index.html && echo ok > /tmp/www/healthz
exec httpd -f -p 8080 -h /tmp/www`

// lab is a namespace of its own in a real cluster.
type lab struct {
	*Deployer
	namespace string
}

// newLab skips the test if there is no cluster, and makes a namespace that goes
// with the test.
func newLab(t *testing.T) *lab {
	t.Helper()
	if os.Getenv("KUBECONFIG") == "" || labUnreachable(t) {
		skip(t, "no lab cluster: KUBECONFIG is not set or its cluster does not answer (go run ./lab up)")
	}
	random := make([]byte, 4)
	_, _ = rand.Read(random)
	l := &lab{namespace: "ystack-test-" + hex.EncodeToString(random)}
	l.kubectl(t, "", "create", "namespace", l.namespace)
	t.Cleanup(func() { l.kubectl(t, "", "delete", "namespace", l.namespace, "--wait=false") })
	l.Deployer = &Deployer{Client: labClient(t, l.namespace, clientcmd.ConfigOverrides{})}
	return l
}

// skip skips a test for want of something, but not where everything has to be there.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func labUnreachable(t *testing.T) bool {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := labClient(t, "default", clientcmd.ConfigOverrides{}).User(ctx)
	return err != nil
}

func labClient(t *testing.T, namespace string, overrides clientcmd.ConfigOverrides) *kube.Client {
	t.Helper()
	overrides.Context.Namespace = namespace
	client, err := kube.Load(clientcmd.NewDefaultClientConfigLoadingRules(), &overrides, "ystack-test")
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// kubectl does with kubectl what others would do to the cluster.
func (l *lab) kubectl(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	if l.namespace != "" && args[0] != "create" || stdin != "" {
		args = append([]string{"-n", l.namespace}, args...)
	}
	command := exec.Command("kubectl", args...)
	command.Stdin = strings.NewReader(stdin)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// probeImage puts the test image into the lab's registry, if it is not there yet.
func probeImage(t *testing.T) string {
	t.Helper()
	base, err := name.ParseReference(labBase, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	image, err := remote.Image(base, remote.WithContext(t.Context()))
	if err != nil {
		skip(t, "no lab registry: "+err.Error())
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config.Config.Entrypoint, config.Config.Cmd = []string{"/bin/sh", "-c", behaviour}, nil
	if image, err = mutate.Config(image, config.Config); err != nil {
		t.Fatal(err)
	}
	target, err := name.ParseReference(labImage+":1", name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(target, image, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return labImage + "@" + digest.String()
}

// release is a small web server that gets ready at once.
func (l *lab) release(t *testing.T) Release {
	t.Helper()
	replicas := int32(1)
	return Release{
		Release: deploy.Release{
			App: "hello", Image: probeImage(t), Revision: "0123456789abcdef0123456789abcdef01234567",
			Run: "run-1", By: "tester", Source: "https://git.example/hello",
		},
		Spec: app.ContainerDeploy{
			Replicas: &replicas,
			Ports:    []app.Port{{Name: "http", Port: 80, TargetPort: 8080}},
			Env:      map[string]string{"GREETING": "the lab"},
		},
		Health: &app.Health{HTTP: &app.HTTPHealth{Port: 8080, Path: "/healthz"}},
	}
}

// target is where the release goes, as pipelines see it.
func (l *lab) target(r Release) *Target {
	r.Spec.Namespace = l.namespace
	return &Target{Deployer: l.Deployer, Release: r, Repository: labImage}
}

// deploy plans, applies and waits.
func (l *lab) deploy(t *testing.T, r Release) Result {
	t.Helper()
	result := l.apply(t, r)
	if err := l.wait(t, result, time.Minute); err != nil {
		t.Fatalf("wait: %v\n%s", err, l.kubectl(t, "", "get", "events"))
	}
	return result
}

func (l *lab) apply(t *testing.T, r Release) Result {
	t.Helper()
	plan, err := l.Plan(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	result, err := l.Apply(t.Context(), plan, DryRunNone)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func (l *lab) wait(t *testing.T, result Result, limit time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	start := time.Now()
	err := l.Wait(ctx, result.Workloads, func(s Status) {
		t.Logf("%5.1fs %d/%d updated %d old %d note %q %v", time.Since(start).Seconds(), s.Available, s.Desired, s.Updated, s.Old, s.Note, s.Replicas)
	})
	t.Logf("%5.1fs wait: %v", time.Since(start).Seconds(), err)
	return err
}

// failure waits for a rollout that has to fail.
func (l *lab) failure(t *testing.T, r Release, limit time.Duration) *RolloutError {
	t.Helper()
	err := l.wait(t, l.apply(t, r), limit)
	var failure *RolloutError
	if !errors.As(err, &failure) {
		t.Fatalf("wait: got %v, want a *RolloutError", err)
	}
	for _, line := range failure.LogTail {
		t.Log("log: " + line)
	}
	return failure
}

func actions(changes []deploy.Change) map[string]deploy.Action {
	out := map[string]deploy.Action{}
	for _, c := range changes {
		out[c.Object] = c.Action
	}
	return out
}
