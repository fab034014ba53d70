package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// memory is a store in memory, with the faults that networks and servers have.
type memory struct {
	mu     sync.Mutex
	images map[string]Info
	data   map[string][]byte
	opened []int64

	breaks  map[int]int64 // the n-th reading breaks off after so many bytes
	stall   bool          // readings hang
	flip    bool          // a bit is wrong
	fail    error         // of Write, after the first block
	block   bool          // Write takes no blocks
	got     int64
	written int
}

func newMemory(images map[string][]byte) *memory {
	m := &memory{images: map[string]Info{}, data: map[string][]byte{}}
	for name, data := range images {
		sum, _ := Sum(bytes.NewReader(data), "sha256")
		m.images[name] = Info{Ref: Ref{Scheme: Glance, Host: "m", Name: name}, ID: name, Size: int64(len(data)), State: Active, Digests: Digests{"sha256": sum}}
		m.data[name] = data
	}
	return m
}

func (m *memory) Stat(_ context.Context, r Ref) (Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i, ok := m.images[r.Name]; ok {
		return i, nil
	}
	return Info{}, Errorf(r, ErrNotFound, "")
}

func (m *memory) Open(ctx context.Context, i Info, offset int64) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.opened)
	m.opened = append(m.opened, offset)
	data := bytes.Clone(m.data[i.ID])
	if m.flip {
		data[len(data)/2] ^= 4
	}
	r := io.Reader(bytes.NewReader(data[offset:]))
	if limit, ok := m.breaks[n]; ok {
		r = io.MultiReader(io.LimitReader(r, limit), broken{})
	}
	if m.stall {
		r = hanging{ctx}
	}
	return io.NopCloser(r), nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

type hanging struct{ ctx context.Context }

func (h hanging) Read([]byte) (int, error) {
	<-h.ctx.Done()
	return 0, h.ctx.Err()
}

func (m *memory) Write(ctx context.Context, r Ref, u *Upload) (Info, error) {
	var all []byte
	if m.block {
		<-ctx.Done()
		return Info{}, context.Cause(ctx)
	}
	for {
		data, err := u.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return Info{}, err
		}
		all = append(all, data...)
		m.mu.Lock()
		m.got += int64(len(data))
		m.mu.Unlock()
		if m.fail != nil {
			return Info{}, m.fail
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.written++
	m.data[r.Name] = all
	m.images[r.Name] = Info{Ref: r, ID: r.Name, Size: int64(len(all)), State: Active, Digests: u.Sums(), Properties: u.Noted(u.Sums())}
	return m.images[r.Name], nil
}

func (m *memory) List(_ context.Context, _ Ref, application string) ([]Info, error) {
	var all []Info
	for _, i := range m.images {
		if application == "" || i.Properties[App] == application {
			all = append(all, i)
		}
	}
	return all, m.fail
}

func (m *memory) Delete(_ context.Context, i Info) error {
	delete(m.images, i.ID)
	return nil
}

func (m *memory) Annotate(_ context.Context, i Info, properties map[string]string) error {
	for name, value := range properties {
		if m.images[i.ID].Properties == nil {
			i.Properties = map[string]string{}
			m.images[i.ID] = i
		}
		m.images[i.ID].Properties[name] = value
	}
	return nil
}

// world opens stores by host.
type world map[string]Store

func (w world) open(r Ref) (Store, error) {
	if s, ok := w[r.Host]; ok {
		return s, nil
	}
	return nil, fmt.Errorf("no store %s", r.Host)
}

func at(host, name string) Ref { return Ref{Scheme: Glance, Host: host, Name: name} }

// content is the beginning of what is made once, for the race detector makes it slowly.
func content(n int) []byte { return bytes.Clone(everything()[:n]) }

var everything = sync.OnceValue(func() []byte {
	data := make([]byte, 6*testBlock)
	r := rand.NewChaCha8([32]byte{})
	_, _ = r.Read(data)
	return data
})

// testBlock keeps tests quick: the race detector is slow with megabytes.
const testBlock = 64 << 10

func copier(w world) *Copier {
	return &Copier{Open: w.open, Limit: time.Minute, Pause: time.Millisecond, block: testBlock}
}

func TestCopySizes(t *testing.T) {
	for _, size := range []int{0, 1, 4096, testBlock - 1, testBlock, testBlock + 1, 3*testBlock + 17} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			from := newMemory(map[string][]byte{"a": content(size)})
			one, two := newMemory(nil), newMemory(nil)
			var mu sync.Mutex
			done := map[Ref]int64{}
			c := copier(world{"from": from, "one": one, "two": two})
			c.Report = func(p Progress) {
				mu.Lock()
				defer mu.Unlock()
				done[p.To] = p.Done
			}
			_, outcomes, err := c.Copy(t.Context(), Request{From: at("from", "a"), To: []Ref{at("one", "x"), at("two", "y")}, Properties: map[string]string{App: "hello"}})
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range outcomes {
				if o.Result != Copied || o.Err != nil || o.Info.Properties[App] != "hello" || o.Info.Properties[SHA512] == "" {
					t.Errorf("%+v", o)
				}
				if done[o.To] != int64(size) {
					t.Errorf("%s: progress ends at %d", o.To, done[o.To])
				}
			}
			if !bytes.Equal(one.data["x"], from.data["a"]) || !bytes.Equal(two.data["y"], from.data["a"]) {
				t.Error("other content arrived")
			}
			if len(from.opened) > 1 {
				t.Errorf("the source was read %d times", len(from.opened))
			}
		})
	}
}

