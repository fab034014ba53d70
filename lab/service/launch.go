//go:build linux

package service

import (
	"os"

	"github.com/ystackdev/ystack/lab/process"
)

// launcher starts the lab's own program in the place of the service, which
// records itself and then becomes it; see Launch.
func (l *Lab) launcher(s *Service) []string {
	return []string{l.Bin("lab"), "launch", s.Name}
}

// Launch turns the calling process into the service. It joins the lab's
// control group and writes its own record before that, so that no crash of
// the program that started it leaves a process nobody knows.
func (l *Lab) Launch(s *Service) error {
	group, err := l.Cgroup()
	if err != nil {
		return err
	}
	if err := group.Join(); err != nil {
		return err
	}
	argv, holder := s.Command(l), process.Record{}
	full := argv
	if !s.Host {
		holder, _ = l.Record(NodeName)
		if full, err = l.Inside("/", argv); err != nil {
			return err
		}
	}
	record, err := process.Self(argv, holder.ID())
	if err != nil {
		return err
	}
	if err := record.Write(l.recordFile(s.Name)); err != nil {
		return err
	}
	return process.Become(full, os.Environ())
}
