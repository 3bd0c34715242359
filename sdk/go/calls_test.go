package plinth_test

import (
	"cmp"
	"context"
	"errors"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"

	"plinth.dev/go"
	identityv1 "plinth.dev/go/gen/plinth/identity/v1"
	"plinth.dev/go/gen/plinth/identity/v1/identityv1connect"
)

// failing fails the first calls, which the platform would not do when a test wants it.
type failing struct {
	identityv1connect.UnimplementedIdentityServiceHandler
	failures atomic.Int32
	calls    atomic.Int32
	pushBack string
}

func (f *failing) answer() (*connect.Response[identityv1.User], error) {
	f.calls.Add(1)
	if f.failures.Add(-1) < 0 {
		return connect.NewResponse(&identityv1.User{}), nil
	}
	err := connect.NewError(connect.CodeUnavailable, errors.New("away"))
	if f.pushBack != "" {
		err.Meta().Set("grpc-retry-pushback-ms", f.pushBack)
	}
	return nil, err
}

func (f *failing) GetUser(context.Context, *connect.Request[identityv1.GetUserRequest]) (*connect.Response[identityv1.User], error) {
	return f.answer()
}

func (f *failing) CreateUser(context.Context, *connect.Request[identityv1.CreateUserRequest]) (*connect.Response[identityv1.User], error) {
	return f.answer()
}

func TestCallsAreMadeAgainWhereTheProtoAllowsIt(t *testing.T) {
	for _, each := range []struct {
		name     string
		create   bool
		failures int32
		pushBack string
		calls    int32
		code     connect.Code
		timeout  time.Duration
	}{
		{name: "two failures", failures: 2, calls: 3},
		{name: "three failures", failures: 3, calls: 3, code: connect.CodeUnavailable},
		{name: "soon again", failures: 1, pushBack: "20", calls: 2},
		{name: "not again", failures: 1, pushBack: "never", calls: 1, code: connect.CodeUnavailable},
		{name: "later than the deadline", failures: 1, pushBack: "4900", calls: 1, code: connect.CodeUnavailable, timeout: 4500 * time.Millisecond},
		{name: "an RPC with side effects", create: true, failures: 1, calls: 1, code: connect.CodeUnavailable},
	} {
		t.Run(each.name, func(t *testing.T) {
			handler := &failing{pushBack: each.pushBack}
			handler.failures.Store(each.failures)
			_, serve := identityv1connect.NewIdentityServiceHandler(handler)
			server := httptest.NewServer(serve)
			defer server.Close()
			client := must(plinth.NewClient(server.URL, plinth.WithTimeout(cmp.Or(each.timeout, time.Minute))))(t)
			var err error
			if each.create {
				_, err = client.Identity.CreateUser(t.Context(), connect.NewRequest(&identityv1.CreateUserRequest{}))
			} else {
				_, err = client.Identity.GetUser(t.Context(), connect.NewRequest(&identityv1.GetUserRequest{}))
			}
			if (err != nil) != (each.code != 0) || (err != nil && connect.CodeOf(err) != each.code) {
				t.Errorf("got %v, want code %v", err, each.code)
			}
			if got := handler.calls.Load(); got != each.calls {
				t.Errorf("%d calls, want %d", got, each.calls)
			}
		})
	}
}
