package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Paths that are served.
const (
	pathHealthz = "/healthz"
	pathReadyz  = "/readyz"
	pathMetrics = "/metrics"
)

// errServer: health and metrics cannot be served any more.
var errServer = errors.New("cannot serve health and metrics")

// serve answers probes and Prometheus until it is stopped.
func (w *watcher) serve(end context.CancelCauseFunc) (stop func(), err error) {
	if w.Listen == "" {
		return func() {}, nil
	}
	listener, err := net.Listen("tcp", w.Listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen (--listen): %w", err)
	}
	w.health.expect(time.Now(), 0)
	w.Log.Info("listening", "address", listener.Addr().String())
	server := &http.Server{
		Handler: w.handler(), ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(w.Log.Handler(), slog.LevelWarn),
	}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			end(fmt.Errorf("%w: %w", errServer, err))
		}
	}()
	return func() { _ = server.Close() }, nil
}

func (w *watcher) handler() http.Handler {
	mux := http.NewServeMux()
	probe := func(path string, check func() error) {
		mux.HandleFunc("GET "+path, func(rw http.ResponseWriter, _ *http.Request) {
			if err := check(); err != nil {
				http.Error(rw, err.Error(), http.StatusServiceUnavailable)
				return
			}
			_, _ = io.WriteString(rw, "ok\n")
		})
	}
	probe(pathHealthz, func() error { return w.health.alive(time.Now()) })
	probe(pathReadyz, w.health.ready)
	mux.HandleFunc("GET "+pathMetrics, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		w.metrics.write(rw)
	})
	return mux
}
