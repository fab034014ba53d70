package cache

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// version changes when older readers would misread a file.
const version = 1

// errUnusable is why a file is as good as none; nobody is told.
var errUnusable = errors.New("not a cached token")

// Entry is a token, and what its next user has to know without asking Keystone.
type Entry struct {
	// Token is the token itself. Formatting an Entry leaves it out.
	Token string
	// Got is when this machine got it, by its own clock.
	Got     time.Time
	Expires time.Time
	// Pin says whose token it is and what for, by openstackclient's names of the
	// options. It holds no secret.
	Pin map[string]string
}

// Format keeps the token out of messages, whatever the verb.
func (e Entry) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "{token until %s}", e.Expires.Format(time.RFC3339))
}

// RenewAt is when a new token is due: early enough that a request that is under way
// does not outlive the old one.
func (e Entry) RenewAt() time.Time {
	margin := min(e.Expires.Sub(e.Got)/10, 2*time.Minute)
	return e.Expires.Add(-max(margin, 0))
}

// file is how an Entry is written.
type file struct {
	Version int               `json:"version"`
	Key     string            `json:"key"`
	Token   string            `json:"token"`
	Got     time.Time         `json:"got"`
	Expires time.Time         `json:"expires"`
	Pin     map[string]string `json:"pin,omitempty"`
}

func encode(key string, e Entry) ([]byte, error) {
	return json.Marshal(file{version, key, e.Token, e.Got.UTC().Round(0), e.Expires.UTC(), e.Pin})
}

// decode refuses what encode would not have written for this key.
func decode(key string, data []byte) (Entry, error) {
	var f file
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return Entry{}, errUnusable
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Entry{}, errUnusable
	}
	if f.Version != version || f.Key != key || !header(f.Token) || f.Got.IsZero() || !f.Expires.After(f.Got) {
		return Entry{}, errUnusable
	}
	return Entry{f.Token, f.Got, f.Expires, f.Pin}, nil
}

// header reports whether a token can be sent as an HTTP header.
func header(token string) bool {
	for i := range len(token) {
		if token[i] <= ' ' || token[i] > '~' {
			return false
		}
	}
	return token != "" && len(token) <= maxFile
}
