//go:build unix

package hook

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// typicalPush is as long as what GitHub sends for a push of a few commits: 8 KB.
func typicalPush(n int) string {
	body := pushOf(n)
	return body[:len(body)-1] + `,"organization":{"text":"` + strings.Repeat("lorem ipsum ", 600) + `"}}`
}

// BenchmarkAccept is how many deliveries are accepted over the network, each with an id and a head
// of its own, from many connections: recorded on disk before they are answered.
// With -cpu 1 sender and receiver share one core.
func BenchmarkAccept(b *testing.B) {
	s, err := NewServer(testOptions(b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	post(b, s.Handler(), http.StatusAccepted)
	b.ReportMetric(float64(b.N)/float64(max(1, s.journal.syncs.Load())), "deliveries/sync")
}

// BenchmarkBare is a handler that does nothing but write the body it got to a file that is synced
// for all who wait at once.
func BenchmarkBare(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "file"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	type write struct {
		data []byte
		done chan error
	}
	writes := make(chan write, 4096)
	defer close(writes)
	go func() {
		for first := range writes {
			batch := []write{first}
			for more := true; more; {
				select {
				case w := <-writes:
					batch = append(batch, w)
				default:
					more = false
				}
			}
			var data []byte
			for _, w := range batch {
				data = append(data, w.data...)
			}
			_, err := f.Write(data)
			if err == nil {
				err = f.Sync()
			}
			for _, w := range batch {
				w.done <- err
			}
		}
	}()
	post(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		x := write{data, make(chan error, 1)}
		writes <- x
		if <-x.done == nil {
			w.WriteHeader(http.StatusAccepted)
		}
	}), http.StatusAccepted)
}

// post sends b.N deliveries over 128 connections.
func post(b *testing.B, handler http.Handler, want int) {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	go server.Serve(listener)
	defer server.Close()
	transport := &http.Transport{MaxIdleConnsPerHost: 1000}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	secret := mustSecret(testSecret)
	var next atomic.Int64
	b.SetParallelism(128)
	b.SetBytes(int64(len(typicalPush(0))))
	before := cpuTime(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n := int(next.Add(1))
			body := typicalPush(n)
			r, _ := http.NewRequest(http.MethodPost, "http://"+listener.Addr().String()+PathHook, strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("X-GitHub-Event", "push")
			r.Header.Set("X-GitHub-Delivery", fmt.Sprint("bench-", n))
			r.Header.Set("X-Hub-Signature-256", secret.signature(body))
			resp, err := client.Do(r)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode != want {
				b.Errorf("answered %s", resp.Status)
				return
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
	b.ReportMetric(float64(b.N)/(cpuTime(b)-before).Seconds(), "deliveries/cpu-s")
}

// cpuTime is what the process has used, sender and receiver: the clock also shows what else the
// machine does.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
