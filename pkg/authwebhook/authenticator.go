package authwebhook

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// Keystone is what an [Authenticator] needs of a [keystone.Client].
type Keystone interface {
	Validate(ctx context.Context, id keystone.Secret) (*keystone.Token, error)
}

// Verdict is what is known of a token.
type Verdict struct {
	Accepted bool
	Identity keystone.Identity
	Project  string // the id of the token's project, if it has one
	// Reason is for people; a token that Keystone does not know needs none.
	Reason string
}

// Failures of [Authenticator.Review]. They are no refusals: whether the token is good is
// not known.
var (
	errBusy   = errors.New("too many unknown tokens wait for Keystone's answer; known ones are not affected")
	errClosed = errors.New("the webhook is shutting down")
)

// Authenticator answers who a token belongs to, and with a policy file also what its
// owner may do.
type Authenticator struct {
	keystone   Keystone
	opts       Options
	log        *slog.Logger
	metrics    *metrics
	health     health
	now        func() time.Time
	authorizer *authorizer // nil without a policy file

	secret []byte
	good   *lru[accepted]
	bad    *lru[Verdict]
	flight singleflight.Group
	limit  *limit
	// refusals has as many tokens as Keystone may be asked about bad ones right now.
	refusals *rate.Limiter

	ctx    context.Context // of requests to Keystone, which several reviews may wait for
	cancel context.CancelFunc
	mu     sync.Mutex // orders beginning a request and closing
	wg     sync.WaitGroup
}

// accepted is a verdict with the time of Keystone's word on it.
type accepted struct {
	verdict Verdict
	asked   time.Time // when Keystone said so
	next    time.Time // when to ask again in the background
	until   time.Time // when the token expires or must be learnt anew
}

// New makes an Authenticator. It must be closed.
func New(k Keystone, o Options) (*Authenticator, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	secret := make([]byte, sha256.Size)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	a := &Authenticator{
		keystone: k, opts: o, log: o.Log, metrics: newMetrics(), now: time.Now, secret: secret,
		good: newLRU[accepted](o.CacheSize), bad: newLRU[Verdict](o.CacheSize),
		limit:    newLimit(o.Concurrency, o.Queue),
		refusals: rate.NewLimiter(rate.Limit(o.BadRate), o.BadBurst),
	}
	if o.PolicyFile != "" {
		var err error
		if a.authorizer, err = newAuthorizer(o.PolicyFile, o.Log); err != nil {
			return nil, err
		}
	}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	return a, nil
}

// Close ends the requests to Keystone that are under way.
func (a *Authenticator) Close() {
	a.mu.Lock()
	a.cancel()
	a.mu.Unlock()
	a.wg.Wait()
}

// begin counts a request that Close waits for.
func (a *Authenticator) begin() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ctx.Err() != nil {
		return false
	}
	a.wg.Add(1)
	return true
}

// Review says who the token belongs to. An error means that nobody can say now.
func (a *Authenticator) Review(ctx context.Context, token string) (Verdict, error) {
	now := a.now()
	if !keystoneToken(token, a.opts.JWS, now) {
		a.metrics.shape.Add(1)
		return Verdict{}, nil
	}
	k := a.key(token)
	if known, ok := a.good.get(k, now); ok && now.Sub(known.asked) < a.opts.recheckEvery() {
		a.metrics.hitGood.Add(1)
		if !now.Before(known.next) {
			a.recheck(k, token, now)
		}
		return known.verdict, nil
	}
	if verdict, ok := a.bad.get(k, now); ok {
		a.metrics.hitBad.Add(1)
		return verdict, nil
	}
	a.metrics.misses.Add(1)
	return a.join(ctx, k, token)
}

// key is what a token is remembered by.
func (a *Authenticator) key(token string) (k key) {
	mac := hmac.New(sha256.New, a.secret)
	mac.Write([]byte(token))
	mac.Sum(k[:0])
	return k
}

// fingerprint tells tokens apart in the log of one process.
func (k key) fingerprint() string { return hex.EncodeToString(k[:6]) }

// join waits for the one request about this token, which goes on when this review's
// caller has gone: others may wait for it, and the answer is worth remembering.
func (a *Authenticator) join(ctx context.Context, k key, token string) (Verdict, error) {
	select {
	case r := <-a.request(k, token):
		if r.Err != nil {
			return Verdict{}, r.Err
		}
		return r.Val.(Verdict), nil
	case <-ctx.Done():
		return Verdict{}, context.Cause(ctx)
	}
}

func (a *Authenticator) request(k key, token string) <-chan singleflight.Result {
	return a.flight.DoChan(string(k[:]), func() (any, error) {
		if !a.begin() {
			return nil, errClosed
		}
		defer a.wg.Done()
		return a.ask(k, token)
	})
}

// recheck asks again in good time, so that nobody waits for it, about a token that is in
// use. Until Keystone answers, or its last word gets too old, that one holds.
func (a *Authenticator) recheck(k key, token string, now time.Time) {
	if a.limit.inFlight() == cap(a.limit.slots) {
		return // the next review will try; those that wait for an answer come first
	}
	mine := false
	a.good.update(k, func(known *accepted) {
		if mine = !now.Before(known.next); mine {
			known.next = now.Add(a.opts.recheckEvery() / 8)
		}
	})
	if mine {
		a.request(k, token)
	}
}