func TestCopyResumes(t *testing.T) {
	size := 2*testBlock + 1000
	from := newMemory(map[string][]byte{"a": content(size)})
	from.breaks = map[int]int64{0: 0, 1: 100, 2: testBlock, 3: 0, 4: 0, 5: int64(size)}
	to := newMemory(nil)
	_, outcomes, err := copier(world{"from": from, "to": to}).Copy(t.Context(), Request{From: at("from", "a"), To: []Ref{at("to", "x")}})
	if err != nil || outcomes[0].Result != Copied || !bytes.Equal(to.data["x"], from.data["a"]) {
		t.Fatalf("%v %+v", err, outcomes)
	}
	if got := fmt.Sprint(from.opened); got != fmt.Sprint([]int64{0, 0, 100, testBlock + 100, testBlock + 100, testBlock + 100}) {
		t.Errorf("opened at %s", got)
	}
}

func TestCopyFailures(t *testing.T) {
	full := errors.New("disk full")
	for name, tc := range map[string]struct {
		spoil  func(from, to *memory)
		size   int
		source error // what Copy returns
		to     error // of the destination
	}{
		"a flipped bit":               {spoil: func(from, _ *memory) { from.flip = true }, size: 2 * testBlock, source: ErrCorrupt, to: ErrCorrupt},
		"a flipped bit, small":        {spoil: func(from, _ *memory) { from.flip = true }, size: 10, source: ErrCorrupt, to: ErrCorrupt},
		"a source that is shorter":    {spoil: func(from, _ *memory) { from.data["a"] = from.data["a"][:5] }, size: 10, source: ErrFailed, to: ErrFailed},
		"a source that is longer":     {spoil: func(from, _ *memory) { from.data["a"] = append(from.data["a"], 1) }, size: 10, source: ErrCorrupt, to: ErrCorrupt},
		"a source that stalls":        {spoil: func(from, _ *memory) { from.stall = true }, size: 10, source: ErrFailed, to: ErrFailed},
		"a destination that fails":    {spoil: func(_, to *memory) { to.fail = full }, size: 6 * testBlock, to: full},
		"a destination that stalls":   {spoil: func(_, to *memory) { to.block = true }, size: 6 * testBlock, to: ErrStalled},
		"a destination of other data": {spoil: func(_, to *memory) { to.images["x"] = Info{Ref: at("to", "x"), Size: 3, State: Active} }, size: 10, to: ErrTaken},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := newMemory(map[string][]byte{"a": content(tc.size)}), newMemory(nil)
			tc.spoil(from, to)
			c := copier(world{"from": from, "to": to})
			if strings.Contains(name, "stalls") {
				c.Limit = 50 * time.Millisecond
			}
			_, outcomes, err := c.Copy(t.Context(), Request{From: at("from", "a"), To: []Ref{at("to", "x")}})
			if !errors.Is(err, tc.source) {
				t.Errorf("source: %v, want %v", err, tc.source)
			}
			if o := outcomes[0]; o.Result != Failed || !errors.Is(o.Err, tc.to) {
				t.Errorf("destination: %+v, want %v", o, tc.to)
			}
			if to.written > 0 {
				t.Error("an image was written")
			}
			if errors.Is(tc.source, ErrCorrupt) && to.got >= int64(tc.size) {
				t.Error("a destination got all of the wrong content")
			}
		})
	}
}

