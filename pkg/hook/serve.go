package hook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Serve answers on the listener and works until the context ends; then it takes no more, lets what
// runs finish within the grace, and closes the journal. What does not finish is taken up at the
// next start.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	defer s.Close()
	web := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- web.Serve(listener) }()
	s.log.Info("listening", "address", listener.Addr().String())

	run, interrupt := context.WithCancelCause(context.WithoutCancel(ctx))
	defer interrupt(nil)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var sides sync.WaitGroup
	telling, stopTelling := context.WithCancel(run)
	if s.o.Registry != nil {
		sides.Go(func() { s.report(telling) })
		sides.Go(func() { s.watchMissed(ctx) })
	}
	sides.Go(func() { s.watchRequests(ctx) })
	worked := make(chan struct{})
	go func() { s.work(ctx, run); close(worked) }()

	var err error
	select {
	case err = <-served:
		err = fmt.Errorf("the server ended: %w", err)
	case <-s.journal.failed:
		err = s.journal.broken()
	case <-ctx.Done():
	}
	s.draining.Store(true)
	stop()
	s.log.Info("ending; what runs may finish", "grace", s.o.Grace.String(), "running", s.metrics.running.Load())
	s.drain(web, worked, interrupt)
	s.tellLast()
	stopTelling()
	sides.Wait()
	s.log.Info("ended")
	return errors.Join(err, s.Close())
}

var errEnding = errors.New("pipeline serve was told to end")

// drain ends requests and jobs.
func (s *Server) drain(web *http.Server, worked <-chan struct{}, interrupt context.CancelCauseFunc) {
	limited, cancel := context.WithTimeout(context.Background(), s.o.Grace)
	defer cancel()
	if web.Shutdown(limited) != nil {
		web.Close()
	}
	select {
	case <-worked:
	case <-limited.Done():
		s.log.Warn("some runs did not finish in time; the next start takes them up", "running", s.metrics.running.Load())
		interrupt(errEnding)
		<-worked
	}
}

// tellLast waits a moment for the last statuses to be reported. What is not told then is told
// after the next start.
func (s *Server) tellLast() {
	if s.o.Registry == nil {
		return
	}
	deadline := time.Now().Add(2 * time.Second)
	for time.Now().Before(deadline) {
		s.queue.mu.Lock()
		told := len(s.queue.dirty) == 0 && !s.queue.telling
		s.queue.mu.Unlock()
		if told {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}
