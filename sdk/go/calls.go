package plinth

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"connectrpc.com/connect"

	"plinth.dev/go/gen/plinth/auth/v1/authv1connect"
)

const (
	attemptsMax    = 3
	backoffInitial = 50 * time.Millisecond
	backoffMax     = time.Second
	// A server that wants to be left alone for longer is not called again within this call.
	pushBackMax = 5 * time.Second
	// Retries are at most a tenth of the calls, and these at once.
	budgetRatio = 0.1
	budgetMax   = 10
)

// calls adds what every call wants: deadline, token, one more attempt with a new token, retries.
type calls struct {
	timeout time.Duration
	// Nil: all calls are anonymous.
	tokens  *tokens
	retries *retries
}

// They prove who calls by what they carry: an old token beside it would only be refused.
var withoutToken = map[string]bool{
	authv1connect.AuthServiceLoginProcedure:             true,
	authv1connect.AuthServiceRefreshProcedure:           true,
	authv1connect.AuthServiceLogoutProcedure:            true,
	authv1connect.AuthServiceIssueServiceTokenProcedure: true,
}

func (c *calls) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, c.timeout)
			defer cancel()
		}
		c.retries.began()
		own := request.Header().Get("Authorization") != ""
		replaced := false
		for attempt := 1; ; {
			var token *held
			if c.tokens != nil && !own && !withoutToken[request.Spec().Procedure] {
				var err error
				if token, err = c.tokens.current(ctx); err != nil {
					return nil, err
				}
				request.Header().Del("Authorization")
				if token != nil {
					request.Header().Set("Authorization", "Bearer "+token.access)
				}
			}
			response, err := next(ctx, request)
			if err == nil {
				return response, nil
			}
			// Nothing was carried out, whatever the RPC does.
			if connect.CodeOf(err) == connect.CodeUnauthenticated && token != nil && !replaced {
				replaced = true
				other, failed := c.tokens.replace(ctx, token)
				if failed != nil {
					return nil, failed
				}
				if other != nil {
					continue
				}
			}
			wait, again := c.retries.wait(request.Spec(), err, attempt)
			deadline, _ := ctx.Deadline()
			if !again || time.Until(deadline) <= wait {
				return nil, err
			}
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return nil, err
			}
			attempt++
		}
	}
}

// WrapStreamingClient adds the token. A stream is made once: its messages may be gone with the first attempt.
func (c *calls) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		if c.tokens != nil {
			// What is wrong with the session shows in the refusal of the call.
			if token, err := c.tokens.current(ctx); err == nil && token != nil {
				conn.RequestHeader().Set("Authorization", "Bearer "+token.access)
			}
		}
		return conn
	}
}

func (c *calls) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// retries decides whether a call that failed is made again.
type retries struct {
	mutex  sync.Mutex
	budget float64
}

func newRetries() *retries { return &retries{budget: budgetMax} }

func (r *retries) began() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.budget = min(budgetMax, r.budget+budgetRatio)
}

// wait before another attempt after the given one (from 1); false: there is none.
func (r *retries) wait(spec connect.Spec, err error, attempt int) (time.Duration, bool) {
	if attempt >= attemptsMax || spec.IdempotencyLevel == connect.IdempotencyUnknown {
		return 0, false
	}
	wish, said := pushBack(err)
	switch connect.CodeOf(err) {
	case connect.CodeUnavailable:
	case connect.CodeResourceExhausted:
		// Only a server that says when to come back has room for a call that it refused for want of room.
		if !said {
			return 0, false
		}
	default:
		return 0, false
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if wish < 0 || wish > pushBackMax || r.budget < 1 {
		return 0, false
	}
	r.budget--
	ceiling := min(backoffMax, backoffInitial<<(attempt-1))
	return wish + time.Duration(float64(ceiling)*(0.1+0.9*rand.Float64())), true
}

// pushBack is what the server says about another attempt; negative: none.
func pushBack(err error) (time.Duration, bool) {
	var text string
	if failed := asError(err); failed != nil {
		text = failed.Meta().Get("Grpc-Retry-Pushback-Ms")
	}
	if text == "" {
		return RetryAfter(err)
	}
	ms, wrong := strconv.ParseUint(text, 10, 32)
	if wrong != nil {
		return -1, true
	}
	return time.Duration(ms) * time.Millisecond, true
}