// TestCopyOneFails: one destination's failure is nothing to the others, and the same
// copy again does what is left.
func TestCopyOneFails(t *testing.T) {
	from, good, bad := newMemory(map[string][]byte{"a": content(3 * testBlock)}), newMemory(nil), newMemory(nil)
	bad.fail = errors.New("disk full")
	c := copier(world{"from": from, "good": good, "bad": bad})
	r := Request{From: at("from", "a"), To: []Ref{at("bad", "x"), at("good", "x"), at("none", "x")}}
	_, outcomes, err := c.Copy(t.Context(), r)
	if err != nil || outcomes[0].Err == nil || outcomes[1].Result != Copied || outcomes[2].Result != Failed {
		t.Fatalf("%v %+v", err, outcomes)
	}
	bad.fail = nil
	r.To = r.To[:2]
	if _, outcomes, err = c.Copy(t.Context(), r); err != nil || outcomes[0].Result != Copied || outcomes[1].Result != Present {
		t.Fatalf("%v %+v", err, outcomes)
	}
	opened := len(from.opened)
	if _, outcomes, err = c.Copy(t.Context(), r); err != nil || outcomes[0].Result != Present || outcomes[1].Result != Present {
		t.Fatalf("%v %+v", err, outcomes)
	}
	if len(from.opened) != opened {
		t.Error("what is there already was read")
	}
}

func TestCopyDryRun(t *testing.T) {
	from, to := newMemory(map[string][]byte{"a": content(10)}), newMemory(nil)
	_, outcomes, err := copier(world{"from": from, "to": to}).Copy(t.Context(), Request{From: at("from", "a"), To: []Ref{at("to", "x")}, DryRun: true})
	if err != nil || outcomes[0].Result != Missing || len(to.data) > 0 || len(from.opened) > 0 {
		t.Errorf("%v %+v", err, outcomes)
	}
}

func TestCopyCompletesProperties(t *testing.T) {
	data := content(10)
	from, to := newMemory(map[string][]byte{"a": data}), newMemory(map[string][]byte{"x": data})
	_, outcomes, err := copier(world{"from": from, "to": to}).Copy(t.Context(),
		Request{From: at("from", "a"), To: []Ref{at("to", "x")}, Properties: map[string]string{App: "hello"}})
	if err != nil || outcomes[0].Result != Present || to.images["x"].Properties[App] != "hello" {
		t.Errorf("%v %+v %v", err, outcomes, to.images)
	}
}

// TestCopyIncomparable: what cannot be compared is neither taken for the same nor for
// another.
func TestCopyIncomparable(t *testing.T) {
	data := content(10)
	from, to := newMemory(map[string][]byte{"a": data}), newMemory(map[string][]byte{"x": data})
	i := to.images["x"]
	i.Digests = Digests{"md5": "00"}
	to.images["x"] = i
	_, outcomes, err := copier(world{"from": from, "to": to}).Copy(t.Context(), Request{From: at("from", "a"), To: []Ref{at("to", "x")}})
	if err != nil || !errors.Is(outcomes[0].Err, ErrTaken) || !strings.Contains(outcomes[0].Err.Error(), "may be this image or another") {
		t.Errorf("%v %+v", err, outcomes)
	}
}

func TestCopyInterrupted(t *testing.T) {
	from, to := newMemory(map[string][]byte{"a": content(10)}), newMemory(nil)
	from.stall = true
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(20*time.Millisecond, func() { cancel(cause) })
	_, outcomes, err := copier(world{"from": from, "to": to}).Copy(ctx, Request{From: at("from", "a"), To: []Ref{at("to", "x")}})
	if !errors.Is(err, cause) || !errors.Is(outcomes[0].Err, cause) {
		t.Errorf("%v %+v", err, outcomes)
	}
}

func TestVerify(t *testing.T) {
	m := newMemory(map[string][]byte{"a": content(5 * testBlock)})
	c := copier(world{"m": m})
	if _, err := c.Verify(t.Context(), m, m.images["a"]); err != nil {
		t.Error(err)
	}
	m.flip = true
	if _, err := c.Verify(t.Context(), m, m.images["a"]); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "sha256") {
		t.Error(err)
	}
	i := m.images["a"]
	i.State = "queued"
	if _, err := c.Verify(t.Context(), m, i); !errors.Is(err, ErrNotReady) {
		t.Error(err)
	}
}
