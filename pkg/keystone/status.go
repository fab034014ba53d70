package keystone

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// message is Keystone's own text for a failure, safe to show: without the secrets of
// the request, should it repeat one.
func (a *answer) message(k call) string {
	var said struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(a.body, &said) != nil {
		return ""
	}
	text := said.Error.Message
	for _, secret := range append([]Secret{k.token, k.subject, k.receipt}, k.secrets...) {
		const shortest = 3 // shorter ones would only garble the text
		if len(secret) >= shortest {
			text = strings.ReplaceAll(text, secret.Reveal(), hidden)
		}
	}
	return plain(text)
}

// requestID is how the cloud's operators find a request in their logs.
func requestID(a *answer) string {
	id := a.header.Get("X-Openstack-Request-Id")
	if !strings.HasPrefix(id, "req-") {
		return ""
	}
	return " (" + clip(plain(id)) + ")"
}

// explainStatus words an answer that is no success, where it means the same whatever
// was asked.
func (c *Client) explainStatus(a *answer, k call) error {
	said := a.message(k)
	if said != "" {
		said = ": " + said
	}
	fail := func(kind error, format string, args ...any) error {
		return &kindError{kind, "cannot " + k.doing + ": " + fmt.Sprintf(format, args...) + requestID(a)}
	}
	switch {
	case a.status == http.StatusUnauthorized:
		return fail(ErrUnauthorized, "Keystone %s does not accept the token (expired or revoked?)%s; log in again", c.where(), said)
	case a.status == http.StatusForbidden:
		return fail(ErrForbidden, "Keystone %s forbids it%s; ask for a role that allows it", c.where(), said)
	case a.status == http.StatusNotFound:
		return fail(ErrNotFound, "Keystone %s does not find it%s", c.where(), said)
	case a.status == http.StatusConflict:
		return fail(ErrConflict, "at Keystone %s it exists already%s", c.where(), said)
	case a.status == http.StatusTooManyRequests:
		return fail(ErrServer, "Keystone %s has too many requests (HTTP 429)%s; try again later", c.where(), said)
	case a.status >= 500:
		return fail(ErrServer, "Keystone %s answered with HTTP %d%s; try again, or tell its operators", c.where(), a.status, said)
	case a.status >= 400:
		return fail(ErrRejected, "Keystone %s answered with HTTP %d%s", c.where(), a.status, said)
	case a.status >= 300:
		return fail(ErrServer, "%s sends us elsewhere (HTTP %d), where credentials are not taken; write the address it means in auth_url", c.where(), a.status)
	}
	return c.strange(a, k, "an answer of another kind")
}

// strange is for answers that Keystone does not give.
func (c *Client) strange(a *answer, k call, what string) error {
	return &kindError{ErrServer, fmt.Sprintf("cannot %s: %s answered with HTTP %d and %s; is it a Keystone, and nothing in between?%s",
		k.doing, c.where(), a.status, what, requestID(a))}
}

// skew is how far Keystone's clock is ahead of ours; it tells only seconds.
func (a *answer) skew() (time.Duration, bool) {
	theirs, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		return 0, false
	}
	return theirs.Sub(a.at).Round(time.Second), true
}

// skewText is a remark on clocks that differ by more than what is harmless, or "".
func (a *answer) skewText(harmless time.Duration) string {
	skew, known := a.skew()
	if !known || skew.Abs() <= harmless {
		return ""
	}
	side := "behind"
	if skew < 0 {
		side = "ahead of"
	}
	return fmt.Sprintf("this machine's clock is %s %s Keystone's", skew.Abs(), side)
}
