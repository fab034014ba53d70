//go:build linux

package tui

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestStoreIsWatchedFromBefore: the store need not exist, nor what leads to it.
func TestStoreIsWatchedFromBefore(t *testing.T) {
	root := t.TempDir()
	store := filepath.Join(root, "state", "ystack")
	run := filepath.Join(store, "runs", "hello-1")
	events := filepath.Join(run, "events.jsonl")
	h := &hub{Options: Options{Sources: Sources{StateDir: store}}}
	changes := h.watchStore(t.Context())
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"a first run", func() error { return os.MkdirAll(run, 0o700) }},
		{"its first event", func() error { return os.WriteFile(events, []byte("{}\n"), 0o600) }},
		{"a second run", func() error { return os.Mkdir(filepath.Join(store, "runs", "hello-2"), 0o700) }},
		{"another event", func() error { return os.WriteFile(events, []byte("{}\n{}\n"), 0o600) }},
		{"a run removed", func() error { return os.RemoveAll(run) }},
	} {
		for len(changes) > 0 {
			<-changes
		}
		time.Sleep(50 * time.Millisecond) // what the step before still tells
		for len(changes) > 0 {
			<-changes
		}
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-changes:
		case <-time.After(20 * time.Second):
			t.Errorf("%s is not told", step.name)
		}
	}
}
