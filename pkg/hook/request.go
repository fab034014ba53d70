package hook

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// requestsDir is where people leave the ids of deliveries that are to run again. It is a directory
// rather than a call to the server, so that it works while the server is down.
const requestsDir = "requests"

const requestInterval = time.Second

// RequestReplay asks the server of dir, now or when it is started, to run a delivery again.
func RequestReplay(dir, id string) error {
	if !deliveryPattern.MatchString(id) {
		return ErrNoDelivery
	}
	requests := filepath.Join(dir, requestsDir)
	if err := os.MkdirAll(requests, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(requests, id), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close(), syncDir(requests))
}

// watchRequests does what people ask for until the context ends.
func (s *Server) watchRequests(ctx context.Context) {
	for {
		s.doRequests()
		select {
		case <-ctx.Done():
			return
		case <-time.After(requestInterval):
		}
	}
}

func (s *Server) doRequests() {
	dir := filepath.Join(s.o.Dir, requestsDir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.log.Warn("requests to run deliveries again cannot be read", "error", err.Error())
		}
		return
	}
	for _, e := range entries {
		n, err := s.queue.replay(e.Name())
		switch {
		case errors.Is(err, ErrNoDelivery):
			s.log.Warn("an unknown delivery cannot run again", "delivery", e.Name())
		case err != nil:
			return
		default:
			s.log.Info("runs again on request", "delivery", e.Name(), "jobs", n)
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			s.log.Error("a request stays and will be done again", "error", err.Error())
		}
	}
}
