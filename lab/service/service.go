//go:build linux

// Package service is what the lab's servers have in common: how one is
// described, and how many are brought up and down together.
package service

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// NodeName is the service that the others run inside of.
const NodeName = "node"

// Service is one server of the lab. Only Name and Command are required.
// Adding one is a file in package catalog and a line in its list.
type Service struct {
	Name    string
	Needs   []string // services that must be ready before this one is configured
	Address string   // where it answers, for people
	Host    bool     // runs on the machine itself instead of inside the node

	// Install: what must be there before anything is started.
	Packages map[string]string // Debian package: a file that tells that it is installed
	Unpack   []string          // Debian packages to unpack below cache, without installing them
	Tree     []string          // Debian packages to unpack into the tree, with all that they need
	Builds   []string          // what install.Targets compiles for it

	// Configure: Files are templates over the Lab, by path below etc. The
	// function is for what a template cannot say. Both run before each start.
	Files     map[string]string
	Configure func(context.Context, *Lab) error

	// Start: the command line.
	Command func(*Lab) []string

	// Ready tells, in one short attempt, whether it does its work. Seed then
	// gives it content; it runs on every up and must be quick when all is there.
	Ready func(context.Context, *Lab) error
	Seed  func(context.Context, *Lab) error

	// Stop runs before the process is told to end; Grace is how long it may take.
	Stop  func(context.Context, *Lab) error
	Grace time.Duration
}

// Select returns the services of that name, and all that they need, in an
// order in which each comes after what it needs.
func Select(all []*Service, names []string) ([]*Service, error) {
	s := selection{all: all, state: map[string]int{}}
	for _, name := range names {
		if err := s.add(name, nil); err != nil {
			return nil, err
		}
	}
	return s.order, nil
}

type selection struct {
	all   []*Service
	state map[string]int // 1: its needs are being added, 2: added
	order []*Service
}

func (s *selection) add(name string, path []string) error {
	path = append(path, name)
	switch s.state[name] {
	case 1:
		return fmt.Errorf("services need each other in a circle: %s", strings.Join(path, " → "))
	case 2:
		return nil
	}
	i := slices.IndexFunc(s.all, func(c *Service) bool { return c.Name == name })
	if i < 0 {
		return fmt.Errorf("no service is called %q; there are: %s", name, strings.Join(Names(s.all), ", "))
	}
	s.state[name] = 1
	for _, need := range s.all[i].Needs {
		if err := s.add(need, path); err != nil {
			return err
		}
	}
	s.state[name] = 2
	s.order = append(s.order, s.all[i])
	return nil
}

// Names of services, in their order.
func Names(services []*Service) []string {
	names := make([]string, len(services))
	for i, s := range services {
		names[i] = s.Name
	}
	return names
}
