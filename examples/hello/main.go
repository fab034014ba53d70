// Command hello is a small web service: the page, a health check, and the
// name of the replica that answered.
package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	host, _ := os.Hostname()
	srv := &http.Server{Addr: ":8080", Handler: handler(greeting(), host), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		// Give the cluster's proxies a moment to stop sending new requests.
		time.Sleep(500 * time.Millisecond)
		_ = srv.Shutdown(context.WithoutCancel(ctx))
	}()
	log.Printf("listening on %s", srv.Addr)
	if err := srv.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

func greeting() string {
	if g := os.Getenv("GREETING"); g != "" {
		return g
	}
	return "Hello from ystack"
}

func handler(greeting, host string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html>\n<title>hello</title>\n<h1>%s</h1>\n<p>served by %s</p>\n",
			html.EscapeString(greeting), html.EscapeString(host))
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	return mux
}
