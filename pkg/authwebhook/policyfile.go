package authwebhook

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/ystackdev/ystack/pkg/tenancy/abac"
)

// ErrPolicy: the policy file cannot be used.
var ErrPolicy = errors.New("cannot use the policy file")

const (
	// settled is the age at which a file's time tells it from one that was written a
	// moment later: file systems count in steps.
	settled = 100 * time.Millisecond
	// retryPolicy is how long a file that cannot be used rests, unless it changes.
	retryPolicy = time.Second
	// maxPolicy is some million lines: what is longer is no policy, but something gone wrong.
	maxPolicy = 256 << 20
)

// policyFile is a policy that follows its file. Whoever asks gets what the file says now,
// or, while that cannot be used, what it said last.
type policyFile struct {
	path string
	log  *slog.Logger
	now  func() time.Time

	mu     sync.Mutex
	state  policyState
	seen   os.FileInfo       // nil when there was none
	looked time.Time         // when the file was last read
	sum    [sha256.Size]byte // of the policy in force
	bad    [sha256.Size]byte // of the last file that was none, and why
	badErr error
}

type policyState struct {
	policy  *abac.Policy
	read    time.Time
	problem error // why the file as it is now is not used
}

// openPolicy reads a file that must be there and usable.
func openPolicy(path string, log *slog.Logger) (*policyFile, error) {
	f := &policyFile{path: path, log: log, now: time.Now}
	f.refresh(f.stat())
	if err := f.state.problem; err != nil {
		return nil, fmt.Errorf("%w (--policy-file): %w", ErrPolicy, err)
	}
	return f, nil
}

func (f *policyFile) current() policyState {
	f.mu.Lock()
	defer f.mu.Unlock()
	if info := f.stat(); f.changed(info) {
		f.refresh(info)
	}
	return f.state
}

// stat follows symbolic links, by which Kubernetes replaces mounted ConfigMaps.
func (f *policyFile) stat() os.FileInfo {
	info, err := os.Stat(f.path)
	if err != nil {
		return nil // reading says why
	}
	return info
}

func (f *policyFile) changed(info os.FileInfo) bool {
	if f.state.problem != nil && f.now().Sub(f.looked) >= retryPolicy {
		return true
	}
	if info == nil || f.seen == nil {
		return (info == nil) != (f.seen == nil)
	}
	if !os.SameFile(info, f.seen) || info.Size() != f.seen.Size() || !info.ModTime().Equal(f.seen.ModTime()) {
		return true
	}
	age := f.looked.Sub(info.ModTime())
	return -settled < age && age < settled // when it was read it could still change unseen
}

// refresh reads the file. What changes after it was looked at is read again.
func (f *policyFile) refresh(info os.FileInfo) {
	f.seen, f.looked = info, f.now()
	data, err := f.read(info)
	if err != nil {
		f.fail(err)
		return
	}
	sum := sha256.Sum256(data)
	if f.badErr != nil && sum == f.bad {
		f.fail(f.badErr)
		return
	}
	if f.state.policy == nil || sum != f.sum {
		policy, err := parsePolicy(f.path, data)
		if err != nil {
			f.bad, f.badErr = sum, err
			f.fail(err)
			return
		}
		f.state, f.sum = policyState{policy: policy, read: f.looked}, sum
		f.log.Info("policy read", "file", f.path, "rules", len(policy.Rules), "sha256", fmt.Sprintf("%x", sum[:6]))
		if len(bytes.TrimSpace(data)) == 0 {
			f.log.Warn("the policy file is empty: it allows nobody anything", "file", f.path)
		}
		go f.warn(data) // reviews need not wait for it
	}
	if f.state.problem != nil {
		f.state.problem = nil
		f.log.Info("the policy file is again what is in force", "file", f.path)
	}
}

// read does not wait for what is no file, such as a pipe: all reviews would wait with it.
func (f *policyFile) read(info os.FileInfo) ([]byte, error) {
	switch {
	case info != nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", f.path)
	case info != nil && info.Size() > maxPolicy:
		return nil, fmt.Errorf("%s has %d MiB; %d are the most", f.path, info.Size()>>20, maxPolicy>>20)
	}
	return os.ReadFile(f.path)
}

// parsePolicy takes a file as the API server does, but for lines that are for everyone without
// looking so, such as {}, null, or a user beside the group "*". In a file that is obeyed at
// once, these are accidents.
func parsePolicy(path string, data []byte) (*abac.Policy, error) {
	policy, err := abac.Parse(path, data)
	if err != nil {
		return nil, err
	}
	everyone := map[int]bool{}
	for _, r := range policy.Rules {
		everyone[r.Line] = r.User == "" && r.Group == abac.Authenticated
	}
	n := 0
	for line := range bytes.Lines(data) {
		if n++; !everyone[n] {
			continue
		}
		for _, finding := range abac.Lint(path, line) {
			if finding.Severity == abac.Error {
				return nil, fmt.Errorf("%s:%d: %s", path, n, finding.Text)
			}
		}
	}
	return policy, nil
}

// fail leaves the old policy in force.
func (f *policyFile) fail(err error) {
	if f.state.policy != nil && (f.state.problem == nil || f.state.problem.Error() != err.Error()) {
		f.log.Error("the policy file cannot be used; the policy read before stays in force",
			"error", err.Error(), "read", f.state.read, "rules", len(f.state.policy.Rules))
	}
	f.state.problem = err
}

// warn tells of lines that grant other than they seem to. They count all the same: the API
// server's own authorizer takes them too.
func (f *policyFile) warn(data []byte) {
	const show = 5
	n := 0
	for _, finding := range abac.Lint(f.path, data) {
		if finding.Severity != abac.Error {
			continue
		}
		if n++; n <= show {
			f.log.Warn("a line of the policy grants other than it seems to", "line", finding.Line, "finding", finding.Text)
		}
	}
	if n > show {
		f.log.Warn("more such lines; `kubectl ystack policy lint` lists them", "lines", n-show)
	}
}
