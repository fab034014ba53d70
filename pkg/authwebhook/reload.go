package authwebhook

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// ErrCertificate: a certificate, key or authority for serving cannot be used.
var ErrCertificate = errors.New("cannot use the serving certificate")

// fromFiles is a value made of files, made again when they change. It looks at them when
// asked, once a second at most; while the new files are unusable, say a certificate whose
// key is not there yet, the old value stays.
type fromFiles[T any] struct {
	files []string
	load  func() (T, error)
	log   *slog.Logger

	mu     sync.Mutex
	value  T
	stamp  string
	looked time.Time
	said   string // the last error, so as to say it once
}

func newFromFiles[T any](log *slog.Logger, load func() (T, error), files ...string) (*fromFiles[T], error) {
	f := &fromFiles[T]{files: files, load: load, log: log, looked: time.Now()}
	f.stamp = f.look()
	value, err := load()
	if err != nil {
		return nil, err
	}
	f.value = value
	return f, nil
}

func (f *fromFiles[T]) get() T {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := time.Now(); now.Sub(f.looked) >= time.Second {
		f.looked = now
		f.refresh()
	}
	return f.value
}

func (f *fromFiles[T]) refresh() {
	stamp := f.look() // before reading: what changes in between is read again
	if stamp == f.stamp {
		return
	}
	value, err := f.load()
	if err != nil {
		if f.said != err.Error() {
			f.said = err.Error()
			f.log.Error("the changed files are not used; the old ones stay", "error", f.said)
		}
		return
	}
	f.value, f.stamp, f.said = value, stamp, ""
	f.log.Info("files read again", "files", f.files)
}

// look sums up what tells that a file has changed, through the symbolic links by which
// Kubernetes replaces mounted Secrets.
func (f *fromFiles[T]) look() (stamp string) {
	for _, file := range f.files {
		if info, err := os.Stat(file); err == nil {
			stamp += fmt.Sprint(info.ModTime().UnixNano(), info.Size(), ";")
		}
	}
	return stamp
}

func loadPair(certFile, keyFile string) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("%w %s with the key %s: %w", ErrCertificate, certFile, keyFile, err)
	}
	return &pair, nil
}

func loadPool(file string) (*x509.CertPool, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: client authorities: %w", ErrCertificate, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("%w: client authorities: %s holds no PEM certificate", ErrCertificate, file)
	}
	return pool, nil
}
