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
	access, refresh  string
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

// current is the token for a call that is made now; empty for an anonymous one.
func (t *tokens) current(ctx context.Context) (string, error) {
	t.mutex.Lock()
	last := t.last
	t.mutex.Unlock()
	if last == nil {
		if t.byItself {
			return t.replace(ctx, "")
		}
		return "", nil
	}
	if t.now().Before(last.renewAt) {
		return last.access, nil
	}
	token, err := t.replace(ctx, last.access)
	// The platform is away for the moment; the token is good for a while yet.
	if err != nil && connect.CodeOf(err) != connect.CodeUnauthenticated && t.now().Before(last.expires) {
		return last.access, nil
	}
	return token, err
}

// replace is another token in place of one that is over or was refused; empty when there is none.
func (t *tokens) replace(ctx context.Context, refused string) (string, error) {
	t.mutex.Lock()
	if access(t.last) != refused || (t.last == nil && !t.byItself) {
		defer t.mutex.Unlock()
		return access(t.last), nil
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
		return access(mine.result), mine.err
	case <-ctx.Done():
		return "", ctx.Err()
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
	return &held{set.GetAccessToken(), set.GetRefreshToken(), expires.Add(-min(renewBefore, lifetime/5)), expires}
}

func access(h *held) string {
	if h == nil {
		return ""
	}
	return h.access
}
