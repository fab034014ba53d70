package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// blockSize is a registry's chunk: large enough that a request for each costs little.
	blockSize = 6 << 20
	// blockCount bounds the memory of a copy, whatever the number of destinations: one
	// block is read, one held back, one written, and one lets their speeds vary.
	blockCount = 4
)

// pump reads a source once, into a ring of blocks that all sinks take their turn on.
type pump struct {
	limit time.Duration // for which a sink may keep the others waiting
	size  int           // of a block

	mu      sync.Mutex
	changed *sync.Cond
	ring    [blockCount][]byte
	filled  int64 // blocks read so far
	whole   bool  // all has been read; what is left is to check it
	end     error // why there will be no more blocks: io.EOF when all is well
	sums    Digests
	sinks   map[*sink]bool
}

// sink is one reader of the ring.
type sink struct {
	pump    *pump
	at      int64 // the block in use, or to be used next
	using   bool
	waiting bool // for a block
	hasher  bool // does not count as somebody to read for
	// stop ends a sink that keeps the others waiting.
	stop  context.CancelCauseFunc
	taken func(n int) // progress
}

func newPump(total int64, limit time.Duration, block int) *pump {
	p := &pump{limit: limit, size: block, sinks: map[*sink]bool{}}
	if total >= 0 && total < int64(block) {
		p.size = int(total) + 1 // one more, to see the end
	}
	p.changed = sync.NewCond(&p.mu)
	return p
}

// add is for before the reading begins.
func (p *pump) add(s *sink) *sink {
	s.pump = p
	p.sinks[s] = true
	return s
}

func (p *pump) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changed.Broadcast()
}

// next gives back the block in use and waits for the one after.
func (s *sink) next(ctx context.Context) ([]byte, error) {
	p := s.pump
	defer context.AfterFunc(ctx, p.wake)()
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.using {
		s.using = false
		s.at++
		p.changed.Broadcast()
	}
	for !s.ready() && p.end == nil && ctx.Err() == nil && (!p.whole || !s.hasher) {
		s.waiting = true
		p.changed.Wait()
	}
	s.waiting = false
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case s.ready(): // even if more will not come: who can go on later wants it
	case p.end != nil && !errors.Is(p.end, io.EOF):
		return nil, p.end
	case p.filled == s.at:
		return nil, io.EOF
	}
	s.using = true
	data := p.ring[s.at%blockCount]
	if s.taken != nil {
		s.taken(len(data))
	}
	return data, nil
}

// ready tells whether there is a block. Destinations get the last one only after the
// digests were found right: what a server has not got to its end, it does not keep.
func (s *sink) ready() bool {
	if s.hasher {
		return s.at < s.pump.filled
	}
	return s.at < s.pump.filled-1
}

func (s *sink) failure() error {
	s.pump.mu.Lock()
	defer s.pump.mu.Unlock()
	return s.pump.end
}

// leave is for a sink that needs no more blocks.
func (s *sink) leave() {
	s.pump.mu.Lock()
	defer s.pump.mu.Unlock()
	delete(s.pump.sinks, s)
	s.pump.changed.Broadcast()
}

// errNobody ends the reading when all destinations have failed.
var errNobody = errors.New("no destination is left")

// run reads the source to its end, has it checked and then lets the sinks know. When
// summed returns, all hashers have come to the end of what was read.
func (p *pump) run(ctx context.Context, source io.Reader, summed func() (Digests, error)) error {
	err := p.read(ctx, source)
	p.mu.Lock()
	p.whole = true
	if err != nil {
		p.end = err
	}
	p.changed.Broadcast()
	p.mu.Unlock()
	sums, wrong := summed()
	if err == nil {
		err = wrong
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sums, p.end = sums, err
	if err == nil {
		p.end = io.EOF
	}
	p.changed.Broadcast()
	return err
}

func (p *pump) read(ctx context.Context, source io.Reader) error {
	for {
		slot, err := p.room(ctx)
		if err != nil {
			return err
		}
		n, err := io.ReadFull(source, slot[:p.size])
		if n > 0 {
			p.publish(slot[:n])
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// room waits until all sinks are done with the oldest block, and is its memory.
func (p *pump) room(ctx context.Context) ([]byte, error) {
	defer context.AfterFunc(ctx, p.wake)()
	tick := time.AfterFunc(p.limit, p.stopSlowest)
	defer tick.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.filled-p.slowest() >= blockCount && ctx.Err() == nil {
		p.changed.Wait()
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if !p.wanted() {
		return nil, errNobody
	}
	slot := &p.ring[p.filled%blockCount]
	if *slot == nil {
		*slot = make([]byte, p.size)
	}
	return (*slot)[:p.size], nil
}

func (p *pump) slowest() int64 {
	at := p.filled
	for s := range p.sinks {
		at = min(at, s.at)
	}
	return at
}

func (p *pump) wanted() bool {
	for s := range p.sinks {
		if !s.hasher {
			return true
		}
	}
	return false
}

func (p *pump) stopSlowest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	slowest := p.slowest()
	for s := range p.sinks {
		if s.at == slowest && !s.waiting && s.stop != nil {
			s.stop(fmt.Errorf("%w for %s", ErrStalled, p.limit))
		}
	}
}

func (p *pump) publish(data []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ring[p.filled%blockCount] = data
	p.filled++
	p.changed.Broadcast()
}
