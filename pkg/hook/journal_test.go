package hook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func testJournal(t *testing.T, dir string, limit int64) (*Journal, *Book) {
	t.Helper()
	book := newBook()
	j, err := openJournal(dir, book, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.close() })
	j.start(limit, func() []Event { return nil })
	return j, book
}

func acceptedEvent(id string) Event {
	return Event{Time: time.Unix(0, 0).UTC(), Kind: kindAccepted, Delivery: &Delivery{ID: id, Push: Push{Repository: "acme/hello", Branch: "main", After: commit(1)}, Jobs: []Job{{Directory: ".", Context: "ystack", State: Queued}}}}
}

// TestGroupSync: what many append at once is all there after a reopening, with fewer syncs.
func TestGroupSync(t *testing.T) {
	dir := t.TempDir()
	j, _ := testJournal(t, dir, 1<<30)
	const n = 500
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			if err := <-j.append(acceptedEvent(fmt.Sprint("d", i))); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if syncs := j.syncs.Load(); syncs < 1 || syncs > n {
		t.Errorf("%d syncs for %d events", syncs, n)
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	if err := <-j.append(acceptedEvent("late")); err == nil {
		t.Error("an event after the end is taken")
	}
	if _, book := testJournal(t, dir, 1<<30); len(book.order) != n {
		t.Errorf("%d of %d are there again", len(book.order), n)
	}
}

// TestTornJournal cuts the journal within its last event, and damages what is before.
func TestTornJournal(t *testing.T) {
	var whole []byte
	for _, id := range []string{"a", "b", "c"} {
		whole, _ = appendFrame(whole, acceptedEvent(id))
	}
	last := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1
	cuts := []int{last, last + 1, last + crcDigits, len(whole) - 2, len(whole) - 1, len(whole)}
	for cut := last + crcDigits + 1; cut < len(whole)-2; cut += 23 {
		cuts = append(cuts, cut)
	}
	for _, cut := range cuts {
		dir := t.TempDir()
		file := filepath.Join(dir, journalFile)
		if err := os.WriteFile(file, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		want := 2
		if cut == len(whole) {
			want = 3
		}
		j, book := testJournal(t, dir, 1<<30)
		if len(book.order) != want {
			t.Fatalf("cut at %d: %d deliveries, want %d", cut, len(book.order), want)
		}
		if err := <-j.append(acceptedEvent("d")); err != nil {
			t.Fatal(err)
		}
		_ = j.close()
		book, err := ReadBook(dir)
		if err != nil || len(book.order) != want+1 {
			t.Fatalf("cut at %d and written on: %d deliveries, %v", cut, len(book.order), err)
		}
	}
	for name, damaged := range map[string][]byte{
		"a changed byte": bytes.Replace(whole, []byte(`"b"`), []byte(`"x"`), 1),
		"zeros":          append(append(bytes.Clone(whole[:last]), make([]byte, 100)...), append([]byte("\n"), whole[last:]...)...),
		"a long line":    append(append(bytes.Clone(whole[:last]), bytes.Repeat([]byte("x"), maxLine+10)...), append([]byte("\n"), whole[last:]...)...),
	} {
		lines := 0
		book := newBook()
		end, bad, err := readFrames(bytes.NewReader(damaged), func(e Event) { book.apply(e); lines++ })
		if err != nil || bad != 1 || end != int64(len(damaged)) || book.byID["a"] == nil || book.byID["c"] == nil {
			t.Errorf("%s: %d events, %d damaged, end %d of %d, %v", name, lines, bad, end, len(damaged), err)
		}
	}
}

func TestJournalIsForOne(t *testing.T) {
	dir := t.TempDir()
	testJournal(t, dir, 1<<30)
	if _, err := openJournal(dir, newBook(), slog.Default()); !errors.Is(err, ErrLocked) {
		t.Errorf("a second process may write: %v", err)
	}
}

// TestFullDisk: once a write has failed, nothing is accepted any more, and nobody is told it was.
func TestFullDisk(t *testing.T) {
	s := newTestServer(t, testOptions(t.TempDir()), &fakeRunner{})
	if code := s.deliver(request(t, "a", "push", pushOf(1))); code != 202 {
		t.Fatal(code)
	}
	_ = s.journal.file.Close() // writes fail from now on
	for range 2 {
		if code := s.deliver(request(t, "b", "push", pushOf(2))); code != 503 {
			t.Errorf("answered %d", code)
		}
	}
	if s.journal.broken() == nil {
		t.Error("the journal does not know that it is broken")
	}
}

// TestCompaction: a journal that is written anew keeps what is needed and stays small.
func TestCompaction(t *testing.T) {
	dir := t.TempDir()
	o := testOptions(dir)
	o.Keep = 10
	runner := &fakeRunner{}
	s := newTestServer(t, o, runner)
	s.journal.base = 50 << 10
	s.journal.limit.Store(50 << 10)
	stop := s.start()
	const n = 400
	s.deliver(request(t, "other", "push", payload("acme/shop", "refs/heads/release/1", commit(0), commit(1))))
	for i := range n {
		if code := s.deliver(request(t, fmt.Sprint("d", i), "push", pushOf(i))); code != 202 {
			t.Fatal(code)
		}
	}
	eventually(t, "all ran", func() bool { return len(runner.commits()) == n+2 })
	stop()
	if size := s.journal.size.Load(); size > 200<<10 {
		t.Errorf("the journal has %d bytes", size)
	}
	last := s.assemble(ref{fmt.Sprint("d", n-1), 0})
	if last.Last != commit(n-1) {
		t.Errorf("the last run was %s", last.Last)
	}
	_ = s.Close()
	book, err := ReadBook(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(book.order) >= n || book.byID["other"] == nil || book.byID[fmt.Sprint("d", n-1)] == nil {
		t.Errorf("%d are remembered; the last of the other line: %v", len(book.order), book.byID["other"])
	}
	for _, d := range book.order {
		if !d.Over() {
			t.Errorf("%s is %s", d.ID, d.State())
		}
	}
	parts, _ := filepath.Glob(filepath.Join(dir, partFiles))
	if len(parts) > 0 {
		t.Errorf("left over: %v", parts)
	}
}

// FuzzFrames: whatever the file holds, reading ends, whole events are found, and what is written
// after mending can be read.
func FuzzFrames(f *testing.F) {
	whole, _ := appendFrame(nil, acceptedEvent("a"))
	whole, _ = appendFrame(whole, Event{Kind: kindMoved, ID: "a", State: Running})
	f.Add(whole)
	f.Add(whole[:len(whole)-3])
	f.Add([]byte("00000000 {}\n\n\x00\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		book, before := newBook(), 0
		end, _, err := readFrames(bytes.NewReader(data), func(e Event) { book.apply(e); before++ })
		if err != nil || end > int64(len(data)) || end > 0 && data[end-1] != '\n' || bytes.IndexByte(data[end:], '\n') >= 0 {
			t.Fatalf("ends at %d of %d: %v", end, len(data), err)
		}
		mended, _ := appendFrame(bytes.Clone(data[:end]), acceptedEvent("next"))
		after := 0
		if _, _, err := readFrames(bytes.NewReader(mended), func(Event) { after++ }); err != nil || after != before+1 {
			t.Fatalf("%d events, %d after one more: %v", before, after, err)
		}
		for _, d := range book.Deliveries() {
			_ = d.State()
		}
	})
}

func TestFindDelivery(t *testing.T) {
	book := newBook()
	for _, id := range []string{"abc1", "abc2", "def"} {
		book.apply(acceptedEvent(id))
	}
	for name, want := range map[string]string{"abc1": "abc1", "d": "def", "abc": "begins 2", "x": "no such delivery", "": "no such delivery"} {
		d, err := book.Find(name)
		if got := d.ID + fmt.Sprint(err); !strings.Contains(got, want) {
			t.Errorf("%q: %s", name, got)
		}
	}
}
