// Package plinth is the client for Plinth: sign-in, users, permissions, the audit log, and your own services behind the same
// gateway.
//
//	client, err := plinth.NewClient("https://api.example.com")
//	err = client.SignIn(ctx, "ann@example.com", "...")
//	user, err := client.Identity.GetUser(ctx, connect.NewRequest(&identityv1.GetUserRequest{Id: id}))
//	if plinth.IsFault(err, "USER_NOT_FOUND") { ... }
//
// Calls are Connect, over HTTP/2 or HTTP/1.1, whichever passes. A Client may be used by many goroutines.
package plinth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"plinth.dev/go/gen/plinth/audit/v1/auditv1connect"
	authv1 "plinth.dev/go/gen/plinth/auth/v1"
	"plinth.dev/go/gen/plinth/auth/v1/authv1connect"
	"plinth.dev/go/gen/plinth/authz/v1/authzv1connect"
	"plinth.dev/go/gen/plinth/identity/v1/identityv1connect"
)

const defaultTimeout = 10 * time.Second

// Client has a typed client for each of the platform's services, with one session.
type Client struct {
	Auth     authv1connect.AuthServiceClient
	Identity identityv1connect.IdentityServiceClient
	Authz    authzv1connect.AuthzServiceClient
	Audit    auditv1connect.AuditServiceClient
	AuditLog auditv1connect.LogServiceClient

	// What clients of your own services are made with, for the same session:
	// notesv1connect.NewNotesServiceClient(client.HTTP, client.URL, client.Options...).
	HTTP    connect.HTTPClient
	URL     string
	Options []connect.ClientOption

	anonymous authv1connect.AuthServiceClient
	tokens    *tokens
	service   bool
}

// Option changes how a Client is made.
type Option func(*settings)

type settings struct {
	http                   connect.HTTPClient
	timeout                time.Duration
	clientID, clientSecret string
	now                    func() time.Time
}

// WithCredentials makes calls as a service account instead of as a user.
func WithCredentials(clientID, clientSecret string) Option {
	return func(s *settings) { s.clientID, s.clientSecret = clientID, clientSecret }
}

// WithTimeout is the deadline of calls whose context has none, retries included. Default 10 s; streams have none.
func WithTimeout(timeout time.Duration) Option { return func(s *settings) { s.timeout = timeout } }

// WithHTTPClient sends requests with a client of your own: proxies, certificates, instrumentation.
func WithHTTPClient(client connect.HTTPClient) Option { return func(s *settings) { s.http = client } }

// WithNow is for tests: what time it is when tokens are looked at.
func WithNow(now func() time.Time) Option { return func(s *settings) { s.now = now } }

// NewClient makes a client of the platform whose gateway has this URL. It opens nothing until the first call.
func NewClient(gateway string, options ...Option) (*Client, error) {
	parsed, err := url.Parse(gateway)
	if err != nil || parsed.Host == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") {
		return nil, fmt.Errorf("%q: give the gateway's URL as http://HOST:PORT or https://HOST", gateway)
	}
	s := settings{http: http.DefaultClient, timeout: defaultTimeout, now: time.Now}
	for _, option := range options {
		option(&s)
	}
	client := &Client{HTTP: s.http, URL: gateway, service: s.clientID != ""}
	client.anonymous = authv1connect.NewAuthServiceClient(s.http, gateway,
		connect.WithInterceptors(&calls{timeout: s.timeout, retries: newRetries()}))
	client.tokens = &tokens{now: s.now, timeout: s.timeout, fetch: client.refresh}
	if client.service {
		client.tokens.byItself = true
		client.tokens.fetch = func(ctx context.Context, _ *held) (*authv1.TokenSet, error) {
			request := &authv1.IssueServiceTokenRequest{ClientId: s.clientID, ClientSecret: s.clientSecret}
			return message(client.anonymous.IssueServiceToken(ctx, connect.NewRequest(request)))
		}
	}
	client.Options = []connect.ClientOption{
		connect.WithInterceptors(&calls{timeout: s.timeout, retries: newRetries(), tokens: client.tokens}),
	}
	client.Auth = authv1connect.NewAuthServiceClient(s.http, gateway, client.Options...)
	client.Identity = identityv1connect.NewIdentityServiceClient(s.http, gateway, client.Options...)
	client.Authz = authzv1connect.NewAuthzServiceClient(s.http, gateway, client.Options...)
	client.Audit = auditv1connect.NewAuditServiceClient(s.http, gateway, client.Options...)
	client.AuditLog = auditv1connect.NewLogServiceClient(s.http, gateway, client.Options...)
	return client, nil
}

// SignIn begins a user's session. Its tokens go with every call and are renewed by themselves.
func (c *Client) SignIn(ctx context.Context, email, password string) error {
	if c.service {
		return errors.New("plinth: this client acts as a service: make another one for a user")
	}
	request := &authv1.LoginRequest{Email: email, Password: password}
	set, err := message(c.anonymous.Login(ctx, connect.NewRequest(request)))
	if err == nil {
		c.tokens.put(set)
	}
	return err
}

// SignOut forgets the session, then ends it at the platform. Without a session nothing happens.
func (c *Client) SignOut(ctx context.Context) error {
	last := c.tokens.drop()
	if last == nil || last.refresh == "" {
		return nil
	}
	_, err := c.anonymous.Logout(ctx, connect.NewRequest(&authv1.LogoutRequest{RefreshToken: last.refresh}))
	return err
}

func (c *Client) refresh(ctx context.Context, last *held) (*authv1.TokenSet, error) {
	return message(c.anonymous.Refresh(ctx, connect.NewRequest(&authv1.RefreshRequest{RefreshToken: last.refresh})))
}

func message[T any](response *connect.Response[T], err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return response.Msg, nil
}

// Reason of a failed call, for programs: one of docs/errors.md, or of your own services. Empty when no server said anything.
func Reason(err error) string {
	if info := detail[*errdetails.ErrorInfo](err); info != nil {
		return info.GetReason()
	}
	return ""
}

// IsFault tells whether a call failed for one of these reasons.
func IsFault(err error, reasons ...string) bool {
	reason := Reason(err)
	return reason != "" && slices.Contains(reasons, reason)
}

// RequestID finds a failed call in the platform's logs and in the audit log. Empty when no server was reached.
func RequestID(err error) string {
	if failed := asError(err); failed != nil {
		return failed.Meta().Get("X-Request-Id")
	}
	return ""
}

// RetryAfter is how long to wait before trying again; false when nothing was said about it.
func RetryAfter(err error) (time.Duration, bool) {
	if info := detail[*errdetails.RetryInfo](err); info != nil {
		return info.GetRetryDelay().AsDuration(), true
	}
	return 0, false
}

// detail finds the first detail of a type; nil when there is none.
func detail[T any](err error) (found T) {
	failed := asError(err)
	if failed == nil {
		return found
	}
	for _, each := range failed.Details() {
		if value, err := each.Value(); err == nil {
			if typed, ok := any(value).(T); ok {
				return typed
			}
		}
	}
	return found
}

func asError(err error) *connect.Error {
	var failed *connect.Error
	errors.As(err, &failed)
	return failed
}
