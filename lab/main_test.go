//go:build linux

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ystackdev/ystack/lab/catalog"
	"github.com/ystackdev/ystack/lab/service"
)

func TestQuote(t *testing.T) {
	for _, value := range []string{"", "plain", "a b", "it's", `"$HOME" \ *`, "two\nlines", "''"} {
		out, err := exec.Command("/bin/sh", "-c", "printf %s "+quote(value)).Output()
		if err != nil || string(out) != value {
			t.Errorf("%q came back as %q (%v)", value, out, err)
		}
	}
}

func TestEnv(t *testing.T) {
	l := &service.Lab{Dir: t.TempDir()}
	var out bytes.Buffer
	if err := env(l, "/usr/bin", &out); err == nil || out.Len() > 0 {
		t.Errorf("before any up: %v, %q", err, out.String())
	}
	if err := os.MkdirAll(filepath.Dir(l.Kubeconfig()), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.Kubeconfig(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := env(l, "/usr/bin", &out); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "export ") {
			t.Errorf("line %q", line)
		}
	}
}

// However often it is evaluated, PATH has the lab's programs first, and once.
func TestVariablesSettle(t *testing.T) {
	l := &service.Lab{Dir: "/lab"}
	once := variables(l, "/opt/bin:/usr/bin")[0][1]
	if once != "/lab/bin:/opt/bin:/usr/bin:/usr/sbin:/sbin" {
		t.Errorf("PATH %s", once)
	}
	if twice := variables(l, once)[0][1]; twice != once {
		t.Errorf("PATH %s, then %s", once, twice)
	}
}

func TestNamed(t *testing.T) {
	for in, want := range map[string]string{
		"etcd":            "etcd",
		"registry etcd":   "etcd registry",
		"registries":      "forward registry hub",
		"node":            strings.Join(service.Names(catalog.All()), " "),
		"":                strings.Join(service.Names(catalog.All()), " "),
		"no-such-service": "",
	} {
		got, err := named(catalog.All(), strings.Fields(in))
		if (err != nil) != (want == "") || strings.Join(service.Names(got), " ") != want {
			t.Errorf("%q: %v, %v", in, service.Names(got), err)
		}
	}
}

func TestStatusTable(t *testing.T) {
	var out bytes.Buffer
	table(&out, []service.State{
		{Name: "etcd", State: service.Ready, PID: 42, RSSMiB: 43, CPUSeconds: 1.25, Address: "http://127.0.0.1:2379", Log: "/lab/log/etcd.log"},
		{Name: "hub", State: service.Stopped, Log: "/lab/log/hub.log"},
	})
	want := `NAME  STATE    PID  SINCE                RSS MiB  CPU s  ADDRESS                LOG
etcd  ready    42   0001-01-01 00:00:00  43       1.2    http://127.0.0.1:2379  /lab/log/etcd.log
hub   stopped  -    -                    -        -                             /lab/log/hub.log
`
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
}

func TestMissingServices(t *testing.T) {
	if err := missing([]service.State{{State: service.Ready}, {State: service.Stopped}}); err != nil {
		t.Error(err)
	}
	err := missing([]service.State{{Name: "a", State: service.Dead}, {Name: "b", State: service.Unready}})
	if err == nil || !strings.Contains(err.Error(), "a, b") {
		t.Error(err)
	}
}
