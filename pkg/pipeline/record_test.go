package pipeline

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/ystackdev/ystack/pkg/image"
	"github.com/ystackdev/ystack/pkg/image/registrytest"
)

// pushed is an image in a registry of its own, by digest.
func pushed(t *testing.T) string {
	t.Helper()
	host := registrytest.Start(t)
	img, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(host + "/apps/hello:r1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, img); err != nil {
		t.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return host + "/apps/hello@" + digest.String()
}

// ran is the log of a run that published an image.
func ran(ref string, more ...Event) []Event {
	return append([]Event{
		{Type: StepStarted, Step: "build"},
		{Type: StepDone, Step: "build", Message: "built /home/alice/src/hello/Dockerfile", Output: map[string]string{"image": "/home/alice/.local/state/ystack/images/k@sha256:12"}},
		{Type: StepStarted, Step: "publish"},
		{Type: StepDone, Step: "publish", Message: "pushed", Output: map[string]string{"image": ref}},
	}, more...)
}

func TestRecordGoesWithTheImage(t *testing.T) {
	ref := pushed(t)
	s := OpenStore(t.TempDir())
	registry := &image.Client{}
	record(t, s, "hello-1", ran(ref, Event{Type: RunFailed, Message: "fetch http://bob:sesame@git.example/x: no"})...).close()
	if err := s.PushRecord(t.Context(), registry, "hello-1"); err != nil {
		t.Fatal(err)
	}
	record(t, s, "hello-1", ran(ref, Event{Type: RunSucceeded})...).close() // taken up
	record(t, s, "hello-2", ran(ref, Event{Type: RunSucceeded})...).close()
	for _, run := range []string{"hello-1", "hello-2", "hello-2"} {
		if err := s.PushRecord(t.Context(), registry, run); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := Records(t.Context(), registry, ref)
	if err != nil || len(runs) != 2 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	if runs[0].ID != "hello-2" || runs[1].State != Succeeded {
		t.Errorf("newest is %s; hello-1 %s", runs[0].ID, runs[1].State)
	}
	repository, _, _ := strings.Cut(ref, "@")
	if r, err := FindRecord(t.Context(), registry, repository, "hello-1"); err != nil || r.ID != "hello-1" {
		t.Errorf("found %q, %v", r.ID, err)
	}
	if _, err := FindRecord(t.Context(), registry, repository, "hello-3"); !errors.Is(err, ErrNoRun) {
		t.Errorf("got %v", err)
	}
}

// TestRecordOfNothingDone: where there was nothing to do, the run that made the image is
// told, in case its record never arrived.
func TestRecordOfNothingDone(t *testing.T) {
	ref := pushed(t)
	s := OpenStore(t.TempDir())
	registry := &image.Client{}
	if err := s.PushRecord(t.Context(), registry, "", ref); err != nil {
		t.Fatal(err)
	}
	record(t, s, "hello-1", ran(ref, Event{Type: RunSucceeded})...).close()
	record(t, s, "hello-2", ran(strings.Replace(ref, "/hello@", "/other@", 1), Event{Type: RunSucceeded})...).close()
	if err := s.PushRecord(t.Context(), registry, "", ref); err != nil {
		t.Fatal(err)
	}
	if runs, err := Records(t.Context(), registry, ref); err != nil || len(runs) != 1 || runs[0].ID != "hello-1" {
		t.Errorf("%v, %v", runs, err)
	}
}

func TestRecordIsPublic(t *testing.T) {
	r := Run{
		ID: "hello-1", Subject: Subject{App: "hello", Dir: "/home/alice/src/hello", Key: "k", Cluster: "https://10.0.0.1:6443", Source: "https://git.example/a/hello.git"},
		Message: "build: open /home/alice/src/hello/Dockerfile: no such file; see (/tmp/x/y.log), GET /a/b answered 200 and https://u:sesame@h.example/x?token=sesame was asked",
		Steps:   []Step{{Name: "build", Output: map[string]string{"image": "/home/alice/.local/state/ystack/images/k@sha256:12", "archive": "oci://h/images/hello:r1"}}},
	}
	data, err := OpenStore("/home/alice/.local/state/ystack").public(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"alice", "/tmp", "sesame", `"key"`, `"dir"`} {
		if strings.Contains(string(data), secret) {
			t.Errorf("%s shows in %s", secret, data)
		}
	}
	var back Run
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	want := "build: open ./Dockerfile: no such file; see (y.log), GET /a/b answered 200 and https://h.example/x was asked"
	if back.Message != want || back.Cluster != r.Cluster || back.Source != r.Source || back.Steps[0].Output["archive"] != "oci://h/images/hello:r1" {
		t.Errorf("%+v", back)
	}
}

func TestPublished(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("0", 64)
	r := Run{Steps: []Step{
		{Output: map[string]string{"image": "sha256:" + strings.Repeat("0", 64)}},
		{Output: map[string]string{"image": "127.0.0.1:5000/apps/hello" + digest}},
		{Output: map[string]string{"image": "glance://lab/0f", "archive": "artifactory://a/b/c oci://h/images/hello:r1"}},
		{Output: map[string]string{"image": "127.0.0.1:5000/apps/hello" + digest}},
		{Output: map[string]string{"image": "/var/images/k" + digest}},
	}}
	got := strings.Join(r.published(), " ")
	if want := "127.0.0.1:5000/apps/hello" + digest + " h/images/hello:r1"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
