export { createAuthzAuthorizer } from "./authz-authorizer.ts";
export { type ClientOptions, type Clients, type ClientsOptions, createClients, forward } from "./clients.ts";
export { createEndpointChannel, type EndpointChannel } from "./endpoint-channel.ts";
