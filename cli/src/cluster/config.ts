import { durationMs, secret, text, url } from "@plinth/kernel";

const web = { schemes: ["http", "https"] };

const account = {
  email: text("PLINTH_ADMIN_EMAIL", "address with which the first administrator signs in"),
  password: secret("PLINTH_ADMIN_PASSWORD", "the first administrator's password"),
};

/** Keys of `administrator`; the chart sets them in its Job. */
export const administratorConfig = {
  ...account,
  identityUrl: url("PLINTH_IDENTITY_URL", "identity itself, not through the gateway", web),
  authzUrl: url("PLINTH_AUTHZ_URL", "authz itself, not through the gateway", web),
  workloadTokenFile: text("PLINTH_WORKLOAD_TOKEN_FILE", "file with the workload token of an administrator", {
    default: "/var/run/secrets/plinth/workload-token",
  }),
  patienceMs: durationMs("PLINTH_ADMIN_PATIENCE", "services that are not there yet are asked again for so long", {
    default: "10m",
  }),
};

/** Keys of `verify`; the chart sets them in the pod of `helm test`. */
export const verifyConfig = {
  ...account,
  gatewayUrl: url("PLINTH_GATEWAY_URL", "the gateway, as callers reach it", web),
};
