export { createAuthzAuthorizer } from "./authz-authorizer.ts";
export { type Clients, type ClientsOptions, createClients, forward } from "./clients.ts";
