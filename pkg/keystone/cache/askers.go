package cache

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	// fresh is how long a token is beyond doubt after Keystone made it.
	fresh = 2 * time.Second
	// recheck is how long it is beyond doubt after Keystone confirmed it.
	recheck = 10 * time.Second
	// maxAskers bounds the list; the oldest half goes.
	maxAskers = 32 << 10
)

// checked stands in the list for Keystone having confirmed the token.
const checked = "+"

// Returning notes that a process was given a token, and reports whether it was given
// the same one before and Keystone has not been asked about it lately. kubectl runs a
// credential plugin once, and again if the API server refused what it got; but it does
// not say so.
func (s *Store) Returning(key, asker string, e Entry, now time.Time) bool {
	if s.off() || asker == "" || strings.ContainsAny(asker, " \n") {
		return false
	}
	list := s.askers(key)
	known, confirmed := false, time.Time{}
	for line := range bytes.Lines(list) {
		who, when, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		known = known || who == asker
		if sec, err := strconv.ParseInt(when, 10, 64); err == nil && who == checked {
			confirmed = time.Unix(sec, 0)
		}
	}
	if !known {
		s.append(key, list, asker, now)
		return false
	}
	return now.Sub(e.Got) >= fresh && now.Sub(confirmed) >= recheck
}

// Confirmed notes that Keystone was asked about the token, and that it will do.
func (s *Store) Confirmed(key string, now time.Time) {
	if !s.off() {
		s.append(key, s.askers(key), checked, now)
	}
}

func (s *Store) askers(key string) []byte {
	list, _ := readPrivate(s.path(key, askersFile))
	return list
}

// append adds a line; a short write to a file opened for appending is not torn by
// others. A list that cannot be written only means that nobody returns.
func (s *Store) append(key string, list []byte, who string, now time.Time) {
	line := fmt.Sprintf("%s %d\n", who, now.Unix())
	if len(list) > maxAskers {
		half := list[len(list)/2:]
		half = half[bytes.IndexByte(half, '\n')+1:]
		_ = s.write(key, askersFile, append(half, line...))
		return
	}
	f, err := os.OpenFile(s.path(key, askersFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	_, _ = f.WriteString(line)
}
