package plinth_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"

	"plinth.dev/go"
	auditv1 "plinth.dev/go/gen/plinth/audit/v1"
	authv1 "plinth.dev/go/gen/plinth/auth/v1"
	authzv1 "plinth.dev/go/gen/plinth/authz/v1"
	identityv1 "plinth.dev/go/gen/plinth/identity/v1"
)

// Against a running platform, whose gateway and administrator GATEWAY_URL, ADMIN_EMAIL and ADMIN_PASSWORD name.
func TestClientOfARunningPlatform(t *testing.T) {
	url := os.Getenv("GATEWAY_URL")
	if url == "" {
		t.Skip("GATEWAY_URL names no platform: see docs/clients.md")
	}
	ctx := context.Background()
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	wire := &wire{}
	client := must(plinth.NewClient(url, plinth.WithNow(now), plinth.WithHTTPClient(wire)))(t)

	_, err := client.Identity.ListUsers(ctx, connect.NewRequest(&identityv1.ListUsersRequest{}))
	wantCode(t, err, connect.CodeUnauthenticated)
	if err := client.SignIn(ctx, os.Getenv("ADMIN_EMAIL"), "wrong"); !plinth.IsFault(err, "INVALID_CREDENTIALS") {
		t.Fatalf("a wrong password: %v", err)
	}
	if err := client.SignIn(ctx, os.Getenv("ADMIN_EMAIL"), os.Getenv("ADMIN_PASSWORD")); err != nil {
		t.Fatal(err)
	}

	email := fmt.Sprintf("go-%d@test.example", time.Now().UnixNano())
	created := must(client.Identity.CreateUser(ctx, connect.NewRequest(&identityv1.CreateUserRequest{Email: email})))(t)
	id := created.Msg.GetId()
	check := must(client.Authz.Check(ctx, connect.NewRequest(&authzv1.CheckRequest{
		Object: "platform:plinth", Relation: "can_manage_users", Subject: "user:" + id,
	})))(t)
	if check.Msg.GetAllowed() {
		t.Error("a new user may manage users")
	}
	stream := must(client.AuditLog.ExportEntries(ctx, connect.NewRequest(&auditv1.ExportEntriesRequest{
		Format: auditv1.ExportFormat_EXPORT_FORMAT_JSON_LINES,
	})))(t)
	if !stream.Receive() || len(stream.Msg().GetLines()) == 0 {
		t.Errorf("nothing was exported: %v", stream.Err())
	}
	_ = stream.Close()

	get := func(id string) error {
		_, err := client.Identity.GetUser(ctx, connect.NewRequest(&identityv1.GetUserRequest{Id: id}))
		return err
	}
	err = get("00000000-0000-7000-8000-000000000000")
	wantCode(t, err, connect.CodeNotFound)
	if !plinth.IsFault(err, "USER_NOT_FOUND") || plinth.RequestID(err) == "" {
		t.Errorf("an unknown user: reason %q, request %q", plinth.Reason(err), plinth.RequestID(err))
	}

	atOnce := func(what string) {
		t.Helper()
		before := wire.refreshes.Load()
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() {
				if err := get(id); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			})
		}
		group.Wait()
		if made := wire.refreshes.Load() - before; made != 1 {
			t.Errorf("%s: %d renewals for ten calls at once, want 1", what, made)
		}
	}
	ahead.Add(int64(290 * time.Second))
	atOnce("a token that is about to be over")
	wire.spoiled.Store(wire.last.Load())
	atOnce("a token that is refused")

	credential := must(client.Auth.CreateServiceCredential(ctx, connect.NewRequest(&authv1.CreateServiceCredentialRequest{
		ServiceName: "go-robot",
	})))(t).Msg
	robot := must(plinth.NewClient(url, plinth.WithCredentials(credential.GetCredential().GetClientId(), credential.GetClientSecret())))(t)
	_, err = robot.Identity.DeleteUser(ctx, connect.NewRequest(&identityv1.DeleteUserRequest{Id: id}))
	if !plinth.IsFault(err, "PERMISSION_DENIED") {
		t.Errorf("a service without rights: %v", err)
	}

	if err := client.SignOut(ctx); err != nil {
		t.Fatal(err)
	}
	wantCode(t, get(id), connect.CodeUnauthenticated)
}

// wire counts renewals, and can have one access token refused.
type wire struct {
	refreshes atomic.Int32
	last      atomic.Value
	spoiled   atomic.Value
}

func (w *wire) Do(request *http.Request) (*http.Response, error) {
	if strings.HasSuffix(request.URL.Path, "/Refresh") {
		w.refreshes.Add(1)
	}
	if token := request.Header.Get("Authorization"); token != "" {
		w.last.Store(token)
		if token == w.spoiled.Load() {
			request.Header.Set("Authorization", "Bearer spoiled")
		}
	}
	return http.DefaultClient.Do(request)
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func wantCode(t *testing.T, err error, want connect.Code) {
	t.Helper()
	if got := connect.CodeOf(err); got != want {
		t.Fatalf("got %v (%v), want %v", got, err, want)
	}
}
