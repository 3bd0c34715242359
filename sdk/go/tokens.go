package plinth

import (
	"context"
	"sync"
	"time"

	"connectrpc.com/connect"

	authv1 "plinth.dev/go/gen/plinth/auth/v1"
)

// A token is renewed so long before it is over, but in the last fifth of its life only.
const renewBefore = 30 * time.Second

// held is a pair of tokens with its times by this machine's clock, counted from the answer's arrival.
type held struct {
	access, refresh string
	// Whose it is: a call is never made again as somebody else. Empty for service accounts.
	session          string
	renewAt, expires time.Time
}

// tokens is where the tokens of calls come from. One renewal is made at a time, for all who want it: a refresh token is used once.
type tokens struct {
	now     func() time.Time
	timeout time.Duration
	fetch   func(context.Context, *held) (*authv1.TokenSet, error)
	// A service account's first token is fetched without anybody signing in.
	byItself bool

	mutex    sync.Mutex
	last     *held
	renewing *renewal
}

type renewal struct {
	done   chan struct{}
	result *held
	err    error
}

func (t *tokens) put(set *authv1.TokenSet) {
	next := t.timed(set)
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.last = next
}

func (t *tokens) drop() *held {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	last := t.last
	t.last = nil
	return last
}

// current is the token for a call that is made now; nil for an anonymous one.
func (t *tokens) current(ctx context.Context) (*held, error) {
	t.mutex.Lock()
	last := t.last
	t.mutex.Unlock()
	if last == nil {
		if t.byItself {
			return t.replace(ctx, nil)
		}
		return nil, nil
	}
	if t.now().Before(last.renewAt) {
		return last, nil
	}
	token, err := t.replace(ctx, last)
	// The platform is away for the moment; the token is good for a while yet.
	if err != nil && connect.CodeOf(err) != connect.CodeUnauthenticated && t.now().Before(last.expires) {
		return last, nil
	}
	return token, err
}

// replace is another token of the same session in place of one that is over or was refused; nil when there is none.
func (t *tokens) replace(ctx context.Context, refused *held) (*held, error) {
	t.mutex.Lock()
	if t.last != refused {
		defer t.mutex.Unlock()
		if t.last != nil && refused != nil && t.last.session != refused.session {
			return nil, nil
		}
		return t.last, nil
	}
	if t.renewing == nil {
		t.renewing = &renewal{done: make(chan struct{})}
		// Others may want it after the first who did has given up.
		go t.renew(context.WithoutCancel(ctx), t.renewing, t.last)
	}
	mine := t.renewing
	t.mutex.Unlock()
	select {
	case <-mine.done:
		return mine.result, mine.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (t *tokens) renew(ctx context.Context, mine *renewal, from *held) {
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	set, err := t.fetch(ctx, from)
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if err != nil {
		mine.err = err
	} else {
		mine.result = t.timed(set)
	}
	// Unless somebody signed out or in meanwhile.
	if t.last == from && (err == nil || connect.CodeOf(err) == connect.CodeUnauthenticated) {
		t.last = mine.result
	}
	t.renewing = nil
	close(mine.done)
}

func (t *tokens) timed(set *authv1.TokenSet) *held {
	lifetime := time.Duration(set.GetExpiresIn()) * time.Second
	expires := t.now().Add(lifetime)
	return &held{
		access: set.GetAccessToken(), refresh: set.GetRefreshToken(), session: set.GetSessionId(),
		renewAt: expires.Add(-min(renewBefore, lifetime/5)), expires: expires,
	}
}