// ask asks Keystone and remembers what it says.
func (a *Authenticator) ask(k key, token string) (verdict Verdict, err error) {
	defer func() {
		// One odd token must not take the login of all others away.
		if p := recover(); p != nil {
			a.log.Error("panic while validating a token", "token", k.fingerprint(), "panic", fmt.Sprintf("%T", p))
			err = fmt.Errorf("internal error while validating a token")
		}
	}()
	now := a.now()
	known, again := a.good.get(k, now)
	if again && now.Sub(known.asked) < a.opts.recheckEvery()/2 {
		return known.verdict, nil // answered between the look into the cache and here
	}
	// Looked at twice: many tokens may wait while the first turn out to be bad.
	if !again && a.exhausted(now) {
		return Verdict{}, errBusy
	}
	if err := a.wait(); err != nil {
		a.metrics.keystone.add(resultBusy)
		return Verdict{}, err
	}
	defer a.limit.release()
	if !again && a.exhausted(a.now()) {
		return Verdict{}, errBusy
	}
	t, err := a.validate(keystone.Secret(token))
	return a.learn(k, t, err)
}

// exhausted tells whether Keystone has been asked about too many bad tokens lately.
func (a *Authenticator) exhausted(now time.Time) bool {
	if a.refusals.TokensAt(now) >= 1 {
		return false
	}
	a.metrics.keystone.add(resultBusy)
	return true
}

func (a *Authenticator) wait() error {
	ctx, cancel := context.WithTimeout(a.ctx, a.opts.Timeout)
	defer cancel()
	err := a.limit.acquire(ctx)
	if a.ctx.Err() != nil {
		if err == nil {
			a.limit.release()
		}
		return errClosed
	}
	return err
}

func (a *Authenticator) validate(id keystone.Secret) (*keystone.Token, error) {
	ctx, cancel := context.WithTimeout(a.ctx, a.opts.Timeout)
	defer cancel()
	start := a.now()
	t, err := a.keystone.Validate(ctx, id)
	a.metrics.keystoneLatency.observe(a.now().Sub(start))
	return t, err
}

// learn turns Keystone's answer into a verdict and remembers it; what is no answer is
// not remembered, and does not touch what is.
func (a *Authenticator) learn(k key, t *keystone.Token, err error) (Verdict, error) {
	now := a.now()
	if err == nil && (t.User.ID == "" || t.User.Name == "" || t.Expires.IsZero()) {
		err = fmt.Errorf("%w: it tells neither user nor expiry of a token", keystone.ErrServer)
	}
	switch {
	case err == nil:
		a.metrics.keystone.add(resultAccepted)
		a.reached(now)
		return a.judge(k, t, now), nil
	case refused(err):
		a.metrics.keystone.add(resultRefused)
		a.reached(now)
		a.refusals.ReserveN(now, 1) // unlike AllowN it counts those that were asked about meanwhile
		return a.refuse(k, Verdict{}, "Keystone does not know the token, or it has expired or been revoked"), nil
	case errors.Is(err, keystone.ErrForbidden):
		a.metrics.keystone.add(resultForbidden)
		a.reached(now)
		a.forbidden(err)
		return Verdict{}, err
	}
	a.metrics.keystone.add(resultError)
	a.unreached(now, err)
	return Verdict{}, err
}

// refused are the errors by which Keystone says that a token is bad.
func refused(err error) bool { return keystone.Refused(err) || errors.Is(err, keystone.ErrNotFound) }

func (a *Authenticator) judge(k key, t *keystone.Token, now time.Time) Verdict {
	if !now.Before(t.Expires) {
		return a.refuse(k, Verdict{}, "the token has expired; if it is new, compare the clocks of this machine and of Keystone")
	}
	if !a.allowed(t.User.Domain) {
		v := Verdict{Reason: fmt.Sprintf("users of the Keystone domain %q are not let in (--allowed-domain)", t.User.Domain.Name)}
		return a.refuse(k, v, v.Reason)
	}
	id, err := t.Identity(a.opts.Prefix)
	if err != nil {
		v := Verdict{Reason: err.Error()}
		return a.refuse(k, v, v.Reason)
	}
	return a.accept(k, t, id, now)
}

func (a *Authenticator) allowed(d keystone.Domain) bool {
	return len(a.opts.Domains) == 0 || slices.Contains(a.opts.Domains, d.ID) || slices.Contains(a.opts.Domains, d.Name)
}

func (a *Authenticator) accept(k key, t *keystone.Token, id keystone.Identity, now time.Time) Verdict {
	known, again := a.good.get(k, now)
	until := known.until
	if !again {
		until = now.Add(a.opts.TokenTTL)
		a.log.Info("token accepted", "token", k.fingerprint(), "user", id.Username, "uid", id.UID, "groups", id.Groups, "expires", t.Expires)
	}
	if t.Expires.Before(until) {
		until = t.Expires
	}
	v := Verdict{Accepted: true, Identity: id}
	if t.Project != nil {
		v.Project = t.Project.ID
	}
	a.bad.remove(k)
	a.good.put(k, accepted{verdict: v, asked: now, next: now.Add(a.opts.recheckEvery() * 3 / 4), until: until}, until)
	return v
}

func (a *Authenticator) refuse(k key, v Verdict, why string) Verdict {
	a.good.remove(k)
	a.bad.put(k, v, a.now().Add(a.opts.BadTTL))
	a.log.Info("token refused", "token", k.fingerprint(), "reason", why)
	return v
}
