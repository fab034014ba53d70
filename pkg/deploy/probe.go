package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Probe asks a machine whether the application on it is well: over HTTP if there is a
// Path, else by a TCP connection.
type Probe struct {
	Port int32
	Path string
	// Limit is for how long an address may not be well before Wait gives up; 0 stands
	// for ten minutes: a machine of metal tests its memory first.
	Limit time.Duration
	// Poll is the time between two questions; 0 stands for a second.
	Poll time.Duration
}

// probeLimit is how long one question may take.
const probeLimit = 5 * time.Second

// URL is where the application answers at an address.
func (p Probe) URL(address string) string {
	host := net.JoinHostPort(address, strconv.Itoa(int(p.Port)))
	if p.Path == "" {
		return "tcp://" + host
	}
	return "http://" + host + p.Path
}

// Ask asks once.
func (p Probe) Ask(ctx context.Context, address string) error {
	if address == "" { // which would be this machine
		return errNoAddress
	}
	ctx, cancel := context.WithTimeoutCause(ctx, probeLimit, errProbe)
	defer cancel()
	err := p.ask(ctx, address)
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", p.URL(address), reason(ctx, err))
}

func (p Probe) ask(ctx context.Context, address string) error {
	if p.Path == "" {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(address, strconv.Itoa(int(p.Port))))
		if err != nil {
			return err
		}
		return conn.Close()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL(address), nil)
	if err != nil {
		return err
	}
	// What answers is meant to be the machine itself: no proxy, no connection of the one
	// before it, and a redirect is an answer.
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode < 400 {
		return nil
	}
	body, _ := io.ReadAll(io.LimitReader(response.Body, 200))
	return fmt.Errorf("it answers %d, %s", response.StatusCode, strings.Join(strings.Fields(strings.ToValidUTF8(string(body), "")), " "))
}

// Wait asks until the address is well. Failing to be within the limit is an error with
// the last cause; tell hears each cause that differs from the one before, and may be nil.
func (p Probe) Wait(ctx context.Context, address string, tell func(cause string)) error {
	limit, poll := p.Limit, p.Poll
	if limit == 0 {
		limit = 10 * time.Minute
	}
	if poll == 0 {
		poll = time.Second
	}
	over := time.NewTimer(limit)
	defer over.Stop()
	last := ""
	for {
		err := p.Ask(ctx, address)
		if err == nil {
			return nil
		}
		if cause := err.Error(); cause != last && tell != nil {
			last = cause
			tell(cause)
		}
		select {
		case <-time.After(poll):
		case <-over.C:
			return fmt.Errorf("not well within %s: %w", limit, err)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// errProbe is the cause when a question ends a request by its own limit.
var errProbe = errors.New("no answer within " + probeLimit.String())

var errNoAddress = errors.New("it has no address to be asked at")

// reason is the part of an error that people can do something about. Causes are kept as
// text only where errors.Is would take our own limit for the caller's.
func reason(ctx context.Context, err error) error {
	var request *url.Error
	switch {
	case errors.Is(context.Cause(ctx), errProbe):
		return errProbe
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("connection refused")
	case errors.Is(err, syscall.EHOSTUNREACH):
		return errors.New("no route to the host")
	case errors.As(err, &request):
		return request.Err
	}
	return err
}
