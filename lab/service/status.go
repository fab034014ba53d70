//go:build linux

package service

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/ystackdev/ystack/lab/process"
)

// What State.State says.
const (
	Ready   = "ready"
	Unready = "not ready" // it runs, but does not do its work
	Dead    = "dead"      // it was started, and was not brought down
	Stopped = "stopped"
)

// State is how a service is.
type State struct {
	Name       string    `json:"name"`
	State      string    `json:"state"`
	PID        int       `json:"pid,omitempty"`
	Since      time.Time `json:"since,omitzero"`
	RSSMiB     uint64    `json:"rssMiB,omitempty"`
	CPUSeconds float64   `json:"cpuSeconds,omitempty"`
	Address    string    `json:"address,omitempty"`
	Log        string    `json:"log"`
}

// Status asks all services at once how they are.
func (l *Lab) Status(ctx context.Context, services []*Service) []State {
	states := make([]State, len(services))
	var group sync.WaitGroup
	for i, s := range services {
		group.Go(func() { states[i] = l.state(ctx, s) })
	}
	group.Wait()
	return states
}

func (l *Lab) state(ctx context.Context, s *Service) State {
	state := State{Name: s.Name, State: Stopped, Address: s.Address, Log: l.Log(s.Name)}
	r, known := l.Record(s.Name)
	if !known {
		return state
	}
	stat, err := process.StatOf(r.PID)
	if err != nil || !l.current(s, r) {
		state.State = Dead
		return state
	}
	state.State = Ready
	if l.ready(ctx, s) != nil {
		state.State = Unready
	}
	state.PID, state.Since = r.PID, r.Since
	state.RSSMiB = stat.Pages * uint64(os.Getpagesize()) >> 20
	state.CPUSeconds = float64(stat.Ticks) / 100 // USER_HZ is 100 on every architecture that Go knows
	return state
}
