package tui

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/ystackdev/ystack/pkg/kube"
	"github.com/ystackdev/ystack/pkg/pipeline"
)

// open sends the detail of a row until ctx ends.
func (h *hub) open(ctx context.Context, w Want) {
	send := func(o Opened) {
		if ctx.Err() == nil {
			o.Number = w.Number
			h.send(o)
		}
	}
	var err error
	switch object := w.Row.Object.(type) {
	case pipeline.Run:
		err = h.openRun(ctx, object.ID, send)
	case thing:
		if w.Logs {
			err = h.openLogs(ctx, w.Origin, object, send)
		} else {
			err = h.openThing(ctx, w.Origin, object, send)
		}
	case json.RawMessage:
		var lines []Line
		lines, err = yamlLines(object)
		send(Opened{Lines: lines})
	case []Line:
		send(Opened{Lines: object})
	default:
		send(Opened{Lines: []Line{{Text: "nothing more is known"}}})
	}
	if err != nil {
		send(Opened{Err: explain(err)})
	}
}

// openThing shows an object as YAML.
func (h *hub) openThing(ctx context.Context, origin string, t thing, send func(Opened)) error {
	client, err := h.client(origin)
	if err != nil {
		return err
	}
	body, err := client.Get(ctx, t.url(), nil, "application/json")
	if err != nil {
		return err
	}
	lines, err := yamlLines(body)
	send(Opened{Lines: lines})
	return err
}

// yamlLines is a JSON object for people, without the bookkeeping of its fields.
func yamlLines(body []byte) ([]Line, error) {
	var object map[string]any
	if err := json.Unmarshal(body, &object); err != nil {
		return nil, err
	}
	if m, ok := object["metadata"].(map[string]any); ok {
		delete(m, "managedFields")
	}
	text, err := yaml.Marshal(object)
	if err != nil {
		return nil, err
	}
	var lines []Line
	for line := range strings.Lines(string(text)) {
		lines = append(lines, Line{Text: strings.TrimSuffix(line, "\n")})
	}
	return lines, nil
}

// openLogs follows a pod's log from its last lines on.
func (h *hub) openLogs(ctx context.Context, origin string, t thing, send func(Opened)) error {
	client, err := h.client(origin)
	if err != nil {
		return err
	}
	response, err := client.Open(ctx, t.url()+"/log", url.Values{"follow": {"1"}, "tailLines": {"500"}}, "")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != 200 {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20))
		return client.Explain(kube.StatusError(response, body))
	}
	w := newLineWriter(send)
	defer w.flush()
	w.send(Opened{More: []string{}})
	_, err = io.Copy(w, response.Body)
	return client.Explain(err)
}

// openRun shows a run and follows its log, both until it has ended.
func (h *hub) openRun(ctx context.Context, id string, send func(Opened)) error {
	ended := make(chan error, 1)
	w := newLineWriter(send)
	go func() {
		err := h.Store.Logs(ctx, id, "", true, w)
		w.flush()
		ended <- err
	}()
	changes := h.watchStore(ctx)
	for {
		r, err := h.Store.Get(id)
		if err != nil {
			return err
		}
		send(Opened{Lines: append(append(about(&r), graph(&r, charset{h.ASCII, h.Wide})...), Line{}, Line{Text: "log:"})})
		select {
		case <-ctx.Done():
			return nil
		case err := <-ended:
			if r.Finished() || err != nil {
				return err
			}
			ended = nil // once more: it has ended meanwhile, or waits to be taken up
		case <-changes:
			time.Sleep(settle)
		}
	}
}

const (
	// longestLine is where a line of a log is cut.
	longestLine = 4000
	// gather is how long lines are collected before they are sent.
	gather = 100 * time.Millisecond
)

// lineWriter sends what is written to it as lines, many at a time, and no more of them
// than a detail keeps.
type lineWriter struct {
	send func(Opened)

	mu      sync.Mutex
	partial []byte
	lines   []string
	timer   *time.Timer
}

func newLineWriter(send func(Opened)) *lineWriter { return &lineWriter{send: send} }

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for rest := p; ; {
		line, after, found := bytes.Cut(rest, []byte("\n"))
		if room := longestLine - len(w.partial); room > 0 {
			w.partial = append(w.partial, line[:min(len(line), room)]...)
		}
		if !found {
			break
		}
		w.lines = append(w.lines, string(w.partial))
		w.partial, rest = w.partial[:0], after
	}
	if over := len(w.lines) - maxDetail; over > 0 {
		w.lines = append([]string{fmt.Sprintf("(%d lines left out)", over)}, w.lines[over:]...)
	}
	if w.timer == nil && len(w.lines) > 0 {
		w.timer = time.AfterFunc(gather, w.flush)
	}
	return len(p), nil
}

func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = nil
	if len(w.lines) > 0 {
		w.send(Opened{More: w.lines})
		w.lines = nil
	}
}
