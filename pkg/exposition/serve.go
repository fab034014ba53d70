package exposition

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
	PathHealthz = "/healthz"
	PathReadyz  = "/readyz"
	PathMetrics = "/metrics"
)

// ErrServer says that health and metrics cannot be served any more.
var ErrServer = errors.New("cannot serve health and metrics")

// Server answers probes and Prometheus about a loop.
type Server struct {
	Listen  string // an address; empty for none
	Health  *Health
	Metrics func(io.Writer)
	Log     *slog.Logger
}

// Start serves until it is stopped. When it cannot any more, it tells end why.
func (s Server) Start(end context.CancelCauseFunc) (stop func(), err error) {
	if s.Listen == "" {
		return func() {}, nil
	}
	listener, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen (--listen): %w", err)
	}
	s.Health.Expect(time.Now(), 0)
	s.Log.Info("listening", "address", listener.Addr().String())
	server := &http.Server{
		Handler: s.Handler(), ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn),
	}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			end(fmt.Errorf("%w: %w", ErrServer, err))
		}
	}()
	return func() { _ = server.Close() }, nil
}

// Handler answers.
func (s Server) Handler() http.Handler {
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
	probe(PathHealthz, s.Health.Alive)
	probe(PathReadyz, s.Health.Ready)
	mux.HandleFunc("GET "+PathMetrics, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		s.Metrics(rw)
	})
	return mux
}
